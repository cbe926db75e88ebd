"""The network of a VM: QEMU's user network, without a way to this computer itself.

QEMU's user network (libslirp) leads 10.0.2.2 to this computer's loopback addresses, and connects to any other address
as this computer would: to its own services, and to the metadata service of the cloud it runs in. QEMU has no switch for
that but `restrict=on`, which shuts off everything. So the frames of a guest pass a socket with a filter: QEMU connects
the network card to one end of a socket pair and the user network to the other one, and the kernel drops what the guest
sends to a forbidden address. That needs no rights, no other process and no package, and works in containers.
"""

import ctypes
import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from generator.errors import ImagegenError

HINT = "`host_access = true` in imagegen.toml, or IMAGEGEN_HOST_ACCESS=true, gives VMs a network without this filter"
LOCAL_ADDRESSES = Path("/proc/net/fib_trie")
# libslirp's defaults: what the guest sees of the user network.
NETWORK = IPv4Network("10.0.2.0/24")
GATEWAY, NAME_SERVER, BROADCAST = IPv4Address("10.0.2.2"), IPv4Address("10.0.2.3"), IPv4Address("255.255.255.255")
FORBIDDEN = (
    IPv4Network("0.0.0.0/8"),  # connect(2) takes 0.0.0.0 for this computer
    IPv4Network("127.0.0.0/8"),
    IPv4Network("169.254.0.0/16"),  # metadata services: Azure, AWS, Google Cloud; and whatever else is on the link
    IPv4Network("168.63.129.16/32"),  # Azure's host
    IPv4Network("100.100.100.200/32"),  # Alibaba Cloud's metadata service
    IPv4Network("192.0.0.192/32"),  # Oracle Cloud's metadata service (classic)
    IPv4Network("224.0.0.0/3"),  # multicast, which reaches services on the link
)
# Operations of a classic BPF program (linux/filter.h, linux/bpf_common.h).
LOAD_WORD, LOAD_HALF, LOAD_BYTE, LOAD_HALF_X, LOAD_BYTE_X = 0x20, 0x28, 0x30, 0x48, 0x50
HEADER_TO_X, AND, JUMP_IF_EQUAL, JUMP_IF_ANY, RETURN = 0xB1, 0x54, 0x15, 0x45, 0x06
SO_ATTACH_FILTER, SO_LOCK_FILTER = 26, 44  # asm-generic/socket.h
# Where an Ethernet frame has what is looked at; those with _X after the IP header, whose length is in the register X.
ETHERTYPE, IP_HEADER, FRAGMENT, PROTOCOL, DESTINATION = 12, 14, 20, 23, 30
PORT_X, TCP_FLAGS_X = 14 + 2, 14 + 13
ARP, IPV4 = 0x0806, 0x0800
ICMP, TCP, UDP = 1, 6, 17
SYN, SYN_OR_ACK = 0x02, 0x12
DHCP, DNS = 67, 53

Rule = tuple[int, int, str, str]  # operation, operand, label if true, label if false


@dataclass(frozen=True)
class Filtered:
    """The two ends of a filtered connection, as file descriptors: the guest's, and the user network's."""

    guest: int
    outside: int


@contextmanager
def filtered() -> Iterator[Filtered]:
    """Make a connection for the frames of a guest that drops what may not pass; both ends are closed afterwards.

    Raises ImagegenError where the kernel takes no filter: no VM starts without it unawares.
    """
    guest, outside = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with guest, outside:
        try:
            _attach(outside, program((*FORBIDDEN, *map(IPv4Network, local_addresses()))))
        except OSError as error:
            raise ImagegenError(f"the VM's network cannot be filtered: {error.strerror}", HINT) from error
        yield Filtered(guest.fileno(), outside.fileno())


def local_addresses() -> list[IPv4Address]:
    """This computer's own IPv4 addresses, as its kernel routes them. Raises OSError."""
    found, address = set(), ""
    for line in LOCAL_ADDRESSES.read_text("ascii").splitlines():
        words = line.split()
        if words[0] == "|--":
            address = words[1]
        elif words == ["/32", "host", "LOCAL"]:
            found.add(IPv4Address(address))
    return sorted(found)


def program(forbidden: Iterable[IPv4Network]) -> bytes:
    """The filter as a classic BPF program over Ethernet frames that a guest sends.

    What passes: ARP; IPv4 to any address but the forbidden ones. Of the user network's own addresses only its services:
    DHCP, DNS, ping, and answers on connections that began outside, which is how SSH gets in.
    """
    rules: list[Rule | str] = [
        (LOAD_HALF, ETHERTYPE, "", ""),
        (JUMP_IF_EQUAL, ARP, "pass", ""),
        (JUMP_IF_EQUAL, IPV4, "", "drop"),
        (LOAD_WORD, DESTINATION, "", ""),
        (JUMP_IF_EQUAL, int(BROADCAST), "services", ""),
        (AND, int(NETWORK.netmask), "", ""),
        (JUMP_IF_EQUAL, int(NETWORK.network_address), "services", "others"),
        "services",
        (LOAD_HALF, FRAGMENT, "", ""),
        (JUMP_IF_ANY, 0x3FFF, "drop", ""),  # of a fragment not all is seen
        (HEADER_TO_X, IP_HEADER, "", ""),
        (LOAD_WORD, DESTINATION, "", ""),
        (JUMP_IF_EQUAL, int(NAME_SERVER), "dns", ""),
        (JUMP_IF_EQUAL, int(BROADCAST), "dhcp", ""),
        (JUMP_IF_EQUAL, int(GATEWAY), "", "drop"),
        (LOAD_BYTE, PROTOCOL, "", ""),
        (JUMP_IF_EQUAL, ICMP, "pass", ""),  # libslirp answers it
        (JUMP_IF_EQUAL, TCP, "", "dhcp"),
        (LOAD_BYTE_X, TCP_FLAGS_X, "", ""),
        (AND, SYN_OR_ACK, "", ""),
        (JUMP_IF_EQUAL, SYN, "drop", "pass"),  # libslirp connects for nothing else
        "dhcp",
        (LOAD_BYTE, PROTOCOL, "", ""),
        (JUMP_IF_EQUAL, UDP, "", "drop"),
        (LOAD_HALF_X, PORT_X, "", ""),
        (JUMP_IF_EQUAL, DHCP, "pass", "drop"),
        "dns",
        (LOAD_BYTE, PROTOCOL, "", ""),
        (JUMP_IF_EQUAL, ICMP, "pass", ""),
        (JUMP_IF_EQUAL, UDP, "port", ""),
        (JUMP_IF_EQUAL, TCP, "port", "drop"),
        "port",
        (LOAD_HALF_X, PORT_X, "", ""),
        (JUMP_IF_EQUAL, DNS, "pass", "drop"),
        "pass",
        (RETURN, 0x40000, "", ""),
        "drop",
        (RETURN, 0, "", ""),
        "others",
    ]
    for one in forbidden:  # each with its own end: a jump reaches 255 operations
        rules += [
            (LOAD_WORD, DESTINATION, "", ""),
            (AND, int(one.netmask), "", ""),
            (JUMP_IF_EQUAL, int(one.network_address), "", f"not {one}"),
            (RETURN, 0, "", ""),
            f"not {one}",
        ]
    return _assembled([*rules, (RETURN, 0x40000, "", "")])


def _assembled(rules: list[Rule | str]) -> bytes:
    """Operations as the kernel takes them (struct sock_filter); a text among them is a label for the next one."""
    places: dict[str, int] = {}
    operations: list[Rule] = []
    for rule in rules:
        if isinstance(rule, str):
            places[rule] = len(operations)
        else:
            operations.append(rule)
    return b"".join(
        struct.pack("=HBBI", code, *(places[label] - at - 1 if label else 0 for label in labels), operand)
        for at, (code, operand, *labels) in enumerate(operations)
    )


def _attach(end: socket.socket, operations: bytes) -> None:
    """Filter what arrives at a socket, for good (socket(7))."""
    memory = ctypes.create_string_buffer(operations)
    length = len(operations) // struct.calcsize("=HBBI")
    end.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", length, ctypes.addressof(memory)))
    end.setsockopt(socket.SOL_SOCKET, SO_LOCK_FILTER, 1)

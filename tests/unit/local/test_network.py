"""The filter in a VM's network, in the kernel that has it: what a guest may send, and what it may not."""

import socket
import struct
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from generator.errors import ImagegenError
from generator.local import network

ICMP, TCP, UDP = network.ICMP, network.TCP, network.UDP
SYN, SYN_ACK, ACK, PUSH_ACK, FIN_ACK = 0x02, 0x12, 0x10, 0x18, 0x11
HOST, DNS = "10.0.2.2", "10.0.2.3"
Passes = Callable[..., bool]


@pytest.fixture
def passes() -> Iterator[Passes]:
    """Send a frame as a guest; whether it arrives at the user network."""
    with network.filtered() as ends:
        guest = socket.socket(fileno=socket.dup(ends.guest))
        outside = socket.socket(fileno=socket.dup(ends.outside))
        with guest, outside:
            outside.setblocking(False)

            def send(*arguments: object, **fields: object) -> bool:
                sent = _frame(*arguments, **fields)  # type: ignore[arg-type]
                guest.send(sent)
                try:
                    return outside.recv(2000) == sent
                except BlockingIOError:
                    return False

            yield send


def _frame(
    to: str, protocol: int = TCP, port: int = 80, flags: int = SYN, *, fragment: int = 0, options: bytes = b"",
    ethertype: int = 0x0800, source_port: int = 22,
) -> bytes:  # fmt: skip
    """An Ethernet frame with an IPv4 packet of 10.0.2.15."""
    length = 5 + len(options) // 4
    address = IPv4Address(to).packed
    ip = struct.pack(
        "!BBHHHBBH4s4s", 0x40 | length, 0, 40 + len(options), 0, fragment, 64, protocol, 0,
        IPv4Address("10.0.2.15").packed, address,
    )  # fmt: skip
    segment = struct.pack("!HHIIBBHHH", source_port, port, 0, 0, 0x50, flags, 0, 0, 0)
    return b"\0" * 12 + struct.pack("!H", ethertype) + ip + options + segment


@pytest.mark.parametrize("protocol", [TCP, UDP, ICMP])
@pytest.mark.parametrize(
    "to",
    [
        "127.0.0.1", "127.0.0.53", "127.255.255.255", "0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.170.2",  # noqa: S104 - not bound
        "168.63.129.16", "100.100.100.200", "192.0.0.192", "224.0.0.251", "239.255.255.250", "240.0.0.1", "10.0.2.4",
        "10.0.2.255", "10.0.2.0",
    ],
)  # fmt: skip
def test_this_computer_and_metadata_services_are_out_of_reach(passes: Passes, to: str, protocol: int) -> None:
    assert not passes(to, protocol)
    assert not passes(to, protocol, 53)
    assert not passes(to, protocol, flags=ACK)


def test_no_address_of_this_computer_is_in_reach(passes: Passes) -> None:
    """Those of its network cards neither: what listens on all addresses listens there too."""
    own = network.local_addresses()
    assert IPv4Address("127.0.0.1") in own
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.99", 9))  # sends nothing
        assert IPv4Address(probe.getsockname()[0]) in own
    for address in own:
        assert not passes(str(address))
        assert not passes(str(address), UDP)


@pytest.mark.parametrize(
    "to", ["1.1.1.1", "10.0.3.2", "10.1.2.3", "100.100.100.201", "128.0.0.1", "172.16.0.1", "223.255.255.254"]
)
@pytest.mark.parametrize("protocol", [TCP, UDP, ICMP])
def test_everything_else_is_in_reach(passes: Passes, to: str, protocol: int) -> None:
    assert passes(to, protocol)
    assert passes(to, protocol, 443, fragment=0x2000)


def test_of_the_user_network_its_services_are_in_reach(passes: Passes) -> None:
    assert passes(DNS, UDP, 53)
    assert passes(DNS, TCP, 53)
    assert passes(DNS, UDP, 53, options=b"\1" * 8)
    assert passes(HOST, UDP, 67)
    assert passes("255.255.255.255", UDP, 67)
    assert passes(HOST, ICMP)
    assert passes(HOST, ethertype=0x0806)  # ARP


def test_of_the_user_network_nothing_else_is_in_reach(passes: Passes) -> None:
    assert not passes(DNS, TCP, 22)
    assert not passes(DNS, UDP, 54)
    assert not passes(DNS, TCP, 22, options=b"\0\0\0\x35")  # where the port would be without options
    assert not passes(HOST, UDP, 69)
    assert not passes(HOST, UDP, 53)
    assert not passes("255.255.255.255", UDP, 5353)
    assert not passes("255.255.255.255", TCP, 80)
    assert not passes("1.1.1.1", ethertype=0x86DD)  # IPv6
    assert not passes("1.1.1.1", ethertype=0x8100)  # a VLAN's tag before it


@pytest.mark.parametrize("flags", [SYN, SYN | 0x08, SYN | 0x20, SYN | 0xC0, SYN | 0x01])
def test_a_guest_begins_no_connection_to_the_host_from_its_ssh_port(passes: Passes, flags: int) -> None:
    assert not passes(HOST, TCP, 80, flags)
    assert not passes(HOST, TCP, 80, flags, options=b"\1" * 40)
    assert not passes(HOST, TCP, 80, flags, source_port=40000)


@pytest.mark.parametrize("flags", [SYN_ACK, ACK, PUSH_ACK, FIN_ACK, 0x04, 0x14])
def test_a_guest_answers_connections_that_the_host_began(passes: Passes, flags: int) -> None:
    assert passes(HOST, TCP, 45678, flags)
    assert not passes(HOST, TCP, 45678, flags, fragment=0x2000)  # the rest may change the flags
    assert not passes(HOST, TCP, 45678, flags, fragment=0x0001)


def test_a_frame_that_is_too_short_does_not_pass() -> None:
    with network.filtered() as ends, socket.socket(fileno=socket.dup(ends.guest)) as guest:
        for length in range(34):
            guest.send(b"\0" * 12 + b"\x08\x00" + b"\x45" * 19 if length == 33 else b"\0" * length)
        with socket.socket(fileno=socket.dup(ends.outside)) as outside:
            outside.setblocking(False)
            with pytest.raises(BlockingIOError):
                outside.recv(2000)


def test_no_vm_starts_without_its_filter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(network, "LOCAL_ADDRESSES", tmp_path / "none")
    with pytest.raises(ImagegenError, match="the VM's network cannot be filtered") as refused, network.filtered():
        pass
    assert "host_access = true" in (refused.value.hint or "")

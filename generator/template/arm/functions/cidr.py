"""Functions of address ranges. Source: docs, «CIDR functions for ARM templates»."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from generator.template.arm.bounds import ExpressionError
from generator.template.arm.functions.signature import Table, define

CIDR: Table = {}
Network = IPv4Network | IPv6Network


@define(CIDR, "parseCidr(network: string)")
def parse_cidr(network: str) -> dict[str, Any]:
    """The parts of an address range."""
    parsed = _network(network)
    first, last = parsed.network_address, parsed.broadcast_address
    parts: dict[str, Any] = {"network": str(first), "netmask": str(parsed.netmask)}
    if isinstance(parsed, IPv4Network):
        parts["broadcast"] = str(last)
        if parsed.prefixlen < 31:  # the first and the last address are no hosts
            first, last = first + 1, last - 1
    return parts | {"firstUsable": str(first), "lastUsable": str(last), "cidr": parsed.prefixlen}


@define(CIDR, "cidrSubnet(network: string, newCidr: int, index: int)")
def cidr_subnet(network: str, prefix: int, index: int) -> str:
    """One of the ranges that a range splits into."""
    parsed = _network(network)
    if not parsed.prefixlen <= prefix <= parsed.max_prefixlen:
        raise ExpressionError(f"the new prefix lies between {parsed.prefixlen} and {parsed.max_prefixlen}")
    if not 0 <= index < 2 ** (prefix - parsed.prefixlen):
        raise ExpressionError(f"the range has no subnet {index} of /{prefix}")
    start = parsed.network_address + index * 2 ** (parsed.max_prefixlen - prefix)
    return f"{start}/{prefix}"


@define(CIDR, "cidrHost(network: string, index: int)")
def cidr_host(network: str, index: int) -> str:
    """The address of a host in a range; the first is 0."""
    parsed = _network(network)
    usable = parsed.num_addresses - (2 if isinstance(parsed, IPv4Network) else 1)
    if not 0 <= index < usable:
        raise ExpressionError(f"the range has no host {index}")
    return str(parsed.network_address + index + 1)


def _network(text: str) -> Network:
    try:
        if "/" not in text:
            raise ValueError(text)
        return ip_network(text[:64], strict=False)
    except ValueError:
        raise ExpressionError("the text is not an address range", "such as 10.0.0.0/16") from None

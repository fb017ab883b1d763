"""Whose request it is: its address, behind proxies as far as they are trusted."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

Address = IPv4Address | IPv6Address

# Where somebody has a whole network of addresses to himself, it counts as one.
IPV6_NETWORK = 64
NOWHERE = "0.0.0.0"  # noqa: S104  compared with, not bound to


class TrustedProxyMiddleware:
    """Drops what a stranger says of how a request came: only a trusted proxy knows that it came by HTTPS."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not comes_from_a_trusted_proxy(request):
            request.META.pop("HTTP_X_FORWARDED_PROTO", None)
        return self.get_response(request)


def comes_from_a_trusted_proxy(request: HttpRequest) -> bool:
    peer = _read(request.META.get("REMOTE_ADDR") or "")
    if peer is None:
        # A socket in the file system: whoever may open it is on this machine.
        return bool(settings.TRUSTED_PROXIES)
    return _is_trusted(peer)


def client_address(request: HttpRequest) -> str:
    """The last address that is no trusted proxy's; what stands before it anyone could have written.

    "0.0.0.0" where there is none.
    """
    known = _read(request.META.get("REMOTE_ADDR") or "")
    if comes_from_a_trusted_proxy(request):
        for hop in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
            address = _read(hop)
            if address is None:
                break
            known = address
            if not _is_trusted(address):
                break
    return str(known) if known is not None else NOWHERE


def counted_address(request: HttpRequest) -> str:
    """What limits go by: an IPv4 address, or the first of an IPv6 network."""
    address = client_address(request)
    if ":" not in address:
        return address
    return str(ip_network(f"{address.partition('%')[0]}/{IPV6_NETWORK}", strict=False).network_address)


def _is_trusted(address: Address) -> bool:
    return any(address in network for network in settings.TRUSTED_PROXIES)


def _read(hop: str) -> Address | None:
    """An address, with a port or without; IPv4 written as IPv6 is IPv4."""
    text = hop.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address

"""Where the site answers: HOST and PORT, what they mean on this machine, and whether they are free."""

import errno
import fcntl
import ipaddress
import socket
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"]
_EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104  compared with, not bound to
_SIOCGIFADDR = 0x8915


class AddressRefused(Exception):
    """HOST or PORT can't be used, with the mend."""


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int
    is_loopback: bool

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """HOST (127.0.0.1) and PORT (8000). AddressRefused if they name no place on this machine."""
        host = environment.get("HOST") or "127.0.0.1"
        host = host.strip().removeprefix("[").removesuffix("]")
        text = environment.get("PORT") or "8000"
        if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
            raise AddressRefused(f"PORT is {text!r}. Choose a number from 1 to 65535: make run PORT=8001")
        try:
            found = socket.getaddrinfo(host, int(text), _family(host), socket.SOCK_STREAM)
        except OSError:
            raise AddressRefused(
                f"HOST is {host!r}, a name that this machine does not know. Leave it out, or use an address."
            ) from None
        return cls(host, int(text), all(ipaddress.ip_address(f[4][0]).is_loopback for f in found))

    @property
    def bind(self) -> str:
        return f"{_bracketed(self.host)}:{self.port}"

    @property
    def reachable_at(self) -> tuple[str, int]:
        """Where this machine itself finds the site."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host), self.port  # noqa: S104

    def names(self) -> list[str]:
        """The hosts by which a browser may ask for the site; never a wildcard."""
        if self.is_loopback:
            return [*LOOPBACK_NAMES, _bracketed(self.host)]
        hostname = socket.gethostname()
        names = [hostname, f"{hostname}.local"]
        if self.host not in _EVERYWHERE:
            return [_bracketed(self.host), *names]
        return [*names, *machine_addresses(), *LOOPBACK_NAMES]

    def urls(self) -> list[str]:
        if self.host not in _EVERYWHERE:
            return [f"http://{self.bind}/"]
        there = machine_addresses() or ["localhost"]
        return [f"http://{name}:{self.port}/" for name in there]

    def refuse_if_taken(self) -> None:
        """AddressRefused, with the mend, if the server could not listen there."""
        family, kind, protocol, _name, place = socket.getaddrinfo(
            self.host, self.port, _family(self.host), socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(place)
                # Two sockets may be bound with SO_REUSEADDR while none of them listens.
                probe.listen(1)
            except OSError as error:
                raise AddressRefused(self._mend(error)) from None

    def _mend(self, error: OSError) -> str:
        if error.errno == errno.EADDRINUSE:
            return f"Port {self.port} is in use. Choose another: make run PORT={self.port % 65535 + 1}"
        if error.errno == errno.EADDRNOTAVAIL:
            return f"HOST is {self.host}, which is no address of this machine."
        if error.errno == errno.EACCES:
            return f"Port {self.port} is reserved. Choose one above 1023: make run PORT=8000"
        return f"The site can't listen at {self.bind}: {error.strerror}."


def _family(host: str) -> socket.AddressFamily:
    # As the web server does: a name is looked up as IPv4.
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def machine_addresses() -> list[str]:
    """This machine's addresses in its networks (IPv4), without loopback."""
    return list(dict.fromkeys(a for a in _found_addresses() if not ipaddress.ip_address(a).is_loopback))


def _found_addresses() -> Iterator[str]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _index, interface in socket.if_nameindex():
            try:
                # Linux's way; elsewhere the machine's own name has to do.
                answer = fcntl.ioctl(probe, _SIOCGIFADDR, struct.pack("256s", interface.encode()[:15]))
            except OSError:
                continue
            yield socket.inet_ntoa(answer[20:24])
    try:
        found = socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
    except OSError:
        return
    yield from (str(entry[4][0]) for entry in found)

"""Which addresses users' URLs may lead to: the public internet, and what the operator of this server allows.

A URL is looked at when it is saved, so that its owner hears of it, and the address is looked at again when it is
connected to, whatever the name resolves to by then. Redirects are never followed by those who use this.
"""

import ipaddress
import socket
import threading
import unicodedata
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from app.core.settings import get_settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
AddressInfo = tuple[int, int, int, str, tuple[str | int, ...]]
"""What `getaddrinfo` answers: family, type, protocol, canonical name, and the address with its port."""

_PORTS = {"http": 80, "https": 443}
_RESOLVE_S = 2.0
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NOT_PUBLIC = (
    ipaddress.IPv4Network("192.0.0.0/24"),
    ipaddress.IPv4Network("192.88.99.0/24"),
    ipaddress.IPv6Network("2001::/23"),
    ipaddress.IPv6Network("3fff::/20"),
)
"""Of IANA's registries of special addresses, what Python's own list lacks in one of its versions."""
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")


class RefusedAddress(OSError):
    """A URL leads to where it must not; the message says how the operator can allow it."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the operator allows beside the public internet (`WHETSTONE_PRIVATE_HOSTS`)."""

    hosts: frozenset[tuple[str, int | None]]
    """Names and addresses as they stand in URLs; a port of None is any."""
    networks: tuple[Network, ...]

    @classmethod
    def parse(cls, text: str) -> "Allowed":
        """Read a list of `host`, `host:port` and `network/bits`, separated by commas or blanks.

        Raises:
            ValueError: an entry is none of these.
        """
        hosts, networks = set(), []
        for entry in text.replace(",", " ").split():
            if "/" in entry:
                networks.append(ipaddress.ip_network(entry, strict=False))
                continue
            bare_v6 = entry.count(":") > 1 and not entry.startswith("[")
            parts = urllib.parse.urlsplit(f"//[{entry}]" if bare_v6 else f"//{entry}")
            if not parts.hostname:
                raise ValueError(f"`{entry}` is no host")
            hosts.add((parts.hostname, parts.port))
        return cls(frozenset(hosts), tuple(networks))

    def names(self, host: str, port: int) -> bool:
        """Whether the host of a URL is allowed by its name."""
        return (host, None) in self.hosts or (host, port) in self.hosts

    def holds(self, address: Address, port: int) -> bool:
        """Whether an address may be connected to."""
        return self.names(str(address), port) or any(address in network for network in self.networks)


@lru_cache
def _allowed(text: str) -> Allowed:
    return Allowed.parse(text)


def allowed() -> Allowed:
    """What this server's operator allows."""
    return _allowed(get_settings().private_hosts)


def check_url(url: str, *, query: bool = False) -> None:
    """Refuse a URL that cannot be meant for the public internet, as far as can be told now.

    A `query` is for addresses that are called as they are; to others a path is added.

    A name that does not resolve yet is let pass: it is checked again at each connection.

    Raises:
        RefusedAddress: it leads into this server's own network.
        ValueError: it is no http or https URL with a host, or it holds a user name.
    """
    parts = urllib.parse.urlsplit(url)
    if not url.isprintable() or " " in url:
        raise ValueError("The address holds no blanks.")
    if parts.scheme not in _PORTS or not parts.hostname or parts.port == 0:
        raise ValueError("The address starts with http:// or https://, and a host.")
    if parts.username is not None or parts.password is not None or "\\" in parts.netloc:
        raise ValueError("The address holds no user name.")
    if "%" in parts.hostname:
        raise ValueError("The host of an address holds no percent sign.")
    if parts.fragment or "#" in url or ("?" in url and not query):
        raise ValueError("The address holds no #." if query else "The address holds no ? and no #.")
    host, port = _plain(parts.hostname), parts.port or _PORTS[parts.scheme]
    if allowed().names(host, port):
        return
    for address in _resolve(host, port):
        _refuse(address, port)
    try:
        parts.hostname.encode("idna")
    except UnicodeError:
        raise ValueError("The host of an address is no name that could be looked up.") from None
    if _plain(parts.hostname) != parts.hostname.rstrip(".").lower():
        raise ValueError("The host of an address has characters that only look like it.")
    if _is_short(host):
        raise ValueError("Write the host of an address as a name, or as four numbers such as 192.0.2.1.")


def guarded_sockets(url: str) -> Callable[[AddressInfo], socket.socket] | None:
    """What makes the sockets of connections to `url`, and refuses addresses; None where its host is allowed by name.

    The address that is checked is the one that is connected to: a name that is resolved anew gains nothing.
    """
    parts = urllib.parse.urlsplit(url)
    if allowed().names(_plain(parts.hostname or ""), parts.port or _PORTS.get(parts.scheme, 0)):
        return None
    return _guarded


def refusal_behind(error: BaseException | None) -> RefusedAddress | None:
    """The guard's refusal below an error of a client, if that was it."""
    while error is not None:
        if isinstance(error, RefusedAddress):
            return error
        error = error.__cause__ or error.__context__
    return None


def _guarded(info: AddressInfo) -> socket.socket:
    family, kind, protocol, _, sockaddr = info
    _refuse(ipaddress.ip_address(str(sockaddr[0]).partition("%")[0]), int(sockaddr[1]))
    return socket.socket(family, kind, protocol)


def _refuse(address: Address, port: int) -> None:
    if _is_public(address) or allowed().holds(address, port):
        return
    shown = f"[{address}]" if address.version == 6 else str(address)
    raise RefusedAddress(
        f"{address} is not on the public internet. Where a model runs there, the operator of this server allows"
        f" it by WHETSTONE_PRIVATE_HOSTS={shown}:{port}"
    )


def _is_public(address: Address) -> bool:
    """Whether an address, and the IPv4 address that may be packed into it, is one of the public internet."""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast and not _is_special(address)
    if address.ipv4_mapped:
        return _is_public(address.ipv4_mapped)
    if address in _NAT64:
        return _is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    if _is_special(address) and not address.teredo:
        return False
    packed = (address.sixtofour, address.teredo[1] if address.teredo else None)
    return (
        address in _GLOBAL_UNICAST and address.is_global and all(_is_public(each) for each in packed if each)
    )


def _is_special(address: Address) -> bool:
    return any(address.version == network.version and address in network for network in _NOT_PUBLIC)


def _plain(host: str) -> str:
    """A host as resolvers see it: full-width digits and dots are digits and dots, and a last dot says nothing."""
    return unicodedata.normalize("NFKC", host).replace("。", ".").rstrip(".").lower()


def _is_short(host: str) -> bool:
    """Whether it is an IPv4 address as only resolvers read it, such as 127.1 and 2130706433: clients refuse to call it."""
    try:
        socket.inet_aton(host)
    except (OSError, UnicodeError):
        return False
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return True
    return False


def _resolve(host: str, port: int) -> list[Address]:
    """The addresses of a host, 127.1 and 0x7f000001 included; none when it does not resolve within two seconds."""
    found: list[Address] = []

    def ask() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        found.extend(ipaddress.ip_address(str(answer[4][0]).partition("%")[0]) for answer in answers)

    # getaddrinfo cannot be told how long to wait
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(_RESOLVE_S)
    return list(found)

"""Where a request comes from. Headers are believed only when a trusted proxy sent them."""

from contextvars import ContextVar
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.datastructures import Headers
from starlette.types import Scope

from app.core.settings import get_settings

_address: ContextVar[str | None] = ContextVar("client_address", default=None)


def remember(scope: Scope) -> None:
    """Find out the client's address once, for everything that this request does."""
    _address.set(address_of(scope))


def current_address() -> str | None:
    """The address that the current request comes from; None outside of requests."""
    return _address.get()


def address_of(scope: Scope) -> str:
    """The peer of the connection; behind trusted proxies the last address in `X-Forwarded-For` that is none of them.

    What stands left of that one, and the whole header when the peer is no trusted proxy, anybody can write.
    """
    peer = (scope.get("client") or ("unknown",))[0]
    trusted = _networks(get_settings().trusted_proxies)
    if not _is_in(peer, trusted):
        return str(peer)
    forwarded = ",".join(Headers(scope=scope).getlist("x-forwarded-for")).split(",")
    for address in reversed([each.strip() for each in forwarded]):
        if not _is_address(address):
            break
        peer = address
        if not _is_in(address, trusted):
            break
    return str(peer)


def network_of(address: str) -> str:
    """What one client can choose its addresses from: an IPv4 address itself, the /64 of an IPv6 address."""
    if not _is_address(address):
        return address
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(ip_network((address, 64), strict=False))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


@lru_cache
def _networks(setting: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(each.strip(), strict=False) for each in setting.split(",") if each.strip())


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_in(address: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    return bool(networks) and _is_address(address) and any(ip_address(address) in one for one in networks)

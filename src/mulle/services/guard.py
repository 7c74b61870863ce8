"""Say which places outside may be reached, and lead connections there and nowhere else.

A step's URL, a mail server's name or a webhook is text that somebody else may have written, so private places (this
machine, its network, the cloud's metadata service) are out of reach unless the owner allowed that host:port. A name is
judged by the addresses it has at this moment, and the connection is then made to the very address that was judged:
between the two nobody can point the name elsewhere. Knows nothing of HTTP or mail.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeVar

import idna

from mulle.errors import (
    AddressRefused,
    BadSetting,
    NetworkError,
    RequestUnusable,
    UnknownHost,
    UnreachableHost,
    cause_of,
)

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""From a name and a port to numeric addresses, the best first; raises OSError when there are none."""

Connected = TypeVar("Connected")

_NOT_PUBLIC: dict[IPv4Network | IPv6Network, str] = {
    # IANA's special-purpose registries, written out: what `ipaddress` calls global changed between Python versions.
    ipaddress.ip_network(network): why
    for network, why in [
        ("0.0.0.0/8", "it means this machine"),
        ("10.0.0.0/8", "it is in a private network"),
        ("100.64.0.0/10", "it is inside a provider's network"),
        ("127.0.0.0/8", "it is this machine"),
        ("168.63.129.16/32", "it is a cloud's metadata service"),
        ("169.254.0.0/16", "it is link-local, as metadata services are"),
        ("172.16.0.0/12", "it is in a private network"),
        ("192.0.0.0/24", "it is reserved"),
        ("192.0.2.0/24", "it is for documentation"),
        ("192.88.99.0/24", "it is reserved"),
        ("192.168.0.0/16", "it is in a private network"),
        ("198.18.0.0/15", "it is for measurements"),
        ("198.51.100.0/24", "it is for documentation"),
        ("203.0.113.0/24", "it is for documentation"),
        ("224.0.0.0/4", "it is multicast"),
        ("240.0.0.0/4", "it is reserved"),
        ("2001::/23", "it is reserved"),
        ("2001:db8::/32", "it is for documentation"),
        ("2002::/16", "it leads to an IPv4 address"),
        ("3fff::/20", "it is for documentation"),
    ]
}
_PUBLIC_IPV6 = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"


class Guard:
    """Decides where connections may go; one is shared by everything that reaches out."""

    def __init__(self, allow: Iterable[str] = (), *, resolve: Resolve | None = None) -> None:
        """Public places are open; `allow` opens others, as host:port (an IPv6 address in brackets).

        Raises BadSetting for an entry that names no place.
        """
        self._allow = frozenset(_allowed(entry) for entry in allow)
        self._resolve = resolve or ask_dns

    def allowing(self, *places: str) -> "Guard":
        """The same guard with more places open, such as the mail server that the owner configured."""
        return Guard(self._allow | frozenset(places), resolve=self._resolve)

    def allows(self, host: str, port: int) -> bool:
        """Whether the owner allowed exactly this place, be it public or not."""
        return place(_judged(host)[0], port) in self._allow

    async def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """The numeric addresses of `host` that may be connected to, the best first.

        Raises AddressRefused if any of them is not public and neither the name nor the address is allowed with this
        port, UnknownHost, UnreachableHost when the look-up itself fails, RequestUnusable for what is no host name.
        """
        name, literal = _judged(host)
        found = [literal] if literal else await self._look_up(name, port)
        if place(name, port) in self._allow:
            return tuple(str(address) for address in found)
        for address in found:
            why = _refusal(address)
            if why and place(str(address), port) not in self._allow:
                raise AddressRefused(place=place(name, port), why=why if literal else f"{address}: {why}")
        return tuple(str(address) for address in found)

    def check_literal(self, host: str, port: int) -> None:
        """Judge `host` without looking it up, for connections through a proxy, which looks names up itself."""
        name, literal = _judged(host)
        why = (literal and _refusal(literal)) or ("it is this machine" if re.search(r"(^|\.)localhost$", name) else "")
        if why and place(name, port) not in self._allow:
            raise AddressRefused(place=place(name, port), why=why)

    async def reach(
        self, host: str, port: int, connect: Callable[[str], Awaitable[Connected]], *, within: float
    ) -> Connected:
        """Call `connect` with one allowed address after the other until one does not raise OSError.

        `within` (seconds) is for all together, the look-up included. Raises what `addresses` raises, and
        UnreachableHost when none answered; nothing was sent then.
        """
        where = place(_judged(host)[0], port)
        clock = asyncio.get_running_loop().time
        deadline = clock() + within
        why: str = "it did not answer"
        try:
            async with asyncio.timeout_at(deadline):
                addresses = await self.addresses(host, port)
                for number, address in enumerate(addresses):
                    # One dead address (often the IPv6 one) must not eat the time of those behind it.
                    share = (deadline - clock()) / (len(addresses) - number)
                    try:
                        async with asyncio.timeout(share):
                            return await connect(address)
                    except TimeoutError:
                        why = f"it did not answer within {within:g} s"
                    except OSError as error:
                        why = _words(error)
        except TimeoutError:
            why = f"it did not answer within {within:g} s"
        raise UnreachableHost(place=where, why=why)

    async def _look_up(self, name: str, port: int) -> list[IPv4Address | IPv6Address]:
        try:
            found = [_unwrapped(ipaddress.ip_address(text)) for text in await self._resolve(name, port)]
        except socket.gaierror as error:
            if error.errno in {socket.EAI_AGAIN, socket.EAI_FAIL}:
                why = "its name cannot be looked up now"
                raise UnreachableHost(place=place(name, port), why=why) from error
            raise UnknownHost(host=name, place=place(name, port)) from error
        except (OSError, ValueError) as error:
            raise UnreachableHost(place=place(name, port), why=f"its name cannot be looked up: {error}") from error
        if not found:
            raise UnknownHost(host=name, place=place(name, port))
        return list(dict.fromkeys(found))


async def ask_dns(name: str, port: int) -> Sequence[str]:
    """The system's resolver; scoped addresses come without their zone."""
    found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]).partition("%")[0] for entry in found]


def host_name(host: str) -> str:
    """`host` as DNS knows it: lower case, Korean names in ASCII form, no brackets, no dot at the end.

    Raises RequestUnusable for what cannot be a host.
    """
    bare = host.strip().removesuffix(".")
    if bare.startswith("[") and bare.endswith("]"):
        bare = bare[1:-1]
    try:
        name = bare.lower() if bare.isascii() else idna.encode(bare, uts46=True).decode()
    except idna.IDNAError as error:
        raise RequestUnusable(f"{host!r} is no host name.") from error
    if len(name) > 253 or not re.fullmatch(rf"{_LABEL}(\.{_LABEL})*|[0-9a-f:.]*:[0-9a-f:.]*(%\w*)?", name):
        raise RequestUnusable(f"{host!r} is no host name.")
    return name


def place(host: str, port: int) -> str:
    """`host:port`, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _allowed(entry: str) -> str:
    host, _, port = entry.rpartition(":")
    try:
        return place(_judged(host)[0], int(port))
    except (ValueError, NetworkError) as error:
        why = f"{entry!r} is not host:port ({error})"
        raise BadSetting(variable="MULLE_ALLOW_HOSTS", why=why, at="MULLE_ALLOW_HOSTS") from error


def _judged(host: str) -> tuple[str, IPv4Address | IPv6Address | None]:
    """The one spelling of `host`, and the address that it is, or None for a name to look up.

    2130706433, 0x7f.1 and 017700000001 are spellings of 127.0.0.1 that some resolvers understand and nobody needs:
    they are refused rather than interpreted.
    """
    name = host_name(host)
    try:
        literal = _unwrapped(ipaddress.ip_address(name.partition("%")[0]))
    except ValueError:
        literal = None
    if literal:
        return str(literal), literal
    if ":" in name:
        raise RequestUnusable(f"{host!r} is no IPv6 address.")
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", name.rpartition(".")[2]):
        why = "it is no usual way to write an address"
        raise AddressRefused(place=name, why=why, hint="Write it as four numbers, such as 192.168.0.1.")
    return name, None


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address inside ::ffff:a.b.c.d, else `address` itself."""
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return inner or address


def _refusal(address: IPv4Address | IPv6Address) -> str:
    """Why `address` is not public; empty if it is."""
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return _refusal(IPv4Address(int(address) & 0xFFFFFFFF))
        if address.is_loopback or address.is_unspecified:
            return "it is this machine"
        if address not in _PUBLIC_IPV6:
            return "it is no public IPv6 address"
    return next((why for network, why in _NOT_PUBLIC.items() if address in network), "")


def _words(error: OSError) -> str:
    """What the system said, which libraries wrap in words of their own."""
    if cause_of(error, ConnectionRefusedError):
        return "nothing listens there"
    return error.strerror or str(error.__cause__ or error) or type(error).__name__

import asyncio
import ipaddress
import socket
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.services.site import rebinding, resolver

from mulle.errors import AddressRefused, BadSetting, NetworkError, RequestUnusable, UnknownHost, UnreachableHost
from mulle.services.guard import Guard, ask_dns, host_name

PRIVATE = [
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"),
    *("192.0.0.0/24", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32", "100.100.100.200/32"),
]
PRIVATE_V6 = ["::/128", "::1/128", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8", "2001:db8::/32", "2002::/16"]


def _spellings(address: ipaddress.IPv4Address) -> list[str]:
    """The same address as hosts in URLs have been written to fool filters."""
    number = int(address)
    a, b, c, d = address.packed
    return [
        str(address),
        f"{address}.",
        f"{number}",
        f"0x{number:x}",
        f"0{number:o}",
        f"0{a:o}.0{b:o}.0{c:o}.0{d:o}",
        f"0x{a:x}.{b}.0{c:o}.{d}",
        f"{a}.{b}.{c * 256 + d}",
        f"{a}.{(b * 256 + c) * 256 + d}",
        f"[::ffff:{address}]",
        f"[::ffff:{number >> 16:x}:{number & 0xFFFF:x}]",
        f"[0:0:0:0:0:FFFF:{number >> 16:x}:{number & 0xFFFF:x}]",
        f"[::{address}]",
        f"[64:ff9b::{address}]",
        f"[2002:{number >> 16:x}:{number & 0xFFFF:x}::1]",
        str(address).replace(".", "。"),
        "".join(chr(ord(c) - 0x30 + 0xFF10) if c.isdigit() else c for c in str(address)),
    ]


async def _refused(guard: Guard, host: str, port: int = 80) -> bool:
    try:
        await guard.addresses(host, port)
    except (AddressRefused, RequestUnusable) as error:
        return not error.sent
    return False


@given(st.sampled_from(PRIVATE).flatmap(lambda network: st.ip_addresses(network=network)))
def test_a_private_address_is_refused_in_every_spelling(address: ipaddress.IPv4Address):
    async def refused() -> list[bool]:
        # A resolver that understands every spelling, as some C libraries do.
        guard = Guard(resolve=rebinding([str(address)]))
        return [await _refused(guard, host) for host in [*_spellings(address), "innocent.example"]]

    assert all(asyncio.run(refused()))


@given(st.sampled_from(PRIVATE_V6).flatmap(lambda network: st.ip_addresses(network=network)))
def test_a_private_ipv6_address_is_refused_in_every_spelling(address: ipaddress.IPv6Address):
    async def refused() -> list[bool]:
        guard = Guard(resolve=rebinding(["93.184.216.34", str(address)]))
        hosts = [str(address), f"[{address}]", f"[{address.exploded.upper()}]", f"[{address}%eth0]", "innocent.example"]
        return [await _refused(guard, host) for host in hosts]

    assert all(asyncio.run(refused()))


@pytest.mark.parametrize("host", ["8.8.8.8", "[2606:4700:4700::1111]", "[::ffff:8.8.8.8]", "223.130.200.107"])
async def test_a_public_address_is_open(host: str):
    assert await Guard().addresses(host, 443)


async def test_a_korean_name_is_looked_up_in_its_ascii_form():
    asked: list[str] = []

    async def resolve(name: str, _port: int) -> list[str]:
        asked.append(name)
        return ["223.130.200.107"]

    assert await Guard(resolve=resolve).addresses("한글.한국", 80) == ("223.130.200.107",)
    assert asked == [host_name("한글.한국")] == ["xn--bj0bj06e.xn--3e0b707e"]


@pytest.mark.parametrize(
    ("allow", "host", "port", "opened"),
    [
        ("127.0.0.1:80", "127.0.0.1", 80, True),
        ("127.0.0.1:80", "127.0.0.1", 81, False),
        ("127.0.0.1:80", "127.0.0.2", 80, False),
        ("127.0.0.1:80", "intern.example", 80, True),
        ("intern.example:80", "intern.example", 80, True),
        ("INTERN.example.:80", "Intern.Example", 80, True),
        ("intern.example:80", "intern.example", 443, False),
        ("intern.example:80", "127.0.0.1", 80, False),
        ("[::1]:80", "[::1]", 80, True),
        ("[::FFFF:127.0.0.1]:80", "127.0.0.1", 80, True),
        ("127.0.0.1:80", "[::ffff:127.0.0.1]", 80, True),
        ("127.0.0.1:80", "2130706433", 80, False),
    ],
)
async def test_the_owner_opens_one_host_with_one_port(allow: str, host: str, port: int, opened: bool):
    guard = Guard([allow], resolve=resolver({"intern.example": ["127.0.0.1"]}))

    assert await _refused(guard, host, port) is not opened


@pytest.mark.parametrize("entry", ["localhost", "localhost:web", ":80", "2130706433:80", "a b:80", "::1:80:x", ""])
def test_an_entry_that_names_no_place_is_an_error_of_the_setting(entry: str):
    with pytest.raises(BadSetting, match="MULLE_ALLOW_HOSTS"):
        Guard([entry])


async def test_a_name_with_one_private_address_is_refused():
    guard = Guard(resolve=resolver({"mixed.example": ["93.184.216.34", "10.0.0.1"]}))

    with pytest.raises(AddressRefused, match=r"mixed\.example:80 .* 10\.0\.0\.1"):
        await guard.addresses("mixed.example", 80)


async def test_the_error_tells_the_owner_how_to_allow():
    with pytest.raises(AddressRefused) as caught:
        await Guard().addresses("::1", 8080)

    assert "MULLE_ALLOW_HOSTS=[::1]:8080" in caught.value.advice


@pytest.mark.parametrize(
    "host", ["", " ", "a b", "a/b", "a@b", "-a", "a..b", "a" * 64, "a:b", "[::1", "가" * 300, "a\0"]
)
async def test_what_is_no_host_is_said_to_be_none(host: str):
    with pytest.raises(RequestUnusable):
        await Guard(resolve=rebinding(["93.184.216.34"])).addresses(host, 80)


async def test_a_name_without_addresses_is_unknown():
    with pytest.raises(UnknownHost, match="nobody"):
        await Guard(resolve=resolver({})).addresses("nobody.example", 80)


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (socket.gaierror(socket.EAI_NONAME, "no such name"), UnknownHost),
        (socket.gaierror(socket.EAI_AGAIN, "later"), UnreachableHost),
        (OSError("no network"), UnreachableHost),
        (UnicodeError("label too long"), UnreachableHost),
    ],
)
async def test_a_failing_lookup_is_told_apart_from_an_unknown_name(failure: Exception, error: type[NetworkError]):
    async def resolve(_name: str, _port: int) -> Sequence[str]:
        raise failure

    with pytest.raises(error) as caught:
        await Guard(resolve=resolve).addresses("a.example", 80)
    assert type(caught.value) is error
    assert not caught.value.sent


async def test_a_connection_goes_to_the_address_that_was_judged():
    guard = Guard(resolve=rebinding(["93.184.216.34"], ["127.0.0.1"]))
    tried: list[str] = []

    async def connect(address: str) -> str:
        tried.append(address)
        return "connected"

    assert await guard.reach("rebind.example", 80, connect, within=5) == "connected"
    assert tried == ["93.184.216.34"]


async def test_the_next_address_is_tried_when_one_is_dead():
    guard = Guard(resolve=rebinding(["2606:4700::1", "93.184.216.34"]))

    async def connect(address: str) -> str:
        if ":" in address:
            await asyncio.sleep(60)
        return address

    assert await guard.reach("a.example", 80, connect, within=0.1) == "93.184.216.34"


async def test_when_no_address_answers_the_last_reason_is_told():
    guard = Guard(resolve=rebinding(["93.184.216.34", "93.184.216.35"]))

    async def connect(_address: str) -> str:
        raise ConnectionRefusedError

    with pytest.raises(UnreachableHost, match=r"a\.example:80 .*nothing listens") as caught:
        await guard.reach("a.example", 80, connect, within=5)
    assert not caught.value.sent


async def test_a_lookup_that_hangs_is_given_up():
    async def resolve(_name: str, _port: int) -> Sequence[str]:
        await asyncio.sleep(60)
        return []

    async def connect(address: str) -> str:
        return address

    with pytest.raises(UnreachableHost, match="did not answer"):
        await Guard(resolve=resolve).reach("a.example", 80, connect, within=0.05)


async def test_the_systems_resolver_knows_this_machine():
    assert set(await ask_dns("localhost", 80)) <= {"127.0.0.1", "::1"}


async def test_without_a_lookup_only_what_is_written_out_is_judged():
    guard = Guard(["127.0.0.1:80"])

    guard.check_literal("10.0.0.1.example", 80)
    guard.check_literal("127.0.0.1", 80)
    for host in ("127.0.0.1", "localhost", "a.localhost", "[::1]", "0x7f.1"):
        with pytest.raises(AddressRefused):
            guard.check_literal(host, 81)

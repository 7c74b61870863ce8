"""The text of an environment variable as the value that it stands for. Raises ValueError with words for people."""

import base64
import binascii
import dataclasses
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import available_timezones

SandboxMode = Literal["auto", "container", "unsafe"]


@dataclass(frozen=True)
class MailServer:
    """The SMTP server that takes our mail."""

    host: str
    port: int
    user: str = ""
    password: str = dataclasses.field(default="", repr=False)
    tls: str = "auto"
    """`always`: TLS from the first byte (smtps://). `auto`: STARTTLS where offered, and demanded as soon as there is
    a password. `off`: never, not even for the password."""


def text(raw: str, _environ: Mapping[str, str]) -> str:
    if not raw.isprintable():
        raise ValueError("it holds control characters")
    return raw


def folder(raw: str, environ: Mapping[str, str]) -> Path:
    if "\0" in raw:
        raise ValueError("it holds a NUL character")
    if raw == "~" or raw.startswith("~/"):
        return Path(environ.get("HOME") or Path.home()) / raw[2:]
    path = Path(raw)
    if not path.is_absolute():
        raise ValueError(f"{raw!r} is not an absolute path")
    return path


def any_folder(raw: str, environ: Mapping[str, str]) -> Path:
    """A folder that may be named from where one stands."""
    return Path(text(raw, environ)).expanduser()


def switch(raw: str, _environ: Mapping[str, str]) -> bool:
    if raw not in {"on", "off"}:
        raise ValueError(f"{raw!r} is neither on nor off")
    return raw == "on"


def sandbox(raw: str, _environ: Mapping[str, str]) -> str:
    if raw not in {"auto", "container", "unsafe"}:
        raise ValueError(f"{raw!r} is none of auto, container, unsafe")
    return raw


def level(raw: str, _environ: Mapping[str, str]) -> str:
    if raw.lower() not in {"debug", "info", "warning", "error"}:
        raise ValueError(f"{raw!r} is none of debug, info, warning, error")
    return raw.lower()


def alert_address(raw: str, _environ: Mapping[str, str]) -> str:
    if not re.fullmatch(r"(mail|webhook|slack|discord|file|apprise):\S.*|console:?", raw) or not raw.isprintable():
        raise ValueError("it is not channel:address")
    return raw


def timezone(raw: str, _environ: Mapping[str, str]) -> str:
    # Looked up in the list: ZoneInfo itself reports a bad key in half a dozen ways.
    if raw not in available_timezones():
        raise ValueError(f"{raw!r} is no time zone; write it as Asia/Seoul")
    return raw


def database(raw: str, _environ: Mapping[str, str]) -> str:
    if not re.match(r"postgres(ql)?(\+\w+)?://.", raw):
        raise ValueError("it does not begin with postgresql://")
    return raw


def web_address(raw: str, _environ: Mapping[str, str]) -> str:
    parts = urlsplit(raw)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("it is no http:// or https:// address")
    check_port(parts.port)
    return raw.rstrip("/")


def places(raw: str, _environ: Mapping[str, str]) -> frozenset[str]:
    """`localhost:8080, [::1]:9000` as a set; whitespace and commas part."""
    places = frozenset(re.split(r"[\s,]+", raw)) - {""}
    for place in places:
        host, _, port = place.rpartition(":")
        if not host or (":" in host and not re.fullmatch(r"\[.+\]", host)):
            raise ValueError(f"{place!r} is not host:port (an IPv6 address goes in brackets)")
        if not re.fullmatch(r"[0-9]{1,5}", port):
            raise ValueError(f"{place!r} has no port number; write it as {host}:443")
        check_port(int(port))
    return places


def stand_ins(raw: str, environ: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    pairs = [entry.partition("=") for entry in raw.split(",") if entry.strip()]
    return tuple((host.strip().lower(), web_address(origin.strip(), environ)) for host, _, origin in pairs)


@dataclass(frozen=True)
class StepLimits:
    """What steps of each node type may do."""

    at_once: Mapping[str, int] = dataclasses.field(default_factory=dict[str, int])
    """How many are at work in one process."""
    rates: Mapping[str, tuple[int, float]] = dataclasses.field(default_factory=dict[str, tuple[int, float]])
    """So many may begin in so many seconds, over all processes that share a database."""


_LIMIT = re.compile(r"\s*([\w.-]+)\s*=\s*([1-9][0-9]{0,5})\s*(?:/\s*([1-9][0-9]{0,4})\s*(s|m|h|d)\s*)?")


def limits(raw: str, _environ: Mapping[str, str]) -> StepLimits:
    """`http=20, llm=4, llm=60/1m`: at once, and in a time."""
    at_once: dict[str, int] = {}
    rates: dict[str, tuple[int, float]] = {}
    for entry in filter(str.strip, raw.split(",")):
        found = _LIMIT.fullmatch(entry)
        if found is None:
            raise ValueError(f"{entry.strip()!r} is not TYPE=NUMBER (at once) or TYPE=NUMBER/TIME, such as llm=60/1m")
        kind, number, count, unit = found.groups()
        if unit is None:
            at_once[kind] = int(number)
        else:
            rates[kind] = (int(number), int(count) * {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}[unit])
    return StepLimits(at_once, rates)


def days(raw: str, _environ: Mapping[str, str]) -> float:
    """A number of days; `forever` for no end."""
    days = math.inf if raw == "forever" else float(raw) if re.fullmatch(r"[0-9]{1,6}(\.[0-9]+)?", raw) else 0.0
    if not days:
        raise ValueError(f"{raw!r} is no number of days above 0, nor `forever`")
    return days


def check_port(port: int | None) -> None:
    if port is not None and not 1 <= port <= 65535:
        raise ValueError(f"{port} is no port number")


def mail_server(raw: str, _environ: Mapping[str, str]) -> MailServer:
    parts = urlsplit(raw)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ValueError("it is not smtp://user:password@host:port or smtps://…")
    user = unquote(parts.username or "")
    tls = {"smtp": "auto", "smtps": "always"}[parts.scheme]
    if parse_qs(parts.query).get("tls") == ["off"] and tls == "auto":
        tls = "off"
    elif parts.query:
        raise ValueError("the only thing allowed behind ? is tls=off, with smtp://")
    check_port(parts.port)
    port = parts.port or (465 if tls == "always" else 587 if user else 25)
    return MailServer(parts.hostname, port, user, unquote(parts.password or ""), tls)


def mail_from(raw: str, environ: Mapping[str, str]) -> str:
    if "@" not in text(raw, environ):
        raise ValueError(f"{raw!r} is no mail address")
    return raw


def master_key(raw: str, _environ: Mapping[str, str]) -> bytes:
    """32 bytes, from base64 (either alphabet) or 64 hexadecimal digits."""
    try:
        key = bytes.fromhex(raw) if len(raw) == 64 else base64.b64decode(raw.translate({45: 43, 95: 47}), validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != 32:
        raise ValueError("it is not 32 bytes in base64 or hexadecimal digits")
    return key

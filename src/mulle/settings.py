"""Every environment variable Mulle reads, in one place.

`Settings.from_environ(os.environ)` reads them once, at the door; inside, settings are plain values. Each field below
states its variable, what it means and an example: `.env.example` is printed from the same declarations. Nothing here
reads a file or touches the network, except `make_home`, which creates the one folder everything lives in.
"""

import base64
import binascii
import dataclasses
import math
import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import available_timezones

from mulle.errors import BadSetting

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


def _text(raw: str, _environ: Mapping[str, str]) -> str:
    if not raw.isprintable():
        raise ValueError("it holds control characters")
    return raw


def _folder(raw: str, environ: Mapping[str, str]) -> Path:
    if "\0" in raw:
        raise ValueError("it holds a NUL character")
    if raw == "~" or raw.startswith("~/"):
        return Path(environ.get("HOME") or Path.home()) / raw[2:]
    path = Path(raw)
    if not path.is_absolute():
        raise ValueError(f"{raw!r} is not an absolute path")
    return path


def _any_folder(raw: str, environ: Mapping[str, str]) -> Path:
    """A folder that may be named from where one stands."""
    return Path(_text(raw, environ)).expanduser()


def _switch(raw: str, _environ: Mapping[str, str]) -> bool:
    if raw not in {"on", "off"}:
        raise ValueError(f"{raw!r} is neither on nor off")
    return raw == "on"


def _sandbox(raw: str, _environ: Mapping[str, str]) -> str:
    if raw not in {"auto", "container", "unsafe"}:
        raise ValueError(f"{raw!r} is none of auto, container, unsafe")
    return raw


def _level(raw: str, _environ: Mapping[str, str]) -> str:
    if raw.lower() not in {"debug", "info", "warning", "error"}:
        raise ValueError(f"{raw!r} is none of debug, info, warning, error")
    return raw.lower()


def _alert_address(raw: str, _environ: Mapping[str, str]) -> str:
    if not re.fullmatch(r"(mail|webhook|slack|discord|file|apprise):\S.*|console:?", raw) or not raw.isprintable():
        raise ValueError("it is not channel:address")
    return raw


def _timezone(raw: str, _environ: Mapping[str, str]) -> str:
    # Looked up in the list: ZoneInfo itself reports a bad key in half a dozen ways.
    if raw not in available_timezones():
        raise ValueError(f"{raw!r} is no time zone; write it as Asia/Seoul")
    return raw


def _database(raw: str, _environ: Mapping[str, str]) -> str:
    if not re.match(r"postgres(ql)?(\+\w+)?://.", raw):
        raise ValueError("it does not begin with postgresql://")
    return raw


def _web_address(raw: str, _environ: Mapping[str, str]) -> str:
    parts = urlsplit(raw)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("it is no http:// or https:// address")
    _port(parts.port)
    return raw.rstrip("/")


def _places(raw: str, _environ: Mapping[str, str]) -> frozenset[str]:
    """`localhost:8080, [::1]:9000` as a set; whitespace and commas part."""
    places = frozenset(re.split(r"[\s,]+", raw)) - {""}
    for place in places:
        host, _, port = place.rpartition(":")
        if not host or (":" in host and not re.fullmatch(r"\[.+\]", host)):
            raise ValueError(f"{place!r} is not host:port (an IPv6 address goes in brackets)")
        if not re.fullmatch(r"[0-9]{1,5}", port):
            raise ValueError(f"{place!r} has no port number; write it as {host}:443")
        _port(int(port))
    return places


def _stand_ins(raw: str, environ: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    pairs = [entry.partition("=") for entry in raw.split(",") if entry.strip()]
    return tuple((host.strip().lower(), _web_address(origin.strip(), environ)) for host, _, origin in pairs)


@dataclass(frozen=True)
class StepLimits:
    """What steps of each node type may do."""

    at_once: Mapping[str, int] = dataclasses.field(default_factory=dict[str, int])
    """How many are at work in one process."""
    rates: Mapping[str, tuple[int, float]] = dataclasses.field(default_factory=dict[str, tuple[int, float]])
    """So many may begin in so many seconds, over all processes that share a database."""


_LIMIT = re.compile(r"\s*([\w.-]+)\s*=\s*([1-9][0-9]{0,5})\s*(?:/\s*([1-9][0-9]{0,4})\s*(s|m|h|d)\s*)?")


def _limits(raw: str, _environ: Mapping[str, str]) -> StepLimits:
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


def _days(raw: str, _environ: Mapping[str, str]) -> float:
    """A number of days; `forever` for no end."""
    days = math.inf if raw == "forever" else float(raw) if re.fullmatch(r"[0-9]{1,6}(\.[0-9]+)?", raw) else 0.0
    if not days:
        raise ValueError(f"{raw!r} is no number of days above 0, nor `forever`")
    return days


def _port(port: int | None) -> None:
    if port is not None and not 1 <= port <= 65535:
        raise ValueError(f"{port} is no port number")


def _mail_server(raw: str, _environ: Mapping[str, str]) -> MailServer:
    parts = urlsplit(raw)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ValueError("it is not smtp://user:password@host:port or smtps://…")
    user = unquote(parts.username or "")
    tls = {"smtp": "auto", "smtps": "always"}[parts.scheme]
    if parse_qs(parts.query).get("tls") == ["off"] and tls == "auto":
        tls = "off"
    elif parts.query:
        raise ValueError("the only thing allowed behind ? is tls=off, with smtp://")
    _port(parts.port)
    port = parts.port or (465 if tls == "always" else 587 if user else 25)
    return MailServer(parts.hostname, port, user, unquote(parts.password or ""), tls)


def _mail_from(raw: str, environ: Mapping[str, str]) -> str:
    if "@" not in _text(raw, environ):
        raise ValueError(f"{raw!r} is no mail address")
    return raw


def _master_key(raw: str, _environ: Mapping[str, str]) -> bytes:
    """32 bytes, from base64 (either alphabet) or 64 hexadecimal digits."""
    try:
        key = bytes.fromhex(raw) if len(raw) == 64 else base64.b64decode(raw.translate({45: 43, 95: 47}), validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != 32:
        raise ValueError("it is not 32 bytes in base64 or hexadecimal digits")
    return key


def _variable(
    name: str,
    about: str,
    parse: Callable[[str, Mapping[str, str]], object],
    *,
    example: str,
    default: Any = None,
    secret: bool = False,
) -> Any:
    """Declare one variable; `default` is the parsed value that stands when it is unset or empty."""
    facts = {"name": name, "about": about, "parse": parse, "example": example, "secret": secret}
    return dataclasses.field(default=default, repr=not secret, metadata=facts)


@dataclass(frozen=True)
class Settings:
    """What the owner of this machine decided."""

    home: Path = _variable(
        "MULLE_HOME",
        "The folder where everything is kept: runs, documents, secrets, outbox. Created for you alone (0700).",
        _folder,
        default=dataclasses.MISSING,  # Only an environment knows where ~ is.
        example="~/.mulle",
    )
    database_url: str | None = _variable(
        "MULLE_DATABASE_URL",
        "Postgres instead of SQLite in MULLE_HOME; any number of `mulle worker` processes may share it.",
        _database,
        example="postgresql://mulle:password@localhost/mulle",
        secret=True,
    )
    health_host: str = _variable(
        "MULLE_HEALTH_HOST",
        "Where `mulle worker --health PORT` answers probes; 0.0.0.0 lets other machines ask.",
        _text,
        default="127.0.0.1",
        example="127.0.0.1",
    )
    sandbox: SandboxMode = _variable(
        "MULLE_SANDBOX",
        "How code steps are locked in. auto: by the kernel, or not at all; container: you promise that Mulle runs in "
        "a container made for it; unsafe: no lock (only for code that you wrote yourself).",
        _sandbox,
        default="auto",
        example="auto",
    )
    allow_hosts: frozenset[str] = _variable(
        "MULLE_ALLOW_HOSTS",
        "Private addresses that steps may reach, as host:port, parted by commas. Public ones need no permission.",
        _places,
        default=frozenset(),
        example="localhost:8080,192.168.0.10:443",
    )
    stand_ins: tuple[tuple[str, str], ...] = _variable(
        "MULLE_STAND_INS",
        "Servers that stand in for others, for trials: host=origin, parted by commas. These origins count as allowed.",
        _stand_ins,
        default=(),
        example="openapi.naver.com=http://localhost:8099",
    )
    limits: StepLimits = _variable(
        "MULLE_LIMITS",
        "What steps of a node type may do, parted by commas: llm=4, at most four at once in one process; llm=60/1m, at "
        "most 60 begin in a minute, over all processes.",
        _limits,
        default=StepLimits(),
        example="http=20,llm=4,llm=60/1m",
    )
    proxy: str | None = _variable(
        "MULLE_PROXY",
        "An HTTP proxy for all requests of steps. HTTP_PROXY and its like are ignored.",
        _web_address,
        example="http://proxy.example.com:3128",
        secret=True,
    )
    model: str | None = _variable(
        "MULLE_MODEL",
        "The language model; without one Mulle uses `builtin`, which understands catalogued pieces.",
        _text,
        example="openai:gpt-5-mini",
    )
    model_base_url: str | None = _variable(
        "MULLE_MODEL_BASE_URL",
        "An endpoint that speaks OpenAI's protocol, if it is not OpenAI's own.",
        _web_address,
        example="http://localhost:11434/v1",
    )
    openai_api_key: str | None = _variable(
        "OPENAI_API_KEY",
        "The key for the model; alone it is enough to use one.",
        _text,
        example="sk-…",
        secret=True,
    )
    mail_server: MailServer | None = _variable(
        "MULLE_SMTP_URL",
        "The server that takes our mail: smtp:// (STARTTLS) or smtps://; characters such as @ in a password are "
        "written %40. Without it mail is laid in the outbox folder and not sent.",
        _mail_server,
        example="smtp://name:password@smtp.example.com:587",
        secret=True,
    )
    mail_from: str | None = _variable(
        "MULLE_MAIL_FROM",
        "The sender of our mail; by default the user in MULLE_SMTP_URL.",
        _mail_from,
        example="물레 <mulle@example.com>",
    )
    outbox: Path | None = _variable(
        "MULLE_OUTBOX",
        "Where mail is laid as .eml files while no server is configured; by default MULLE_HOME/outbox.",
        _folder,
        example="~/.mulle/outbox",
    )
    projects: Path = _variable(
        "MULLE_PROJECTS",
        "The folder that holds the project folders of flowctl.",
        _any_folder,
        default=Path("projects"),
        example="./projects",
    )
    project_plugins: bool = _variable(
        "MULLE_PROJECT_PLUGINS",
        "on: run the hooks in the plugins folder of a project, as they are. Only for folders that you trust.",
        _switch,
        default=False,
        example="off",
    )
    master_key: bytes | None = _variable(
        "MULLE_MASTER_KEY",
        "What locks the stored secrets: 32 bytes in base64. By default a key file in MULLE_HOME, made at first use.",
        _master_key,
        example="(openssl rand -base64 32)",
        secret=True,
    )
    timezone: str = _variable(
        "MULLE_TIMEZONE",
        "The time zone of schedules that name none.",
        _timezone,
        default="Asia/Seoul",
        example="Asia/Seoul",
    )
    prices: Path | None = _variable(
        "MULLE_PRICES",
        "A YAML file with what models cost, before our own list: `gpt-5-mini: [0.25, 2]`, in dollars for a million "
        "tokens of input and of output.",
        _folder,
        example="~/.mulle/prices.yaml",
    )
    log: str | None = _variable(
        "MULLE_LOG",
        "What is logged on stderr: debug, info, warning or error and worse. A worker logs from info on; other commands "
        "log nothing unless this is set.",
        _level,
        example="info",
    )
    keep_days: float = _variable(
        "MULLE_KEEP_DAYS",
        "How many days a run is kept after its end; `forever` for no end. Pinned runs are always kept.",
        _days,
        default=30.0,
        example="30",
    )
    keep_failed_days: float = _variable(
        "MULLE_KEEP_FAILED_DAYS",
        "The same for runs that failed.",
        _days,
        default=90.0,
        example="90",
    )
    alerts_to: str | None = _variable(
        "MULLE_ALERTS_TO",
        "Where alerts go that name no place of their own, as channel:address; by default they are only logged.",
        _alert_address,
        example="mail:ops@example.com",
        secret=True,
    )
    naver_client_id: str | None = _variable(
        "NAVER_CLIENT_ID",
        "Naver's search API; from developers.naver.com, with NAVER_CLIENT_SECRET.",
        _text,
        example="",
    )
    naver_client_secret: str | None = _variable(
        "NAVER_CLIENT_SECRET", "The second half of Naver's key.", _text, example="", secret=True
    )
    kma_service_key: str | None = _variable(
        "KMA_SERVICE_KEY",
        "Weather of the Korea Meteorological Administration; the decoded key from data.go.kr.",
        _text,
        example="",
        secret=True,
    )
    kakao_rest_key: str | None = _variable(
        "KAKAO_REST_KEY",
        "Kakao's local search; from developers.kakao.com.",
        _text,
        example="",
        secret=True,
    )

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Settings":
        """Read what is set in `environ`; empty counts as unset. Raises BadSetting, which names the variable."""
        values: dict[str, object] = {"home": _folder("~/.mulle", environ)}
        for field in dataclasses.fields(cls):
            name = field.metadata["name"]
            raw = environ.get(name, "").strip()
            if not raw:
                continue
            try:
                values[field.name] = field.metadata["parse"](raw, environ)
            except ValueError as error:
                # The parsers quote what they were given, and that of a secret must not be repeated.
                why = "it is not of the form it should have" if field.metadata["secret"] else str(error)
                hint = f"For example: {name}={field.metadata['example']}"
                raise BadSetting(variable=name, why=why, at=name, hint=hint) from None
        return cls(**values)  # pyright: ignore[reportArgumentType]  # each value was made by its own field's parser

    def variable(self, name: str) -> str | None:
        """The value of one of the variables above, as text; None when it is unset or no text."""
        for field in dataclasses.fields(self):
            if field.metadata["name"] == name:
                value = getattr(self, field.name)
                return value if isinstance(value, str) else None
        return None

    @property
    def outbox_folder(self) -> Path:
        """Where mail is laid while no server is configured."""
        return self.outbox or self.home / "outbox"

    def make_home(self) -> Path:
        """The home folder, created for its owner alone if it is not there; raises BadSetting when that fails."""
        try:
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise BadSetting(
                variable="MULLE_HOME",
                why=f"the folder {self.home} cannot be made ({error.strerror})",
                hint="Choose a folder that you may write: MULLE_HOME=/path/to/folder",
            ) from error
        return self.home

    def secrets(self) -> dict[str, str]:
        """What must never show up in a log: the secret values by variable."""
        named = {
            "MULLE_SMTP_URL": self.mail_server.password if self.mail_server else None,
            "MULLE_ALERTS_TO": None if (self.alerts_to or "").startswith(("mail:", "file:")) else self.alerts_to,
            "MULLE_DATABASE_URL": _password(self.database_url),
            "MULLE_PROXY": _password(self.proxy),
            "OPENAI_API_KEY": self.openai_api_key,
            "NAVER_CLIENT_SECRET": self.naver_client_secret,
            "KMA_SERVICE_KEY": self.kma_service_key,
            "KAKAO_REST_KEY": self.kakao_rest_key,
            "MULLE_MASTER_KEY": base64.b64encode(self.master_key).decode() if self.master_key else None,
        }
        return {name: value for name, value in named.items() if value}


def _password(url: str | None) -> str | None:
    return unquote(urlsplit(url).password or "") if url else None


def variable_names() -> frozenset[str]:
    """Every variable that `Settings` reads."""
    return frozenset(field.metadata["name"] for field in dataclasses.fields(Settings))


def env_example() -> str:
    """The text of `.env.example`: every variable, commented out, with what it means."""
    lines = ["# What Mulle reads from its environment. Everything is optional; copy what you need into .env.", ""]
    for field in dataclasses.fields(Settings):
        facts = field.metadata
        lines += [f"# {line}" for line in textwrap.wrap(facts["about"], 110)]
        lines += [f"#{facts['name']}={facts['example']}", ""]
    return "\n".join(lines)

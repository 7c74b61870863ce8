"""Every environment variable Mulle reads, in one place.

`Settings.from_environ(os.environ)` reads them once, at the door; inside, settings are plain values. Each field below
states its variable, what it means and an example: `.env.example` is printed from the same declarations. Nothing here
reads a file or touches the network, except `make_home`, which creates the one folder everything lives in.
"""

import base64
import dataclasses
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from mulle.errors import BadSetting
from mulle.settings import parsing
from mulle.settings.parsing import MailServer, SandboxMode, StepLimits


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
        parsing.folder,
        default=dataclasses.MISSING,  # Only an environment knows where ~ is.
        example="~/.mulle",
    )
    database_url: str | None = _variable(
        "MULLE_DATABASE_URL",
        "Postgres instead of SQLite in MULLE_HOME; any number of `mulle worker` processes may share it.",
        parsing.database,
        example="postgresql://mulle:password@localhost/mulle",
        secret=True,
    )
    health_host: str = _variable(
        "MULLE_HEALTH_HOST",
        "Where `mulle worker --health PORT` answers probes; 0.0.0.0 lets other machines ask.",
        parsing.text,
        default="127.0.0.1",
        example="127.0.0.1",
    )
    sandbox: SandboxMode = _variable(
        "MULLE_SANDBOX",
        "How code steps are locked in. auto: by the kernel, or not at all; container: you promise that Mulle runs in "
        "a container made for it; unsafe: no lock (only for code that you wrote yourself).",
        parsing.sandbox,
        default="auto",
        example="auto",
    )
    allow_hosts: frozenset[str] = _variable(
        "MULLE_ALLOW_HOSTS",
        "Private addresses that steps may reach, as host:port, parted by commas. Public ones need no permission.",
        parsing.places,
        default=frozenset(),
        example="localhost:8080,192.168.0.10:443",
    )
    stand_ins: tuple[tuple[str, str], ...] = _variable(
        "MULLE_STAND_INS",
        "Servers that stand in for others, for trials: host=origin, parted by commas. These origins count as allowed.",
        parsing.stand_ins,
        default=(),
        example="openapi.naver.com=http://localhost:8099",
    )
    limits: StepLimits = _variable(
        "MULLE_LIMITS",
        "What steps of a node type may do, parted by commas, over all processes that are told so: llm=4, at most four "
        "at once; llm=60/1m, at most 60 begin in a minute.",
        parsing.limits,
        default=StepLimits(),
        example="http=20,llm=4,llm=60/1m",
    )
    proxy: str | None = _variable(
        "MULLE_PROXY",
        "An HTTP proxy for all requests of steps. HTTP_PROXY and its like are ignored.",
        parsing.web_address,
        example="http://proxy.example.com:3128",
        secret=True,
    )
    model: str | None = _variable(
        "MULLE_MODEL",
        "The language model; without one Mulle uses `builtin`, which understands catalogued pieces.",
        parsing.text,
        example="openai:gpt-5-mini",
    )
    model_base_url: str | None = _variable(
        "MULLE_MODEL_BASE_URL",
        "An endpoint that speaks OpenAI's protocol, if it is not OpenAI's own.",
        parsing.web_address,
        example="http://localhost:11434/v1",
    )
    openai_api_key: str | None = _variable(
        "OPENAI_API_KEY",
        "The key for the model; alone it is enough to use one.",
        parsing.text,
        example="sk-…",
        secret=True,
    )
    mail_server: MailServer | None = _variable(
        "MULLE_SMTP_URL",
        "The server that takes our mail: smtp:// (STARTTLS) or smtps://; characters such as @ in a password are "
        "written %40. Without it mail is laid in the outbox folder and not sent.",
        parsing.mail_server,
        example="smtp://name:password@smtp.example.com:587",
        secret=True,
    )
    mail_from: str | None = _variable(
        "MULLE_MAIL_FROM",
        "The sender of our mail; by default the user in MULLE_SMTP_URL.",
        parsing.mail_from,
        example="물레 <mulle@example.com>",
    )
    outbox: Path | None = _variable(
        "MULLE_OUTBOX",
        "Where mail is laid as .eml files while no server is configured; by default MULLE_HOME/outbox.",
        parsing.folder,
        example="~/.mulle/outbox",
    )
    projects: Path = _variable(
        "MULLE_PROJECTS",
        "The folder that holds the project folders of flowctl.",
        parsing.any_folder,
        default=Path("projects"),
        example="./projects",
    )
    project_plugins: bool = _variable(
        "MULLE_PROJECT_PLUGINS",
        "on: run the hooks in the plugins folder of a project, as they are. Only for folders that you trust.",
        parsing.switch,
        default=False,
        example="off",
    )
    master_key: bytes | None = _variable(
        "MULLE_MASTER_KEY",
        "What locks the stored secrets: 32 bytes in base64. By default a key file in MULLE_HOME, made at first use.",
        parsing.master_key,
        example="(openssl rand -base64 32)",
        secret=True,
    )
    timezone: str = _variable(
        "MULLE_TIMEZONE",
        "The time zone of schedules that name none.",
        parsing.timezone,
        default="Asia/Seoul",
        example="Asia/Seoul",
    )
    prices: Path | None = _variable(
        "MULLE_PRICES",
        "A YAML file with what models cost, before our own list: `gpt-5-mini: [0.25, 2]`, in dollars for a million "
        "tokens of input and of output.",
        parsing.folder,
        example="~/.mulle/prices.yaml",
    )
    log: str | None = _variable(
        "MULLE_LOG",
        "What is logged on stderr: debug, info, warning or error and worse. A worker logs from info on; other commands "
        "log nothing unless this is set.",
        parsing.level,
        example="info",
    )
    keep_days: float = _variable(
        "MULLE_KEEP_DAYS",
        "How many days a run is kept after its end; `forever` for no end. Pinned runs are always kept.",
        parsing.days,
        default=30.0,
        example="30",
    )
    keep_failed_days: float = _variable(
        "MULLE_KEEP_FAILED_DAYS",
        "The same for runs that failed.",
        parsing.days,
        default=90.0,
        example="90",
    )
    alerts_to: str | None = _variable(
        "MULLE_ALERTS_TO",
        "Where alerts go that name no place of their own, as channel:address; by default they are only logged.",
        parsing.alert_address,
        example="mail:ops@example.com",
        secret=True,
    )
    naver_client_id: str | None = _variable(
        "NAVER_CLIENT_ID",
        "Naver's search API; from developers.naver.com, with NAVER_CLIENT_SECRET.",
        parsing.text,
        example="",
    )
    naver_client_secret: str | None = _variable(
        "NAVER_CLIENT_SECRET", "The second half of Naver's key.", parsing.text, example="", secret=True
    )
    kma_service_key: str | None = _variable(
        "KMA_SERVICE_KEY",
        "Weather of the Korea Meteorological Administration; the decoded key from data.go.kr.",
        parsing.text,
        example="",
        secret=True,
    )
    kakao_rest_key: str | None = _variable(
        "KAKAO_REST_KEY",
        "Kakao's local search; from developers.kakao.com.",
        parsing.text,
        example="",
        secret=True,
    )

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Settings":
        """Read what is set in `environ`; empty counts as unset. Raises BadSetting, which names the variable."""
        values: dict[str, object] = {"home": parsing.folder("~/.mulle", environ)}
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

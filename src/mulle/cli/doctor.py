"""`mulle doctor`: what this machine offers, and what is missing."""

import platform
import sqlite3
from dataclasses import dataclass
from typing import Literal

import click

from mulle.app import App
from mulle.app.opening import settings
from mulle.app.retention import clean, keep
from mulle.cli.gc import megabytes
from mulle.cli.home import with_app
from mulle.cli.printing import json_option, show
from mulle.engine.journal import Swept
from mulle.errors import MulleError
from mulle.services.llm.builtin import Builtin
from mulle.services.llm.model import language_model, problem_of
from mulle.services.sandbox import available

MARKS = {"ok": click.style("✓", fg="green"), "note": click.style("!", fg="yellow"), "bad": click.style("✗", fg="red")}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    about: str
    state: Literal["ok", "note", "bad"]
    text: str


@click.command()
@json_option
def doctor(as_json: bool) -> int:
    """Say what this machine offers and what is missing."""
    findings = [_python(), _sqlite(), *_home(), *_sandbox(), _mail(), _model()]
    shown = {"findings": [{"about": one.about, "state": one.state, "text": one.text} for one in findings]}
    show(shown, as_json, lambda: "\n".join(f"{MARKS[one.state]} {one.about:<9} {one.text}" for one in findings))
    return 1 if any(one.state == "bad" for one in findings) else 0


def _python() -> Finding:
    return Finding("python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}")


def _sqlite() -> Finding:
    return Finding("sqlite", "ok", sqlite3.sqlite_version)


def _home() -> list[Finding]:
    async def look(app: App) -> tuple[Swept, int]:
        cleaned = await clean(app, keep(settings()), dry=True)
        return cleaned.swept, len(app.workflows.all())

    try:
        swept, workflows = with_app(look)
    except MulleError as error:
        return [Finding("home", "bad", f"{error.text} {error.advice}")]
    room = swept.room
    big = f", {room.blobs:,} big value(s) with {megabytes(room.blob_bytes)}" if room.blobs else ""
    old = f"; `mulle gc` would remove {swept.runs:,} run(s), about {megabytes(swept.freed)}" if swept.runs else ""
    return [
        Finding("home", "ok", f"{settings().home} ({workflows} workflow(s), {room.runs:,} run(s))"),
        Finding("storage", "ok", f"{megabytes(room.bytes)}{big}{old}"),
    ]


def _sandbox() -> list[Finding]:
    found = available()
    mode = settings().sandbox
    if mode != "auto":
        return [Finding("sandbox", "note", f"MULLE_SANDBOX={mode}: code steps are not locked in by Mulle.")]
    state: Literal["ok", "bad"] = "ok" if found.ok else "bad"
    return [Finding("sandbox", state, line) for line in found.lines()]


def _mail() -> Finding:
    chosen = settings()
    if chosen.mail_server:
        return Finding("mail", "ok", f"goes out through {chosen.mail_server.host}:{chosen.mail_server.port}")
    return Finding("mail", "note", f"no MULLE_SMTP_URL: mail is laid in {chosen.outbox_folder} and not sent")


def _model() -> Finding:
    model = language_model(settings())
    if isinstance(model, Builtin):
        return Finding("model", "note", "none: `builtin` understands catalogued pieces; set OPENAI_API_KEY for a model")
    missing = problem_of(model)
    if missing:
        return Finding("model", "bad", f"{missing.text} {missing.advice}")
    return Finding("model", "ok", f"{model.name} at {model.place} (not asked just now)")

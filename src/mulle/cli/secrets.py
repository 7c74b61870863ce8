"""`mulle secrets`: keep passwords and keys outside of documents."""

import sys

import click

from mulle.app.opening import secret_store, settings
from mulle.cli.printing import json_option, show, table
from mulle.errors import SecretUnusable


@click.group()
def secrets() -> None:
    """Keep secrets outside of documents."""


@secrets.command("set")
@click.argument("name")
@json_option
def set_secret(name: str, as_json: bool) -> int:
    """Store a secret; its value is asked for, or read from a pipe. It never stands on the command line."""
    value = click.prompt(f"Value of {name}", hide_input=True) if sys.stdin.isatty() else _piped(name)
    secret_store(settings()).set(name, value)
    show({"name": name, "stored": True}, as_json, lambda: f"✓ {name} is stored, encrypted.")
    return 0


def _piped(name: str) -> str:
    """What a pipe holds, without the end of its last line; raises SecretUnusable for what is no text."""
    try:
        return sys.stdin.buffer.read().decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise SecretUnusable(f"The value for '{name}' is not UTF-8 text.") from error


@secrets.command("list")
@json_option
def list_secrets(as_json: bool) -> int:
    """Names and dates; values are never shown."""
    found = {name: when.isoformat(timespec="seconds") for name, when in secret_store(settings()).list().items()}
    rows = [[name, when] for name, when in found.items()]
    empty = "No secrets yet. `mulle secrets set NAME` stores one."
    shown = [{"name": name, "stored_at": when} for name, when in found.items()]
    show({"secrets": shown}, as_json, lambda: table(rows, ["name", "stored"]) if rows else empty)
    return 0


@secrets.command("rm")
@click.argument("name")
@json_option
def remove_secret(name: str, as_json: bool) -> int:
    """Forget a secret."""
    secret_store(settings()).remove(name)
    show({"name": name, "removed": True}, as_json, lambda: f"✓ {name} is gone.")
    return 0

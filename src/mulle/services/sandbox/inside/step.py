"""Run one job and say what came of it: plain data in, JSON out.

Whatever the user's code raises, prints or returns ends as one reply. Locks, time and transport are others' business.
This runs where the user's code runs and can be tampered with by it: nothing here protects anybody, and whoever reads a
reply believes nothing but its form.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
import decimal
import inspect
import io
import json
import linecache
import math
import mmap
import sys
import traceback
import types
import unicodedata
from typing import TYPE_CHECKING, Any, cast

from . import template

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import ReadableBuffer

FILE = "step.py"
"""What the user's code is called in its own tracebacks."""


def run(job: dict[str, Any]) -> bytes:
    """The reply to a job.

    Args:
        job: `source`, `function` and `arguments`, or `template` and `variables` (and perhaps `lenient`); with both
            `printed` and `result`, the most bytes of their kind.
    """
    printed = Printed(job["printed"])
    reserve = mmap.mmap(-1, 1 << 20)  # So that "no memory left" can still be said. Address space only, until then.
    try:
        value = _filled(job) if "template" in job else _called(job)
        body = _as_json(value)
        if len(body) > job["result"]:
            return _reply({"type": "large"}, printed)
        return b'{"type":"value","value":' + body + b"," + _reply({}, printed)[1:]
    except BaseException as error:  # noqa: BLE001  # SystemExit and its like end a step, too.
        reserve.close()
        return _reply(_described(error), printed)


def _filled(job: dict[str, Any]) -> str:
    return template.rendered(job["template"], job["variables"], strict="lenient" not in job)


class Printed(io.RawIOBase):
    """Where print goes from now on: the first bytes are kept, the rest is dropped."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most, self._kept, self._cut = most, bytearray(), False
        self._text = io.TextIOWrapper(io.BufferedWriter(self), encoding="utf-8", errors="backslashreplace")
        sys.stdout = sys.stderr = self._text

    def writable(self) -> bool:
        return True

    def write(self, some: ReadableBuffer, /) -> int:
        taken = bytes(some)
        room = self._most - len(self._kept)
        self._kept += taken[:room]
        self._cut = self._cut or len(taken) > room
        return len(taken)

    def kept(self) -> dict[str, Any]:
        with contextlib.suppress(Exception):  # The code may have closed it.
            self._text.flush()
        return {"printed": self._kept.decode(errors="ignore"), "cut": self._cut}


class Unreadable(Exception):
    """The source is no Python."""


class Missing(Exception):
    """The source defines no such function."""


class NotData(Exception):
    """JSON cannot say the result: where in it, what is there, what to write instead."""


def _called(job: dict[str, Any]) -> Any:
    source: str = job["source"]
    linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)
    module = types.ModuleType("step")
    module.__file__ = FILE
    sys.modules["step"] = module  # Dataclasses and type hints look their module up.
    try:
        code = compile(source, FILE, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError) as error:
        raise Unreadable(error) from None
    exec(code, module.__dict__)  # noqa: S102  # This process exists for it.
    function = vars(module).get(job["function"])
    if not callable(function):
        raise Missing([name for name, value in vars(module).items() if inspect.isfunction(value)])
    # Python reads identifiers in NFKC; a port's name may have been typed in another form.
    arguments = {unicodedata.normalize("NFKC", name): value for name, value in job["arguments"].items()}
    value = function(**arguments)
    return asyncio.run(value) if inspect.iscoroutine(value) else value


def _as_json(value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError):  # Also UnicodeEncodeError, of half a surrogate pair.
        raise NotData(*_first_fault(value)) from None


def _reply(said: dict[str, Any], printed: Printed) -> bytes:
    return json.dumps({**said, **printed.kept()}).encode()


def _described(error: BaseException) -> dict[str, Any]:
    if isinstance(error, Unreadable):
        return _syntax(error.args[0])
    if isinstance(error, template.Unreadable):
        return {"type": "syntax", "said": _text(error.message), "line": error.lineno}
    if isinstance(error, Missing):
        return {"type": "missing", "found": [_text(name) for name in error.args[0][:20]]}
    if isinstance(error, NotData):
        where, found, advice = error.args
        return {"type": "not_data", "where": _text(where), "found": found, "advice": advice}
    if isinstance(error, MemoryError):
        return {"type": "memory"}
    frames = list(_frames_of_user(error))
    number = error.errno if isinstance(error, OSError) else None
    said = _text(error)
    shown = "".join(f"{FILE}, line {line}, in {name}\n    {text}\n" for line, name, text in frames[-20:])
    return {
        "type": "raised",
        "name": _text(type(error).__name__),
        "said": said,
        "line": frames[-1][0] if frames else None,
        "traceback": f"{shown}{_text(type(error).__name__)}: {said}",
        "errno": number if isinstance(number, int) else None,
    }


def _syntax(error: Exception) -> dict[str, Any]:
    if isinstance(error, SyntaxError):
        return {"type": "syntax", "said": _text(error.msg), "line": error.lineno}
    said = "it is nested too deeply" if isinstance(error, (RecursionError, MemoryError)) else _text(error)
    return {"type": "syntax", "said": said, "line": None}


def _frames_of_user(error: BaseException) -> Iterator[tuple[int, str, str]]:
    """Line, function and text of each frame in the user's own source, outermost first."""
    for frame, line in traceback.walk_tb(error.__traceback__):
        code = frame.f_code
        if code.co_filename in {FILE, template.FILE}:
            yield line, _text(code.co_name), _text(linecache.getline(FILE, line).strip(), 200)


def _text(value: object, most: int = 2000) -> str:
    """Its text, whole characters only, bounded; the user's own `__str__` may do anything."""
    try:
        return str(value)[:most].encode(errors="backslashreplace").decode()
    except BaseException:  # noqa: BLE001  # As said.
        return "(its text cannot be read)"


def _first_fault(value: Any) -> tuple[str, str, str]:
    """Where in a result is something that JSON cannot say, what it is, what to write instead."""
    waiting: list[tuple[str, int, Any]] = [("", 0, value)]
    while waiting:
        where, depth, value = waiting.pop()
        if depth > _DEEPEST:
            return where[:80] + "…", "data within data, too deep or in a circle", ""
        if isinstance(value, dict):
            for key, inner in reversed(cast("dict[Any, Any]", value).items()):
                if not isinstance(key, (str, int, float, bool, type(None))):
                    return where, f"a key that is a {type(key).__name__}", "Use text as keys."
                waiting.append((f"{where}.{key}" if where else str(key), depth + 1, inner))
        elif isinstance(value, (list, tuple)):
            items = list(enumerate(cast("list[Any]", value)))
            waiting += [(f"{where}[{at}]", depth + 1, item) for at, item in reversed(items)]
        elif isinstance(value, float) and not math.isfinite(value):
            return where, f"the number {value}", "Use None where there is no number."
        elif isinstance(value, str) and not _encodes(value):
            return where, "text with half a character", "Decode it with errors='replace'."
        elif not isinstance(value, (str, int, float, bool, type(None))):
            return where, f"a {type(value).__name__}", _advice(value)
    return "", "something unwritable", ""


_DEEPEST = 64


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _advice(value: object) -> str:
    if isinstance(value, (dt.date, dt.time)):
        return "Write value.isoformat()."
    if isinstance(value, decimal.Decimal):
        return "Write float(value) or str(value)."
    if isinstance(value, (bytes, bytearray)):
        return "Write value.decode() for text, base64.b64encode(value).decode() for anything else."
    if dataclasses.is_dataclass(value):
        return "Write dataclasses.asdict(value)."
    return "Write list(value)." if hasattr(value, "__iter__") else "Return text, numbers, lists and dicts."

r"""Run code that a user or a model wrote, and fill templates, where they can do no harm. Data in, data out.

    async with Sandbox() as sandbox:
        result = await sandbox.call("def main(a, b):\n    return {'sum': a + b}", "main", {"a": 1, "b": 2})
        result.value                                                             # {'sum': 3}

What is locked, and by what, is told in `docs/sandbox.md`. Knows no nodes, ports or documents.
"""

from dataclasses import dataclass
from typing import Any, Literal, Self

from mulle.errors import (
    CodeForbidden,
    CodeFunctionMissing,
    CodeMemoryExceeded,
    CodeNotData,
    CodeOutputTooLarge,
    CodeRaised,
    CodeScratchFull,
    CodeSyntax,
    SandboxError,
)
from mulle.services.sandbox import wire
from mulle.services.sandbox.forked import Forked
from mulle.services.sandbox.limits import DEFAULT, MIB, Limits
from mulle.services.sandbox.plain import Plain

Mode = Literal["auto", "container", "unsafe"]
"""auto: locked by the kernel, or refused. container: with what locks the kernel offers, trusting what is around Mulle.
unsafe: a plain process, with limits only."""


@dataclass(frozen=True)
class CodeResult:
    """What came of a call."""

    value: Any
    """None, bool, int, float, str, list or dict with text keys; nested at most 64 deep."""

    stdout: str
    """What it printed, on both streams; at most `Limits.printed` bytes of it."""

    stdout_cut: bool
    """Whether it printed more than that."""

    elapsed: float
    """Seconds from asking to the answer, without the wait for a place."""


class Sandbox:
    """Runs code of others, each call in a process of its own that is gone afterwards."""

    def __init__(
        self,
        limits: Limits = DEFAULT,
        ready: int = 1,
        *,
        mode: Mode = "auto",
        at_once: int = 8,
        timezone: str = "",
        namespaces: bool = True,
    ) -> None:
        """Nothing is started before the first call.

        Args:
            limits: Of each call that names no others.
            ready: How many locked processes wait for a call, each some 3 MB.
            mode: See `Mode`; what MULLE_SANDBOX says.
            at_once: How many calls run at the same time; the others wait, which their time-outs do not count.
            timezone: The local time of the code, such as Asia/Seoul; this machine's if empty.
            namespaces: Whether to give each call a file system of its own where the kernel grants it.
        """
        self._limits = limits
        self._runner = (
            Plain(at_once, timezone)
            if mode == "unsafe"
            else Forked(limits, ready, at_once, timezone, strict=mode == "auto", namespaces=namespaces)
        )

    async def call(
        self,
        source: str,
        function: str = "main",
        arguments: dict[str, Any] | None = None,
        *,
        timeout: float = 10.0,  # noqa: ASYNC109  # A limit of the code's, enforced by ending its process.
        limits: Limits | None = None,
    ) -> CodeResult:
        """Run the source, then call its function with the arguments by keyword.

        Args:
            source: Python.
            function: One that the source defines; if it is `async def`, it is run to its end.
            arguments: Data as JSON has it.
            timeout: Seconds, from when the process is ready.
            limits: Instead of the sandbox's own.

        Raises CodeRaised (its kind CodeForbidden), CodeSyntax, CodeFunctionMissing, CodeNotData, CodeTimedOut,
        CodeMemoryExceeded, CodeScratchFull, CodeOutputTooLarge, CodeKilled, SandboxLost or SandboxUnavailable. A
        cancelled call ends its process.
        """
        job = {"source": source, "function": function, "arguments": arguments or {}}
        return await self._run(job, timeout, limits or self._limits)

    async def render(
        self,
        template: str,
        variables: dict[str, Any],
        *,
        strict: bool = True,
        timeout: float = 10.0,  # noqa: ASYNC109  # As above.
        limits: Limits | None = None,
    ) -> str:
        """Fill a Jinja2 template. Raises as `call`.

        Strict: a name without a value is an error, and null is the empty text. Else as Jinja itself has it.
        """
        job = {"template": template, "variables": variables} | ({} if strict else {"lenient": True})
        result = await self._run(job, timeout, limits or self._limits)
        if not isinstance(result.value, str):
            raise CodeNotData(what="The result", place="", found="not a text")
        return result.value

    async def start(self) -> None:
        """Get ready now what the first call would have to wait for. Raises SandboxUnavailable."""
        await self._runner.start()

    async def close(self) -> None:
        """End every process; calls on their way end with SandboxLost."""
        await self._runner.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _run(self, job: dict[str, Any], seconds: float, limits: Limits) -> CodeResult:
        asked = wire.encoded({**job, "seconds": seconds, "printed": limits.printed, "result": limits.result})
        answer, elapsed = await self._runner.run(asked, limits, seconds)
        reply = wire.decoded(answer)
        if isinstance(reply, wire.Value):
            return CodeResult(reply.value, reply.printed, reply.cut, elapsed)
        raise _error(reply, job, limits)


def _error(reply: wire.Failure, job: dict[str, Any], limits: Limits) -> SandboxError:
    """The error that a reply speaks of. All its texts are the code's own, whoever they claim to come from."""
    match reply:
        case wire.Raised():
            return _raised(reply, limits)
        case wire.Syntax(said, line):
            what = "template" if "template" in job else "code"
            return CodeSyntax(what=what, said=said.rstrip("."), line=line, place=_on_line(line))
        case wire.Missing(found):
            return CodeFunctionMissing(function=job["function"], found=", ".join(found) or "none")
        case wire.NotData(where, found, advice):
            place = f" at {where}" if where else ""
            return CodeNotData(what="The result", found=found, place=place, hint=advice or None)
        case wire.Large():
            return CodeOutputTooLarge(limit=f"{limits.result:,} bytes")
        case wire.Memory():
            return CodeMemoryExceeded(limit=limits.memory // MIB)


def _raised(reply: wire.Raised, limits: Limits) -> SandboxError:
    if reply.errno in _FULL:
        return CodeScratchFull(limit=limits.scratch // MIB)
    if reply.errno == _NO_MEMORY:
        return CodeMemoryExceeded(limit=limits.memory // MIB)
    kind = CodeForbidden if reply.errno in _DENIED else CodeRaised
    return kind(
        type=reply.name,
        said=reply.said,
        line=reply.line,
        place=_on_line(reply.line),
        traceback=reply.traceback,
        stdout=reply.printed,
        hint=_HINTS.get(reply.name),
    )


def _on_line(line: int | None) -> str:
    return "" if line is None else f" on line {line}"


# The numbers are Linux's, whatever Mulle itself runs on: EPERM, EACCES, ENOSYS; EFBIG, ENOSPC, EDQUOT; ENOMEM.
_DENIED = {1, 13, 38}
_FULL = {27, 28, 122}
_NO_MEMORY = 12

_HINTS = {
    "ModuleNotFoundError": "Code steps have Python's standard library, without its network and process modules. For "
    "the web use an http step; a package of your own belongs into a Python function that is registered as a node.",
    "FileNotFoundError": "A code step sees only its own empty scratch folder; pass what it shall read as an input.",
    "UndefinedError": "Give the template a value of that name, or write {{ name | default('…') }}.",
}

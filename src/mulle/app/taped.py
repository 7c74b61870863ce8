"""What a recorded and a repeated run have in common, as an app sees it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from mulle.engine.facts import RunStarted
from mulle.engine.journal import Journal, NewRun
from mulle.runtime.executor import Tape
from mulle.runtime.memory_journal import MemoryJournal
from mulle.sdk.context import Services
from mulle.services.recording import Player, Recorder


class World(Protocol):
    """Through what nodes touch the world."""

    services: Services

    def redact(self, text: str) -> str: ...
    async def close(self) -> None: ...


class RunTape(Tape, Protocol):
    """A recording, while it is made or when it is followed."""

    @property
    def inputs(self) -> dict[str, Any] | None:
        """What the recorded run was asked with; None while it is made."""
        ...

    def begin(self, new: NewRun, first: RunStarted) -> tuple[NewRun, RunStarted]:
        """The run as it is to begin."""
        ...


@dataclass
class Offline:
    """A world of which nothing can be reached but this machine's sandbox."""

    services: Services

    def redact(self, text: str) -> str:
        """The text: no secret is known here."""
        return text

    async def close(self) -> None:
        """Nothing was opened."""


@dataclass(frozen=True)
class Stage:
    """Where a taped run takes place."""

    journal: Journal
    outside: World
    tape: RunTape


def recording(file: Path, journal: Journal, outside: World, clock: Callable[[], float]) -> Stage:
    """Write down what the outside answers; raises OSError."""
    return Stage(journal, outside, Recorder(file, outside.services, clock=clock, redact=outside.redact))


def replaying(file: Path, outside: World, clock: Callable[[], float]) -> Stage:
    """Answer out of a recording; the run is kept in memory alone, for it has the id of the recorded one.

    Raises BadRecording.
    """
    player = Player.of(file, outside.services, clock)
    return Stage(MemoryJournal(), Offline(player.local), player)

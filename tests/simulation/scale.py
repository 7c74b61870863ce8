"""Makes little count as much: what is done for long runs and big values happens in worlds of a second, too."""

import contextlib
from collections.abc import Generator
from typing import Any

from tests.simulation.faults import Trouble

from mulle.engine import packing
from mulle.runtime import driver, heavy, ledger, loaded
from mulle.store import journal_rows, sweep

LONG: tuple[tuple[Any, str, Any], ...] = (
    (ledger, "SNAPSHOT_EVERY", 7),
    (loaded, "READ_AT_A_TIME", 5),
    (driver, "FULL_BATCH", 6),
    (journal_rows, "FACTS_IN_A_ROW", 3),
    (sweep, "ROWS", 3),
    (sweep, "FOUND", 3),
)
BIG: tuple[tuple[Any, str, Any], ...] = (
    (packing, "LIMIT", 1 << 8),
    (ledger, "LIMIT", 1 << 8),
    (packing, "PART", 1 << 10),
    (heavy, "PART", 1 << 10),
    (packing, "SMALL", 1 << 5),
    (heavy, "SMALL", 1 << 5),
    (packing, "HEAVY", 1 << 10),
    (packing, "PREVIEW", 20),
    (heavy, "BREATH", -1.0),  # A pause after each slice: by a real clock no world would be the same twice.
)


@contextlib.contextmanager
def scaled(trouble: Trouble) -> Generator[None]:
    """Let the limits be those of a world for as long as it lives."""
    chosen = (LONG if trouble.long else ()) + (BIG if trouble.documents == "big_values" else ())
    before = [(module, name, getattr(module, name)) for module, name, _ in chosen]
    try:
        for module, name, value in chosen:
            setattr(module, name, value)
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)

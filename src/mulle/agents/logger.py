"""A log in memory that can be asked: by level, by component, summed up. What writes logs to files is elsewhere."""

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any

MOST = 10_000
"""Entries that are kept; the oldest go first."""


class LogLevel(Enum):
    """How grave an entry is."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"


@dataclass
class LogEntry:
    """One thing that was noted."""

    timestamp: str
    """ISO 8601."""
    level: str
    component: str
    message: str
    data: dict[str, Any] = field(default_factory=dict[str, Any])


class Logger:
    """Notes entries and gives them back."""

    def __init__(
        self,
        *,
        debug_enabled: bool = True,
        most: int = MOST,
        to: Callable[[LogEntry], None] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Begin an empty log.

        Args:
            debug_enabled: Whether `debug` notes anything; it may be changed at any time.
            most: How many entries are kept.
            to: Gets every entry as well: `print`, or something that writes it to a file.
            clock: The time.
        """
        self.debug_enabled = debug_enabled
        self._entries: deque[LogEntry] = deque(maxlen=most)
        self._to = to
        self._clock = clock

    def debug(self, component: str, message: str, data: Mapping[str, Any] | None = None) -> None:
        if self.debug_enabled:
            self._note(LogLevel.DEBUG, component, message, data)

    def info(self, component: str, message: str, data: Mapping[str, Any] | None = None) -> None:
        self._note(LogLevel.INFO, component, message, data)

    def warning(self, component: str, message: str, data: Mapping[str, Any] | None = None) -> None:
        self._note(LogLevel.WARNING, component, message, data)

    def error(self, component: str, message: str, data: Mapping[str, Any] | None = None) -> None:
        self._note(LogLevel.ERROR, component, message, data)

    def critical(self, component: str, message: str, data: Mapping[str, Any] | None = None) -> None:
        self._note(LogLevel.CRITICAL, component, message, data)

    def _note(self, level: LogLevel, component: str, message: str, data: Mapping[str, Any] | None) -> None:
        when = self._clock().isoformat(timespec="milliseconds")
        entry = LogEntry(when, level.value, component, message, dict(data or {}))
        self._entries.append(entry)
        if self._to is not None:
            self._to(entry)

    def get_logs(self, level: LogLevel | str | None = None, component: str | None = None) -> list[LogEntry]:
        """The entries of a level and of a component, the oldest first; ValueError for a level that is none."""
        wanted = None if level is None else LogLevel(level.upper() if isinstance(level, str) else level).value
        return [
            entry
            for entry in self._entries.copy()
            if (wanted is None or entry.level == wanted) and (component is None or entry.component == component)
        ]

    def get_log_summary(self) -> dict[str, int]:
        """How many entries there are of each level."""
        counted = Counter(entry.level for entry in self._entries.copy())
        return {level.value: counted[level.value] for level in LogLevel}

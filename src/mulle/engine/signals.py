"""The signals of one run: who listens to which name, and what came before anyone did.

A signal wakes everyone who listens to its name, and they listen no longer: the first one decides a wait. One that
nobody listens to is kept for the first who will. The same id twice is one signal. Names are compared in NFC, so that a
Korean one works however it was typed.
"""

import unicodedata
from collections import deque

from mulle.engine.facts import Path, Signalled

QUESTION = "interrupted/"
"""How the names of answers about interrupted steps begin."""


def question_name(path: Path) -> str:
    """What a person's answer about an interrupted node is called; one name for all items of a map."""
    return QUESTION + "/".join(step for step in path if isinstance(step, str))


def own_question_name(path: Path) -> str:
    """What an answer about this node alone is called, whatever becomes of the other items."""
    return QUESTION + "/".join(map(str, path))


def signal_name(text: str) -> str:
    """A name as it is compared."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


class Signals:
    """Names with their listeners, and signals with nobody yet."""

    def __init__(self) -> None:
        self.listeners: dict[str, dict[Path, None]] = {}
        """In the order in which they began to listen."""
        self.early: dict[str, deque[Signalled]] = {}
        self.heard: dict[str, None] = {}
        """Ids of all signals so far."""

    def deliver(self, signal: Signalled) -> list[Path]:
        """Whom a signal wakes. Nobody, and it is kept, when no one listens; nothing at all when its id came before."""
        if signal.id in self.heard:
            return []
        self.heard[signal.id] = None
        name = signal_name(signal.name)
        listeners = self.listeners.pop(name, None)
        if listeners:
            return list(listeners)
        if not name.startswith(QUESTION):
            self.early.setdefault(name, deque()).append(signal)
            return []
        # A second answer to a question is not an answer to the next one: nobody may have looked at that yet.
        asked = self._asked_alone(name)
        for path in asked:
            self.leave(path, question_name(path))
        return asked

    def listening(self, name: str) -> list[Path]:
        """Whom a signal of this name wakes."""
        name = signal_name(name)
        return list(self.listeners.get(name, ())) or self._asked_alone(name)

    def _asked_alone(self, name: str) -> list[Path]:
        return [
            path
            for shared, paths in self.listeners.items()
            if name.startswith(QUESTION) and shared.startswith(QUESTION)
            for path in paths
            if signal_name(own_question_name(path)) == name
        ]

    def listen(self, path: Path, name: str) -> Signalled | None:
        """Let a node listen to a name (in NFC), or give it the oldest signal that was kept under it."""
        early = self.early.get(name)
        if not early:
            self.listeners.setdefault(name, {})[path] = None
            return None
        signal = early.popleft()
        if not early:
            del self.early[name]
        return signal

    def leave(self, path: Path, name: str) -> None:
        """Let a node listen no longer."""
        listeners = self.listeners[name]
        del listeners[path]
        if not listeners:
            del self.listeners[name]

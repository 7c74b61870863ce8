"""What is to be done now: the turns that should be running, and the nodes that should be brought to their end."""

from collections.abc import Iterable

from mulle.engine.facts import Execute, Path


class Agenda:
    """Two lists by path, in the order in which things came onto them."""

    def __init__(self) -> None:
        self.commands: dict[Path, Execute] = {}
        self.to_stop: dict[Path, None] = {}
        self.changed: dict[Path, None] | None = None
        """Paths whose command came, changed or went since somebody last took them.

        None while nobody follows: a mere reading of a million facts keeps no list of what changed."""

    def follow(self) -> dict[Path, None]:
        """Keep the list of what changed from now on; it begins with all that there is to do."""
        self.changed = dict.fromkeys(self.commands)
        return self.changed

    def changes(self) -> list[Path]:
        """Take what changed since this was last asked; at first all that there is to do."""
        changed = self.follow() if self.changed is None else self.changed
        self.changed = {}
        return list(changed)

    def look_at(self, paths: Iterable[Path]) -> None:
        """Count turns as changed that were held back and may begin now."""
        self.changed = (self.changed or {}) | dict.fromkeys(paths)

    def add(self, command: Execute) -> None:
        """Let a turn run."""
        self.commands[command.path] = command
        if self.changed is not None:
            self.changed[command.path] = None

    def began(self, command: Execute) -> None:
        """Keep a turn that just started on the list; to whoever started it that is no change."""
        self.commands[command.path] = command

    def stop(self, path: Path) -> None:
        """Let what a node has begun be brought to an end."""
        self.remove(path)
        self.to_stop[path] = None

    def remove(self, path: Path) -> None:
        """Let a node's turn run no longer."""
        if self.commands.pop(path, None) and self.changed is not None:
            self.changed[path] = None

    def drop(self, path: Path) -> None:
        """Ask nothing of a node any more."""
        self.remove(path)
        if self.to_stop:
            self.to_stop.pop(path, None)

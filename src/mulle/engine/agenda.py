"""What is to be done now: the turns that should be running, and the nodes that should be brought to their end."""

from mulle.engine.facts import Execute, Path


class Agenda:
    """Two lists by path, in the order in which things came onto them."""

    def __init__(self) -> None:
        self.commands: dict[Path, Execute] = {}
        self.to_stop: dict[Path, None] = {}
        self._changed: dict[Path, None] | None = None
        """None while nobody follows: a mere reading of a million facts keeps no list of what changed."""

    def changes(self) -> list[Path]:
        """Paths whose command came, changed or went since this was last asked; at first all that have one."""
        changed = list(self.commands if self._changed is None else self._changed)
        self._changed = {}
        return changed

    def has_changes(self) -> bool:
        return bool(self.commands if self._changed is None else self._changed)

    def add(self, command: Execute) -> None:
        """Let a turn run."""
        self.commands[command.path] = command
        if self._changed is not None:
            self._changed[command.path] = None

    def began(self, command: Execute) -> None:
        """Keep a turn that just started on the list; to whoever started it that is no change."""
        self.commands[command.path] = command

    def stop(self, path: Path) -> None:
        """Let what a node has begun be brought to an end."""
        self.remove(path)
        self.to_stop[path] = None

    def remove(self, path: Path) -> None:
        """Let a node's turn run no longer."""
        if self.commands.pop(path, None) and self._changed is not None:
            self._changed[path] = None

    def drop(self, path: Path) -> None:
        """Ask nothing of a node any more."""
        self.remove(path)
        self.to_stop.pop(path, None)

"""What a project keeps beside its tasks: results as JSON, texts as Markdown. Each is one file that people can read."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import portalocker

from mulle.document.ports import is_object
from mulle.errors import InputError
from mulle.projects.files import PATIENCE, replace

FENCE = "## "


class CacheUnreadable(InputError):
    """A cache file was changed into something that cannot be read."""

    code = "project.cache_unreadable"
    message = "{at} cannot be read: {why}."
    hint = "Mend it by hand, or clear it: `flowctl cache clear`."


class NotKeepable(InputError):
    """A value cannot be kept in this cache."""

    code = "project.not_keepable"
    message = "'{key}' cannot be kept: {why}."
    hint = "A JSON cache takes what JSON can say, a Markdown cache takes text."


class CacheStore(ABC):
    """Values by key in one file. Several processes may use it: each change is made under its lock, all or nothing."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @abstractmethod
    def _read(self, text: str) -> dict[str, Any]: ...

    @abstractmethod
    def _written(self, values: dict[str, Any]) -> str: ...

    @abstractmethod
    def _checked(self, key: str, value: Any) -> Any:
        """The value as it can be kept; raises NotKeepable."""

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key. Raises CacheUnreadable."""
        return self.all().get(key, default)

    def all(self) -> dict[str, Any]:
        """Every value by key. Raises CacheUnreadable."""
        if not self.path.exists():
            return {}
        try:
            return self._read(self.path.read_text("utf-8"))
        except (ValueError, RecursionError) as error:
            raise CacheUnreadable(at=str(self.path), why=str(error)) from error

    def set(self, key: str, value: Any) -> None:
        """Keep a value. Raises NotKeepable, CacheUnreadable."""
        kept = self._checked(key, value)
        self.change(lambda values: values | {key: kept})

    def exists(self, key: str) -> bool:
        """Whether there is a value, null included."""
        return key in self.all()

    def clear(self, key: str | None = None) -> None:
        """Forget one value, or all."""
        if key is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            replace(self.path, self._written({}))
        else:
            self.change(lambda values: {name: value for name, value in values.items() if name != key})

    def change(self, how: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Replace all values at once by what `how` makes of them; nobody changes them meanwhile."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock = self.path.with_name(f".{self.path.name}.lock")
        with portalocker.Lock(lock, "a", timeout=PATIENCE, check_interval=0.005):
            replace(self.path, self._written(how(self.all())))


class JSONCache(CacheStore):
    """What JSON can say."""

    def _read(self, text: str) -> dict[str, Any]:
        values: Any = json.loads(text or "{}")
        if not is_object(values):
            raise ValueError("it is no JSON object")
        return values

    def _written(self, values: dict[str, Any]) -> str:
        return json.dumps(values, ensure_ascii=False, indent=2) + "\n"

    def _checked(self, key: str, value: Any) -> Any:
        try:
            return json.loads(json.dumps(value, ensure_ascii=False, allow_nan=False))
        except (TypeError, ValueError, RecursionError) as error:
            raise NotKeepable(key=key, at=key, why=str(error)) from error


class MarkdownCache(CacheStore):
    """Texts for people: one section a key."""

    def _read(self, text: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        key, lines = None, list[str]()
        for line in [*text.splitlines(), FENCE]:
            if line.startswith(FENCE.strip()) and (line == FENCE or line.startswith(FENCE)):
                if key is not None:
                    values[key] = "\n".join(lines).strip("\n")
                key, lines = line[len(FENCE) :], []
            else:
                lines.append(line.removeprefix("\\") if line.startswith(f"\\{FENCE}") else line)
        return values

    def _written(self, values: dict[str, Any]) -> str:
        return "".join(f"{FENCE}{key}\n\n{_escaped(text)}\n\n" for key, text in values.items())

    def _checked(self, key: str, value: Any) -> Any:
        if not isinstance(value, str):
            raise NotKeepable(key=key, at=key, why=f"it is {type(value).__name__} and no text")
        if not key.strip() or "\n" in key or key != key.strip():
            raise NotKeepable(key=key, at=key, why="a key is one line of text")
        return value.strip("\n")


def _escaped(text: str) -> str:
    """A text whose own headings are not taken for keys."""
    return "\n".join(
        f"\\{line}" if line.startswith(FENCE) or line == FENCE.strip() else line for line in text.split("\n")
    )

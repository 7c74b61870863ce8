"""What is remembered of a project's talk and work: the last entries as they are, the older ones as a summary."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from mulle.document.ports import is_object
from mulle.projects.caches import MarkdownCache
from mulle.services.llm.textrank import summary

SHORT, LONG = "short_term", "long_term"
SENTENCES = 12
"""How long the summary of everything older may become."""
LONGEST = 2_000
"""Characters of one entry that are remembered."""

Summarize = Callable[[str], str]


class MemoryContext:
    """Short-term memory of `limit` entries in front of a long-term summary, both in a project's Markdown cache."""

    def __init__(self, md_cache: MarkdownCache, limit: int = 10, *, summarize: Summarize | None = None) -> None:
        """Remember in `md_cache`.

        Args:
            md_cache: Where; people can read it and mend it.
            limit: Entries that are kept as they are.
            summarize: Makes a shorter text of a text, a model for instance; None: TextRank, which chooses sentences.
        """
        if limit < 1:
            raise ValueError("A memory keeps at least one entry as it is.")
        self._cache = md_cache
        self.limit = limit
        self._summarize = summarize or _chosen_sentences

    @property
    def short_term(self) -> list[dict[str, Any]]:
        """The last entries, the oldest first."""
        return _entries(self._cache.get(SHORT, ""))

    @property
    def long_term(self) -> str:
        """The summary of all that came before."""
        return self._cache.get(LONG, "")

    def update(self, entry: Mapping[str, Any]) -> None:
        """Remember an entry; what no longer fits is summarised."""
        line = json.dumps({"ts": datetime.now(UTC).isoformat(timespec="seconds")} | dict(entry), ensure_ascii=False)
        self._cache.change(lambda values: self._with(values, line))

    def retrieve(self) -> str:
        """Summary and last entries as one text, to be put into a prompt."""
        parts = [self.long_term, *(spoken(entry) for entry in self.short_term)]
        return "\n".join(part for part in parts if part)

    def clear(self) -> None:
        """Forget everything."""
        self._cache.change(lambda values: {key: text for key, text in values.items() if key not in (SHORT, LONG)})

    def _with(self, values: dict[str, Any], line: str) -> dict[str, Any]:
        lines = [*filter(None, values.get(SHORT, "").splitlines()), f"- {line}"]
        fresh = values | {SHORT: "\n".join(lines[-self.limit :])}
        return self._summarize_and_flush(fresh, lines[: -self.limit]) if len(lines) > self.limit else fresh

    def _summarize_and_flush(self, values: dict[str, Any], overflow: list[str]) -> dict[str, Any]:
        """Move entries from short-term memory into the summary."""
        older = [values.get(LONG, ""), *(spoken(entry) for entry in _entries("\n".join(overflow)))]
        return values | {LONG: self._summarize("\n".join(filter(None, older)))}


def spoken(entry: Mapping[str, Any]) -> str:
    """An entry as one line that a person and a model can read."""
    said = entry.get("text") or entry.get("message") or entry.get("event")
    rest = {key: value for key, value in entry.items() if key not in ("ts", "text", "message", "event")}
    details = ", ".join(f"{key}: {_short(value)}" for key, value in rest.items())
    line = " ".join(filter(None, [str(said or ""), f"({details})" if said and details else details]))
    return " ".join(line.split())[:LONGEST]


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _entries(text: str) -> list[dict[str, Any]]:
    """The entries that stand as JSON in a list; a line that a person wrote is an entry, too."""
    found: list[dict[str, Any]] = []
    for line in filter(None, (line.strip().removeprefix("- ") for line in text.splitlines())):
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            entry = None
        found.append(entry if is_object(entry) else {"text": line})
    return found


def _chosen_sentences(text: str) -> str:
    return "\n".join(summary(text, SENTENCES))

"""What a language model's tokens cost. Knows a table; asks nobody."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from mulle.document.ports import is_object
from mulle.errors import BadSetting

MILLION = 1_000_000
MOST = 1_000_000
"""Bytes of a price list; more is a mistake."""


class Prices:
    """Dollars for tokens, by the names of models."""

    def __init__(self, listed: Mapping[str, tuple[float, float]]) -> None:
        """Take a table: dollars for a million tokens of input and of output, by the beginning of a model's name."""
        self._listed = dict(sorted(listed.items(), key=lambda one: -len(one[0])))

    @classmethod
    def configured(cls, file: Path | None = None) -> "Prices":
        """Ours, and before them those of a YAML file: `gpt-5-mini: [0.25, 2]`. Raises BadSetting."""
        return cls(_ours() | (_own(file) if file else {}))

    def of(self, model: str, input_tokens: int, output_tokens: int) -> float | None:
        """Dollars; None for a model that the table does not have."""
        name = model.rpartition("/")[2].rpartition(":")[2] or model
        for beginning, (read, written) in self._listed.items():
            if name.startswith(beginning):
                return (read * input_tokens + written * output_tokens) / MILLION
        return None


@cache
def _ours() -> dict[str, tuple[float, float]]:
    return _table(yaml.safe_load((files(__package__ or __name__) / "prices.yaml").read_text("utf-8")))


def _own(file: Path) -> dict[str, tuple[float, float]]:
    try:
        with file.open("rb") as opened:
            text = opened.read(MOST + 1)
        return _table(yaml.safe_load(text) if len(text) <= MOST else None)
    except (OSError, ValueError, yaml.YAMLError) as error:
        why = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
        hint = "One line a model, in dollars for a million tokens: gpt-5-mini: [0.25, 2]"
        raise BadSetting(variable="MULLE_PRICES", why=f"{file}: {why}", at=str(file), hint=hint) from error


def _table(data: Any) -> dict[str, tuple[float, float]]:
    """Raises ValueError for what is no price list."""
    if not is_object(data):
        raise ValueError("it is no list of models with prices")
    table: dict[str, tuple[float, float]] = {}
    for name, prices in data.items():
        match prices:
            case [int() | float() as read, int() | float() as written] if 0 <= read < MILLION > written >= 0:
                table[str(name)] = (float(read), float(written))
            case _:  # pyright: ignore[reportUnknownVariableType]  # YAML
                raise ValueError(f"the prices of {name!r} are not two numbers: [input, output]")
    return table

"""What the author says to people, in both languages: `vocabulary/sayings.yaml`, its gaps filled."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from mulle.author.domain import Language, Text
from mulle.document.yaml_text import load_yaml


def say(key: str, language: Language, /, **gaps: object) -> str:
    """A sentence of the author's, its gaps filled; what fills them is not read for further gaps."""
    pieces = _sayings()[key].of(language).split("{")
    return pieces[0] + "".join(_filled(piece, gaps) for piece in pieces[1:])


def _filled(piece: str, gaps: Mapping[str, object]) -> str:
    name, _, rest = piece.partition("}")
    return f"{gaps[name]}{rest}"


@cache
def _sayings() -> Mapping[str, Text]:
    data = load_yaml(files("mulle.author.vocabulary").joinpath("sayings.yaml").read_text("utf-8"))
    return {key: Text.model_validate(text) for key, text in data.items()}

"""What the author says to people, in both languages: `vocabulary/sayings.yaml`, its gaps filled."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from mulle.author.domain import Language, Text
from mulle.author.language.conjugation import ends_in_consonant, ends_in_rieul
from mulle.document.yaml_text import load_yaml


def say(key: str, language: Language, /, **gaps: object) -> str:
    """A sentence of the author's, its gaps filled; what fills them is not read for further gaps."""
    pieces = _sayings()[key].of(language).split("{")
    text = pieces[0]
    for piece in pieces[1:]:
        name, _, rest = piece.partition("}")
        value = str(gaps[name])
        text += value + _joined(value, rest)
    return text


_CHOICES = {"(으)로": ("으로", "로"), "이(가)": ("이", "가"), "을(를)": ("을", "를"), "은(는)": ("은", "는")}
_CHOICE = re.compile(r"(['’\")\]]*)(\(으\)로|이\(가\)|을\(를\)|은\(는\))")


def _joined(value: str, rest: str) -> str:
    """What follows a gap, with the particle that fits the value: 메일로, 슬랙으로."""
    choice = _CHOICE.match(rest)
    if choice is None:
        return rest
    last = value.rstrip("'’\")]}")[-1:]
    closed, opened = _CHOICES[choice[2]]
    after_consonant = ends_in_consonant(last) and not (closed == "으로" and ends_in_rieul(last))
    return choice[1] + (closed if after_consonant else opened) + rest[choice.end() :]


@cache
def _sayings() -> Mapping[str, Text]:
    data = load_yaml(files("mulle.author.vocabulary").joinpath("sayings.yaml").read_text("utf-8"))
    return {key: Text.model_validate(text) for key, text in data.items()}

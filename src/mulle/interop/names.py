"""Names that other people gave, made to fit: ids of nodes, names of ports, texts inside of expressions."""

import json
import re
import unicodedata
from collections.abc import Sequence

from mulle.document.workflow import RESERVED_NAMES

LONGEST = 200


def legal_ids(names: Sequence[str]) -> dict[str, str]:
    """An id for each name: itself where it may be one, else with `_` for what may not stand in it, and then unique."""
    legal = {name: name for name in names if _fits(name)}
    taken = set(legal.values())
    for name in names:
        if name not in legal:
            legal[name] = unique(_mended(name), taken)
            taken.add(legal[name])
    return legal


def unique(name: str, taken: set[str] | dict[str, str]) -> str:
    """The name, with a number behind it if it is taken."""
    found, number = name, 2
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    return found


def quoted(text: str) -> str:
    """A text as an expression writes it."""
    return json.dumps(text, ensure_ascii=False)


def _fits(name: str) -> bool:
    plain = unicodedata.normalize("NFC", name) == name and name.isprintable() and name == name.strip()
    return plain and 0 < len(name) <= LONGEST and name not in RESERVED_NAMES and not {".", "/"} & set(name)


def _mended(name: str) -> str:
    shown = re.sub(r"[./]|\s", "_", unicodedata.normalize("NFC", name)).strip()[: LONGEST - 10]
    shown = "".join(character if character.isprintable() else "_" for character in shown) or "step"
    return f"{shown}_" if shown in RESERVED_NAMES else shown

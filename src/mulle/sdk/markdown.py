"""Values as a chat shows them: lists as bullets, objects as indented JSON. Knows nothing of nodes."""

import json
from typing import Any

from mulle.document.expressions.values import MAX_SIZE, fit, weigh
from mulle.document.ports import is_array, is_object


def markdown(value: Any) -> str:
    """A value as text: null is nothing, `true` is `True`, and what stands in a list is written as Python writes it.

    Raises ResultTooLarge over 1 MB.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    weigh(value, MAX_SIZE)
    if is_array(value):
        return fit("\n".join(f"- {item}" for item in value))
    return fit(json.dumps(value, ensure_ascii=False, indent=2) if is_object(value) else str(value))

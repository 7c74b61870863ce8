"""Data of which nothing is sure: what is of the wanted kind, else an empty one of it."""

from typing import Any

from mulle.document.ports import is_array, is_object


def an_object(value: Any) -> dict[str, Any]:
    return value if is_object(value) else {}


def a_list(value: Any) -> list[Any]:
    return value if is_array(value) else []


def a_text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list."""
    return [item for item in a_list(value) if is_object(item)]

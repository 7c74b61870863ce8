"""Dify's conditions as comparisons of a form: the same operators, the same strictness."""

from typing import Any

from mulle.document.ports import is_array, is_object
from mulle.interop.dify.reading import DifyNode, selector
from mulle.interop.dify.references import References

OPERATORS = {
    "contains": "contains",
    "not contains": "not_contains",
    "start with": "starts_with",
    "end with": "ends_with",
    "is": "is",
    "is not": "is_not",
    "empty": "empty",
    "not empty": "not_empty",
    "=": "==",
    "≠": "!=",
    ">": ">",
    "<": "<",
    "≥": ">=",
    "≤": "<=",
    "null": "null",
    "not null": "not_null",
    "in": "in",
    "not in": "not_in",
    "all of": "all_of",
    "exists": "not_null",
    "not exists": "null",
}
WITHOUT_RIGHT = frozenset({"empty", "not_empty", "null", "not_null"})


def checks(conditions: list[dict[str, Any]], logical: Any, node: DifyNode, refs: References) -> dict[str, Any]:
    """A group of conditions as `{match, checks}`."""
    match = {"match": "any"} if logical == "or" else {}
    return match | {"checks": [_check(one, node, refs) for one in conditions]}


def _check(condition: dict[str, Any], node: DifyNode, refs: References) -> dict[str, Any]:
    inner = condition.get("sub_variable_condition")
    chosen = selector(condition.get("variable_selector"))
    if is_object(inner) and is_array(inner.get("conditions")) and inner["conditions"]:
        of_files = [_of_files(one, chosen, node, refs) for one in inner["conditions"] if is_object(one)]
        return ({"match": "any"} if inner.get("logical_operator") == "or" else {}) | {"checks": of_files}
    return {"left": refs.strict(chosen, node), **_rest(condition, node, refs)}


def _of_files(condition: dict[str, Any], files: tuple[str, ...], node: DifyNode, refs: References) -> dict[str, Any]:
    """One condition about every file of a list: `not …` has to hold for all, anything else for one."""
    key = str(condition.get("key") or "name")
    each = "every" if "not" in str(condition.get("comparison_operator")) else "any"
    return {"left": f'pluck({refs.ref(files, node)}, "{key}")', "each": each, **_rest(condition, node, refs)}


def _rest(condition: dict[str, Any], node: DifyNode, refs: References) -> dict[str, Any]:
    asked = condition.get("comparison_operator")
    operator = OPERATORS.get(str(asked))
    if operator is None:
        refs.note(f"{refs.shown(node)}: the comparison '{asked}' is not known; it never holds.")
        return {"operator": "in", "right": []}
    if operator in WITHOUT_RIGHT:
        return {"operator": operator}
    right = condition.get("value")
    return {"operator": operator, "right": refs.template(right, node) if isinstance(right, str) else right}

"""Steps over data and variables: variable-aggregator, assigner (both versions), list-operator."""

import json
from typing import Any, get_args

from mulle.document.ports import is_array, is_object
from mulle.interop.dify.conditions import OPERATORS
from mulle.interop.dify.containers import constant
from mulle.interop.dify.made import Made
from mulle.interop.dify.reading import DifyNode, selector
from mulle.interop.dify.references import References
from mulle.interop.names import quoted
from mulle.sdk.returns import Kind

# ---------------------------------------------------------------------- aggregator


def aggregator(node: DifyNode, refs: References) -> Made:
    settings = node.object("advanced_settings")
    groups = settings.get("groups")
    if settings.get("group_enabled") and is_array(groups):
        named = {
            str(one["group_name"]): _expressions(one.get("variables"), node, refs)
            for one in groups
            if is_object(one) and one.get("group_name")
        }
        return Made("aggregate", {"groups": {name: found or ["null"] for name, found in named.items()}})
    return Made("aggregate", {"mode": "first", "first_of": _expressions(node.data.get("variables"), node, refs)})


def _expressions(found: Any, node: DifyNode, refs: References) -> list[str]:
    chosen = [selector(one) for one in found] if is_array(found) else []
    expressions = (refs.bare(one, node) for one in chosen if one)
    return [expression for expression in expressions if expression != "null"]


# ---------------------------------------------------------------------- assigner


def assigner(node: DifyNode, refs: References) -> Made:
    first, items = node.data.get("assigned_variable_selector"), node.objects("items")
    items = [one for one in items if selector(one.get("variable_selector"))]
    targets = [selector(first)] if first is not None else [selector(one.get("variable_selector")) for one in items]
    for target in targets:
        if not _is_writable(target, refs):
            return _unwritten(".".join(target), node, refs)
    if first is not None:
        return Made("assign", {"writes": _first_version(node, refs)})
    writes = [write for one in items if (write := _change(one, node, refs)) is not None]
    return Made("assign", {"writes": writes}) if writes else Made("transform")


def _is_writable(target: tuple[str, ...], refs: References) -> bool:
    """Whether a selector means a variable of the chat or of a loop."""
    if target[:1] == ("conversation",):
        return any((one.name,) == target[1:2] for one in refs.app.conversation)
    loop = refs.scopes.nodes.get(target[0]) if len(target) > 1 else None
    return loop is not None and loop.type == "loop"


def _unwritten(target: str, node: DifyNode, refs: References) -> Made:
    """A step that fails, as Dify's does, because what it writes is nothing that can be written."""
    refs.note(
        f"{refs.shown(node)}: '{target}' cannot be written; only declared variables of the chat and of loops can."
    )
    return Made("transform", {"value": "{{ fail(" + quoted(f"{target} cannot be written") + ") }}"})


def _first_version(node: DifyNode, refs: References) -> list[dict[str, Any]]:
    target, kind = _target(node.selector("assigned_variable_selector"), refs)
    value = "{{ " + refs.strict(node.selector("input_variable_selector"), node) + " }}"
    match node.data.get("write_mode"):
        case "append":
            return [{"target": target, "op": "append", "value": value}]
        case "clear":
            return [_cleared(target, kind)]
        case _:
            return [{"target": target, "value": value}]


def _target(chosen: tuple[str, ...], refs: References) -> tuple[str, str]:
    """The variable that is written, and its type in Dify."""
    root, name, *_ = chosen
    if root == "conversation":
        return f"conversation.{name}", next(one.type for one in refs.app.conversation if one.name == name)
    variables = refs.scopes.nodes[root].objects("loop_variables")
    return f"state.{name}", next((str(one.get("var_type")) for one in variables if one.get("label") == name), "")


def _change(item: dict[str, Any], node: DifyNode, refs: References) -> dict[str, Any] | None:
    target, kind = _target(selector(item.get("variable_selector")), refs)
    operation, value = str(item.get("operation")), item.get("value")
    if (wrong := _unsupported(operation, str(item.get("input_type")), kind)) is not None:
        refs.note(f"{refs.shown(node)}: {wrong}; the step fails, as it does in Dify.")
        return {"target": target, "value": "{{ fail(" + quoted(wrong) + ") }}"}
    if operation == "clear":
        return _cleared(target, kind)
    if operation in ("remove-first", "remove-last"):
        count = f"1 - length({target})" if operation == "remove-first" else f"length({target}) - 1"
        empty = f"[] if length({target}) == 0 else take({target}, {count})"
        return {"target": target, "value": "{{ " + empty + " }}"}
    expression, typed = _value(item, value, node, refs), _typed(kind)
    match operation:
        case "over-write" | "set":
            written = constant(value, kind) if operation == "set" and kind == "object" else value
            return {"target": target, "value": _templated(_kept_by(target, expression, item), written)} | typed
        case "append" if _is_variable(item):
            # Dify passes over a value that is null, which `append` would take.
            some = "{{ " + f"[] if is_null({expression}) else [{expression}]" + " }}"
            return {"target": target, "op": "extend", "value": some} | typed
        case "append" | "extend":
            return {
                "target": target,
                "op": operation,
                "value": _templated(_kept_by("[]", expression, item), value),
            } | typed
        case "+=" | "-=":
            return {"target": target, "op": "add", "value": _signed(operation, expression, value)} | typed
        case "*=" | "/=":
            factor = json.dumps(value) if expression is None else _bracketed(expression)
            return {"target": target, "value": "{{ " + f"{target} {operation[0]} {factor}" + " }}"} | typed
        case _:
            refs.note(f"{refs.shown(node)}: the operation '{operation}' is not known; it was left out.")
            return None


NUMERIC = frozenset({"number", "integer", "float"})


WITH_A_VALUE = frozenset({"over-write", "set", "append", "extend", "+=", "-=", "*=", "/="})


def _unsupported(operation: str, input_type: str, kind: str) -> str | None:
    """Why Dify refuses a change, if it does: not every operation goes with every type, nor with every kind of input."""
    if not kind:
        return None
    match operation:
        case "+=" | "-=" | "*=" | "/=":
            fits = kind in NUMERIC
        case "append" | "extend" | "remove-first" | "remove-last":
            fits = kind.startswith("array")
        case "set":
            fits = not kind.startswith("array")
        case _:
            fits = True
    if not fits:
        return f"Operation {operation} is not supported for type {kind}"
    by_variable = operation not in ("set", "+=", "-=", "*=", "/=")
    by_constant = operation in WITH_A_VALUE and not kind.startswith("array")
    if (input_type == "variable" and not by_variable) or (input_type == "constant" and not by_constant):
        return f"Input type {input_type} is not supported for operation {operation}"
    return None


def _cleared(target: str, kind: str) -> dict[str, Any]:
    if kind in NUMERIC:
        return {"target": target, "value": 0}
    if kind == "boolean":
        return {"target": target, "value": False}
    return {"target": target, "op": "clear"}


def _value(item: dict[str, Any], value: Any, node: DifyNode, refs: References) -> str | None:
    """The expression for what is written; None for a constant that stands in the settings as it is."""
    if item.get("input_type") == "variable" or (item.get("input_type") != "constant" and len(selector(value)) > 1):
        return refs.strict(selector(value), node)
    if isinstance(value, str) and "{{#" in value:
        pieces = refs.pieces(value, node)
        return " + ".join(quoted(one) if isinstance(one, str) else f"string({one[0]})" for one in pieces)
    return None


def _is_variable(item: dict[str, Any]) -> bool:
    return item.get("input_type") == "variable"


def _kept_by(other: str, expression: str | None, item: dict[str, Any]) -> str | None:
    """A variable's value, or, as Dify passes over one that is null, what changes nothing."""
    return f"default({expression}, {other})" if expression is not None and _is_variable(item) else expression


def _templated(expression: str | None, written: Any) -> Any:
    return constant_value(written) if expression is None else "{{ " + expression + " }}"


def constant_value(value: Any) -> Any:
    """A constant that no part of is a reference."""
    return value.replace("{{", '{{ "{{" }}') if isinstance(value, str) else value


def _signed(operation: str, expression: str | None, constant: Any) -> Any:
    if expression is None:
        return -constant if operation == "-=" and type(constant) in (int, float) else constant
    return "{{ " + (f"-({expression})" if operation == "-=" else expression) + " }}"


def _bracketed(expression: str) -> str:
    return f"({expression})" if " " in expression else expression


def _typed(kind: str) -> dict[str, Any]:
    known = "number" if kind in NUMERIC else kind
    known = "array" if known == "array[any]" else known
    return {"type": known} if known in get_args(Kind) and known != "any" else {}


# ---------------------------------------------------------------------- list-operator


def list_operator(node: DifyNode, refs: References) -> Made:
    operations: list[dict[str, Any]] = []
    filter_by, extract, order, limit = (node.object(key) for key in ("filter_by", "extract_by", "order_by", "limit"))
    if filter_by.get("enabled"):
        conditions = filter_by.get("conditions")
        found = [_kept(one, node, refs) for one in conditions if is_object(one)] if is_array(conditions) else []
        operations += [{"op": "filter", "when": when} for when in found]
    if extract.get("enabled"):
        serial = refs.text(str(extract.get("serial") or "1"), node)
        operations.append(_nth(serial))
    if order.get("enabled"):
        key = order.get("key")
        by = {"by": f"item.{key}"} if isinstance(key, str) and key else {}
        operations.append({"op": "sort"} | by | ({"reverse": True} if order.get("value") == "desc" else {}))
    if limit.get("enabled"):
        size = constant(limit.get("size"), "number")
        operations.append({"op": "take", "count": size if type(size) is int and size >= 0 else 10})
    value = "{{ default(" + refs.strict(node.selector("variable"), node) + ", []) }}"
    return Made("transform", {"value": value} | ({"operations": operations} if operations else {}))


def _nth(serial: str) -> dict[str, Any]:
    """Only the item with that number, counted from 1; Dify fails where there is none."""
    number = serial.removeprefix("{{").removesuffix("}}").strip()
    number = number.removeprefix("string(").removesuffix(")") if number.startswith("string(") else number
    if not serial.startswith("{{") and not number.isdigit():
        return {"op": "value", "expression": f"[] if not value else fail({quoted(f'{serial} is no number')})"}
    number = f"number({number})" if not number.isdigit() else number
    missing = quoted("there is no item of that number")
    place = f"{int(number) - 1}" if number.isdigit() else f"{number} - 1"
    fits = f"1 <= {number} and {number} <= length(value)"
    return {"op": "value", "expression": f"[] if not value else [value[{place}]] if {fits} else fail({missing})"}


def _kept(condition: dict[str, Any], node: DifyNode, refs: References) -> str:
    """A filter's condition as an expression over `item`."""
    key, operator = condition.get("key"), OPERATORS.get(str(condition.get("comparison_operator")))
    left = f"item.{key}" if isinstance(key, str) and key else "item"
    right = _operand(condition.get("value"), node, refs)
    match operator:
        case "contains":
            return f"{right} in {left}"
        case "not_contains":
            return f"not ({right} in {left})"
        case "starts_with" | "ends_with":
            return f"{operator}({left}, {right})"
        case "is":
            return f"{left} == {right}"
        case "is_not":
            return f"{left} != {right}"
        case "empty" | "null":
            return f"not {left}"
        case "not_empty" | "not_null":
            return left
        case "==" | "!=" | ">" | "<" | ">=" | "<=":
            return f"{left} {operator} {right if right.replace('.', '').isdigit() else f'number({right})'}"
        case "in":
            return f"{left} in {right}"
        case "not_in":
            return f"not ({left} in {right})"
        case _:
            refs.note(
                f"{refs.shown(node)}: the filter '{condition.get('comparison_operator')}' is not known; left out."
            )
            return "true"


def _operand(value: Any, node: DifyNode, refs: References) -> str:
    if isinstance(value, str):
        pieces = refs.pieces(value, node)
        if len(pieces) == 1 and not isinstance(pieces[0], str):
            return pieces[0][0]
        if value.replace(".", "", 1).removeprefix("-").isdigit() and _is_number_list(node):
            return value
        return quoted(value)
    return json.dumps(value, ensure_ascii=False)


def _is_number_list(node: DifyNode) -> bool:
    return "number" in node.text("var_type") or "number" in node.text("item_var_type")

"""Iterations and loops: the container's own settings. What stands inside is put together by `assemble`."""

import json
from dataclasses import fields
from typing import Any, get_args

from mulle.document.expressions import Reference
from mulle.interop.dify.conditions import checks
from mulle.interop.dify.made import Made
from mulle.interop.dify.reading import DifyNode, selector
from mulle.interop.dify.references import References
from mulle.interop.names import quoted
from mulle.sdk.returns import Kind, fits

ON_ERROR = {"terminated": "fail", "continue-on-error": "null", "remove-abnormal-output": "drop"}
RESULT = "output"
"""What a round of an iteration gives, as an output of its End."""


KINDS: dict[str, Kind] = {one: one for one in get_args(Kind)}


def iteration(node: DifyNode, refs: References) -> Made:
    items = refs.strict(node.selector("iterator_selector"), node)
    data: dict[str, Any] = {"items": "{{ default(" + items + ", []) }}"}
    many = node.data.get("parallel_nums")
    parallel = node.data.get("is_parallel") is True
    data["concurrency"] = min(max(many, 1), 1000) if parallel and type(many) is int else 10 if parallel else 1
    if (mode := ON_ERROR.get(node.text("error_handle_mode"), "fail")) != "fail":
        data["on_item_error"] = mode
    data["collect"] = RESULT
    if node.data.get("flatten_output", True) is not False:
        data["flatten"] = True
    return Made("map", data)


def loop(node: DifyNode, refs: References) -> Made:
    state = {
        str(one["label"]): _first_value(one, node, refs) for one in node.objects("loop_variables") if one.get("label")
    }
    count = node.data.get("loop_count")
    rounds = int(count) if isinstance(count, int | float) or (isinstance(count, str) and count.isdigit()) else 10
    data: dict[str, Any] = {"state": state} if state else {}
    data["max_iterations"] = min(max(rounds, 1), 1_000_000)
    if stop := stopping(node, refs):
        data |= stop
    return Made("loop", data)


def stopping(node: DifyNode, refs: References) -> dict[str, Any]:
    """When a loop ends early: by its conditions, or because a round came to a loop-end."""
    conditions = node.objects("break_conditions")
    leaves = any(inner.type == "loop-end" for inner in refs.scopes.inside(node.id))
    left: list[dict[str, Any]] = [{"left": "default(state.loop_ended, false)", "operator": "is", "right": True}]
    if not conditions:
        return {"until": {"checks": left}} if leaves else {}
    after = _AfterARound(**{one.name: getattr(refs, one.name) for one in fields(References)})
    found = checks(conditions, node.data.get("logical_operator"), node, after)
    inside = {inner.id for inner in refs.scopes.inside(node.id)}
    looks_inside = any(inside & {*selector(one.get("variable_selector"))[:1]} for one in conditions)
    until = {"match": "any", "checks": [*left, found]} if leaves else found
    return {"until": until} | ({} if looks_inside else {"until_first": True})


class _AfterARound(References):
    """References as a loop's own condition makes them: to its state, in which what is inside has a name."""

    def ref(self, selector: tuple[str, ...], at: DifyNode) -> str:
        if len(selector) > 1 and selector[0] == at.id:
            return self._deep(str(Reference("state", (selector[1],))), list(selector[2:]))
        root, *path = selector or ("",)
        source = self.scopes.nodes.get(root)
        if source is not None and path and self.scopes.scope(source.id) == at.id:
            kept = self.export(source, path[0])
            return f"default({Reference('state', (kept, *path[1:]))}, null)"
        return super().ref(selector, at)

    def strict(self, selector: tuple[str, ...], at: DifyNode) -> str:
        source = self.scopes.nodes.get(selector[0]) if selector else None
        of_the_loop = source is not None and at.id in (source.id, self.scopes.scope(source.id))
        return self.ref(selector, at) if of_the_loop else super().strict(selector, at)


def _first_value(variable: dict[str, Any], node: DifyNode, refs: References) -> Any:
    """What a loop variable holds before the first round. Constants are often written as text."""
    value, kind = variable.get("value"), str(variable.get("var_type"))
    if variable.get("value_type") == "variable":
        return "{{ " + refs.strict(selector(value), node) + " }}"
    if isinstance(value, str) and kind == "string":
        return refs.template(value, node)
    if kind.startswith("array") and value in (None, ""):
        return []
    first = constant(value, kind)
    if (known := KINDS.get(kind)) and not fits(first, known):
        refs.note(f"{refs.shown(node)}: '{variable['label']}' begins as no {kind}; the step fails, as it does in Dify.")
        return "{{ fail(" + quoted(f"'{variable['label']}' begins as no {kind}") + ") }}"
    return first


def constant(value: Any, kind: str) -> Any:
    """A constant of a type; numbers, lists and objects are often written as text."""
    if not isinstance(value, str) or kind in ("string", ""):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value

"""Where a workflow begins, forks and ends: start and triggers, if-else, end, answer, and what a person is asked."""

from typing import Any

from mulle.interop.dify.beginnings import sent
from mulle.interop.dify.conditions import checks
from mulle.interop.dify.containers import constant
from mulle.interop.dify.made import Made
from mulle.interop.dify.reading import DifyNode, selector
from mulle.interop.dify.references import QUERY, References, case_ports
from mulle.interop.dify.scopes import OTHERWISE
from mulle.interop.loose import a_list, objects

INPUT_TYPES = {"number": "number", "checkbox": "boolean", "json_object": "object", "file-list": "array"}
NOTHING = "{{ null }}"
TEXTS = frozenset({"text-input", "paragraph", "select", "url", "external_data_tool"})


QUESTION = {"name": QUERY, "type": "string", "default_value": "", "description": "What the person writes."}


def start(node: DifyNode, refs: References) -> Made:
    ports = [
        _port(one) for one in node.objects("variables") if isinstance(one.get("variable"), str) and one["variable"]
    ]
    if refs.app.is_chat and all(port["name"] != QUERY for port in ports):
        ports.insert(0, QUESTION)
    if node.type == "trigger-webhook":
        ports = [{"name": name} for name in sent(node)]
    return Made("start", {"open": True} if ports else {}, {"ports": {"outputs": ports}} if ports else {})


def _port(variable: dict[str, Any]) -> dict[str, Any]:
    """An input. Dify checks texts in its form only, so any value passes the port; its schema says what is meant."""
    kind = str(variable.get("type"))
    port: dict[str, Any] = {"name": variable["variable"], "type": INPUT_TYPES.get(kind, "any")}
    if kind in TEXTS:
        limits = {"maxLength": variable.get("max_length"), "enum": a_list(variable.get("options"))}
        port["schema"] = {"type": "string"} | {key: value for key, value in limits.items() if value}
    if variable.get("required") is True:
        port["required"] = True
    default = variable.get("default")
    if port["type"] != "any":  # A number or a yes is often written as text.
        default = constant(default, kind)
    if default not in (None, "") and not isinstance(default, dict | list):
        port["default_value"] = default
    label = variable.get("label")
    if isinstance(label, str) and label and label != port["name"]:
        port["display_name"] = label
    if port["type"] != "any" and "default_value" in port and not _fits(port):
        del port["default_value"]
    return port


def _fits(port: dict[str, Any]) -> bool:
    value = port["default_value"]
    return isinstance(value, bool) if port["type"] == "boolean" else type(value) in (int, float)


def inner_start(node: DifyNode, refs: References) -> Made:
    del node, refs
    return Made("start")


def end(node: DifyNode, refs: References) -> Made:
    chosen = {str(one["variable"]): _selected(one) for one in node.objects("outputs") if one.get("variable")}
    outputs = {name: "{{ " + refs.ref(selector, node) + " }}" for name, selector in chosen.items()}
    return Made("end", {"outputs": outputs, "stream": _streamed(outputs, chosen, refs)})


def _streamed(outputs: dict[str, str], chosen: dict[str, tuple[str, ...]], refs: References) -> bool | list[str]:
    """What of an End is shown: Dify's stream stops at a name that means nothing, but not at a skipped step's."""
    nothing = [name for name, shown in outputs.items() if shown == NOTHING]
    stop = next((name for name in nothing if not refs.scopes.skipped & {*chosen[name][:1]}), None)
    return True if stop is None else list(outputs)[: list(outputs).index(stop) + 1]


def _selected(output: dict[str, Any]) -> tuple[str, ...]:
    return selector(output.get("value_selector"))


def answer(node: DifyNode, refs: References) -> Made:
    return Made("answer", {"text": refs.template(node.text("answer"), node), "style": "markdown", "absent": "name"})


def loop_end(node: DifyNode, refs: References) -> Made:
    """Leaving a loop: the round's End says so, and the loop looks at it."""
    del node, refs
    return Made("end", {"outputs": {"loop_ended": True}})


def if_else(node: DifyNode, refs: References) -> Made:
    cases = node.objects("cases") or [
        {
            "case_id": "true",
            "conditions": node.objects("conditions"),
            "logical_operator": node.data.get("logical_operator"),
        }
    ]
    names = case_ports(node)
    made = [
        {"name": name, "when": checks(_conditions(case), case.get("logical_operator"), node, refs)}
        for name, case in zip(names.values(), cases, strict=False)
    ]
    return Made("condition", {"cases": made}, branches=names | {OTHERWISE: "else"})


def _conditions(case: dict[str, Any]) -> list[dict[str, Any]]:
    return objects(case.get("conditions"))

"""Steps that reach outside: http-request, and what Mulle has no step for (tools, agents, knowledge, files, people)."""

import json
import re
from typing import Any

from mulle.document.ports import is_array, is_object
from mulle.interop.dify.foreign import foreign
from mulle.interop.dify.made import Made
from mulle.interop.dify.reading import DifyNode
from mulle.interop.dify.references import TEMPLATE, References
from mulle.interop.dify.scopes import TIMED_OUT
from mulle.interop.dify.secret_values import secret_name, without_secrets
from mulle.interop.dify.telling import is_telling
from mulle.interop.loose import a_text

METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
BODY_KINDS = {"form-data", "x-www-form-urlencoded", "raw-text", "json", "binary"}


# ---------------------------------------------------------------------- http


def http(node: DifyNode, refs: References) -> Made:
    method = str(node.data.get("method") or "get").upper()
    if method not in METHODS:
        refs.note(f"{refs.shown(node)}: the method '{method}' is not known; GET stands in its place.")
        method = "GET"
    data: dict[str, Any] = {} if method == "GET" else {"method": method}
    data["url"] = _url(node, refs)
    if params := _lines(node.text("params"), node, refs):
        data["params"] = params
    headers = _lines(node.text("headers"), node, refs) | _authorization(node, refs)
    data |= _body(node, refs, headers)
    if headers:
        data["headers"] = headers
    if (seconds := _seconds(node.object("timeout"))) is not None:
        data["timeout"] = seconds
    if not node.text("error_strategy") and not _retries(node):
        data["expect"] = "any"
    if node.data.get("ssl_verify") is False:
        refs.note(f"{refs.shown(node)}: certificates are always checked here; `ssl_verify: false` is not carried over.")
    return Made("http", data)


def _retries(node: DifyNode) -> bool:
    return bool(node.object("retry_config").get("retry_enabled"))


_TELLING_QUERY = re.compile(r"([?&]([^=&#{}]+)=)([^&#{}]+)")


def _url(node: DifyNode, refs: References) -> str:
    """The address; keys in its query get names."""
    url = refs.text(node.text("url").strip(), node) or "https://example.invalid/"

    def named(match: re.Match[str]) -> str:
        if not is_telling(match[2]):
            return match[0]
        return f"{match[1]}{{{{ secret.{secret_name(match[3], _wanted(node, match[2]), refs, refs.shown(node))} }}}}"

    return _TELLING_QUERY.sub(named, url)


def _wanted(node: DifyNode, name: str) -> str:
    return f"{node.title if node.title.isascii() and node.title else node.id}_{name}"


def _lines(text: str, node: DifyNode, refs: References) -> dict[str, Any]:
    """`name: value` lines; what looks like a secret gets a name. A name that comes twice has a list of values."""
    made: dict[str, Any] = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        name, value = _plain_name(name.strip(), node, refs), value.strip()
        if not name:
            continue
        one = _value(name, value, node, refs)
        made[name] = [*(made[name] if is_array(made[name]) else [made[name]]), one] if name in made else one
    return made


def _plain_name(name: str, node: DifyNode, refs: References) -> str:
    """A name as it is written; empty, with a note, where a reference stands in it: names are no templates here."""
    if TEMPLATE.search(name):
        refs.note(f"{refs.shown(node)}: the name '{name}' is made of a variable; its line is left out.")
        return ""
    return name


def _value(name: str, value: str, node: DifyNode, refs: References) -> str:
    if is_telling(name) and value and not TEMPLATE.search(value):
        scheme, space, rest = value.rpartition(" ")
        return f"{scheme}{space}{{{{ secret.{secret_name(rest, _wanted(node, name), refs, refs.shown(node))} }}}}"
    return refs.text(value, node)


def _authorization(node: DifyNode, refs: References) -> dict[str, str]:
    given = node.object("authorization")
    config = given.get("config")
    if given.get("type") != "api-key" or not is_object(config):
        return {}
    key, kind = str(config.get("api_key") or ""), config.get("type")
    held = refs.text(key, node) if TEMPLATE.search(key) or not key else None
    if held is None:
        held = f"{{{{ secret.{secret_name(key, _wanted(node, 'api_key'), refs, refs.shown(node))} }}}}"
    header = str(config.get("header") or "Authorization")
    if kind == "basic":
        refs.note(f"{refs.shown(node)}: for Basic authorization keep the base64 of `user:password` as the secret.")
        return {header: f"Basic {held}"}
    return {header: held if kind == "custom" else f"Bearer {held}"}


def _body(node: DifyNode, refs: References, headers: dict[str, Any]) -> dict[str, Any]:
    """The body's settings; may add a content type to the headers."""
    body = node.object("body")
    kind, found = a_text(body.get("type")), body.get("data")
    if kind not in BODY_KINDS:
        return {}
    parts = [one for one in found if is_object(one)] if is_array(found) else []
    if kind in ("form-data", "x-www-form-urlencoded"):
        fields = _lines(found, node, refs) if isinstance(found, str) else _fields(parts, node, refs)
        return ({"form": fields} | ({"multipart": True} if kind == "form-data" else {})) if fields else {}
    text = found if isinstance(found, str) else str(parts[0].get("value") or "") if parts else ""
    if kind == "binary":
        refs.note(f"{refs.shown(node)}: a file as the whole body is not sent yet.")
        return {}
    if kind == "json":
        return _json_body(text, node, refs, headers)
    return {"body": refs.text(text, node)} if text else {}


def _fields(parts: list[dict[str, Any]], node: DifyNode, refs: References) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for one in parts:
        name = _plain_name(str(one.get("key") or ""), node, refs)
        if one.get("type") == "file":
            refs.note(f"{refs.shown(node)}: the file in the form's field '{name}' is not sent yet.")
        elif name:
            made[name] = _value(name, str(one.get("value") or ""), node, refs)
    return made


def _json_body(text: str, node: DifyNode, refs: References, headers: dict[str, Any]) -> dict[str, Any]:
    """JSON as data where it can be read, references inside and all; else the text as it stands."""
    if not text.strip():
        return {}
    try:
        data = json.loads(_marked(text))
    except (ValueError, RecursionError):
        data = None
    if data is not None and not _has_named_keys(data):
        return {"json": without_secrets(_filled(data, node, refs), refs, refs.shown(node))}
    if not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = "application/json"
    return {"body": refs.text(text, node)}


_VALUE = "\x01"
"""Stands before a reference that was written without quotes: what comes out keeps its type."""
_STRING_OR_REFERENCE = re.compile(r'"(?:[^"\\]|\\.)*"|' + TEMPLATE.pattern, re.DOTALL)


def _marked(text: str) -> str:
    """JSON in which references outside of texts are texts with a mark."""
    return _STRING_OR_REFERENCE.sub(lambda one: one[0] if one[0][0] == '"' else f'"\\u0001{one[0]}"', text)


def _filled(data: Any, node: DifyNode, refs: References) -> Any:
    """Data with our references in its texts. Where they stood in quotes, what comes out is text."""
    if is_object(data):
        return {key: _filled(value, node, refs) for key, value in data.items()}
    if is_array(data):
        return [_filled(item, node, refs) for item in data]
    if not isinstance(data, str):
        return data
    return refs.template(data[1:], node) if data.startswith(_VALUE) else refs.text(data, node)


def _has_named_keys(data: Any) -> bool:
    """Whether a reference stands in the place of a key, where data of ours holds none."""
    if is_object(data):
        return any(TEMPLATE.search(key) or _has_named_keys(value) for key, value in data.items())
    return is_array(data) and any(map(_has_named_keys, data))


def _seconds(timeout: dict[str, Any]) -> float | None:
    """The longest that the whole call may take: Dify counts connecting, reading and writing apart."""
    keys = ("connect", "read", "write")
    found = [timeout.get(key) or timeout.get(f"max_{key}_timeout") or 0 for key in keys]
    numbers = [one for one in found if type(one) in (int, float) and one > 0]
    return sum(numbers) if numbers else None


# ---------------------------------------------------------------------- what Mulle has no step for


def tool(node: DifyNode, refs: References) -> Made:
    name = f"{node.text('provider_name')}/{node.text('tool_name')}"
    refs.note(f"{refs.shown(node)}: Dify's tool '{name}' is not here; it runs only pinned.")
    kept = ("provider_id", "provider_type", "provider_name", "tool_name", "tool_label", "tool_configurations")
    return foreign(node, refs, _parameters(node.object("tool_parameters"), node, refs), about=_kept(node, kept))


def agent(node: DifyNode, refs: References) -> Made:
    refs.note(f"{refs.shown(node)}: Dify's agents are not here; it runs only pinned.")
    kept = ("agent_strategy_name", "agent_strategy_label", "agent_strategy_provider_name", "memory")
    return foreign(node, refs, _parameters(node.object("agent_parameters"), node, refs), about=_kept(node, kept))


def knowledge(node: DifyNode, refs: References) -> Made:
    refs.note(f"{refs.shown(node)}: Dify's knowledge is not here; it runs only pinned.")
    query = node.selector("query_variable_selector")
    inputs = {"query": "{{ " + refs.ref(query, node) + " }}"} if query else {}
    kept = ("dataset_ids", "retrieval_mode", "multiple_retrieval_config", "single_retrieval_config")
    return foreign(node, refs, inputs, about=_kept(node, kept))


def document_extractor(node: DifyNode, refs: References) -> Made:
    refs.note(f"{refs.shown(node)}: reading files is not here yet; it runs only pinned.")
    return foreign(node, refs, {"file": "{{ " + refs.ref(node.selector("variable_selector"), node) + " }}"})


def human_input(node: DifyNode, refs: References) -> Made:
    refs.note(f"{refs.shown(node)}: Dify's forms for people are not here; use an approval step, or pin it.")
    branches = [*(str(one["id"]) for one in node.objects("user_actions") if one.get("id")), TIMED_OUT]
    kept = ("inputs", "user_actions", "timeout", "timeout_unit")
    form = {"form": refs.text(node.text("form_content"), node)} if node.text("form_content") else {}
    return foreign(node, refs, form, about=_kept(node, kept), branches=branches)


def unknown(node: DifyNode, refs: References) -> Made:
    refs.note(f"{refs.shown(node)}: this kind of step is not known here; it runs only pinned.")
    return foreign(node, refs, {}, about={key: value for key, value in node.data.items() if key not in _FOR_EYES})


_FOR_EYES = frozenset({"title", "desc", "selected", "type", "height", "width", "isInIteration", "isInLoop"})


def _kept(node: DifyNode, keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: node.data[key] for key in keys if node.data.get(key) not in (None, "", {}, [])}


def _parameters(given: dict[str, Any], node: DifyNode, refs: References) -> dict[str, Any]:
    """A tool's parameters: `{type: mixed|variable|constant, value}` each."""
    made: dict[str, Any] = {}
    for name, one in given.items():
        value, kind = (one.get("value"), one.get("type")) if is_object(one) else (one, "constant")
        if kind == "variable" and is_array(value):
            made[name] = "{{ " + refs.ref(tuple(map(str, value)), node) + " }}"
        elif isinstance(value, str):
            made[name] = refs.template(value, node)
        elif value is not None:
            made[name] = without_secrets(_filled(value, node, refs), refs, refs.shown(node), name)
    return without_secrets(made, refs, refs.shown(node))

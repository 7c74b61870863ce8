"""Steps that read and write texts: llm, template, question-classifier, parameter-extractor, code."""

import ast
import sys
from typing import Any

from mulle.document.ports import is_object
from mulle.errors import SandboxError
from mulle.interop.dify import memory
from mulle.interop.dify.foreign import foreign
from mulle.interop.dify.made import Made
from mulle.interop.dify.reading import DifyNode, selector
from mulle.interop.dify.references import TEMPLATE, References
from mulle.interop.loose import a_list, an_object, objects
from mulle.interop.names import quoted
from mulle.sdk.code_signature import signature

CONTEXT = "{{#context#}}"
OPENAI = ("openai", "langgenius/openai/openai")

LONGEST_TEXT, MOST_TEXTS, MOST_NUMBERS, MOST_OBJECTS = 400_000, 30, 1000, 30
"""What Dify lets a code step return."""
DEEPEST = 4
GREATEST = 9_223_372_036_854_775_807


# ---------------------------------------------------------------------- llm


def llm(node: DifyNode, refs: References) -> Made:
    data: dict[str, Any] = {}
    before: list[dict[str, Any]] = []
    messages = _messages(node)
    system = [text for role, text in messages if role == "system"]
    others = [(role, text) for role, text in messages if role != "system"]
    if system:
        data["system"] = _prompt("\n\n".join(system), node, refs)
    said = others[0][1] if len(others) == 1 else "\n\n".join(f"{role}: {text}" for role, text in others)
    data["prompt"] = _prompt(_with_memory(said, node, refs), node, refs)
    if _is_jinja(node):
        before = _rendered_prompts(data, node, refs)
    if memory.remembers(node, refs) and memory.is_kept(refs):
        data["prompt"] = memory.earlier(node, refs) + data["prompt"]
    data |= model_settings(node, refs)
    if (schema := _schema(node)) is not None:
        data["schema"] = schema
    if tools := objects(node.object("agent_mode").get("tools")):
        names = ", ".join(str(one.get("tool_name") or one.get("tool_label") or "?") for one in tools)
        refs.note(f"{refs.shown(node)}: the agent's tools are not here ({names}); the model answers without them.")
    if an_object(node.object("dataset_configs").get("datasets")).get("datasets"):
        refs.note(f"{refs.shown(node)}: the app's knowledge is not here; the model answers without it.")
    if node.object("vision").get("enabled"):
        refs.note(f"{refs.shown(node)}: images in the question are not given to the model.")
    return Made("llm", {key: value for key, value in data.items() if value != ""}, before=before)


def _messages(node: DifyNode) -> list[tuple[str, str]]:
    """The prompt as (role, text); that of a completion model is one message of a user."""
    template = node.data.get("prompt_template")
    if is_object(template):
        return [("user", _message_text(template))]
    return [(str(one.get("role") or "user"), _message_text(one)) for one in node.objects("prompt_template")]


def _message_text(message: dict[str, Any]) -> str:
    jinja = message.get("edition_type") == "jinja2"
    text = message.get("jinja2_text") if jinja and message.get("jinja2_text") else message.get("text")
    return text if isinstance(text, str) else ""


def _is_jinja(node: DifyNode) -> bool:
    return any(one.get("edition_type") == "jinja2" for one in node.objects("prompt_template"))


def _with_memory(said: str, node: DifyNode, refs: References) -> str:
    """What the model is asked. With memory, Dify adds the question itself."""
    if not memory.remembers(node, refs):
        return said
    asked = node.object("memory").get("query_prompt_template")
    question = (asked if isinstance(asked, str) and asked else "{{#sys.query#}}").replace("{{#sys.files#}}", "").strip()
    return said if question in said else "\n\n".join(filter(None, (said, question)))


def _prompt(text: str, node: DifyNode, refs: References) -> str:
    """A prompt with our references. With Jinja2 it stays as it is: a template step fills it in."""
    if CONTEXT in text:
        chosen = selector(node.object("context").get("variable_selector"))
        text = text.replace(CONTEXT, "{{#" + ".".join(chosen) + "#}}" if len(chosen) > 1 else "")
    return text if _is_jinja(node) else refs.text(text, node)


def _rendered_prompts(data: dict[str, Any], node: DifyNode, refs: References) -> list[dict[str, Any]]:
    """Template steps for prompts that are Jinja2, and the settings that take their texts."""
    named = {
        str(one["variable"]): "{{ " + refs.ref(selector(one.get("value_selector")), node) + " }}"
        for one in _jinja_variables(node)
    }
    made: list[dict[str, Any]] = []
    for key in [key for key in ("system", "prompt") if data.get(key)]:
        id_ = f"{refs.ids[node.id]}_{key}"
        template, more = jinja_of(data[key], node, refs)
        variables = named | more
        settings = {"template": template, "strict": False} | ({"variables": variables} if variables else {})
        made.append({"id": id_, "type": "template", "data": settings})
        data[key] = f"{{{{ {refs.of(id_, 'text')} }}}}"
    return made


def _jinja_variables(node: DifyNode) -> list[dict[str, Any]]:
    found = objects(node.object("prompt_config").get("jinja2_variables"))
    return [one for one in found if one.get("variable")]


def jinja_of(text: str, node: DifyNode, refs: References) -> tuple[str, dict[str, str]]:
    """A Jinja2 template in which Dify's own references are variables with names of ours."""
    more: dict[str, str] = {}

    def name(steps: tuple[str, ...]) -> str:
        more.setdefault("_".join(("dify", *steps[-2:])), "{{ " + refs.ref(steps, node) + " }}")
        return "{{ " + "_".join(("dify", *steps[-2:])) + " }}"

    made = TEMPLATE.sub(lambda match: name(tuple(match[1].split("."))) if "." in match[1] else match[0], text)
    return made, more


def model_settings(node: DifyNode, refs: References) -> dict[str, Any]:
    """Which model, and how it is set; what we have no setting for is a note."""
    model = node.object("model")
    name, provider = model.get("name"), str(model.get("provider") or "")
    made: dict[str, Any] = {}
    if isinstance(name, str) and name and "{{" not in name and provider in OPENAI:
        made["model"] = f"openai:{name}"
    elif name:
        whose = provider or "its provider"
        refs.note(f"{refs.shown(node)}: {whose}'s model '{name}' is not set; the one of MULLE_MODEL answers.")
    if node.type != "llm":
        if refs.app.is_chat and is_object(node.data.get("memory")):
            refs.note(f"{refs.shown(node)}: its memory is not carried over; it sees this turn only.")
        if node.object("vision").get("enabled"):
            refs.note(f"{refs.shown(node)}: images in the question are not given to the model.")
        return made
    parameters = model.get("completion_params")
    for key, value in parameters.items() if is_object(parameters) else ():
        if key == "temperature" and type(value) in (int, float) and 0 <= value <= 2:
            made["temperature"] = value
        elif key == "max_tokens" and type(value) is int and value > 0:
            made["max_tokens"] = value
        elif value not in (None, "", [], {}):
            refs.note(f"{refs.shown(node)}: the model's setting '{key}' is not carried over.")
    return made


def _schema(node: DifyNode) -> dict[str, Any] | None:
    found = node.object("structured_output").get("schema")
    enabled = node.data.get("structured_output_enabled", True)
    return found if enabled and is_object(found) and found else None


# ---------------------------------------------------------------------- template, classifier, extractor


def template(node: DifyNode, refs: References) -> Made:
    variables = {
        str(one["variable"]): "{{ " + refs.ref(selector(one.get("value_selector")), node) + " }}"
        for one in node.objects("variables")
        if one.get("variable")
    }
    settings: dict[str, Any] = {"template": node.text("template"), "strict": False}
    return Made("template", settings | ({"variables": variables} if variables else {}))


def classifier(node: DifyNode, refs: References) -> Made:
    classes = [
        {"name": str(one.get("name") or one["id"]), "port": str(one["id"])}
        for one in node.objects("classes")
        if isinstance(one.get("id"), str | int)
    ]
    chosen = node.selector("query_variable_selector")
    text = "{{ " + refs.ref(chosen, node) + " }}"
    if not classes:
        refs.note(f"{refs.shown(node)}: it has no classes; it runs only pinned.")
        return foreign(node, refs, {"text": text})
    data: dict[str, Any] = {"text": text, "classes": classes}
    if instruction := node.text("instruction"):
        data["instructions"] = refs.text(instruction, node)
    handles = {one["port"]: one["port"] for one in classes}
    return Made("classify", data | model_settings(node, refs), branches=handles)


_FIELD_TYPES = {"number": "number", "bool": "boolean", "boolean": "boolean", "object": "object"}


def extractor(node: DifyNode, refs: References) -> Made:
    fields: list[dict[str, Any]] = []
    for one in node.objects("parameters"):
        if not one.get("name"):
            continue
        kind = str(one.get("type"))
        made: dict[str, Any] = {"name": str(one["name"])}
        if (type_ := "array" if kind.startswith("array") else _FIELD_TYPES.get(kind)) is not None:
            made["type"] = type_
        options = a_list(one.get("options"))
        choice = f" One of: {', '.join(map(str, options))}." if options else ""
        if about := f"{one.get('description') or ''}{choice}".strip():
            made["description"] = about
        if one.get("required") is True:
            made["required"] = True
        fields.append(made)
    text = "{{ " + refs.ref(node.selector("query"), node) + " }}"
    if not fields:
        refs.note(f"{refs.shown(node)}: it has no parameters; it runs only pinned.")
        return foreign(node, refs, {"text": text})
    data: dict[str, Any] = {"text": text, "fields": fields}
    if instruction := node.text("instruction"):
        data["instructions"] = refs.text(instruction, node)
    return Made("extract", data | model_settings(node, refs))


# ---------------------------------------------------------------------- code


def code(node: DifyNode, refs: References) -> Made:
    source = node.text("code")
    inputs = {
        str(one["variable"]): "{{ " + refs.ref(selector(one.get("value_selector")), node) + " }}"
        for one in node.objects("variables")
        if one.get("variable")
    }
    outputs = an_object(node.data.get("outputs"))
    if (why := _unrunnable(node.text("code_language"), source, inputs)) is not None:
        refs.note(f"{refs.shown(node)}: {why}. Until then it runs only pinned.")
        made = foreign(node, refs, inputs, about=source)
        made.more["ports"] = {"outputs": [{"name": name} for name in outputs]}
        return made
    data: dict[str, Any] = {"code": source}
    if inputs:
        data["inputs"] = inputs
    if is_object(node.data.get("outputs")):
        data["returns"] = {name: _returned(one) for name, one in outputs.items() if is_object(one)}
    if packages := _foreign_packages(source):
        refs.note(f"{refs.shown(node)}: code steps have the standard library only, not {quoted(', '.join(packages))}.")
    return Made("code", data)


def _unrunnable(language: str, source: str, inputs: dict[str, Any]) -> str | None:
    """Why a code step cannot run what Dify would have failed at, or had another language for; None when it can."""
    if language not in ("", "python3"):
        return "it is JavaScript; write it in Python"
    try:
        taken = signature(source)
    except SandboxError as error:
        return f"mend its code. {error.text.rstrip('.')}"
    lacking = [one.name for one in taken.parameters if one.required and one.name not in inputs]
    return f"give it {', '.join(map(quoted, lacking))}, which its function takes" if lacking else None


def _returned(output: dict[str, Any]) -> dict[str, Any]:
    kind = str(output.get("type"))
    # Dify takes anything for a boolean: code that answers 1 or "yes" works there, and goes on working.
    made: dict[str, Any] = {"type": kind if kind in _LIMITS else "any"} | _LIMITS.get(kind, {})
    children = output.get("children")
    if is_object(children) and children and kind in ("object", "array[object]"):
        made["fields"] = {name: _returned(one) for name, one in children.items() if is_object(one)}
    return made


_RANGE = {"least_number": -GREATEST, "greatest_number": GREATEST}
_LIMITS: dict[str, dict[str, Any]] = {
    "string": {"most": LONGEST_TEXT},
    "number": _RANGE,
    "object": {"deepest": DEEPEST},
    "array[string]": {"most": MOST_TEXTS},
    "array[number]": {"most": MOST_NUMBERS} | _RANGE,
    "array[object]": {"most": MOST_OBJECTS, "deepest": DEEPEST},
    "array[boolean]": {"most": MOST_TEXTS},
}


def _foreign_packages(source: str) -> list[str]:
    """The packages that the code imports and that are no part of Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    named: set[str] = set()
    for part in ast.walk(tree):
        if isinstance(part, ast.Import):
            named |= {alias.name.partition(".")[0] for alias in part.names}
        elif isinstance(part, ast.ImportFrom) and part.module and not part.level:
            named.add(part.module.partition(".")[0])
    return sorted(named - sys.stdlib_module_names)

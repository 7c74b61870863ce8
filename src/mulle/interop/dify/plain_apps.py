"""Dify's apps without a graph (chat, agent, text generator) as the graph that they amount to: ask, answer."""

import re
from typing import Any

from mulle.interop.loose import a_text, an_object, objects

PLAIN = frozenset({"chat", "agent-chat", "completion"})
_VARIABLE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")


def graph_of(config: dict[str, Any], mode: str) -> dict[str, Any]:
    """A graph as Dify would export it, for an app of a mode that has none.

    Args:
        config: The app's `model_config`.
        mode: `completion` has no conversation: what is asked is its form alone.
    """
    variables = [_variable(one) for one in objects(config.get("user_input_form"))]
    names = {str(one.get("variable")) for one in variables}
    asked = [] if mode == "completion" and "query" not in names else [{"role": "user", "text": "{{#sys.query#}}"}]
    role = "system" if asked else "user"
    prompt = [{**one, "text": _prompt(one["text"], names)} for one in _written(config, role)]
    model = an_object(config.get("model"))
    llm = {
        "type": "llm",
        "title": "LLM",
        "prompt_template": [*prompt, *asked],
        "model": {**model, "completion_params": an_object(model.get("completion_params"))},
        **({"memory": {"window": {"enabled": False}}} if asked else {}),
        "agent_mode": an_object(config.get("agent_mode")),
        "dataset_configs": an_object(config.get("dataset_configs")),
    }
    nodes = [
        {"id": "start", "data": {"type": "start", "title": "Start", "variables": variables}},
        {"id": "llm", "data": llm},
        {"id": "answer", "data": {"type": "answer", "title": "Answer", "answer": "{{#llm.text#}}"}},
    ]
    return {"nodes": nodes, "edges": [{"source": "start", "target": "llm"}, {"source": "llm", "target": "answer"}]}


def _written(config: dict[str, Any], role: str) -> list[dict[str, str]]:
    """The prompt: one text; in apps with an advanced one, messages or the text of a completion model."""
    if config.get("prompt_type") == "advanced":
        messages = objects(an_object(config.get("chat_prompt_config")).get("prompt"))
        whole = an_object(an_object(config.get("completion_prompt_config")).get("prompt"))
        found = [{"role": a_text(one.get("role")) or role, "text": a_text(one.get("text"))} for one in messages]
        found = [one for one in found if one["text"]]
        if found or whole:
            return found or [{"role": role, "text": a_text(whole.get("text"))}]
    text = a_text(config.get("pre_prompt"))
    return [{"role": role, "text": text}] if text else []


def _variable(form: dict[str, Any]) -> dict[str, Any]:
    """A field of the form: `{"paragraph": {"variable": …}}`."""
    type_ = next(iter(form), "text-input")
    return {**an_object(form.get(type_)), "type": type_}


def _prompt(text: str, names: set[str]) -> str:
    """A prompt whose `{{name}}` are the form's fields."""
    return _VARIABLE.sub(lambda one: f"{{{{#start.{one[1]}#}}}}" if one[1] in names else one[0], text)

"""The JSON of old chatbots: React Flow graphs of start, knowledge, llm and end, without ports.

Ports are inferred by type, and where nothing leads to a port that needs a value, the nearest step before it that has
one feeds it: in Start → Knowledge → LLM → End the person's message goes to the search and to the model.
"""

import re
from collections.abc import Iterable
from typing import Any

from mulle.document.ports import is_array, is_object
from mulle.document.reading import parse_workflow, read_data
from mulle.errors import InputError
from mulle.interop import Imported
from mulle.interop.loose import an_object, objects
from mulle.interop.names import legal_ids

MOST_NODES = 2000


class NotLegacy(InputError):
    """The file is no React Flow graph of an old chatbot."""

    code = "import.not_legacy"
    message = "This is no workflow of an old chatbot: {problem}."
    hint = "It has `nodes` and `edges`; an export of Dify is read with `--from dify`."


def _port(name: str, type_: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": type_, **more}


INPUTS: dict[str, tuple[dict[str, Any], ...]] = {
    "knowledge": (_port("query", "string", required=True), _port("top_k", "number", default_value=5)),
    "llm": (_port("user_message", "string", required=True), _port("context", "string")),
}
OUTPUTS: dict[str, tuple[dict[str, Any], ...]] = {
    "start": (_port("user_message", "string", required=True), _port("session_id", "string", default_value="")),
    "knowledge": (_port("documents", "array"), _port("context", "string")),
    "llm": (_port("response", "string"),),
    "end": (_port("final_output", "string"),),
}
FED_BY: dict[tuple[str, str], tuple[str, ...]] = {
    ("knowledge", "query"): ("start.user_message",),
    ("llm", "user_message"): ("start.user_message",),
    ("llm", "context"): ("knowledge.context",),
    ("end", "response"): ("llm.response", "knowledge.context", "start.user_message"),
}
"""For each input port the outputs that feed it, the best first."""
TYPES = {"knowledge": "legacy.knowledge"}
"""Ours, where they are called otherwise."""


def import_legacy(text: str | bytes) -> Imported:
    """An old chatbot's graph as a document of ours; raises UnreadableDocument, NotLegacy, InvalidDocument."""
    data = read_data(text)
    graph = data.get("graph") if is_object(data) and is_object(data.get("graph")) else data
    if not is_object(graph) or not is_array(graph.get("nodes")):
        raise NotLegacy(problem="it has no list of `nodes`")
    if len(graph["nodes"]) > MOST_NODES:
        raise NotLegacy(problem=f"it has more than {MOST_NODES:,} nodes")
    old = _Old(graph)
    document = {"nodes": [old.node(id_) for id_ in old.types], "edges": old.edges()}
    if is_object(data) and isinstance(data.get("name"), str):
        document["name"] = data["name"][:500]
    return Imported(parse_workflow(document), tuple(old.notes))


class _Old:
    """An old graph, read."""

    def __init__(self, graph: dict[str, Any]) -> None:
        found = {
            str(one["id"]): one for one in graph["nodes"] if is_object(one) and isinstance(one.get("id"), str | int)
        }
        if not found:
            raise NotLegacy(problem="none of its nodes has an `id`")
        self._nodes = found
        self.types = {id_: _type(one) for id_, one in found.items()}
        self.ids = legal_ids(list(found))
        links = objects(graph.get("edges"))
        self._edges = [
            (str(one.get("source")), str(one.get("target")))
            for one in links
            if str(one.get("source")) in found and str(one.get("target")) in found
        ]
        self.notes: list[str] = []

    def node(self, id_: str) -> dict[str, Any]:
        """One node of ours."""
        type_, raw = self.types[id_], self._nodes[id_]
        made: dict[str, Any] = {"id": self.ids[id_], "type": TYPES.get(type_, type_)}
        settings = an_object(raw.get("data"))
        if isinstance(label := settings.get("label") or settings.get("title"), str) and label:
            made["name"] = label
        if type_ not in OUTPUTS:
            self.notes.append(
                f"'{id_}': the type '{type_}' is not known, so it has no ports; give it some, or another type."
            )
            return made | ({"ui": {"data": settings}} if settings else {})
        made |= getattr(self, f"_{type_}")(id_, settings)
        place = raw.get("position")
        if is_object(place) and all(isinstance(place.get(axis), int | float) for axis in ("x", "y")):
            made["position"] = {axis: float(place[axis]) for axis in ("x", "y")}
        return made

    def edges(self) -> list[dict[str, Any]]:
        """Ways only; what flows is mapped at the targets."""
        return [
            {"source": self.ids[source], "target": self.ids[target]} for source, target in dict.fromkeys(self._edges)
        ]

    # ------------------------------------------------------------------ by type

    def _start(self, id_: str, settings: dict[str, Any]) -> dict[str, Any]:
        del id_, settings
        return {"ports": {"outputs": list(OUTPUTS["start"])}, "data": {"open": True}}

    def _knowledge(self, id_: str, settings: dict[str, Any]) -> dict[str, Any]:
        top_k = settings.get("top_k", settings.get("topK", 5))
        domain = settings.get("domain") or settings.get("knowledge_id") or settings.get("knowledgeId")
        data = {"top_k": top_k if type(top_k) is int and 0 < top_k <= 1000 else 5}
        data |= {"domain": domain} if isinstance(domain, str) and domain else {}
        return {"data": data, "variable_mappings": self._mappings(id_, "knowledge")}

    def _llm(self, id_: str, settings: dict[str, Any]) -> dict[str, Any]:
        mapped = self._mappings(id_, "llm")
        names = {port: f"{{{{ {_expression(one['source']['variable'])} }}}}" for port, one in mapped.items()}
        data = {"text": names.get("user_message", "")} if "user_message" in names else {}
        prompt = next((settings[key] for key in _PROMPTS if isinstance(settings.get(key), str)), "")
        prompt = _filled(prompt, names)
        if "context" in names and names["context"] not in prompt:
            prompt = f"{prompt}\n\n{names['context']}".strip()
        data |= {"prompt": prompt} if prompt else {}
        if isinstance(settings.get("temperature"), int | float) and 0 <= settings["temperature"] <= 2:
            data["temperature"] = settings["temperature"]
        if isinstance(model := settings.get("model"), str) and model:
            self.notes.append(f"'{id_}': its model '{model}' is not set; the one of MULLE_MODEL answers.")
        return {
            "data": data,
            "ports": {"inputs": list(INPUTS["llm"])},
            "variable_mappings": mapped,
            "derived_outputs": {"response": "text"},
        }

    def _end(self, id_: str, settings: dict[str, Any]) -> dict[str, Any]:
        del settings
        source = self._source(id_, FED_BY["end", "response"])
        outputs = {"final_output": f"{{{{ {_expression(source)} }}}}"} if source else {}
        return {"data": {"outputs": outputs}, "ports": {"outputs": list(OUTPUTS["end"])}}

    # ------------------------------------------------------------------ inference

    def _mappings(self, id_: str, type_: str) -> dict[str, Any]:
        """What feeds the ports of a node."""
        made: dict[str, Any] = {}
        for port in INPUTS[type_]:
            wanted = FED_BY.get((type_, port["name"]))
            source = self._source(id_, wanted) if wanted else None
            if source:
                value_type = "string"
                made[port["name"]] = {
                    "target_port": port["name"],
                    "source": {"variable": source, "value_type": value_type},
                }
            elif port.get("required"):
                self.notes.append(f"'{id_}': nothing before it gives its '{port['name']}'.")
        return made

    def _source(self, id_: str, wanted: Iterable[str]) -> str | None:
        """The reference to the best output before a node: the nearest step of the best type."""
        before = self._before(id_)
        for choice in wanted:
            type_, port = choice.split(".")
            for node in before:
                if self.types[node] == type_:
                    return f"{self.ids[node]}.{port}"
        return None

    def _before(self, id_: str) -> list[str]:
        """Everything that leads to a node, the nearest first."""
        found: list[str] = []
        level = [id_]
        while level:
            level = [
                source for source, target in self._edges if target in level and source not in found and source != id_
            ]
            level = list(dict.fromkeys(level))
            found += level
        return found


_PROMPTS = ("prompt", "prompt_template", "promptTemplate", "system_prompt", "systemPrompt", "system_message")
_PLACEHOLDER = re.compile(r"\{\{?\s*(user_message|query|question|context)\s*\}?\}")


def _type(node: dict[str, Any]) -> str:
    """A node's type; React Flow's `custom` nodes have theirs inside."""
    data, type_ = node.get("data"), node.get("type")
    inner = data.get("type") if is_object(data) else None
    chosen = inner if isinstance(inner, str) and inner and type_ in (None, "custom", "default") else type_
    return chosen.lower().removesuffix("node") if isinstance(chosen, str) and chosen else "unknown"


def _filled(prompt: str, names: dict[str, str]) -> str:
    """A prompt with references where its placeholders stood."""
    pieces: list[str] = []
    place = 0
    for match in _PLACEHOLDER.finditer(prompt):
        reference = names.get("context" if match[1] == "context" else "user_message", "")
        pieces += [prompt[place : match.start()].replace("{{", '{{ "{{" }}'), reference]
        place = match.end()
    return "".join([*pieces, prompt[place:].replace("{{", '{{ "{{" }}')])


def _expression(variable: str) -> str:
    """A reference as expressions write it: `nodes["llm-1"].response`."""
    node, _, port = variable.partition(".")
    return f"{node}.{port}" if node.isidentifier() else f'nodes["{node}"].{port}'

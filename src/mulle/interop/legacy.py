"""The JSON of old chatbots: React Flow graphs of start, knowledge, llm and end, without ports.

Ports are inferred by type, and where nothing leads to a port that needs a value, the nearest step before it that has
one feeds it: in Start → Knowledge → LLM → End the person's message goes to the search and to the model.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mulle.document.expressions.tree import WORDS
from mulle.document.ports import is_array, is_object
from mulle.document.reading import parse_workflow, read_data
from mulle.errors import InputError
from mulle.interop import Imported
from mulle.interop.loose import a_list, an_object
from mulle.interop.names import legal_ids, quoted

MOST_NODES = 2000
LONGEST_NAME = 500
MOST_PASSAGES = 1000


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
REACT_FLOW = {"custom": "", "default": "", "input": "start", "output": "end"}
"""Its own types, and what a node of them is if it does not say itself."""
PROMPTS = ("prompt", "prompt_template", "promptTemplate")
SYSTEMS = ("system_prompt", "systemPrompt", "system_message")
_PLACEHOLDER = re.compile(r"\{\{?\s*(user_message|query|question|context)\s*\}?\}")


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
        document["name"] = data["name"][:LONGEST_NAME]
    return Imported(parse_workflow(document), tuple(old.notes))


class _Old:
    """An old graph, read."""

    def __init__(self, graph: dict[str, Any]) -> None:
        self.notes: list[str] = []
        self._nodes = self._found(graph["nodes"])
        if not self._nodes:
            raise NotLegacy(problem="none of its nodes has an `id`")
        self.types = {id_: _type(one) for id_, one in self._nodes.items()}
        self.ids = legal_ids(list(self._nodes))
        self._edges = self._ways(graph.get("edges"))
        self._nearest = {type_: nearest(self._edges, self.types, type_) for type_ in OUTPUTS}

    def _found(self, nodes: list[Any]) -> dict[str, dict[str, Any]]:
        """The nodes by id; what cannot be one is noted."""
        found: dict[str, dict[str, Any]] = {}
        for number, one in enumerate(nodes):
            id_ = one.get("id") if is_object(one) else None
            if isinstance(id_, bool) or not isinstance(id_, str | int):
                self.notes.append(f"nodes[{number}] has no `id` and is left out.")
            elif str(id_) in found:
                self.notes.append(f"nodes[{number}] is left out: its id '{id_}' stands there already.")
            else:
                found[str(id_)] = one
        return found

    def _ways(self, edges: Any) -> list[tuple[str, str]]:
        """Each way from a node to another once; what leads nowhere is noted."""
        if not is_array(edges):
            self.notes.append("It has no list of `edges`, so its steps are not joined.")
        ways: dict[tuple[str, str], None] = {}
        for number, one in enumerate(a_list(edges)):
            way = tuple(str(an_object(one).get(end)) for end in ("source", "target"))
            if way[0] in self._nodes and way[1] in self._nodes:
                ways[way[0], way[1]] = None
            else:
                self.notes.append(f"edges[{number}] is left out: it leads from '{way[0]}' to '{way[1]}'.")
        return list(ways)

    def node(self, id_: str) -> dict[str, Any]:
        """One node of ours."""
        type_, raw = self.types[id_], self._nodes[id_]
        made: dict[str, Any] = {"id": self.ids[id_], "type": TYPES.get(type_, type_) or "unknown"}
        settings = {key: value for key, value in an_object(raw.get("data")).items() if value not in (None, "", [], {})}
        names = [settings.pop(key, None) for key in ("label", "title")]
        if name := next((name for name in names if isinstance(name, str) and name), ""):
            made["name"] = name[:LONGEST_NAME]
        settings.pop("type", None)
        if type_ in OUTPUTS:
            made |= getattr(self, f"_{type_}")(id_, settings)
            if settings:
                self.notes.append(f"'{id_}': kept under `ui`, without effect: {', '.join(settings)}.")
        else:
            said = f"the type '{type_}' is not known" if type_ else "it says no type"
            self.notes.append(f"'{id_}': {said}, so it has no ports; give it some, or another type.")
        place = raw.get("position")
        if is_object(place) and all(isinstance(place.get(axis), int | float) for axis in ("x", "y")):
            made["position"] = {axis: float(place[axis]) for axis in ("x", "y")}
        return made | ({"ui": {"data": settings}} if settings else {})

    def edges(self) -> list[dict[str, Any]]:
        """Ways only; what flows is mapped at the targets."""
        return [{"source": self.ids[source], "target": self.ids[target]} for source, target in self._edges]

    # ------------------------------------------------------------------ by type; what is known of the settings goes out

    def _start(self, id_: str, settings: dict[str, Any]) -> dict[str, Any]:
        del id_, settings
        return {"ports": {"outputs": list(OUTPUTS["start"])}, "data": {"open": True}}

    def _knowledge(self, id_: str, settings: dict[str, Any]) -> dict[str, Any]:
        wanted = [settings.pop(key, None) for key in ("top_k", "topK")]
        top_k = next((one for one in wanted if one is not None), 5)
        if not (type(top_k) is int and 0 < top_k <= MOST_PASSAGES):
            self.notes.append(f"'{id_}': its top_k {top_k!r} is no whole number from 1 to {MOST_PASSAGES}; 5 is taken.")
            top_k = 5
        data: dict[str, Any] = {"top_k": top_k}
        domains = [settings.pop(key, None) for key in ("domain", "knowledge_id", "knowledgeId")]
        if domain := next((one for one in domains if isinstance(one, str) and one), ""):
            data["domain"] = domain
        self.notes.append(f"'{id_}': the bot's knowledge is not here; it runs only pinned.")
        return {"data": data, "variable_mappings": self._mappings(id_, "knowledge")}

    def _llm(self, id_: str, settings: dict[str, Any]) -> dict[str, Any]:
        mapped = self._mappings(id_, "llm")
        names = {port: f"{{{{ {_expression(one['source']['variable'])} }}}}" for port, one in mapped.items()}
        data = {"text": names.get("user_message", "")} if "user_message" in names else {}
        prompt, system = (_first_text(settings, keys) for keys in (PROMPTS, SYSTEMS))
        if not prompt:
            prompt, system = system, ""
        prompt = _filled(prompt, names)
        if "context" in names and names["context"] not in prompt + system:
            prompt = f"{prompt}\n\n{names['context']}".strip()
        data |= {"prompt": prompt} if prompt else {}
        data |= {"system": _filled(system, names)} if system else {}
        data |= _figures(settings)
        if isinstance(model := settings.get("model"), str) and model:
            del settings["model"]
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
        for choice in wanted:
            type_, port = choice.split(".")
            node = self._nearest[type_].get(id_)
            if node is not None:
                return f"{self.ids[node]}.{port}"
        return None


def nearest(edges: Sequence[tuple[str, str]], types: Mapping[str, str], type_: str) -> dict[str, str]:
    """For each node the nearest one of a type that leads to it; of equally near ones that of the first edge."""
    ways: dict[str, list[tuple[int, str]]] = {}
    for number, (source, target) in enumerate(edges):
        ways.setdefault(source, []).append((number, target))
    found: dict[str, str] = {}
    level = {node: node for node, of in types.items() if of == type_}
    while level:
        reached = sorted(
            (number, target, near) for node, near in level.items() for number, target in ways.get(node, ())
        )
        level = {}
        for _, target, near in reached:
            if target not in found and target != near:
                found[target] = near
                if types[target] != type_:  # One of the type is itself the nearest for what is behind it.
                    level[target] = near
    return found


def _type(node: dict[str, Any]) -> str:
    """A node's type; nodes of React Flow's own types have theirs inside. Empty: it says none."""
    data, type_ = node.get("data"), node.get("type")
    inner = data.get("type") if is_object(data) else None
    chosen = inner if isinstance(inner, str) and inner and type_ in (None, *REACT_FLOW) else type_
    name = chosen.lower().removesuffix("node") if isinstance(chosen, str) else ""
    return REACT_FLOW.get(name, name)


def _first_text(settings: dict[str, Any], keys: Iterable[str]) -> str:
    """The first of some settings that is a text, which is taken out; empty if none is."""
    key = next((key for key in keys if isinstance(settings.get(key), str)), None)
    return settings.pop(key) if key else ""


def _figures(settings: dict[str, Any]) -> dict[str, Any]:
    """The numbers of a model's settings that can be ours, which are taken out."""
    data: dict[str, Any] = {}
    temperature = settings.get("temperature")
    if isinstance(temperature, int | float) and not isinstance(temperature, bool) and 0 <= temperature <= 2:
        data["temperature"] = settings.pop("temperature")
    for key in ("max_tokens", "maxTokens"):
        if type(settings.get(key)) is int and settings[key] >= 1:
            data["max_tokens"] = settings.pop(key)
    return data


def _filled(prompt: str, names: dict[str, str]) -> str:
    """A prompt with references where its placeholders stood."""
    pieces: list[str] = []
    place = 0
    for match in _PLACEHOLDER.finditer(prompt):
        reference = names.get("context" if match[1] == "context" else "user_message", "")
        pieces += [_literal(prompt[place : match.start()]), reference]
        place = match.end()
    return "".join([*pieces, _literal(prompt[place:])])


def _literal(text: str) -> str:
    """A text that a template gives back as it is, whatever stands behind it."""
    written = text.replace("{{", '{{ "{{" }}')
    return written.removesuffix("{") + '{{ "{" }}' if written.endswith("{") else written


def _expression(variable: str) -> str:
    """A reference as expressions write it: `nodes["llm-1"].response`."""
    node, _, port = variable.partition(".")
    return f"{node}.{port}" if node.isidentifier() and node not in WORDS else f"nodes[{quoted(node)}].{port}"

"""The pieces become one document: scopes with their nodes and edges, what the answers said, variables, notes."""

from typing import Any

from mulle.document.reading import parse_workflow
from mulle.interop import Imported
from mulle.interop.dify import containers, data, flow, memory, outside, texts
from mulle.interop.dify.beginnings import triggers
from mulle.interop.dify.made import Convert, Made
from mulle.interop.dify.reading import CONTAINERS, INNER_STARTS, ROOTS, DifyNode, read_dify
from mulle.interop.dify.references import SAID, References
from mulle.interop.dify.scopes import FAILED, Scopes
from mulle.interop.dify.secret_values import swept
from mulle.interop.dify.speech import after, speakers
from mulle.interop.dify.variables import variables
from mulle.interop.loose import an_object
from mulle.interop.names import unique

CONVERTERS: dict[str, Convert] = {
    "start": flow.start,
    "trigger-webhook": flow.start,
    "trigger-schedule": flow.start,
    "trigger-plugin": flow.start,
    "datasource": flow.start,
    "iteration-start": flow.inner_start,
    "loop-start": flow.inner_start,
    "end": flow.end,
    "answer": flow.answer,
    "if-else": flow.if_else,
    "loop-end": flow.loop_end,
    "llm": texts.llm,
    "template-transform": texts.template,
    "question-classifier": texts.classifier,
    "parameter-extractor": texts.extractor,
    "code": texts.code,
    "variable-aggregator": data.aggregator,
    "variable-assigner": data.aggregator,
    "assigner": data.assigner,
    "list-operator": data.list_operator,
    "iteration": containers.iteration,
    "loop": containers.loop,
    "http-request": outside.http,
    "tool": outside.tool,
    "agent": outside.agent,
    "knowledge-retrieval": outside.knowledge,
    "document-extractor": outside.document_extractor,
    "human-input": outside.human_input,
}


def import_dify(text: str | bytes) -> Imported:
    """A Dify export as a document of ours; raises UnreadableDocument, NotDify."""
    app = read_dify(text)
    refs = References(app, Scopes(app))
    document = _Assembly(refs).document()
    notes_of_features(refs)
    clean = swept(document, refs, "the document", refs.named_secrets)
    return Imported(parse_workflow(clean), tuple(refs.notes))


class _Assembly:
    """One import on its way."""

    def __init__(self, refs: References) -> None:
        self.refs = refs
        self.scopes = refs.scopes
        self.made = {node.id: self._converted(node) for node in self.scopes.nodes.values()}
        self._takes_the_question()
        self.taken = {*refs.ids.values()}
        iterations = [node for node in self.scopes.nodes.values() if node.type == "iteration"]
        self.results = {node.id: self._result(node) for node in iterations}

    def _converted(self, node: DifyNode) -> Made:
        return CONVERTERS.get(node.type, outside.unknown)(node, self.refs)

    def _takes_the_question(self) -> None:
        """A workflow that is no chat may refer to the question all the same: then it is an input like any other."""
        for start in self.refs.asked:
            made = self.made[start]
            ports = made.more.setdefault("ports", {"outputs": []})["outputs"]
            if all(port["name"] != flow.QUERY for port in ports):
                ports.append(flow.QUESTION)
            made.data["open"] = True

    def document(self) -> dict[str, Any]:
        refs = self.refs
        for node in self.scopes.left_out:
            if node.type not in ROOTS:
                refs.note(f"{refs.shown(node)}: nothing leads to it here; it was left out.")
        found, begun = variables(refs), triggers(refs)
        return {
            "mulle": 1,
            **({"name": refs.app.name[:500]} if refs.app.name else {}),
            **({"description": refs.app.description} if refs.app.description else {}),
            **({"variables": found} if found else {}),
            **self._body(None),
            **({"triggers": begun} if begun else {}),
        }

    # ------------------------------------------------------------------ scopes

    def _body(self, scope: str | None) -> dict[str, Any]:
        inside = self._last_ends_first(self.scopes.inside(scope))
        nodes: list[dict[str, Any]] = []
        edges = self._edges(scope)
        for node in inside:
            made = self.made[node.id]
            for step in made.before:
                nodes.append(step)
                edges += [edge | {"target": step["id"]} for edge in edges if edge["target"] == self.refs.ids[node.id]]
            nodes.append(self._spec(node, made))
        if scope is None:
            self._said_by_the_run(nodes, edges)
        else:
            self._round(self.scopes.nodes[scope], nodes, edges)
        return {"nodes": nodes, "edges": edges}

    def _last_ends_first(self, nodes: list[DifyNode]) -> list[DifyNode]:
        """Of two Ends with the same output Dify's last one wins, ours that stands first."""
        depth = self.scopes.depth
        ends = iter(sorted((one for one in nodes if one.type == "end"), key=lambda one: -depth.get(one.id, 0)))
        return [next(ends) if one.type == "end" else one for one in nodes]

    def _edges(self, scope: str | None) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = []
        for edge in self.scopes.edges:
            if self.scopes.scope(edge.source) != scope:
                continue
            source, converted = self.scopes.nodes[edge.source], self.made[edge.source]
            one: dict[str, Any] = {"source": self.refs.ids[edge.source]}
            if edge.handle == FAILED and source.text("error_strategy") == FAILED:
                one["source_port"] = "error"
            elif converted.branches:
                one["source_port"] = converted.branches[edge.handle]
            made.append(one | {"target": self.refs.ids[edge.target]})
        return made + self._otherwise(scope)

    def _otherwise(self, scope: str | None) -> list[dict[str, Any]]:
        """Dify takes a classifier's first class when the model names none."""
        made: list[dict[str, Any]] = []
        for node in self.scopes.inside(scope):
            first = next(iter(self.made[node.id].branches), None)
            if node.type == "question-classifier" and first is not None:
                targets = [edge.target for edge in self.scopes.edges if (edge.source, edge.handle) == (node.id, first)]
                source = {"source": self.refs.ids[node.id], "source_port": "else"}
                made += [source | {"target": self.refs.ids[target]} for target in targets]
        return made

    def _spec(self, node: DifyNode, made: Made) -> dict[str, Any]:
        """A node of ours, whole."""
        refs = self.refs
        spec: dict[str, Any] = {"id": refs.ids[node.id], "type": made.type}
        if node.title and node.title != node.id:
            spec["name"] = node.title
        if node.text("desc"):
            spec["description"] = node.text("desc")
        if made.data:
            spec["data"] = made.data
        spec |= made.more | _policies(node, refs)
        if node.type in CONTAINERS:
            spec["body"] = self._body(node.id)
            if node.type == "loop":
                self._begins_with(node, spec["data"])
            self._hands_on_what_is_said(node, spec)
        if node.type == "answer":
            spec["data"] = spec["data"] | after(node, refs)
        if derived := dict(sorted(refs.derived.get(node.id, {}).items())):
            spec["derived_outputs"] = derived | spec.get("derived_outputs", {})
        if silent := refs.silent.get(node.id):
            spec["ports"] = {"outputs": [{"name": name} for name in sorted(silent)]}
        if node.position is not None:
            spec["position"] = node.position
        return spec

    # ------------------------------------------------------------------ bodies

    def _round(self, container: DifyNode, nodes: list[dict[str, Any]], edges: list[dict[str, Any]]) -> None:
        """Give a body its beginning, its End, and what bodies further inside need of it."""
        ids = [self.refs.ids[one] for one in self.scopes.begins(container.id)]
        if not any(self.scopes.nodes[one].type in INNER_STARTS for one in self.scopes.begins(container.id)):
            begin = self._new(f"{self.refs.ids[container.id]}_start")
            nodes.insert(0, {"id": begin, "type": "start"})
            edges[:0] = [{"source": begin, "target": one} for one in ids]
            ids = [begin]
        for name in sorted(self.refs.passed_on.get(container.id, ())):
            step = {
                "id": self.refs.passing(container.id, name),
                "type": "transform",
                "data": {"value": f"{{{{ {name} }}}}"},
            }
            nodes.append(step)
            edges += [{"source": one, "target": step["id"]} for one in ids]
        outputs = self._loop_outputs(container) if container.type == "loop" else self._round_outputs(container)
        if outputs:
            end = self._new(f"{self.refs.ids[container.id]}_end")
            nodes.append({"id": end, "type": "end", "data": {"outputs": outputs}})
            edges += [{"source": one, "target": end} for one in ids]

    def _round_outputs(self, container: DifyNode) -> dict[str, Any]:
        said = {SAID: self._said(container.id)} if speakers(container.id, self.refs) else {}
        return {containers.RESULT: f"{{{{ {self.results[container.id]} }}}}"} | said

    def _result(self, container: DifyNode) -> str:
        """The expression for what a round of an iteration gives."""
        inside = self.scopes.inside(container.id)
        return self.refs.ref(container.selector("output_selector"), inside[0]) if inside else "null"

    def _loop_outputs(self, container: DifyNode) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for name, expression in sorted(self.refs.exports.get(container.id, {}).items()):
            kept[name] = f"{{{{ {expression} }}}}"
        if speakers(container.id, self.refs):
            kept[SAID] = f"{{{{ state.{SAID} }}}}{self._said(container.id)}"
        return kept

    def _begins_with(self, loop: DifyNode, data: dict[str, Any]) -> None:
        """Give a loop's first state what its rounds leave, as nothing: it may end before any of them."""
        left = dict.fromkeys(sorted(self.refs.exports.get(loop.id, {})))
        if state := left | data.get("state", {}):
            data["state"] = state

    # ------------------------------------------------------------------ what is said

    def _said(self, scope: str | None) -> str:
        """What the answers of a scope say in a round, one after the other."""
        ports = {"answer": "answer"}
        return "".join(
            f"{{{{ {self.refs.port(node.id, ports.get(node.type, SAID))} }}}}" for node in speakers(scope, self.refs)
        )

    def _said_by_the_run(self, nodes: list[dict[str, Any]], edges: list[dict[str, Any]]) -> None:
        """One End for all answers: what they said is one answer, as in Dify. It stands first, so its values count."""
        every = speakers(None, self.refs)
        if len(every) == 1 and every[0].type == "answer":
            spec = next(one for one in nodes if one["id"] == self.refs.ids[every[0].id])
            spec["derived_outputs"] = {"files": "[]"} | spec.get("derived_outputs", {})
        elif every:
            end = self._new("said")
            outputs: dict[str, Any] = {"answer": self._said(None), "files": []}
            nodes.insert(0, {"id": end, "type": "end", "data": {"outputs": outputs}})
            edges += [{"source": self.refs.ids[node.id], "target": end} for node in every]
        if memory.is_kept(self.refs):
            remember = self._new("remember")
            nodes.append(memory.step(remember, self._said(None), self.refs))
            edges += [{"source": self.refs.ids[node.id], "target": remember} for node in every]

    def _hands_on_what_is_said(self, container: DifyNode, spec: dict[str, Any]) -> None:
        """Give a container the output `said` when answers stand inside."""
        if not speakers(container.id, self.refs):
            return
        if container.type == "loop":
            spec["data"]["state"] = spec["data"].get("state", {}) | {SAID: ""}
            return
        flatten = spec["data"].pop("flatten", False)
        del spec["data"]["collect"]
        results = f'pluck(results, "{containers.RESULT}")'
        spec["derived_outputs"] = {containers.RESULT: results, SAID: f'join(pluck(results, "{SAID}"), "")'}
        if flatten:
            self.refs.note(
                f"{self.refs.shown(container)}: lists of its rounds stay lists, because answers stand inside."
            )

    def _new(self, wanted: str) -> str:
        name = unique(wanted, self.taken)
        self.taken.add(name)
        return name


def _policies(node: DifyNode, refs: References) -> dict[str, Any]:
    """What happens when the step fails."""
    made: dict[str, Any] = {}
    retry = node.object("retry_config")
    if retry.get("retry_enabled"):
        times, wait = retry.get("max_retries"), retry.get("retry_interval")
        made["retry"] = {
            "max": min(max(times, 0), 1000) if type(times) is int else 3,
            "delay": wait / 1000 if isinstance(wait, int | float) and wait >= 0 else 1,
            "factor": 1,
            "jitter": 0,
        }
    match node.text("error_strategy"):
        case "fail-branch":
            made["on_error"] = "branch"
        case "default-value":
            defaults = {str(one["key"]): _default(one) for one in node.objects("default_value") if one.get("key")}
            defaults |= node.object("default_value")
            made |= {"on_error": "default", "default_outputs": defaults}
        case "":
            pass
        case other:
            refs.note(f"{refs.shown(node)}: the error strategy '{other}' is not known; a failure ends the run.")
    return made


def _default(one: dict[str, Any]) -> Any:
    """A default value; lists, objects, numbers and yes/no are often written as text."""
    value, kind = one.get("value"), str(one.get("type"))
    found = containers.constant(value, kind)
    return float(found) if type(found) is int and isinstance(value, str) and kind == "number" else found


def notes_of_features(refs: References) -> None:
    """What the app around the workflow offers and a document cannot."""
    features = refs.app.features
    told = {
        "opening_statement": "the opening statement",
        "suggested_questions": "the suggested questions",
    }
    switched = {
        "text_to_speech": "text to speech",
        "speech_to_text": "speech to text",
        "sensitive_word_avoidance": "moderation",
        "suggested_questions_after_answer": "questions suggested after an answer",
        "annotation_reply": "annotation replies",
    }
    missing = [what for key, what in told.items() if features.get(key)]
    missing += [what for key, what in switched.items() if _is_on(features.get(key))]
    if missing:
        refs.note(f"The app's features are not carried over: {', '.join(missing)}.")


def _is_on(feature: Any) -> bool:
    return bool(an_object(feature).get("enabled"))

"""Dify's selectors (`["llm", "text"]`) and `{{#llm.text#}}` as our references.

Remembers what was referred to: which of Dify's outputs a node has to offer under Dify's names, and what of a loop's
inside is looked at from outside.
"""

import re
from dataclasses import dataclass, field

from mulle.document.expressions import Reference, parse
from mulle.document.ports import is_object
from mulle.errors import ExpressionError
from mulle.interop.dify.reading import ROOTS, DifyApp, DifyNode
from mulle.interop.dify.scopes import FAILED, OTHERWISE, Scopes, handles
from mulle.interop.dify.telling import is_secret
from mulle.interop.loose import objects
from mulle.interop.names import legal_ids, quoted, unique

TEMPLATE = re.compile(r"\{\{#([A-Za-z0-9_-]{1,200}(?:\.[^\W\d][\w-]{0,200}){1,10})#\}\}")
"""What Dify takes for a reference; anything else in braces is text."""
SAID = "said"
"""The output of a container for what the answers inside said."""

SYSTEM = {
    "user_id": "sys.user_id",
    "conversation_id": "sys.session_id",
    "workflow_run_id": "sys.run_id",
    "files": "sys.files",
    "timestamp": "sys.now",
}
"""Dify's system variables; the question is an input of the start."""
QUERY = "query"

DERIVED: dict[str, dict[str, str]] = {
    "llm": {
        "structured_output": "json",
        "reasoning_content": '""',
        "finish_reason": '"stop"',
        "usage": "{}",
        "files": "[]",
    },
    "template-transform": {"output": "text"},
    "http-request": {"status_code": "status", "files": "[]"},
    "variable-aggregator": {"output": "value"},
    "variable-assigner": {"output": "value"},
    "list-operator": {"result": "value", "first_record": "first(value)", "last_record": "last(value)"},
    "iteration": {"output": "results"},
    "loop": {"loop_round": "iterations if iterations else null"},
    "parameter-extractor": {"__is_success": "1", "__reason": "null", "__usage": "{}"},
    "question-classifier": {"class_label": "class_name", "usage": "{}"},
    "answer": {"files": "[]"},
    "if-else": {},
    "end": {},
    "code": {},
    "assigner": {},
}
"""By type: what Dify calls an output, computed from what ours is called."""

SECRETIVE = frozenset({"http-request"})
"""Types whose settings may name secrets; what Mulle has no step for may, too."""

OWN: dict[str, frozenset[str]] = {
    "llm": frozenset({"text"}),
    "http-request": frozenset({"body", "headers"}),
    "question-classifier": frozenset({"class_name"}),
    "answer": frozenset({"answer"}),
}
"""By type: outputs that are called the same here."""

CHOSEN = {"if-else": ("result", "selected_case_id"), "question-classifier": ("class_id",)}
"""By type: outputs that say which way a fork took."""

FAILURES = {
    "error_message": "default({node}.error.cause, default({node}.error.message, null))",
    "error_type": "default({node}.error.type, null)",
}
"""What Dify gives beside the outputs of a step whose failure is handled. It says what went wrong, and not where."""
CALLED = {
    "code": {"sandbox.raised": "CodeExecutionError", "code.not_as_declared": "OutputValidationError"},
    "http-request": {"http.unexpected_status": "HTTPResponseCodeError"},
}
"""By type: what Dify calls our errors, where it has one name for them."""


@dataclass
class References:
    """Everything that is referred to, from where it is referred to."""

    app: DifyApp
    scopes: Scopes
    notes: list[str] = field(default_factory=list[str])
    derived: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    """By node: the outputs under Dify's names that something refers to."""
    silent: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """By node: outputs that something refers to and that no such node has."""
    exports: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    """By loop: names in its state for what is inside, and where that stands."""
    named_secrets: dict[str, str] = field(default_factory=dict[str, str])
    """By value: the names of secrets that stood in the export in clear."""
    asked: set[str] = field(default_factory=set[str])
    """The start, if something refers to the question, which only the start of a chat takes by itself."""
    passed_on: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """By iteration: which of `item` and `index` a body further inside needs."""

    def __post_init__(self) -> None:
        self.ids = legal_ids([node.id for node in self.app.nodes])
        self.secrets = {one.name for one in self.app.environment if is_secret(one)}

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def shown(self, node: DifyNode) -> str:
        """A node as notes call it."""
        return f"{node.type} '{node.title or node.id}'"

    # ------------------------------------------------------------------ references

    def ref(self, selector: tuple[str, ...], at: DifyNode) -> str:
        """The expression for a selector at a node; `null` for what never has a value there."""
        if len(selector) < 2:
            self.note(f"{self.shown(at)}: a selector is empty; it is read as nothing.")
            return "null"
        root, name, *deeper = selector
        match root:
            case "sys":
                return self._system(name, at)
            case "env":
                return self._environment(name, deeper, at)
            case "conversation":
                return self._conversation(name, deeper, at)
            case _:
                source = self.scopes.nodes.get(root)
                if source is None:
                    self.note(f"{self.shown(at)}: refers to '{'.'.join(selector)}', which is not there.")
                    return "null"
                return self._of_node(source, name, deeper, at)

    def strict(self, selector: tuple[str, ...], at: DifyNode) -> str:
        """The same where Dify fails when the variable has no value because its step was skipped or is not there."""
        root = selector[0] if selector else ""
        found = self.ref(selector, at)
        where = ".".join(selector)
        if found == "null":
            return f"fail({quoted(where + ' is not there')})"
        source = self.scopes.nodes.get(root)
        if source is None or source.type == "start" or root in self.scopes.around(at.id):
            return found
        if self.scopes.scope(root) not in (None, *self.scopes.around(at.id)):
            return found
        tests = [] if self.scopes.surely_ran(root, at.id) else [f"{self.node(root)} != null"]
        if source.text("error_strategy") == FAILED and selector[1:2] and selector[1] not in FAILURES:
            tests.append(f"default({self.node(root)}.error, null) == null")
        if not tests:
            return found
        return f"{found} if {' and '.join(tests)} else fail({quoted(where + ': the step was skipped')})"

    def bare(self, selector: tuple[str, ...], at: DifyNode) -> str:
        """The expression for a selector, which fails where an object or a list has nothing at that place."""
        source = self.scopes.nodes.get(selector[0])
        deeper = self._group(source, list(selector[2:])) if source else list(selector[2:])
        found = self.ref(selector[:2], at)
        return found if found == "null" else found + _steps(deeper)

    def node(self, id_: str) -> str:
        """A node's whole output."""
        return str(_reference(self.ids[id_]))

    def port(self, id_: str, port: str) -> str:
        return self.of(self.ids[id_], port)

    def of(self, id_: str, port: str) -> str:
        """An output of a node of ours."""
        return str(_reference(id_, port))

    def _environment(self, name: str, deeper: list[str], at: DifyNode) -> str:
        if name in self.secrets and at.type in DERIVED.keys() - SECRETIVE:
            self.note(f"{self.shown(at)}: the secret env.{name} may only be used in requests; the step fails.")
            return f"fail({quoted(f'the secret env.{name} may only be used in requests')})"
        if name not in {one.name for one in self.app.environment}:
            self.note(f"{self.shown(at)}: refers to env.{name}, which is not declared; it is read as nothing.")
            return "null"
        return str(Reference("env", (name, *deeper)))

    def _conversation(self, name: str, deeper: list[str], at: DifyNode) -> str:
        if name not in {one.name for one in self.app.conversation}:
            self.note(f"{self.shown(at)}: refers to conversation.{name}, which is not declared; it is read as nothing.")
            return "null"
        return self._deep(str(Reference("conversation", (name,))), deeper)

    def _system(self, name: str, at: DifyNode) -> str:
        if name == QUERY:
            start = next((node for node in self.scopes.nodes.values() if node.type == "start"), None)
            if start is None:
                return "null"
            self.asked.add(start.id)
            return self.port(start.id, QUERY)
        if name not in SYSTEM:
            self.note(f"{self.shown(at)}: sys.{name} is not known here; it is read as nothing.")
            return "null"
        return SYSTEM[name]

    def _of_node(self, source: DifyNode, name: str, deeper: list[str], at: DifyNode) -> str:
        if source.type in ROOTS and (name == "sys" or name.startswith("sys.")):
            return self._system(deeper[0] if name == "sys" and deeper else name.removeprefix("sys."), at)
        if source.type == "start" and name not in self._inputs(source):
            self.note(f"{self.shown(at)}: refers to the input '{name}', which is not declared; it is read as nothing.")
            return "null"
        around = self.scopes.around(at.id)
        if source.id in around:
            return self._deep(self._of_container(source, name, at), deeper)
        if self.scopes.scope(source.id) not in (None, *around):
            return self._from_inside(source, name, deeper, at)
        return self._deep(self.output(source, name), self._group(source, deeper))

    def _inputs(self, start: DifyNode) -> set[str]:
        """What a start takes; in a chat the question, too."""
        asked = {QUERY} if self.app.is_chat else set[str]()
        return asked | {str(one.get("variable")) for one in start.objects("variables")}

    def _group(self, source: DifyNode, deeper: list[str]) -> list[str]:
        """Dify puts each group of an aggregator into an object; here it is the value itself."""
        groups = source.object("advanced_settings").get("group_enabled")
        return deeper[1:] if groups and source.type in AGGREGATORS and deeper[:1] == ["output"] else deeper

    def output(self, source: DifyNode, name: str) -> str:
        """One of a node's outputs, by Dify's name."""
        if name in CHOSEN.get(source.type, ()):
            return self._chosen(source, name)
        if name in FAILURES and source.text("error_strategy"):
            found = FAILURES[name].format(node=self.node(source.id))
            return _called(found, source.type) if name == "error_type" else found
        undeclared = source.type == "code" and not is_object(source.object("outputs").get(name))
        if undeclared or source.type == "if-else":
            self.note(f"{self.shown(source)} has no output '{name}'; it is read as nothing.")
            return "null"
        derived = DERIVED.get(source.type, {})
        if name in derived:
            self.derived.setdefault(source.id, {})[name] = derived[name]
        elif (
            source.type in DERIVED
            and source.type != "code"
            and name not in OWN.get(source.type, frozenset()) | declared(source)
        ):
            self.silent.setdefault(source.id, set()).add(name)
            self.note(f"{self.shown(source)} has no output '{name}' here; it is read as nothing.")
        elif source.type not in DERIVED and source.type not in ROOTS:
            # Whatever is pinned: what is not among it is nothing, as in Dify.
            self.silent.setdefault(source.id, set()).add(name)
        return self.port(source.id, name)

    def _chosen(self, fork: DifyNode, name: str) -> str:
        """Which way a fork took: Dify has outputs for that, here it is seen at the ports."""
        ports = case_ports(fork)
        taken = {handle: f"{self.port(fork.id, port)} == true" for handle, port in ports.items()}
        if name == "result":
            return f"({' or '.join(taken.values())})"
        chosen = "".join(f"{quoted(handle)} if {test} else " for handle, test in taken.items())
        return f"({chosen}{quoted(OTHERWISE if fork.type == 'if-else' else next(iter(ports), ''))})"

    def _of_container(self, container: DifyNode, name: str, at: DifyNode) -> str:
        """What a body sees of the iteration or loop around it."""
        if container.type == "loop":
            inner = self._innermost(at, "loop")
            if inner != container.id:
                self.note(f"{self.shown(at)}: the variable '{name}' of an outer loop is not reached from an inner one.")
                return "null"
            return str(Reference("state", (name,)))
        if name not in ("item", "index"):
            return "null"
        if self._innermost(at, "iteration") == container.id:
            return name
        self.passed_on.setdefault(container.id, set()).add(name)
        return str(_reference(self.passing(container.id, name), "value"))

    def passing(self, container: str, name: str) -> str:
        """The id of the step that hands an outer iteration's item or index to the bodies further inside."""
        return f"{self.ids[container]}_{name}"

    def _innermost(self, at: DifyNode, type_: str) -> str | None:
        return next((one for one in self.scopes.around(at.id) if self.scopes.nodes[one].type == type_), None)

    def _from_inside(self, source: DifyNode, name: str, deeper: list[str], at: DifyNode) -> str:
        """Outside of a loop Dify sees what its last round left; outside of an iteration nothing."""
        container = self.scopes.scope(source.id)
        assert container is not None
        holder = self.scopes.nodes[container]
        if holder.type != "loop" or self.scopes.scope(container) not in (None, *self.scopes.around(at.id)):
            self.note(
                f"{self.shown(at)}: '{source.id}.{name}' stands inside of {self.shown(holder)}: it is nothing here."
            )
            return "null"
        return self._deep(self.port(container, self.export(source, name)), deeper)

    def export(self, source: DifyNode, name: str) -> str:
        """The name under which a loop keeps an inner output in its state."""
        container = self.scopes.scope(source.id)
        assert container is not None
        kept = f"{self.ids[source.id]}_{name}"
        self.exports.setdefault(container, {})[kept] = self.output(source, name)
        return kept

    def _deep(self, found: str, deeper: list[str]) -> str:
        """Further into a value; what is not there is nothing."""
        if not deeper or found == "null":
            return found
        return f"default({found}{_steps(deeper)}, null)"

    # ------------------------------------------------------------------ texts

    def pieces(self, text: str, at: DifyNode) -> list[str | tuple[str]]:
        """A text taken apart: plain pieces, and expressions as a tuple of one."""
        found: list[str | tuple[str]] = []
        place = 0
        for match in TEMPLATE.finditer(text):
            steps = tuple(match[1].split("."))
            if len(steps) < 2:
                continue
            found += [text[place : match.start()], (self.ref(steps, at),)]
            place = match.end()
        return [piece for piece in [*found, text[place:]] if piece]

    def template(self, text: str, at: DifyNode) -> str:
        """A text with our references; one that is a single reference gives that value itself."""
        pieces = self.pieces(text, at)
        # A text of one reference and line breaks around would lose these; written as expressions they stay.
        bare = sum(isinstance(one, tuple) for one in pieces) == 1 and not any(
            one.strip() for one in pieces if isinstance(one, str)
        )
        plain = _as_expression if bare else _escaped
        return "".join(plain(one) if isinstance(one, str) else "{{ " + one[0] + " }}" for one in pieces)

    def text(self, text: str, at: DifyNode) -> str:
        """The same for a setting that must be text."""
        match self.pieces(text, at):
            case [(expression,)]:
                return "{{ string(" + expression + ") }}"
            case _:
                return self.template(text, at)


def _called(error_type: str, of: str) -> str:
    """The expression for the type of an error by Dify's name."""
    names = CALLED.get(of, {})
    chosen = "".join(f"{quoted(theirs)} if {error_type} == {quoted(ours)} else " for ours, theirs in names.items())
    return f"({chosen}{error_type})" if names else error_type


def case_ports(fork: DifyNode) -> dict[str, str]:
    """A port for each case of an if-else; `else` is the branch that our own condition has already."""
    cases = [handle for handle in handles(fork) or () if handle != OTHERWISE]
    legal = legal_ids(cases)
    return {id_: unique("case_else", legal) if name == "else" else name for id_, name in legal.items()}


AGGREGATORS = frozenset({"variable-aggregator", "variable-assigner"})


def declared(node: DifyNode) -> frozenset[str]:
    """Outputs that a node's own settings name."""
    match node.type:
        case "parameter-extractor":
            return frozenset(str(one.get("name")) for one in node.objects("parameters"))
        case "variable-aggregator" | "variable-assigner":
            groups = objects(node.object("advanced_settings").get("groups"))
            return frozenset(str(one.get("group_name")) for one in groups)
        case "loop":
            return frozenset(str(one.get("label")) for one in node.objects("loop_variables"))
        case _:
            return frozenset()


def _steps(keys: list[str]) -> str:
    return str(Reference("x", tuple(keys)))[1:]


def _reference(node: str, *path: str) -> Reference:
    plain = Reference(node, path)
    return plain if is_plain(node) else Reference("nodes", (node, *path))


def is_plain(node: str) -> bool:
    """Whether an id may stand in an expression as it is."""
    try:
        return parse(node).references == (Reference(node),)
    except ExpressionError:
        return False


_BRACES = re.compile(r"\{\{+|\{$")


def _escaped(text: str) -> str:
    """A plain text in which braces do not begin a reference, not even together with those of one behind it."""
    return _BRACES.sub(lambda braces: '{{ "' + braces[0] + '" }}', text)


def _as_expression(text: str) -> str:
    """A plain text that stays although it is nothing but space."""
    return "{{ " + quoted(text) + " }}"

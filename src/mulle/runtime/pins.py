"""Pins: answers given beforehand for some nodes, so that these are not executed. For tests, repeats and stand-ins."""

from collections.abc import Iterable
from typing import Any

from mulle.document.ports import is_array, is_object
from mulle.document.workflow import NodeSpec
from mulle.engine.facts import AnyFact, Execute, NodeDone, NodeFailed, NodeStarted, Path
from mulle.errors import InputError, StepError
from mulle.runtime.executor import Executor
from mulle.sdk.fit import NOT_DATA, plain


class BadPins(InputError):
    """The pins are not of the form they must have."""

    code = "pins.invalid"
    message = "The pin of '{node}' cannot be used: {problem}."
    hint = (
        'Write {{"NODE": {{"outputs": {{…}}}}}} or {{"NODE": {{"runs": [{{"outputs": {{…}}}}, {{"error": {{…}}}}]}}}}.'
    )


class Pinned(StepError):
    """The failure that a pin stands for."""

    code = "pinned"


def check_pins(pins: Any) -> dict[str, Any]:
    """Pins as a person wrote them; raises BadPins."""
    if not is_object(pins):
        raise BadPins(node="", problem="pins are a mapping from node to answer")
    for node, pin in pins.items():
        answers: Any = pin.get("runs") if is_object(pin) and "runs" in pin else [pin]
        if not is_array(answers) or not answers:
            raise BadPins(node=node, problem="`runs` is a list of at least one answer")
        for answer in answers:
            if not is_object(answer) or not is_object(answer.get("outputs", answer.get("error"))):
                raise BadPins(node=node, problem="an answer has `outputs` or `error`")
    try:
        return plain(pins)
    except NOT_DATA as error:
        raise BadPins(node="", problem=str(error)) from error


def pin_key(path: Path) -> str:
    """A node's place without the ordinals of scopes: `each/shout`."""
    return "/".join(step for step in path if isinstance(step, str))


class Pins:
    """The pins of one run, and how many of their answers were used. The journal knows: every start uses one."""

    def __init__(self, pins: dict[str, Any]) -> None:
        self._pins = pins
        self._used: dict[str, int] = {}

    def count(self, facts: Iterable[AnyFact]) -> None:
        """Take starts of earlier drivers into account."""
        for fact in facts:
            if isinstance(fact, NodeStarted) and (key := self._key(fact.path)):
                self._used[key] = self._used.get(key, 0) + 1

    def answer(self, command: Execute, spec: NodeSpec, executor: Executor) -> AnyFact | None:
        """The fact that a pin gives instead of an execution; None for a node without a pin."""
        key = self._key(command.path)
        if key is None:
            return None
        pin = self._pins[key]
        answers = pin.get("runs") or [pin]
        answer = answers[min(self._used.get(key, 0), len(answers) - 1)]
        self._used[key] = self._used.get(key, 0) + 1
        if "outputs" in answer:
            return NodeDone(at=executor.clock(), path=command.path, outputs=answer["outputs"])
        return _failed(answer["error"], command, spec, executor)

    def _key(self, path: Path) -> str | None:
        whole, last = pin_key(path), str(path[-1])
        return whole if whole in self._pins else last if last in self._pins else None


def _failed(error: dict[str, Any], command: Execute, spec: NodeSpec, executor: Executor) -> NodeFailed:
    kind = "timeout" if error.get("type") == "timeout" else "error"
    fact = executor.failure(spec, command, Pinned(str(error.get("message", ""))), kind=kind)
    return NodeFailed(
        at=fact.at,
        path=fact.path,
        kind=fact.kind,
        error=type(fact.error)(str(error.get("type", "pinned")), fact.error.message, spec.id),
        retry_at=fact.retry_at,
    )

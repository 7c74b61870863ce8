"""What callers give to runs, checked before anything is written: inputs, and people's answers."""

from typing import Any

from mulle.document.ports import Port, accepts, is_object, type_of
from mulle.errors import InputError
from mulle.runtime.loaded import LoadedGraph
from mulle.sdk.fit import NOT_DATA, plain

QUESTION = "interrupted/"
"""How the names of questions about interrupted steps begin."""
DECISIONS = ("happened", "again", "fail")


class BadAnswer(InputError):
    """A person's word about an interrupted step cannot be understood."""

    code = "run.bad_answer"
    message = "The answer to '{question}' must have {wanted}."
    hint = 'For example {{"decision": "happened", "outputs": {{…}}}}, with what the step would have given.'


class BadRunInput(InputError):
    """A run was asked for with inputs that its start does not take."""

    code = "run.bad_input"
    message = "{detail}"
    hint = "The start node's output ports say what a run takes."


def as_data(value: Any, what: str) -> Any:
    """A caller's value as plain data; raises BadRunInput."""
    try:
        return plain(value)
    except NOT_DATA as error:
        hint = "Give text, numbers, true/false, null, lists and dictionaries with text keys."
        raise BadRunInput(f"The {what} cannot be kept: {error}.", at=what, hint=hint) from error


def checked_payload(name: str, payload: Any) -> Any:
    """What a signal carries; raises BadRunInput, and BadAnswer for an answer that decides nothing."""
    as_data(name, "name")
    data = as_data(payload, "payload")
    if name.startswith(QUESTION):
        if not is_object(data) or data.get("decision") not in DECISIONS:
            raise BadAnswer(question=name, wanted="a `decision`: happened, again or fail")
        if not (data.get("outputs") is None or is_object(data["outputs"])):
            raise BadAnswer(question=name, wanted="its `outputs` by port, if it has any")
    return data


def checked_inputs(graph: LoadedGraph, inputs: dict[str, Any]) -> dict[str, Any]:
    """A run's inputs with the defaults of the start's ports; raises BadRunInput."""
    start = next((node for node in graph.plan.nodes if node.signature.start), None)
    ports = start.signature.outputs if start else ()
    for port in ports:
        _check_input(port, inputs)
    unknown = inputs.keys() - {port.name for port in ports}
    if start and unknown and not start.signature.open_outputs:
        there = ", ".join(port.name for port in ports)
        raise BadRunInput(f"The workflow takes no input '{min(unknown)}'; it takes: {there}.")
    return inputs


def _check_input(port: Port, inputs: dict[str, Any]) -> None:
    if port.name not in inputs:
        if port.required and port.default_value is None:
            raise BadRunInput(f"The input '{port.name}' ({port.type}) is required.", at=port.name)
        inputs[port.name] = port.default_value
    elif not accepts(port, inputs[port.name]):
        got = type_of(inputs[port.name])
        raise BadRunInput(f"The input '{port.name}' takes {port.type}, not {got}.", at=port.name)

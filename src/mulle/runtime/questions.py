"""What a person's word about an interrupted step means: do it again, it happened, or it failed."""

from mulle.document.ports import is_object
from mulle.engine.facts import Execute, Failure, NodeDone, NodeFailed, Outputs
from mulle.engine.tree import Place


def answered(command: Execute, place: Place, now: float) -> Execute | NodeDone | NodeFailed:
    """The turn to begin after a person's word or, without one in time, what becomes of the step instead."""
    _, plan, node = place
    payload: Outputs = node.answer["payload"] if node.answer and is_object(node.answer["payload"]) else {}
    match payload.get("decision"):
        case "again":
            return Execute(command.path, command.turn, command.attempt + 1)
        case "happened":
            outputs: Outputs = {port.name: None for port in plan.signature.outputs if not port.branch}
            outputs |= given if is_object(given := payload.get("outputs")) else {}
            return NodeDone(at=now, path=command.path, outputs=outputs)
        case "fail":
            message = "A person decided that the interrupted step failed."
        case _:
            message = "Nobody said in time what became of the interrupted step."
    return NodeFailed(at=now, path=command.path, kind="error", error=Failure("interrupted", message, plan.id))

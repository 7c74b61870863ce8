"""Where a run stands when nobody drives it: what those who wait for it are told. Knows facts, and no journal."""

import msgspec

from mulle.document.variables import written
from mulle.engine.facts import AnyFact, Failure, NodeDone, Outputs, RunEnded, RunStarted
from mulle.engine.run import Run


class RunEnding(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run stands when there is nothing left to do for now."""

    id: str
    status: str
    """succeeded, failed, cancelled or waiting."""
    detail: str = ""
    outputs: Outputs = {}
    error: Failure | None = None
    conversation: Outputs = {}
    head: int = 0


def standing(run: Run) -> RunEnding:
    """Where its driver left a run."""
    assert run.started is not None
    run_id = run.started.run
    if run.ended is None:
        return RunEnding(id=run_id, status="waiting", conversation=run.conversation, head=run.head)
    return ending(run_id, run.ended, run.conversation, run.head)


def ending(run_id: str, ended: RunEnded, conversation: Outputs, head: int) -> RunEnding:
    return RunEnding(
        id=run_id,
        status=ended.status,
        detail=ended.detail,
        outputs=ended.outputs,
        error=ended.error,
        conversation=conversation,
        head=head,
    )


def ending_of(run_id: str, facts: list[AnyFact]) -> RunEnding:
    """How a run ended, from its whole journal."""
    first, last = facts[0], facts[-1]
    assert isinstance(first, RunStarted)
    assert isinstance(last, RunEnded)
    conversation = dict(first.conversation)
    for write in (write for fact in facts if isinstance(fact, NodeDone) for write in fact.writes):
        place, _, name = write.target.partition(".")
        if place == "conversation":
            conversation[name] = written(conversation.get(name), write)
    return ending(run_id, last, conversation, len(facts))

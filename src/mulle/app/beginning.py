"""What a run begins with: its row and its first fact, made of a document and of what its caller asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mulle.app.given import as_data, checked_inputs
from mulle.app.graphs import Ready
from mulle.app.turns import Names, turn_of
from mulle.document.workflow import Workflow
from mulle.engine.facts import Budget, RunStarted
from mulle.engine.journal import NewRun, Queue
from mulle.runtime.pins import check_pins


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a caller wants of a run; see `App.run`."""

    inputs: Any = None
    pins: Mapping[str, Any] | None = None
    conversation: Mapping[str, Any] | None = None
    user: str | None = None
    session: str | None = None
    dedup: str | None = None
    priority: int | None = None
    workflow_id: str = ""


def beginning(run_id: str, ready: Ready, asked: Asked, now: float) -> tuple[NewRun, RunStarted]:
    """A run's row and first fact; raises BadRunInput, BadPins, and ExpressionError for keys that cannot be made."""
    document = ready.document
    environment = document.variables.environment
    first = RunStarted(
        at=now,
        run=run_id,
        graph=ready.graph,
        inputs=checked_inputs(ready.loaded, as_data(dict(asked.inputs or {}), "inputs")),
        conversation={name: one.value for name, one in document.variables.conversation.items()}
        | as_data(dict(asked.conversation or {}), "conversation"),
        environment={name: one.value for name, one in environment.items() if not one.secret},
        secret_environment=tuple(name for name, one in environment.items() if one.secret),
        pins=check_pins(dict(asked.pins or {})),
        user=asked.user,
        session=asked.session,
        deadline=_deadline(document, now),
        budget=_budget(document),
    )
    workflow = asked.workflow_id or document.name
    turn = turn_of(document.queue, asked.workflow_id or document.name or ready.graph, Names(ready, first))
    new = NewRun(
        id=run_id,
        workflow=workflow,
        graph=ready.graph,
        created=now,
        session=asked.session,
        dedup=turn.dedup if asked.dedup is None else asked.dedup,
        queues=(*turn.queues, *_behind_its_session(asked.session)),
        priority=document.queue.priority if asked.priority is None else asked.priority,
        debounce=turn.debounce,
    )
    return new, first


def _behind_its_session(session: str | None) -> tuple[Queue, ...]:
    """Runs of one chat go one after the other."""
    return () if session is None else (Queue(f"session/{session}", 1),)


def _deadline(document: Workflow, now: float) -> float | None:
    allowed = [seconds for seconds in (document.timeout, document.budget.seconds) if seconds is not None]
    return now + min(allowed) if allowed else None


def _budget(document: Workflow) -> Budget | None:
    found = Budget(document.budget.steps, document.budget.tokens, document.budget.money)
    return None if found == Budget() else found

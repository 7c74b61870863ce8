"""What a run begins with: its row and its first fact, made of a document and of what its caller asks for."""

from collections.abc import Mapping
from typing import Any, TypedDict, cast

from mulle.app.given import BadRunInput, as_data, checked_inputs
from mulle.app.graphs import Ready
from mulle.app.turns import Names, Turn, dedup_key, turn_of
from mulle.document.ports import type_of
from mulle.document.workflow import Workflow
from mulle.engine.facts import Budget, RunStarted
from mulle.engine.journal import NewRun, Queue
from mulle.errors import InputError
from mulle.runtime.pins import check_pins


class BadOption(InputError):
    """A caller wants of a run what cannot be."""

    code = "run.bad_option"
    message = "{problem}."
    hint = "The options of a run are: {options}."


class RunOptions(TypedDict, total=False):
    """What a caller may want of a run beside its inputs."""

    pins: Mapping[str, Any] | None
    """Answers given beforehand; see `mulle.runtime.pins`."""
    conversation: Mapping[str, Any] | None
    """Conversation variables to begin with, instead of the document's."""
    user: str | None
    """Who runs it: `sys.user_id`."""
    session: str | None
    """The chat it belongs to: `sys.session_id`. Runs of one chat go one after the other."""
    dedup: str | None
    """A key: a second run of the workflow with the same one is not started, and the first one's is given."""
    priority: int | None
    """Of queued runs the one with the highest goes first; None: the document's."""
    workflow_id: str
    """Under what lists show it, if not the workflow's name."""


def beginning(
    run_id: str, ready: Ready, inputs: Mapping[str, Any] | None, options: RunOptions, now: float
) -> tuple[NewRun, RunStarted]:
    """A run's row and first fact; raises BadRunInput, BadOption, BadPins, and ExpressionError for bad queue keys."""
    check_options(options)
    document, session = ready.document, options.get("session")
    environment = document.variables.environment
    first = RunStarted(
        at=now,
        run=run_id,
        graph=ready.graph,
        inputs=checked_inputs(ready.loaded, as_data(_by_name(inputs), "inputs")),
        conversation=_conversation(document, options.get("conversation")),
        environment={name: one.value for name, one in environment.items() if not one.secret},
        secret_environment=tuple(name for name, one in environment.items() if one.secret),
        pins=check_pins(dict(pins)) if (pins := options.get("pins")) else {},
        user=options.get("user"),
        session=session,
        deadline=_deadline(document, now),
        budget=_budget(document),
    )
    workflow = options.get("workflow_id") or document.name
    owner = workflow or ready.graph
    turn = turn_of(document.queue, owner, Names(ready, first)) if ready.queued else Turn()
    dedup, priority = options.get("dedup"), options.get("priority")
    new = NewRun(
        id=run_id,
        workflow=workflow,
        graph=ready.graph,
        created=now,
        session=session,
        dedup=turn.dedup if dedup is None else dedup_key(owner, dedup),
        queues=(*turn.queues, *_behind_its_session(session)),
        priority=document.queue.priority if priority is None else priority,
        debounce=turn.debounce,
    )
    return new, first


def _by_name(inputs: Any) -> dict[str, Any]:
    """A run's inputs; raises BadRunInput for what has no names."""
    if inputs is None:
        return {}
    if isinstance(inputs, Mapping):
        return dict(cast("Mapping[str, Any]", inputs))
    raise BadRunInput(f"A run takes its inputs by name, not as {type_of(inputs)}.", at="inputs")


KINDS: Mapping[str, tuple[type, ...]] = {
    "pins": (Mapping,),
    "conversation": (Mapping,),
    "user": (str,),
    "session": (str,),
    "dedup": (str,),
    "priority": (int,),
    "workflow_id": (str,),
}
"""What each option has to be, if it is not None."""
PRIORITIES = range(-1000, 1001)


def check_options(options: Mapping[str, Any]) -> None:
    """Whether a caller's options can be meant; raises BadOption, BadRunInput."""
    for name, value in options.items():
        if name not in KINDS:
            raise BadOption(at=name, problem=f"There is no option '{name}' of a run", options=", ".join(KINDS))
        if value is None:
            continue
        if not isinstance(value, KINDS[name]) or isinstance(value, bool):
            wanted = {str: "a text", int: "a whole number"}.get(KINDS[name][0], "an object")
            raise BadOption(at=name, problem=f"'{name}' is {wanted}, not {value!r:.60}", options=", ".join(KINDS))
        if isinstance(value, str):
            as_data(value, name)
        if name == "priority" and value not in PRIORITIES:
            raise BadOption(at=name, problem="'priority' is from -1000 to 1000", options=", ".join(KINDS))


def _conversation(document: Workflow, given: Mapping[str, Any] | None) -> dict[str, Any]:
    """The document's conversation variables, and over them what the caller gives."""
    own = {name: one.value for name, one in document.variables.conversation.items()}
    return own | as_data(dict(given), "conversation") if given else own


def _behind_its_session(session: str | None) -> tuple[Queue, ...]:
    """Runs of one chat go one after the other."""
    return () if session is None else (Queue(f"session/{session}", 1),)


def _deadline(document: Workflow, now: float) -> float | None:
    allowed = [seconds for seconds in (document.timeout, document.budget.seconds) if seconds is not None]
    return now + min(allowed) if allowed else None


def _budget(document: Workflow) -> Budget | None:
    wanted = document.budget
    if wanted.steps is None and wanted.tokens is None and wanted.money is None:
        return None
    return Budget(wanted.steps, wanted.tokens, wanted.money)

"""When a run's turn comes: the queues it stands in and the calls that become one, by its document and its inputs."""

from dataclasses import dataclass
from typing import Any

from mulle.app.graphs import Ready
from mulle.document.expressions import Lookup, as_text, parse_template, render
from mulle.document.policies import Queue as Wanted
from mulle.engine.facts import RunStarted
from mulle.engine.journal import Debounce, Queue
from mulle.errors import MissingReference


@dataclass(frozen=True, slots=True)
class Turn:
    """What of a run's row says when it may begin."""

    queues: tuple[Queue, ...] = ()
    dedup: str | None = None
    debounce: Debounce | None = None


class Names:
    """What the templates of a `queue` may refer to: the start's ports, `env`, `conversation` and `sys`."""

    def __init__(self, ready: Ready, first: RunStarted) -> None:
        starts = [node.id for node in ready.loaded.plan.nodes if node.signature.start]
        self._values: dict[str, Any] = {
            "env": first.environment,
            "conversation": first.conversation,
            "sys": {"user_id": first.user, "session_id": first.session, "run_id": first.run},
            "nodes": dict.fromkeys(starts, first.inputs),
            **dict.fromkeys(starts, first.inputs),
        }

    def __call__(self, name: str) -> Any:
        if name not in self._values:
            hint = "A queue is entered before any step ran: refer to the start's ports, env, conversation or sys."
            raise MissingReference(f"'{name}' means nothing in a queue's key.", hint=hint)
        return self._values[name]


def turn_of(wanted: Wanted, workflow: str, lookup: Lookup) -> Turn:
    """The queues and keys of one run. Raises ExpressionError for a key that cannot be made.

    Args:
        wanted: What the document says.
        workflow: Of which workflow; its queues are its own.
        lookup: What names mean.
    """
    queues: list[Queue] = []
    if wanted.concurrency is not None:
        queues.append(Queue(f"workflow/{workflow}", wanted.concurrency))
    if wanted.key:
        queues.append(Queue(f"workflow/{workflow}/{_key(wanted.key, lookup, 'queue.key')}", wanted.per_key))
    dedup = dedup_key(workflow, _key(wanted.dedup, lookup, "queue.dedup")) if wanted.dedup else None
    debounce = None
    if wanted.debounce is not None:
        key = _key(wanted.debounce.key, lookup, "queue.debounce.key")
        debounce = Debounce(f"workflow/{workflow}/{key}", wanted.debounce.wait, wanted.debounce.at_most)
    return Turn(tuple(queues), dedup, debounce)


def dedup_key(workflow: str, key: str) -> str | None:
    """The deduplication key of a workflow's run; an empty one, as of an order without a number, is none at all."""
    return f"workflow/{workflow}/{key}" if key else None


def _key(template: str, lookup: Lookup, at: str) -> str:
    return as_text(render(parse_template(template, at=at), lookup, at=at))

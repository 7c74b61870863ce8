"""What a process was at when it was killed, as far as the journals on disk tell. Changes nothing.

A step that touches the world is in flight when its licence is on disk and its ending is not. One that does not is never
written before it has ended: it is in flight when the journal on disk says that it is next. A body's node is in flight
while anything in the body is, an approval or a timer while it is waited for.
"""

from collections.abc import Collection

from mulle.app import App
from mulle.document.workflow import NodeSpec
from mulle.engine import scope as at
from mulle.engine.run import Run

REPEATABLE, ONCE = "an http step that may run twice", "an http step that must not run twice"
QUESTION = "a question what became of a step"
NAMES = {
    "condition": "a branch",
    "loop": "a loop",
    "map": "a map",
    "subflow": "a subflow",
    "approval": "an approval",
    "wait": "a timer",
    "code": "code",
    "notification": "a notification",
}
KINDS = (*NAMES.values(), REPEATABLE, ONCE)
"""What must have been in flight when somebody was killed."""
LICENSED = {NAMES["notification"], NAMES["approval"], NAMES["wait"], REPEATABLE, ONCE}
"""In flight only from their first fact on."""


async def in_flight(app: App, owners: Collection[str]) -> set[str]:
    """The kinds of step that these owners have in flight."""
    met: set[str] = set()
    for row in await app.runs(status="running", limit=1000):
        if row.owner in owners:
            met |= kinds_in((await app.history(row.id)).run)
    return met


def kinds_in(run: Run) -> set[str]:
    """The kinds of step that a run has in flight."""
    met: set[str] = set()
    for path in {*run.commands, *run.waiting()}:
        _, plan, node = run.at(path)
        kind = kind_of(plan.spec)
        if node.status == at.ASKING:
            met.add(QUESTION)
        elif node.status in (at.RUNNING, at.WAITING) or (node.status == at.READY and kind not in LICENSED):
            met.add(kind)
        met |= {kind_of(run.at(path[:length])[1].spec) for length in range(1, len(path), 2)}
    return met & {*KINDS, QUESTION}


def kind_of(spec: NodeSpec) -> str:
    """The kind of a node of the tour."""
    if spec.type == "http":
        return ONCE if spec.data.get("method") == "POST" else REPEATABLE
    return NAMES.get(spec.type, spec.type)

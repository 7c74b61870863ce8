"""The workflows of a home or a cluster: their versions, and what became of their schedules' due times. One protocol."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from mulle.document.workflow import Workflow
from mulle.errors import InputError


class UnknownWorkflow(InputError):
    """There is no workflow with this id or name."""

    code = "workflow.unknown"
    message = "There is neither a file nor a workflow '{named}'."
    hint = "`mulle workflows list` shows the workflows of this home."


class UnknownVersion(UnknownWorkflow):
    """The workflow has no such version."""

    code = "workflow.unknown_version"
    message = "'{named}' has no version {version}; the newest one is {newest}."
    hint = "`mulle versions {id}` lists them."


class AmbiguousWorkflow(InputError):
    """Several workflows have this name."""

    code = "workflow.ambiguous"
    message = "{count} workflows are called '{named}'."
    hint = "Use the id: {ids}."


@dataclass(frozen=True, slots=True)
class StoredWorkflow:
    """A workflow as this home keeps it."""

    id: str
    name: str
    version: int
    created: float
    updated: float
    enabled: bool


@dataclass(frozen=True, slots=True)
class Firing:
    """What became of one due time of a schedule."""

    workflow: str
    trigger: str
    due: float
    """Seconds since 1970."""
    outcome: str
    """`started`, `missed` (too late to be made up), `skipped` (the run before it was still under way) or `failed` (its
    run could not be started)."""
    run: str | None = None


class Workflows(Protocol):
    """The documents of one home or of one cluster. For one thread at a time."""

    def close(self) -> None: ...

    def save(self, workflow: Workflow, now: float, *, workflow_id: str | None = None) -> StoredWorkflow:
        """Keep a document as the newest version of a workflow; without an id, of a new one. Raises UnknownWorkflow."""
        ...

    def get(self, named: str) -> StoredWorkflow:
        """A workflow by its id or its name; raises UnknownWorkflow, AmbiguousWorkflow."""
        ...

    def document(self, named: str, version: int | None = None) -> Workflow:
        """A workflow's document, by default the newest version; raises UnknownWorkflow, UnknownVersion."""
        ...

    def all(self) -> list[StoredWorkflow]:
        """Every workflow, the one changed last first."""
        ...

    def enable(self, named: str, now: float, *, enabled: bool) -> StoredWorkflow:
        """Let a workflow's schedules fire, or not; what was due while they were off is not made up.

        Raises UnknownWorkflow.
        """
        ...

    def remove(self, named: str) -> StoredWorkflow:
        """Forget a workflow with its versions and firings; its runs stay. Raises UnknownWorkflow."""
        ...

    def keep_schedules(self, workflow: str, triggers: Sequence[str], now: float) -> None:
        """Let exactly these schedules of a workflow count: new ones begin now, and one that is gone is forgotten."""
        ...

    def last_run(self, workflow: str, trigger: str) -> str | None:
        """The id of the run that a schedule started last."""
        ...

    def looked_until(self, workflow: str, trigger: str, now: float) -> float:
        """Up to when a schedule's due times were dealt with; a schedule that is new begins now."""
        ...

    def note(self, firings: Sequence[Firing], workflow: str, trigger: str, until: float, now: float) -> None:
        """Write down what became of a schedule's due times up to `until`, all in one transaction.

        Of two who looked at the same due time, the one who has a run to show is right.
        """
        ...

    def firings(self, workflow: str | None = None, limit: int = 50) -> list[Firing]:
        """What became of due times, the latest first."""
        ...

    def forget_firings(self, before: float, most: int = 500) -> int:
        """Forget what became of due times long ago, at most so many; of each schedule the last two stay.

        Gives how many were forgotten.
        """
        ...


def the_one(named: str, found: Sequence[StoredWorkflow]) -> StoredWorkflow:
    """Of the workflows that have this id or name, the one that is meant; raises UnknownWorkflow, AmbiguousWorkflow."""
    by_id = [one for one in found if one.id == named]
    if not found:
        raise UnknownWorkflow(named=named)
    if not by_id and len(found) > 1:
        raise AmbiguousWorkflow(named=named, count=len(found), ids=", ".join(one.id for one in found))
    return (by_id or found)[0]


def the_version(stored: StoredWorkflow, version: int | None) -> int:
    """Which version of a workflow is meant; raises UnknownVersion."""
    if version is None:
        return stored.version
    if not 1 <= version <= stored.version:
        raise UnknownVersion(named=stored.name or stored.id, id=stored.id, version=version, newest=stored.version)
    return version

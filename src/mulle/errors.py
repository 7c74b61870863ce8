"""Every error a person can meet, in one tree: what happened, where, and what to do next.

    MulleError
    ├── InputError        something given to us cannot be used (exit code 2)
    │   ├── DocumentError     a workflow document
    │   ├── ExpressionError   a condition or a `{{ reference }}`
    │   └── ScheduleError     a schedule phrase or rule
    ├── StepError         a step of a run failed (exit code 1)
    │   ├── NetworkError      the world outside did not answer as needed
    │   └── SandboxError      code of a step misbehaved or was stopped
    ├── StoreError        the disk or the database did not do its duty
    └── SetupError        this machine or its settings lack something

A subclass gives `code`, `hint` and, where its text has gaps, `message`; the raise fills the gaps by keyword:

    raise UnknownNodeType(at="summary", type="lllm")     # Node 'summary': unknown type 'lllm'.
"""

from typing import Any, ClassVar


class MulleError(Exception):
    """Something went wrong in a way that we can name."""

    code: ClassVar[str] = "error"
    message: ClassVar[str] = "{detail}"
    """What happened, as a sentence; `{names}` are filled by the raise."""
    hint: ClassVar[str] = ""
    """What to do next; may use the same names."""

    def __init__(self, detail: str = "", /, *, at: str = "", hint: str | None = None, **facts: Any) -> None:
        """Say it in one sentence.

        Args:
            detail: The sentence itself, for classes whose `message` is not fixed.
            at: The place: a node id, an edge, a field (`nodes.summary.data.url`), a file and line.
            hint: Replaces the class's own hint.
            **facts: What the gaps of `message` and `hint` are filled with; kept for machines.
        """
        self.at = at
        self.facts = {"detail": detail, "at": at, **facts}
        self.text = self.message.format_map(self.facts)
        self.advice = self.hint.format_map(self.facts) if hint is None else hint
        super().__init__(self.text)

    def to_dict(self) -> dict[str, str]:
        """The error as the command line and the API show it: `{code, message, where, hint}`."""
        return {"code": self.code, "message": self.text, "where": self.at, "hint": self.advice}


class InputError(MulleError):
    """Something given to us cannot be used."""

    code = "input.invalid"


class DocumentError(InputError):
    """The workflow document cannot be used."""

    code = "document.invalid"
    hint = "`mulle validate FILE` lists everything that is wrong with it."


class ExpressionError(InputError):
    """A condition or a reference cannot be understood or computed."""

    code = "expression.invalid"


class UnreadableExpression(ExpressionError):
    """The text of an expression does not follow the grammar; `facts` hold its 1-based `line` and `column`."""

    code = "expression.syntax"
    message = "{place}: {detail}"


class UnknownFunction(UnreadableExpression):
    """An expression calls a function that does not exist."""

    code = "expression.unknown_function"


class ExpressionTooLarge(UnreadableExpression):
    """An expression is longer or more deeply nested than the language allows."""

    code = "expression.too_large"
    hint = "Split it over several steps, or use a code step."


class MissingReference(ExpressionError):
    """An expression refers to something that is not there."""

    code = "expression.missing_reference"


class WrongValue(ExpressionError):
    """An operator or a function was given a value that it cannot work with."""

    code = "expression.wrong_value"


class ResultTooLarge(ExpressionError):
    """An expression makes a value that is larger than the language allows."""

    code = "expression.result_too_large"
    hint = "An expression makes at most 1 MB; larger data is for a code or transform step."


class ScheduleError(InputError):
    """A schedule cannot be understood, or cannot be kept."""

    code = "schedule.invalid"


class StepError(MulleError):
    """A step of a run failed."""

    code = "step.failed"


class BodyFailed(StepError):
    """A step failed inside a loop, a map or a subflow; a retry runs the whole body again."""

    code = "body.failed"


class NetworkError(StepError):
    """The world outside did not answer as needed."""

    code = "network.failed"
    sent: bool = True
    """Whether the other side may have received the request. Only errors that say False let a `once` step retry."""


class SandboxError(StepError):
    """A code step misbehaved or was stopped."""

    code = "sandbox.failed"


class StoreError(MulleError):
    """The disk or the database did not do its duty."""

    code = "store.failed"


class SetupError(MulleError):
    """This machine or its settings lack something."""

    code = "setup.missing"
    hint = "`mulle doctor` says what this machine offers."


class JournalConflict(StoreError):
    """Someone else drives this run now."""

    code = "journal.conflict"
    message = "Run {run} was taken over by another driver."
    hint = "Nothing is lost: the other driver goes on with it."


class UnknownRun(InputError):
    """There is no run with this id."""

    code = "run.unknown"
    message = "There is no run '{run}'."
    hint = "`mulle runs list` shows the runs of this home."


class UnknownGraph(StoreError):
    """A run's graph is not in the store."""

    code = "journal.unknown_graph"
    message = "The graph {graph} is not stored here."
    hint = "The database is incomplete; restore a backup."


class StoreFull(StoreError):
    """The disk, or the room given to the database, is full."""

    code = "store.full"
    message = "There is no room left to write: {detail}."
    hint = "Free space (`mulle gc` removes old runs). What was written is safe; unfinished runs go on afterwards."


class StoreUnavailable(StoreError):
    """The database cannot be opened or written."""

    code = "store.unavailable"
    message = "The database cannot be used: {detail}."
    hint = "Check that the folder MULLE_HOME exists, belongs to you and may be written."

"""The author's one conversation: understand, clarify, draft, verify, ready. Resumable, because it is nothing but its
sentence and its answers: ask again with more answers and it goes on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from mulle.author.clarify import Clarified, Question, clarify
from mulle.author.conditions import read_test
from mulle.author.draft import Draft, draft, triggers_of
from mulle.author.language.clauses import Clause
from mulle.author.language.tokens import tokens
from mulle.author.lexicon import channels, lexicon
from mulle.author.report import Report, report
from mulle.author.request import Request
from mulle.author.sayings import say
from mulle.author.understand import understand
from mulle.author.verify import Check, verify
from mulle.errors import UnsupportedSchedule
from mulle.sdk.catalogue import Catalogue

Status = Literal["ready", "needs_answers", "not_understood"]


NOTHING_SAID = Report()


def _none(name: str) -> bool:
    del name
    return False


@dataclass(frozen=True)
class Tools:
    """What the author works with."""

    catalogue: Catalogue
    has_secret: Callable[[str], bool] = _none
    """Whether a secret of that name is in the store."""
    has_model: bool = False
    """Whether steps that need a language model can run here."""


@dataclass(frozen=True)
class Result:
    """Where the conversation stands."""

    status: Status
    questions: tuple[Question, ...] = ()
    workflow: dict[str, Any] | None = None
    """The document as plain data; while questions are open, a sketch with gaps."""
    triggers: tuple[dict[str, Any], ...] = ()
    checks: tuple[Check, ...] = ()
    report: Report = NOTHING_SAID
    rounds: int = 0
    """How often a draft was made."""
    language: str = "ko"
    secrets: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Values for the secret store; they are in no document and in no `to_dict`."""
    mode: str = "builtin"
    """Who drafted: `builtin`, which is no model and never passes for one, or a model by its name."""

    def to_dict(self) -> dict[str, Any]:
        """As `mulle author --json` prints it."""
        return {
            "status": self.status,
            "questions": [question.to_dict() for question in self.questions],
            "workflow": self.workflow,
            "triggers": list(self.triggers),
            "checks": [check.to_dict() for check in self.checks],
            "report": self.report.to_dict(),
            "rounds": self.rounds,
        }


@dataclass(frozen=True)
class Conversation:
    """A conversation that can be laid down and taken up again."""

    sentence: str
    answers: Mapping[str, str] = field(default_factory=dict[str, str])
    timezone: str = "Asia/Seoul"

    def answered(self, **answers: str) -> "Conversation":
        return replace(self, answers={**self.answers, **answers})

    def to_dict(self) -> dict[str, Any]:
        return {"sentence": self.sentence, "answers": dict(self.answers), "timezone": self.timezone}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Conversation":
        answers = {str(key): str(value) for key, value in dict(data.get("answers") or {}).items()}
        return cls(str(data["sentence"]), answers, str(data.get("timezone", "Asia/Seoul")))


async def compose(
    sentence: str,
    *,
    answers: Mapping[str, str] | None = None,
    now: datetime,
    timezone: str = "Asia/Seoul",
    yes: bool = False,
    tools: Tools,
) -> Result:
    """Make a workflow of a sentence, or ask for what is missing.

    Args:
        sentence: What is wanted, Korean or English.
        answers: To questions of earlier results, by their keys; secrets by their names.
        now: For relative times and for the first firings.
        timezone: Whose clock the sentence means.
        yes: What is dangerous is confirmed beforehand.
        tools: Node types, and what the program knows of secrets and models.
    """
    given = {key: inert(str(value)) for key, value in (answers or {}).items()}
    request = understand(inert(sentence), now=now, timezone=timezone)
    clear = clarify(request, given, now=now, timezone=timezone, yes=yes)
    request = clear.request
    if clear.declined or request.forbidden or (not clear.questions and not _buildable(request, tools)):
        return _refused(clear, tools, now)
    sketch = draft(request)
    unclear = _unclear(request, () if clear.questions else sketch.undecided)
    if unclear and given.get("condition"):
        request = reworded(request, unclear, given["condition"])
        sketch = draft(request)
        unclear = _unclear(request, () if clear.questions else sketch.undecided)
    if unclear:
        question = Question(
            "condition",
            say("ask.condition", request.language, text=unclear),
            say("suggest.condition", request.language),
        )
        clear = replace(clear, questions=(*clear.questions, question))
    if clear.questions:
        sketched = sketch.document if _buildable(request, tools) else None
        said = report(
            request, sketch if sketched else None, has_secret=tools.has_secret, has_model=tools.has_model, now=now
        )
        return Result(
            "needs_answers",
            clear.questions,
            sketched,
            triggers_of(request),
            (),
            said,
            0,
            request.language,
            clear.secrets,
        )
    return await _verified(request, sketch, clear, tools, now)


def reworded(request: Request, unclear: str, answer: str) -> Request:
    """The request with a condition said once more, in the place of the one that was not understood."""
    test = read_test(Clause("if", tuple(tokens(answer, lexicon()))), request.language, with_event=False)
    branches = [
        replace(branch, test=test) if test and branch.test.text == unclear else branch for branch in request.branches
    ]
    return replace(request, branches=tuple(branches))


def _unclear(request: Request, undecided: Sequence[str]) -> str:
    """A condition that guards something and cannot be decided: without it, everybody would be told at every run."""
    guards = [branch for branch in request.branches if branch.deliveries or branch.steps]
    unknown = [branch.test.text for branch in guards if branch.test.kind == "unknown"]
    undecided = [text for text in undecided if any(text == branch.test.text for branch in guards)]
    return next(iter([*unknown, *undecided]), "")


def inert(text: str) -> str:
    """Text of a person, so written that no template of ours is ever read into it."""
    return text.replace("{{", "{ {").replace("}}", "} }")


async def _verified(request: Request, sketch: Draft, clear: Clarified, tools: Tools, now: datetime) -> Result:
    known = replace(clear, secrets=clear.secrets)
    verdict = await verify(sketch, request, tools.catalogue, now=now)

    def has_secret(name: str) -> bool:
        return name in known.secrets or tools.has_secret(name)

    said = report(request, sketch, has_secret=has_secret, has_model=tools.has_model, now=now)
    status: Status = "ready" if verdict.ok else "not_understood"
    if not verdict.ok:
        broken = [
            problem.message for check in verdict.checks for problem in check.problems if problem.severity == "error"
        ]
        said = replace(said, not_done=(*broken, *said.not_done))
    return Result(
        status, (), sketch.document, sketch.triggers, verdict.checks, said, 1, request.language, clear.secrets
    )


def _buildable(request: Request, tools: Tools) -> bool:
    """Whether something useful is left to build: something to get or to hear of, or somebody to be told."""
    if isinstance(request.schedule, UnsupportedSchedule) or request.trigger == "unclear":
        return False
    told = any(one.channel and channels()[one.channel].channel for one in request.all_deliveries)
    gets = any(source.connector for source in request.sources)
    steps = (*request.steps, *(step for branch in request.branches for step in branch.steps))
    works = any(step.kind in {"summarise", "model"} for step in steps)
    if works and "llm" not in tools.catalogue.types:
        return False
    if gets:
        return True
    if request.event:
        return works or told
    return told and not works and not request.unable


def _refused(clear: Clarified, tools: Tools, now: datetime) -> Result:
    request = clear.request
    said = report(request, None, has_secret=tools.has_secret, has_model=tools.has_model, now=now)
    return Result("not_understood", (), None, triggers_of(request), (), said, 0, request.language, clear.secrets)

"""Change a workflow by a sentence: "메일 말고 슬랙으로", "10시로 바꿔줘". Only what was asked for changes.

A sentence is read as a list of changes; each is a plain function over the document's data. Where no change
understands it, that is said, and nothing is changed at all.
"""

import copy
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mulle.author.changes import Asked, apply_all
from mulle.author.compose import Result, Tools, inert
from mulle.author.diff import Change, changes
from mulle.author.report import Report
from mulle.author.sayings import say
from mulle.author.understand import language_of
from mulle.author.verify import climb
from mulle.document.reading import workflow_data
from mulle.document.workflow import Workflow


@dataclass(frozen=True)
class Edited:
    """A changed workflow, and what changed."""

    result: Result
    diff: tuple[Change, ...] = ()

    @property
    def status(self) -> str:
        return self.result.status

    @property
    def workflow(self) -> dict[str, Any] | None:
        return self.result.workflow

    @property
    def secrets(self) -> Mapping[str, str]:
        return self.result.secrets

    def to_dict(self) -> dict[str, Any]:
        """As `mulle edit --json` prints it."""
        return self.result.to_dict() | {
            "diff": [change.to_dict() for change in self.diff],
            "diff_text": [change.text for change in self.diff],
        }


async def edit(
    document: Workflow | Mapping[str, Any],
    sentence: str,
    *,
    answers: Mapping[str, str] | None = None,
    now: datetime,
    timezone: str = "Asia/Seoul",
    tools: Tools,
) -> Edited:
    """The document with what the sentence asks for, tried out; or the questions that are open.

    Args:
        document: A workflow; it is not changed itself.
        sentence: What should be different, Korean or English.
        answers: To questions of earlier results, by their keys.
        now: For relative times.
        timezone: Whose clock the sentence means, where the document says none.
        tools: As for `compose`.
    """
    old = workflow_data(document) if isinstance(document, Workflow) else copy.deepcopy(dict(document))
    text = inert(unicodedata.normalize("NFC", sentence))
    language = language_of(text)
    given = {key: inert(str(value)) for key, value in (answers or {}).items()}
    asked = Asked(copy.deepcopy(old), text, language, given, now, timezone)
    apply_all(asked)
    triggers = tuple(asked.document.get("triggers", ()))
    diff = tuple(changes(old, asked.document))
    if asked.questions:
        result = Result("needs_answers", tuple(asked.questions), asked.document, triggers, language=language)
        return Edited(result, diff)
    if not asked.done:
        said = Report(not_done=tuple(asked.refused) or (say("edit.nothing", language, text=text),))
        return Edited(Result("not_understood", (), old, tuple(old.get("triggers", ())), report=said, language=language))
    verdict = await climb(asked.document, tools.catalogue, now=now)
    broken = [problem.message for check in verdict.checks for problem in check.problems if problem.severity == "error"]
    said = Report(built=tuple(asked.done), not_done=(*broken, *asked.refused))
    status = "ready" if verdict.ok else "not_understood"
    result = Result(status, (), asked.document, triggers, verdict.checks, said, 1, language, asked.secrets)
    return Edited(result, diff)

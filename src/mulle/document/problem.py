"""A problem of a document: the one class that the editor, the API, the author and the command line all show."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from itertools import islice
from typing import Any, Literal
from unicodedata import normalize

from mulle.errors import MulleError

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about a document that a person should mend (`error`) or know (`warning`)."""

    code: str
    """Stable and dotted, for machines: `graph.cycle`."""
    where: str
    """The place in the document: `nodes.mail.data.to`, `edges[3]`, `triggers[0].cron`."""
    message: str
    hint: str = ""
    severity: Severity = "error"

    @classmethod
    def of(cls, error: MulleError, where: str = "") -> "Problem":
        """The problem that an error is when it is found before anything runs."""
        return cls(error.code, where or error.at, error.text, error.advice)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def errors(problems: list[Problem]) -> list[Problem]:
    """Those that forbid the document to run."""
    return [problem for problem in problems if problem.severity == "error"]


_COMPARED, _LISTED = 300, 20
"""Names that are compared for a hint, and names that a hint lists: a document may have thousands."""


def nearest(name: str, there: Collection[str]) -> str:
    """A hint for a name that is not there: the one that was probably meant, or all there are."""
    # Taken apart into letters, because a Korean syllable with one wrong letter is another character altogether.
    spelled = {normalize("NFD", one): one for one in islice(there, _COMPARED)}
    close = get_close_matches(normalize("NFD", name[:200]), spelled, n=1)
    if close:
        return f"Did you mean '{spelled[close[0]]}'?"
    more = " …" if len(there) > _LISTED else ""
    return "There is: " + ", ".join(sorted(there)[:_LISTED]) + more + "." if there else ""

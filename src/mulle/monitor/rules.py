"""Alert rules as text: `failure_rate > 30 over 1h`, `p95 > 5s over 1d`, `no run for 25h`, `cost > 10 usd over 1d`.

    rule    = figure (">" | ">=" | "<" | "<=") number [unit] ["over" span]
            | "no" ("run" | "success") "for" span
    span    = number ("m" | "h" | "d")

Our own tokens and a dozen lines of grammar; nothing that was written is ever evaluated. No clock, no store.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from operator import ge, gt, le, lt
from typing import Any, Literal

from mulle.errors import InputError

LONGEST = 200
"""Characters of a rule."""
LONGEST_SPAN = 31 * 86_400.0
DEFAULT_SPAN = 3600.0

FIGURES: dict[str, tuple[str, str]] = {
    "failure_rate": ("failure_rate", "percent"),
    "success_rate": ("success_rate", "percent"),
    "failures": ("failures", "count"),
    "successes": ("successes", "count"),
    "cancelled": ("cancelled", "count"),
    "runs": ("executions", "count"),
    "executions": ("executions", "count"),
    "tokens": ("tokens", "count"),
    "cost": ("cost_usd", "money"),
    "mean": ("avg_duration", "time"),
    "avg_duration": ("avg_duration", "time"),
    "p50": ("p50_duration", "time"),
    "p95": ("p95_duration", "time"),
    "p99": ("p99_duration", "time"),
    "max": ("max_duration", "time"),
    "max_duration": ("max_duration", "time"),
    "stdev": ("stdev_duration", "time"),
}
"""What can be compared: its name in the statistics, and what its numbers are."""
UNITS: dict[str, dict[str, float]] = {
    "percent": {"": 1, "%": 1},
    "count": {"": 1, "k": 1e3, "m": 1e6},
    "money": {"": 1, "usd": 1, "$": 1},
    "time": {"": 1, "us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "min": 60, "h": 3600},
}
SPANS: dict[str, float] = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
OPERATORS: dict[str, Callable[[float, float], bool]] = {">": gt, ">=": ge, "<": lt, "<=": le}

_TOKEN = re.compile(r"\s*(?:(?P<number>\d{1,12}(?:\.\d{1,6})?)|(?P<word>[^\W\d]\w*)|(?P<sign>[<>]=?|[%$]))")


class BadRule(InputError):
    """An alert rule cannot be understood."""

    code = "alert.bad_rule"
    message = "The rule cannot be understood at character {place}: {why}."
    hint = "For example: failure_rate > 30 over 1h · p95 > 5s over 1d · no run for 25h · cost > 10 usd over 1d"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A figure of a window that is beyond what it should be."""

    figure: str
    sign: str
    value: float
    """In percent, seconds, dollars, or a count."""
    over: float
    """Seconds."""
    text: str

    def judge(self, stats: Mapping[str, Any]) -> tuple[bool, str]:
        """Whether it fires on the figures of its window, and what they are.

        Rates and durations of nothing that finished are none, and fire nothing.
        """
        name, kind = FIGURES[self.figure]
        found = stats[name]
        nothing = kind in {"percent", "time"} and not stats["successes"] + stats["failures"]
        detail = f"{self.figure} is {_said(found, kind)} over {stats['executions']} run(s)"
        return not nothing and OPERATORS[self.sign](found, self.value), detail


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing ran, or nothing succeeded, for too long."""

    what: Literal["run", "success"]
    over: float
    text: str

    def judge(self, last: float, now: float) -> tuple[bool, str]:
        """Whether it fires. `last`: when something last ran (or succeeded), else since when the rule is there."""
        return now - last > self.over, f"the last {self.what} was {_span(now - last)} ago"


Rule = Threshold | Silence


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    place: int


def parse_rule(text: str) -> Rule:
    """A rule; raises BadRule, which says where and what was expected."""
    if len(text) > LONGEST:
        raise BadRule(place=LONGEST, why="it is too long for a rule")
    tokens = _Tokens(text)
    if tokens.word("no"):
        what = tokens.one_of("run", "success")
        tokens.expect("for")
        over = tokens.span()
        tokens.end()
        return Silence("run" if what == "run" else "success", over, f"no {what} for {_span(over)}")
    figure = tokens.one_of(*FIGURES)
    sign = tokens.sign()
    value = tokens.number()
    kind = FIGURES[figure][1]
    factor = tokens.unit(UNITS[kind])
    over = tokens.span() if tokens.word("over") else DEFAULT_SPAN
    tokens.end()
    value = round(value * factor, 6)
    return Threshold(figure, sign, value, over, f"{figure} {sign} {_said(value, kind)} over {_span(over)}")


class _Tokens:
    """The words of a rule, taken from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens: list[_Token] = []
        place = 0
        while text[place:].strip():
            found = _TOKEN.match(text, place)
            if found is None:
                start = place + len(text[place:]) - len(text[place:].lstrip())
                raise BadRule(place=start + 1, why=f"{text[start]!r} is not expected here")
            kind = found.lastgroup or ""
            self._tokens.append(_Token(kind, found[kind].lower(), found.start(kind) + 1))
            place = found.end()
        self._end = _Token("end", "the end", len(text) + 1)
        self._next = 0

    @property
    def _here(self) -> _Token:
        return self._tokens[self._next] if self._next < len(self._tokens) else self._end

    def _take(self) -> _Token:
        token = self._here
        self._next += 1
        return token

    def _refuse(self, expected: str) -> BadRule:
        return BadRule(place=self._here.place, why=f"{expected} is expected, not {self._here.text!r}")

    def word(self, word: str) -> bool:
        """Take a word if it is the next one."""
        if self._here.text != word:
            return False
        self._take()
        return True

    def expect(self, word: str) -> None:
        if not self.word(word):
            raise self._refuse(f"'{word}'")

    def one_of(self, *words: str) -> str:
        if self._here.text in words:
            return self._take().text
        close = get_close_matches(self._here.text, words, n=1)
        meant = f"'{close[0]}' (did you mean that?)" if close else f"one of {', '.join(words)}"
        raise self._refuse(meant)

    def sign(self) -> str:
        if self._here.text in OPERATORS:
            return self._take().text
        raise self._refuse("one of > >= < <=")

    def number(self) -> float:
        if self._here.kind != "number":
            raise self._refuse("a number")
        return float(self._take().text)

    def unit(self, units: Mapping[str, float]) -> float:
        if self._here.text in units:
            return units[self._take().text]
        if self._here.kind in {"word", "sign"} and self._here.text != "over":
            raise self._refuse(f"one of {' '.join(filter(None, units))}, or 'over'")
        return units[""]

    def span(self) -> float:
        place = self._here.place
        count = self.number()
        if self._here.text not in SPANS:
            raise self._refuse("a unit of time (m, h, d)")
        seconds = count * SPANS[self._take().text]
        if not 0 < seconds <= LONGEST_SPAN:
            raise BadRule(place=place, why="a time from 1 s to 31 d is expected")
        return seconds

    def end(self) -> None:
        if self._here.kind != "end":
            raise self._refuse("the end")


def _said(value: float, kind: str) -> str:
    unit = {"percent": "%", "time": " s", "money": " usd", "count": ""}[kind]
    return f"{round(value, 6):.15g}{unit}"


def _span(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= size and round(seconds / size, 2) == round(seconds / size):
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds / 3600:.1f}h" if seconds >= 7200 else f"{seconds:.0f}s"

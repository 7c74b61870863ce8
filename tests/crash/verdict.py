"""Compare what was done to the world with what the journals say, and tell it in a table."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.crash.campaign import Campaign
from tests.crash.outside import Effect
from tests.crash.tour import outputs_of

from mulle.app import App
from mulle.engine.facts import AnyFact, NodeDone, NodeStarted, Path, RunEnded, RunStarted

TOLD = 5
"""Cases of one kind that are told in full."""


@dataclass
class Verdict:
    """What a campaign has shown."""

    done: Counter[str] = field(default_factory=Counter[str])
    runs: int = 0
    effects: int = 0
    again: int = 0
    """Effects of repeatable steps in flight that happened again, as they may."""
    asked: int = 0
    """`once` steps that happened again because a person said so."""
    broken: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Cases by promise."""

    def breaks(self, promise: str, case: str) -> None:
        self.broken.setdefault(promise, []).append(case)

    def table(self) -> str:
        """For people."""
        lines = [f"{what:<55}{count:>8,}" for what, count in self.done.items()]
        lines += [
            f"{'runs':<55}{self.runs:>8,}",
            f"{'effects on the world':<55}{self.effects:>8,}",
            f"{'repeatable steps in flight that ran again':<55}{self.again:>8,}",
            f"{'once steps that a person had done again':<55}{self.asked:>8,}",
            "",
        ]
        for promise in dict.fromkeys((*PROMISES, *self.broken)):
            cases = self.broken.get(promise, [])
            lines.append(f"{'✗' if cases else '✓'} {promise:<53}{len(cases):>8,} broken")
            lines += [f"    {case}" for case in cases[:TOLD]]
        return "\n".join(lines)


LOST = "no run is lost, every one ends"
OUTPUTS = "every run gives what it gives undisturbed"
REPEATED = "no finished step is repeated"
ONCE = "no once step happens twice unless a person says so"
LICENSED = "nothing happens that the journal knows nothing of"
JOURNAL = "every journal has one beginning and one end"
PROMISES = (LOST, OUTPUTS, REPEATED, ONCE, LICENSED, JOURNAL)


async def judge(campaign: Campaign, app: App, effects: list[Effect], verdict: Verdict) -> None:
    """Add what one home shows to a verdict."""
    rows = await app.runs(limit=100_000)
    ids = {row.id for row in rows}
    verdict.done += campaign.done
    verdict.runs += len(rows)
    known: set[int] = set()
    for row in rows:
        facts = await app.journal.read(row.id)
        known.add(_judge_run(row.id, facts, [one for one in effects if one.key.startswith(f"{row.id}/")], verdict))
    for number in campaign.told - known:
        verdict.breaks(LOST, f"tour {number} is not there, and somebody was told that it is")
    verdict.effects += sum(one.key.split("/")[0] in ids for one in effects)


def _judge_run(run: str, facts: Sequence[AnyFact], effects: list[Effect], verdict: Verdict) -> int:
    """Look at one run; gives its number."""
    first, last = facts[0], facts[-1]
    assert isinstance(first, RunStarted)
    number = int(first.inputs["n"])
    if not isinstance(last, RunEnded):
        verdict.breaks(LOST, f"{run} (tour {number}) has not ended; its last fact is {last}")
    elif (last.status, last.outputs) != ("succeeded", outputs_of(number)):
        verdict.breaks(OUTPUTS, f"{run} (tour {number}): {last.status} {last.detail} {last.outputs} {last.error}")
    if sum(isinstance(fact, RunStarted) for fact in facts) != 1 or any(isinstance(one, RunEnded) for one in facts[:-1]):
        verdict.breaks(JOURNAL, run)
    done = {fact.path: fact.at for fact in facts if isinstance(fact, NodeDone)}
    attempts = Counter(fact.path for fact in facts if isinstance(fact, NodeStarted))
    counts: Counter[Path] = Counter()
    for effect in effects:
        path = _path(effect)
        counts[path] += 1
        if path in done and effect.at > done[path]:
            verdict.breaks(REPEATED, f"{run} {path} happened {effect.at - done[path]:.3f} s after its end")
        if counts[path] > 1:
            _judge_again(run, path, counts[path], attempts[path], verdict, once=effect.once)
        if not attempts[path]:
            verdict.breaks(LICENSED, f"{run} {path}")
    return number


def _judge_again(run: str, path: Path, times: int, attempts: int, verdict: Verdict, *, once: bool) -> None:
    if not once:
        verdict.again += 1
    elif times > attempts:
        verdict.breaks(ONCE, f"{run} {path} happened {times} times in {attempts} attempts")
    else:
        verdict.asked += 1


def _path(effect: Effect) -> Path:
    """The node's place: what a `once` step's key says besides is its turn and the number of its call."""
    steps = effect.key.split("/")[1:-2] if effect.once else effect.key.split("/")[1:]
    return tuple(int(step) if step.isdigit() else step for step in steps)

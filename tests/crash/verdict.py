"""Compare what was done to the world with what the journals say, and tell it in a table."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.crash.campaign import Campaign
from tests.crash.outside import Effect
from tests.crash.sight import KINDS
from tests.crash.tour import outputs_of

from mulle.app import App
from mulle.engine.facts import AnyFact, NodeDone, NodeStarted, Path, RunEnded, RunStarted

TOLD = 5
"""Cases of one kind that are told in full."""
ENOUGH = 100
"""Kills from which on every kind of step must have been met."""

LOST = "no run is lost, every one ends"
OUTPUTS = "every run gives what it gives undisturbed"
REPEATED = "no finished step is repeated"
ONCE = "no once step happens twice unless a person says so"
LICENSED = "nothing happens that the journal knows nothing of"
RIGHT = "nothing is begun by a process that has lost the run"
JOURNAL = "every journal has one beginning and one end"
EXITS = "no process ends by itself"
MET = "every kind of step was in flight at some kill"
PROMISES = (LOST, OUTPUTS, REPEATED, ONCE, LICENSED, RIGHT, JOURNAL, EXITS)

RUNS, EFFECTS = "runs", "effects on the world"
AGAIN = "repeatable steps in flight that ran again"
ASKED = "once steps that a person had done again"
LATE = "steps that a freeze cut off from their effect"
"""Their process stood still past its lease between licence and effect, and nothing can take the effect back: it happens
when the process wakes up, though another one has ended the step by then. The idempotency key tells the other side."""
AWAKE = 2.0
"""Seconds after a freeze in which such an effect happens."""


@dataclass
class Verdict:
    """What campaigns have shown, by the store that they were made on."""

    counts: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])
    """By store: what was done and seen, and how often."""
    met: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])
    """By store: at how many kills a kind of step was in flight."""
    broken: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Cases by promise."""
    notes: list[str] = field(default_factory=list[str])
    """What else people want to know."""

    def count(self, store: str, what: str, times: int = 1) -> None:
        self.counts.setdefault(store, Counter())[what] += times

    def total(self, what: str) -> int:
        return sum(counts[what] for counts in self.counts.values())

    def breaks(self, promise: str, case: str) -> None:
        self.broken.setdefault(promise, []).append(case)

    def has_met_all(self) -> None:
        """Break our own promise if a kind of step was never in flight, in a campaign that is long enough."""
        if self.total("kills") >= ENOUGH:
            for kind in KINDS:
                if not any(met[kind] for met in self.met.values()):
                    self.breaks(MET, kind)

    def table(self) -> str:
        """For people; the last line is the verdict."""
        rows = dict.fromkeys(what for counts in self.counts.values() for what in counts)
        last = (RUNS, EFFECTS, AGAIN, ASKED)
        lines = [_line("", list(self.counts))]
        lines += [self._row(what, self.counts) for what in (*(row for row in rows if row not in last), *last)]
        if self.met:
            kinds = dict.fromkeys((*KINDS, *(kind for met in self.met.values() for kind in met)))
            lines += ["", "in flight at so many of the kills"]
            lines += [self._row(f"  {kind}", self.met, kind) for kind in kinds]
        lines += ["", *self.notes, *([""] if self.notes else [])]
        for promise in dict.fromkeys((*PROMISES, *self.broken)):
            cases = self.broken.get(promise, [])
            lines.append(f"{'✗' if cases else '✓'} {promise:<58}{len(cases):>8,} broken")
            lines += [f"    {case}" for case in cases[:TOLD]]
        return "\n".join([*lines, "", self.last_line()])

    def last_line(self) -> str:
        return f"BROKEN: {'; '.join(self.broken)}." if self.broken else "All promises held."

    def _row(self, title: str, columns: dict[str, Counter[str]], what: str | None = None) -> str:
        return _line(title, [f"{columns[store][what or title]:,}" if store in columns else "" for store in self.counts])


def _line(title: str, cells: Sequence[str]) -> str:
    return (f"{title:<45}" + "".join(f"{cell:>15}" for cell in cells)).rstrip()


async def judge(campaign: Campaign, app: App, effects: list[Effect], verdict: Verdict) -> None:
    """Add what one store shows to a verdict."""
    store = campaign.store.name
    rows = await app.runs(limit=100_000)
    ids = {row.id for row in rows}
    for what, times in campaign.done.items():
        verdict.count(store, what, times)
    verdict.met.setdefault(store, Counter()).update(campaign.met)
    verdict.count(store, RUNS, len(rows))
    verdict.count(store, EFFECTS, sum(one.key.split("/")[0] in ids for one in effects))
    known: set[int] = set()
    for row in rows:
        facts = await app.journal.read(row.id)
        mine = [one for one in effects if one.key.startswith(f"{row.id}/")]
        known.add(_judge_run(store, row.id, facts, mine, verdict, campaign.frozen))
    for number in campaign.told - known:
        verdict.breaks(LOST, f"tour {number} is not there, and somebody was told that it is")
    for complaint in campaign.exits:
        verdict.breaks(EXITS, complaint[-2000:])


def _judge_run(  # noqa: PLR0917  # A run, and all that is known of it.
    store: str,
    run: str,
    facts: Sequence[AnyFact],
    effects: list[Effect],
    verdict: Verdict,
    frozen: Sequence[tuple[float, float]] = (),
) -> int:
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
            licensed = min(fact.at for fact in facts if isinstance(fact, NodeStarted) and fact.path == path)
            if any(licensed < stopped and woke <= effect.at < woke + AWAKE for stopped, woke in frozen):
                verdict.count(store, LATE)
            else:
                after = f"{effect.at - done[path]:.3f} s after its end"
                verdict.breaks(REPEATED, f"{store}: {run} {path} happened {after}")
        if counts[path] > 1:
            if not effect.once:
                verdict.count(store, AGAIN)
            elif counts[path] > attempts[path]:
                verdict.breaks(ONCE, f"{run} {path} happened {counts[path]} times in {attempts[path]} attempts")
            else:
                verdict.count(store, ASKED)
        if not attempts[path]:
            verdict.breaks(LICENSED, f"{run} {path}")
    return number


def _path(effect: Effect) -> Path:
    """The node's place: what a `once` step's key says besides is its turn and the number of its call."""
    steps = effect.key.split("/")[1:-2] if effect.once else effect.key.split("/")[1:]
    return tuple(int(step) if step.isdigit() else step for step in steps)

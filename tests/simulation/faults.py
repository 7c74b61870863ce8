"""What goes wrong in a world, and what is done in it besides, drawn from its seed. Each kind has chance of its own, so
that one can be left out and the others stay what they were: that is how a failing seed is made smaller.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from random import Random

TROUBLES = (
    "kills", "crash_points", "freezes", "jumps", "errors", "outages", "lost_answers", "wakeups", "deploys", "cuts",
)  # fmt: skip
DOINGS = ("forks", "keyless", "length", "sweeps", "budgets", "big_values", "time_limits", "pins")
"""What some worlds do besides: runs done again and runs without a key, what only long runs do, retention, budgets; and
what is special in their documents.
"""
KINDS = (*TROUBLES, *DOINGS)
"""What `--without` takes."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one request to the store."""

    there: float
    """Seconds until it arrives."""
    back: float
    """Seconds until the answer arrives."""
    fails: str = ""
    """`locked` or `full`: it is refused."""
    answer_lost: bool = False
    """It is done, and who asked is told that the store cannot be reached."""
    kills: str = ""
    """`before` or `after`: who asked dies just before or just after it is done."""


@dataclass(slots=True)
class Trouble:
    """How unlucky a world is."""

    seed: int
    leases: bool
    """The store is a server far away, and who owns a run is decided by leases; else a file with locks."""
    processes: int
    runs: int
    lasts: float
    """Seconds of trouble; after that everything works, and all runs must come to their end."""
    kill_every: float = 0.0
    """Seconds between kills of some process, on average; 0: never."""
    freeze_every: float = 0.0
    jump_every: float = 0.0
    deploy_every: float = 0.0
    outage_every: float = 0.0
    cut_every: float = 0.0
    """Seconds between two in which some process and a far store hear nothing of each other for a while."""
    crash_point: float = 0.0
    """The share of requests to the store at which the process dies."""
    error: float = 0.0
    cancels: float = 0.2
    """The share of runs that somebody cancels."""
    lost_answer: float = 0.0
    wakeup_lost: float = 0.0
    wakeup_doubled: float = 0.0
    queues: bool = False
    """Some runs stand in queues."""
    limits: bool = False
    """Steps of one type may begin only so often, of another only one at a time."""
    sessions: bool = True
    """The server notices when the connection of a worker is gone."""
    slow: float = 0.01
    """Seconds that the store takes at most."""
    long: bool = False
    """Few facts are many: snapshots are kept, facts are read and written in several pieces."""
    sweep_every: float = 0.0
    """Seconds between two sweeps of some process, on average; 0: never."""
    fork_every: float = 0.0
    keyless: bool = False
    """Some runs are started without a key: who hears nothing starts another one."""
    budgets: bool = False
    """Some runs may use up only so many steps, tokens or dollars."""
    documents: str = ""
    """What is special in them: `big_values`, `time_limits` of bodies and waits, or `pins`."""
    chances: dict[str, Random] = field(default_factory=dict[str, Random], repr=False)

    def chance(self, what: str) -> Random:
        """The chance for one kind of thing, independent of all others."""
        if what not in self.chances:
            self.chances[what] = Random(f"{self.seed}/{what}")
        return self.chances[what]

    def fate(self, *, reads: bool, over: bool) -> Fate:
        """What becomes of the next request; `over`: the trouble has ended."""
        delays = self.chance("delays")
        there, back = delays.random() * self.slow, delays.random() * self.slow
        if over:
            return Fate(there, back)
        fails = kills = ""
        if self.error and self.chance("errors").random() < self.error:
            fails = self.chance("errors").choice(["locked", "full"])
        lost = self.lost_answer > 0 and self.chance("lost_answers").random() < self.lost_answer
        if self.crash_point and not reads and self.chance("crash_points").random() < self.crash_point:
            kills = self.chance("crash_points").choice(["before", "after"])
        return Fate(there, back, fails, answer_lost=lost, kills=kills)


def drawn(seed: int, without: Collection[str] = ()) -> Trouble:
    """The trouble of a seed."""
    chance = Random(f"{seed}/trouble")
    leases = chance.random() < 0.5
    trouble = Trouble(
        seed=seed,
        leases=leases,
        processes=chance.choice([1, 2, 2, 3]),
        runs=chance.choice([1, 1, 2, 3]),
        lasts=chance.uniform(3.0, 25.0),
        slow=chance.choice([0.0005, 0.01, 0.2]),
    )
    trouble.sessions = chance.random() < 0.5
    if chance.random() < 0.3:
        trouble.queues, trouble.runs = True, chance.choice([3, 4, 5])
    trouble.limits = chance.random() < 0.2
    rates = {
        "kills": ("kill_every", chance.choice([0.0, 1.0, 3.0, 10.0])),
        "freezes": ("freeze_every", chance.choice([0.0, 0.0, 4.0])),
        "jumps": ("jump_every", chance.choice([0.0, 0.0, 5.0])),
        "deploys": ("deploy_every", chance.choice([0.0, 0.0, 6.0])),
        "outages": ("outage_every", chance.choice([0.0, 0.0, 8.0])),
        "crash_points": ("crash_point", chance.choice([0.0, 0.01, 0.05])),
        "errors": ("error", chance.choice([0.0, 0.0, 0.02, 0.1])),
        "lost_answers": ("lost_answer", chance.choice([0.0, 0.02]) if leases else 0.0),
        "wakeups": ("wakeup_lost", chance.choice([0.0, 0.3]) if leases else 0.0),
        "cuts": ("cut_every", chance.choice([0.0, 0.0, 3.0]) if leases else 0.0),
    }
    for kind, (name, value) in rates.items():
        if kind not in without:
            setattr(trouble, name, value)
    trouble.wakeup_doubled = trouble.wakeup_lost
    _do_besides(trouble, without)
    return trouble


def _do_besides(trouble: Trouble, without: Collection[str]) -> None:
    """Draw what is done in a world besides driving runs through trouble."""
    chance = Random(f"{trouble.seed}/besides")
    documents = chance.choice(["", "", "", "big_values", "time_limits", "pins"])
    doings = {
        "length": ("long", chance.random() < 0.2),
        "sweeps": ("sweep_every", chance.choice([0.0, 0.0, 0.0, 0.0, 0.5, 2.0])),
        "budgets": ("budgets", chance.random() < 0.2),
        "forks": ("fork_every", chance.choice([0.0, 0.0, 0.0, 0.0, 1.0, 4.0])),
        "keyless": ("keyless", chance.random() < 0.3),
        documents: ("documents", documents),
    }
    for kind, (name, value) in doings.items():
        if kind not in without:
            setattr(trouble, name, value)


def crowd(seed: int, processes: int = 100, runs: int = 100) -> Trouble:
    """Many machines on one server: some are always dying, standing still or being replaced."""
    return Trouble(
        seed=seed,
        leases=True,
        processes=processes,
        runs=runs,
        lasts=8.0,
        kill_every=0.3,
        freeze_every=0.5,
        deploy_every=1.0,
        outage_every=10.0,
        cut_every=1.0,
        crash_point=0.002,
        error=0.01,
        wakeup_lost=0.2,
        wakeup_doubled=0.2,
    )

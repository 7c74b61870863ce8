"""A few kills of real processes; `make crash` makes three hundred."""

import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from tests.crash.__main__ import campaign
from tests.crash.campaign import Campaign, Slot
from tests.crash.outside import Effect, Outside
from tests.crash.sight import KINDS
from tests.crash.stores import SqliteHome
from tests.crash.verdict import LATE, MET, ONCE, REPEATED, Verdict, _judge_run

from mulle.engine.facts import NodeDone, NodeStarted, RunStarted


async def test_promises_hold_while_processes_are_killed(tmp_path: Path):
    verdict = await campaign(SqliteHome(tmp_path), kills=3, seed=random.randrange(1_000_000), verdict=Verdict())

    assert not verdict.broken, verdict.table()
    assert verdict.total("kills") == 3
    assert verdict.total("runs") > 0
    assert verdict.table().endswith("All promises held.")


def test_the_verdict_sees_what_was_done_too_often():
    path = ("tell",)
    facts = [
        RunStarted(at=1.0, run="r", graph="g", inputs={"n": 1}),
        NodeStarted(at=2.0, path=path, effect="once"),
        NodeDone(at=3.0, path=path),
    ]
    effects = [Effect(at, True, "r/tell/1/1", None) for at in (2.5, 3.5)]
    verdict = Verdict()

    _judge_run("SQLite", "r", facts, effects, verdict)

    assert {ONCE, REPEATED} <= verdict.broken.keys()
    assert "BROKEN: " in verdict.table().splitlines()[-1]


@pytest.mark.parametrize(
    ("frozen", "is_late"), [([(2.2, 3.2)], True), ([(1.0, 3.2)], False), ([(2.2, 3.8)], False), ([(2.2, 0.5)], False)]
)
def test_only_who_was_frozen_between_licence_and_effect_may_come_late(
    frozen: list[tuple[float, float]], *, is_late: bool
):
    path = ("tell",)
    facts = [
        RunStarted(at=1.0, run="r", graph="g", inputs={"n": 1}),
        NodeStarted(at=2.0, path=path, effect="once"),
        NodeDone(at=3.0, path=path),
    ]
    verdict = Verdict()

    _judge_run("Postgres", "r", facts, [Effect(3.5, True, "r/tell/1/1", None)], verdict, frozen)

    assert (verdict.total(LATE), REPEATED in verdict.broken) == ((1, False) if is_late else (0, True))


def test_a_long_campaign_that_never_met_a_timer_says_so():
    verdict = Verdict()
    verdict.count("SQLite", "kills", 100)
    verdict.met["SQLite"] = Counter({kind: 10 for kind in KINDS if kind != "a timer"})

    verdict.has_met_all()

    assert verdict.broken == {MET: ["a timer"]}


@pytest.mark.parametrize(
    ("said", "complaint", "lacked", "is_fine"),
    [
        ("", "There is no room left to write: …", "disk", True),
        ("Working. 0 unfinished run(s) taken up.", "There is no room left to write: …", "disk", False),
        ("", "There is no room left to write: …", "", False),
        ("", "The database cannot be used: …", "disk", False),
        ("", "Traceback …", "disk", False),
    ],
)
def test_only_who_began_without_a_disk_may_end_for_want_of_it(
    tmp_path: Path, said: str, complaint: str, lacked: str, *, is_fine: bool
):
    outside = Outside(tmp_path / "ledger.jsonl", random.Random(1))
    tormented = Campaign(SqliteHome(tmp_path), outside, random.Random(1))
    program = f"import sys; print({said!r}); sys.exit({complaint!r})"
    process = subprocess.Popen([sys.executable, "-c", program], stdout=-1, stderr=-1, text=True)

    tormented._ended_by_itself(Slot("worker", process, {lacked}))
    outside.close()

    assert (tormented.done.total(), len(tormented.exits)) == ((1, 0) if is_fine else (0, 1))

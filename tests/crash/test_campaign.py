"""A few kills of real processes; `make crash` makes three hundred."""

import random
from collections import Counter
from pathlib import Path

from tests.crash.__main__ import campaign
from tests.crash.outside import Effect
from tests.crash.sight import KINDS
from tests.crash.stores import SqliteHome
from tests.crash.verdict import MET, ONCE, REPEATED, Verdict, _judge_run

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


def test_a_long_campaign_that_never_met_a_timer_says_so():
    verdict = Verdict()
    verdict.count("SQLite", "kills", 100)
    verdict.met["SQLite"] = Counter({kind: 10 for kind in KINDS if kind != "a timer"})

    verdict.has_met_all()

    assert verdict.broken == {MET: ["a timer"]}

"""A few kills of real processes; `make crash` makes three hundred."""

import random
from pathlib import Path

from tests.crash.__main__ import campaign
from tests.crash.outside import Effect
from tests.crash.verdict import ONCE, REPEATED, Verdict, _judge_run

from mulle.engine.facts import NodeDone, NodeStarted, RunStarted


async def test_promises_hold_while_processes_are_killed(tmp_path: Path):
    verdict = await campaign(tmp_path, kills=3, seed=random.randrange(1_000_000), verdict=Verdict())

    assert not verdict.broken, verdict.table()
    assert verdict.done["kills"] == 3
    assert verdict.runs > 0


def test_the_verdict_sees_what_was_done_too_often():
    path = ("tell",)
    facts = [
        RunStarted(at=1.0, run="r", graph="g", inputs={"n": 1}),
        NodeStarted(at=2.0, path=path, effect="once"),
        NodeDone(at=3.0, path=path),
    ]
    effects = [Effect(at, True, "r/tell/1/1", None) for at in (2.5, 3.5)]
    verdict = Verdict()

    _judge_run("r", facts, effects, verdict)

    assert {ONCE, REPEATED} <= verdict.broken.keys()

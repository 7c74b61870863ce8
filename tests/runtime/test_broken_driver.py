"""A driver that ends in an error that nobody expected is named, tried again a few times, and then left to others."""

import asyncio
from typing import Any

import pytest
from tests.runtime.homes import Home, until

import mulle
from mulle.app import App
from mulle.engine.facts import NodeDone
from mulle.engine.journal import Claim, NewRun
from mulle.errors import DriverBroken
from mulle.runtime import local
from mulle.runtime.driver import Driver
from mulle.runtime.undriven import TRIES


async def plus_one(value: int) -> int:
    return value + 1


WORKFLOW = mulle.Workflow("하나").add_step("갑", plus_one)


class Mistake:
    """One in the driver, that shows itself a number of times."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = 0
        self.seen = 0
        follow = Driver._follow

        def broken(driver: Driver) -> bool:
            if self.left:
                self.left -= 1
                self.seen += 1
                raise KeyError("없는 길")
            return follow(driver)

        monkeypatch.setattr(Driver, "_follow", broken)


@pytest.fixture
def mistake(monkeypatch: pytest.MonkeyPatch) -> Mistake:
    monkeypatch.setattr(local, "LOOK_AROUND", 0.02)
    return Mistake(monkeypatch)


async def broken(app: App) -> str:
    run_id = await app.start(WORKFLOW, 1)
    with pytest.raises(DriverBroken, match=f"Run {run_id} could not be driven on: KeyError: '없는 길'"):
        await app.wait(run_id)
    return run_id


async def test_what_breaks_while_looking_for_work_is_told_and_does_not_end_the_looking(
    home: Home, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(local, "LOOK_AROUND", 0.02)
    told: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
    app, journal = home.open(by_itself=True)
    claim_due, left = journal.claim_due, 2

    async def broken(*arguments: Any, **named: Any) -> list[Claim]:
        nonlocal left
        if left:
            left -= 1
            raise KeyError("없는 길")
        return await claim_due(*arguments, **named)

    monkeypatch.setattr(journal, "claim_due", broken)
    asleep = mulle.Workflow("잠").add_step("갑", plus_one, retry={"max": 1, "delay": 0})
    await app.run(asleep, 1)
    await until(lambda: left == 0)
    await journal.real.create(NewRun(id="남의 것", workflow="w", graph="없음", created=0.0), [])
    await journal.real.release("남의 것", 1, 0.0)
    await until(lambda: "남의 것" in app._running().problems)

    assert [type(error) for error in told] == [KeyError, KeyError]


async def test_who_waits_is_told_and_asking_again_is_enough(home: Home, mistake: Mistake):
    app, _ = home.open()
    mistake.left = 1
    run_id = await broken(app)

    assert isinstance(app._running().problems[run_id], DriverBroken)
    assert "mulle runs resume" in app._running().problems[run_id].advice
    assert (await app.wait(run_id)).outputs == {"output": 2}


async def test_it_is_tried_again_by_itself(home: Home, mistake: Mistake):
    app, journal = home.open(by_itself=True)
    mistake.left = 2
    run_id = await broken(app)

    await until(lambda: journal.on_disk(NodeDone, ("end",)))
    assert (await app.wait(run_id)).status == "succeeded"


async def test_after_some_tries_it_is_left_to_others_and_stays_named(home: Home, mistake: Mistake):
    app, journal = home.open(by_itself=True)
    mistake.left = 1000
    run_id = await broken(app)
    runtime = app._running()
    await until(lambda: run_id in runtime._undriven.given_up)
    await until(lambda: not runtime._undriven.stalled)

    assert (await journal.row(run_id)).owner is None
    assert mistake.seen == TRIES
    assert isinstance(runtime.problems[run_id], DriverBroken)
    mistake.left = 0
    other, _ = home.open()
    assert await other.recover([WORKFLOW]) == [run_id]
    assert (await other.wait(run_id)).status == "succeeded"


async def test_a_mistake_that_shows_while_a_journal_is_read_is_no_other(home: Home, mistake: Mistake):
    first, _ = home.open()
    mistake.left = 1
    run_id = await broken(first)
    await home.kill(first)
    app, journal = home.open(by_itself=True)

    async def odd() -> None:
        mistake.seen += 1
        raise RuntimeError("이상함")

    journal.reading, mistake.seen = odd, 0
    await app.recover([WORKFLOW])
    runtime = app._running()
    await until(lambda: run_id in runtime._undriven.given_up)
    await until(lambda: not runtime._undriven.stalled)

    assert mistake.seen == TRIES
    assert "RuntimeError: 이상함" in runtime.problems[run_id].text
    journal.reading = None
    assert await app.recover() == [run_id]
    assert (await app.wait(run_id)).status == "succeeded"

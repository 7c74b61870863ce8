"""The fold of a long run is kept beside its facts, and whoever goes on with it reads only what came after."""

import asyncio
from typing import Any

import pytest
from tests.runtime.homes import Gate, Home

import mulle
from mulle.engine.facts import NodeDone
from mulle.runtime import ledger


async def plus_one(value: int) -> int:
    return value + 1


def long_workflow(last: Any) -> mulle.Workflow:
    workflow = mulle.Workflow("긴 것")
    for number in range(30):
        workflow.add_step(f"걸음{number}", plus_one)
    return workflow.add_step("끝", last)


async def stopped_in_the_middle(home: Home, monkeypatch: pytest.MonkeyPatch) -> tuple[str, mulle.Workflow]:
    monkeypatch.setattr(ledger, "SNAPSHOT_EVERY", 20)
    gate = Gate()
    workflow = long_workflow(gate)
    app, _ = home.open()
    run_id = await app.start(workflow, 0)
    await gate.began.wait()
    await asyncio.sleep(0.05)
    await home.kill(app)
    gate.may_go_on.set()
    return run_id, workflow


async def test_who_goes_on_reads_only_what_came_after_the_snapshot(home: Home, monkeypatch: pytest.MonkeyPatch):
    run_id, workflow = await stopped_in_the_middle(home, monkeypatch)
    app, journal = home.open()
    asked: list[int] = []
    read = journal.real.read

    async def watched(run: str, after: int = 0, *limit: int, previews: bool = False) -> Any:
        asked.append(after)
        return await read(run, after, *limit, previews=previews)

    journal.real.read = watched
    await app.recover([workflow])
    asked_to_go_on, asked[:] = asked.copy(), []
    result = await app.wait(run_id)

    assert await journal.snapshot(run_id)
    assert asked_to_go_on[0] >= 20
    assert result.outputs == {"output": 30}
    assert [record.status for record in result.nodes] == ["succeeded"] * 33
    assert not journal.on_disk(NodeDone, ("걸음0",))


@pytest.mark.parametrize("damage", [b"", b"{}", b"no snapshot at all"])
async def test_a_snapshot_that_cannot_be_used_changes_nothing(
    home: Home, monkeypatch: pytest.MonkeyPatch, damage: bytes
):
    run_id, workflow = await stopped_in_the_middle(home, monkeypatch)
    app, journal = home.open()
    journal.save_snapshot(run_id, damage)

    await app.recover([workflow])

    assert (await app.wait(run_id)).outputs == {"output": 30}


async def test_short_runs_have_none(home: Home):
    app, journal = home.open()

    result = await app.run(mulle.Workflow("짧은 것").add_step("하나", plus_one), 1)

    assert await journal.snapshot(result.id) is None

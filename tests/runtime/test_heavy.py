"""Values of many megabytes are copied and written a slice at a time: other runs go on meanwhile."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runtime.homes import Home

from mulle.agents.workflow import Workflow
from mulle.engine.packing import HEAVY, exhausted
from mulle.runtime.heavy import in_slices, plain_slices, to_the_end
from mulle.sdk.fit import DEEPEST, NOT_DATA, plain

TEXT = "물레" * HEAVY
ROWS = [{"number": number, "text": "기사"} for number in range(30_000)]
HEAVY_VALUES: list[Any] = [
    TEXT,
    ROWS,
    {"rows": tuple(ROWS), "text": TEXT, "one": 1, "more": {str(number): [number] for number in range(30_000)}},
    [TEXT, {"a": [TEXT, None, True, 1.5]}, ROWS, (1, 2)],
]


@pytest.mark.parametrize("value", HEAVY_VALUES, ids=range(len(HEAVY_VALUES)))
def test_a_copy_in_slices_is_the_copy(value: Any):
    assert exhausted(plain_slices(value)) == plain(value)


@settings(max_examples=50, deadline=None)
@given(
    st.recursive(
        st.none() | st.integers(-9, 9) | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_any_copy_in_slices_is_the_copy(value: Any):
    assert exhausted(plain_slices(value)) == plain(value)


@pytest.mark.parametrize("value", [TEXT + "\ud800", [TEXT, float("nan")], [ROWS, {"deep": object()}], [[TEXT], 2**70]])
def test_what_is_no_data_is_refused_in_slices_too(value: Any):
    with pytest.raises(NOT_DATA):
        exhausted(plain_slices(value))


def test_what_is_nested_too_deep_is_refused():
    value: Any = TEXT
    for _ in range(DEEPEST + 2):
        value = [value]
    with pytest.raises(ValueError, match="nested"):
        exhausted(plain_slices(value))


async def test_others_have_their_turn_between_slices():
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(other())
    await in_slices(plain_slices([TEXT * 10, ROWS * 10]))
    beside.cancel()

    assert turns > 5


async def test_an_answer_that_is_there_is_taken_in_although_its_step_is_stopped():
    work = asyncio.create_task(to_the_end(plain_slices([ROWS * 10, TEXT])))
    await asyncio.sleep(0)
    work.cancel()

    assert await work == [ROWS * 10, TEXT]


@pytest.mark.parametrize("effect", ["pure", "repeatable"])
async def test_heavy_values_go_through_a_run_and_come_back(home: Home, effect: Any):
    async def same(value: Any) -> Any:
        return value

    workflow = Workflow("schwer")
    for number in range(3):
        workflow.add_step(f"s{number}", same, effect=effect)
    app, _ = home.open()

    run = await app.run(workflow, {"text": TEXT, "rows": ROWS})

    assert list(run.outputs.values()) == [{"text": TEXT, "rows": ROWS}]
    assert (await app.journal.room()).blobs == 2


async def test_a_heavy_answer_that_is_no_data_fails_its_step(home: Home):
    async def wrong(_: Any) -> Any:
        return [TEXT, "\ud800"]

    app, _ = home.open()
    run = await app.run(Workflow("falsch").add_step("s", wrong), 1)

    assert run.status == "failed"
    assert run.error is not None
    assert run.error["type"] == "step.no_data"

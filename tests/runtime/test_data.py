"""What a journal can keep, and what becomes of answers, inputs and signals that it cannot."""

import dataclasses
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from tests.runtime.homes import Home

import mulle
from mulle.app.given import BadRunInput
from mulle.engine.codec import decode, encode
from mulle.engine.facts import NodeDone
from mulle.sdk.fit import DEEPEST, NOT_DATA, plain

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=20,
)


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def cyclic() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


NOTHING_TO_KEEP: dict[str, Any] = {
    "not a number": float("nan"),
    "infinite": [1.0, {"a": float("-inf")}],
    "an object": object(),
    "a function": plain,
    "a huge number": 10**30,
    "itself": cyclic(),
    "endless": nested(DEEPEST + 50),
    "half a character": "\ud800",
    "a strange key": {("a", 1): 2},
}


@given(JSON)
def test_what_is_kept_comes_back_the_same(value: Any):
    fact = NodeDone(at=1.0, path=("갑",), outputs={"값": plain(value)})

    assert decode(encode([fact])) == [fact]
    assert fact.outputs == {"값": value}


@pytest.mark.parametrize("value", NOTHING_TO_KEEP.values(), ids=NOTHING_TO_KEEP)
def test_what_would_not_come_back_is_refused(value: Any):
    with pytest.raises(NOT_DATA):
        plain(value)


class Order(BaseModel):
    name: str
    on: date


@dataclasses.dataclass
class Point:
    x: int
    y: tuple[int, ...]


@pytest.mark.parametrize(
    ("value", "becomes"),
    [
        ((1, 2), [1, 2]),
        ({7}, [7]),
        (Point(1, (2,)), {"x": 1, "y": [2]}),
        (Order(name="물레", on=date(2026, 11, 21)), {"name": "물레", "on": "2026-11-21"}),
        ({1: "하나"}, {"1": "하나"}),
        (b"ab", "YWI="),
    ],
)
def test_what_has_an_obvious_form_gets_it(value: Any, becomes: Any):
    assert plain(value) == becomes


@pytest.mark.parametrize("value", NOTHING_TO_KEEP.values(), ids=NOTHING_TO_KEEP)
@pytest.mark.parametrize("effect", ["pure", "once"])
async def test_an_answer_that_is_no_data_is_the_steps_failure(home: Home, value: Any, effect: Any):
    app, _ = home.open()

    async def step(_: Any) -> Any:
        return value

    result = await app.run(mulle.Workflow("이상").add_step("갑", step, effect=effect), 1)

    assert (result.status, result.error and result.error["type"]) == ("failed", "step.no_data")
    assert [record.status for record in result.nodes] == ["succeeded", "failed", "skipped"]


@pytest.mark.parametrize("value", NOTHING_TO_KEEP.values(), ids=NOTHING_TO_KEEP)
async def test_an_input_that_is_no_data_is_refused(home: Home, value: Any):
    app, _ = home.open()

    async def step(given: Any) -> Any:
        return given

    with pytest.raises(BadRunInput):
        await app.run(mulle.Workflow("이상").add_step("갑", step), value)

    assert await app.runs() == []


async def test_a_huge_answer_is_kept_whole(home: Home):
    app, _ = home.open()

    async def step(_: Any) -> Any:
        return ["경제 기사 " * 100] * 5000

    async def count(items: Any) -> int:
        return len(items)

    result = await app.run(mulle.Workflow("큼").add_step("갑", step).add_step("을", count), 1)

    assert result.outputs == {"output": 5000}


async def test_what_one_step_does_to_its_input_does_not_reach_others(home: Home):
    app, journal = home.open()

    async def make(_: Any) -> Any:
        return {"items": [1]}

    async def spoil(value: Any) -> Any:
        value["items"].append(2)
        return value

    workflow = mulle.Workflow("둘").add_step("만듦", make)
    workflow.add_step("갑", spoil, after="만듦").add_step("을", spoil, after="만듦")
    result = await app.run(workflow, None)

    assert result.outputs == {"갑": {"items": [1, 2]}, "을": {"items": [1, 2]}}
    history = await app.history(result.id)
    assert history.records[("만듦",)].outputs == {"output": {"items": [1]}}
    del journal

"""Workflows of Python functions and objects: how steps are called, what follows what, and `execute`."""

import asyncio
import functools
import json
from pathlib import Path
from typing import Any

import pytest

import mulle
from mulle.agents.workflow import RunFailed


class Analyst:
    """An object with `execute(data)`, as people write agents."""

    def execute(self, data: list[int]) -> dict[str, int]:
        return {"합계": sum(data)}


class Poet:
    async def execute(self, data: dict[str, int]) -> str:
        return f"모두 {data['합계']}"


def double(value: int) -> int:
    return value * 2


async def increase(value: int) -> int:
    return value + 1


def test_functions_and_objects_sync_and_async_follow_each_other():
    workflow = mulle.Workflow("여러 가지").add_step("셈", Analyst()).add_step("시", Poet())

    assert workflow.execute([1, 2, 3]).output == "모두 6"


def test_a_step_that_takes_nothing_is_called_with_nothing():
    workflow = mulle.Workflow("시작").add_step("갑", lambda: 7).add_step("을", double)

    assert workflow.execute().output == 14


def test_several_results_come_as_a_list_in_the_order_of_after():
    workflow = mulle.Workflow("모음").add_step("갑", double).add_step("을", increase, after="start")

    def both(values: Any) -> Any:
        return values

    workflow.add_step("합", both, after=["을", "갑"])

    assert workflow.execute(10).output == [11, 20]


def test_several_results_come_by_name_where_the_parameters_are_named_so():
    workflow = mulle.Workflow("모음").add_step("a", double).add_step("b", increase, after="start")

    def named(a: int, b: int) -> dict[str, int]:
        return {"a": a, "b": b}

    workflow.add_step("c", named, after=["a", "b"])

    assert workflow.execute(10).output == {"a": 20, "b": 11}


def test_several_last_steps_give_their_results_by_name():
    workflow = mulle.Workflow("갈래").add_step("갑", double).add_step("을", increase, after="start")

    assert workflow.execute(10).output == {"갑": 20, "을": 11}


def test_a_partial_and_a_callable_object_are_steps():
    class Add:
        async def __call__(self, value: int) -> int:
            return value + 100

    workflow = mulle.Workflow("부분").add_step("갑", functools.partial(pow, 2)).add_step("을", Add())

    assert workflow.execute(3).output == 108


def test_a_function_that_gives_a_coroutine_is_awaited():
    def later(value: int) -> Any:
        return increase(value)

    workflow = mulle.Workflow("나중").add_step("갑", later)

    assert workflow.execute(1).output == 2


def test_null_is_a_result_like_any_other():
    def nothing(_: Any) -> None:
        pass

    def listed(value: Any) -> list[Any]:
        return [value]

    workflow = mulle.Workflow("없음").add_step("갑", nothing).add_step("을", listed)

    assert workflow.execute(1).output == [None]


def fail(_: Any) -> None:
    raise KeyError("제목")


def test_the_failure_of_a_step_is_a_failed_result_that_names_it():
    workflow = mulle.Workflow("실패").add_step("갑", double).add_step("을", fail).add_step("병", double)

    result = workflow.execute(1)

    assert (result.status, result["output"], result["error"]) == ("failed", None, "'제목'")
    assert [(step["step_id"], step["status"]) for step in result["steps"]] == [
        ("갑", "completed"),
        ("을", "failed"),
        ("병", "skipped"),
    ]
    assert workflow.context.current_step == "을"


def test_the_failure_of_a_step_is_raised_where_that_is_asked_for():
    workflow = mulle.Workflow("실패").add_step("갑", fail)

    with pytest.raises(RunFailed, match="Step '갑': '제목'") as raised:
        workflow.execute(1, raise_on_error=True)
    assert (raised.value.at, raised.value.facts["type"]) == ("갑", "KeyError")


def test_a_result_is_a_dictionary_that_json_can_write():
    result = mulle.Workflow("그대로").add_step("갑", double).execute(2)

    assert isinstance(result, dict)
    assert json.loads(json.dumps(result))["output"] == result.output == 4
    assert list(result) == [
        "workflow_id", "workflow_name", "status", "output", "outputs", "steps", "error", "duration",
    ]  # fmt: skip


@pytest.mark.parametrize(("step", "after"), [("갑", None), ("을", "병"), ("start", None), ("end", None)])
def test_a_step_that_cannot_stand_there_is_refused(step: str, after: str | None):
    workflow = mulle.Workflow("틀림").add_step("갑", double)

    with pytest.raises(ValueError, match=step):
        workflow.add_step(step, double, after=after)


def test_something_that_cannot_be_called_is_refused():
    with pytest.raises(TypeError, match="int"):
        mulle.Workflow("틀림").add_step("갑", 5)


async def test_execute_works_within_a_running_loop():
    workflow = mulle.Workflow("공책").add_step("갑", double).add_step("을", increase)

    assert workflow.execute(20).output == 41
    assert workflow.execute(1).output == 3


def test_execute_keeps_the_run_in_a_given_app(tmp_path: Path):
    app = mulle.open(tmp_path)
    workflow = mulle.Workflow("남김").add_step("갑", double)

    assert workflow.execute(1, app=app).output == 2
    assert workflow.execute(2, app=app).output == 4

    assert [run.status for run in asyncio.run(app.runs())] == ["succeeded", "succeeded"]
    app.close_sync()


def test_steps_added_later_belong_to_it():
    workflow = mulle.Workflow("자람").add_step("갑", double)
    assert workflow.execute(1).output == 2

    workflow.add_step("을", double)

    assert workflow.execute(1).output == 4

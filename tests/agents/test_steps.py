"""Steps of a workflow: what they get, when they run, what is tried when they fail, what their annotations ask for."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

import mulle
from mulle.agents import StepState, Workflow, WorkflowContext, WorkflowResult, WorkflowState, WorkflowStep
from mulle.agents.chaining import StepPlan
from mulle.sdk import Context


def double(value: int) -> int:
    return value * 2


def increase(value: int) -> int:
    return value + 1


def same(value: Any) -> Any:
    return value


def fail(_: Any) -> None:
    raise RuntimeError("못 함")


def status(result: WorkflowResult) -> dict[str, str]:
    return {step["step_id"]: step["status"] for step in result["steps"]}


# ---------------------------------------------------------------------- sources


def test_input_source_is_another_word_for_after():
    workflow = Workflow("모음").add_step("갑", double).add_step("을", increase, "start")
    workflow.add_step("병", increase, input_source="갑")

    assert workflow.execute(10).output == {"을": 11, "병": 21}


def test_steps_are_kept_as_they_were_asked_for():
    step = WorkflowStep("을", increase, input_source="갑", is_critical=True)
    workflow = Workflow("모음").add_step("갑", double).add_step(step)

    kept = workflow.steps[1]
    assert (kept.step_id, kept.agent, kept.input_source, kept.is_critical) == ("을", increase, "갑", True)
    assert isinstance(kept, StepPlan)
    assert workflow.execute(1).output == 3


def test_a_step_can_be_executed_alone():
    result = WorkflowStep("갑", double, retry=1).execute(4)

    assert (result.step_id, result.status, result.output, result.error) == ("갑", StepState.COMPLETED, 8, None)
    assert WorkflowStep("을", fail).execute(4).error == "못 함"
    assert result.timestamp


# ---------------------------------------------------------------------- conditions


@pytest.mark.parametrize(("value", "output", "state"), [(3, 12, "completed"), (10, 20, "skipped")])
def test_a_step_that_does_not_run_hands_on_what_it_would_have_got(value: int, output: int, state: str):
    workflow = Workflow("조건").add_step("갑", double)
    workflow.add_step("을", double, when="갑.output < 10").add_step("병", same)

    result = workflow.execute(value)

    assert result.output == output
    assert status(result)["을"] == state


@pytest.mark.parametrize(("value", "output"), [(3, 6), (10, 10)])
def test_a_function_may_decide_whether_a_step_runs(value: int, output: int):
    def small(value: int) -> bool:
        return value < 5

    assert Workflow("조건").add_step("갑", double, when=small).execute(value).output == output


def test_an_agent_may_decide_for_itself_whether_it_runs():
    class Careful:
        def should_execute(self, data: list[int]) -> bool:
            return bool(data)

        def execute(self, data: list[int]) -> int:
            return max(data)

    workflow = Workflow("조건").add_step("갑", Careful())

    assert workflow.execute([3, 5]).output == 5
    assert workflow.execute([]).output == []


def test_what_follows_a_skipped_step_by_name_is_skipped_with_it():
    workflow = Workflow("조건").add_step("갑", double, when="start.input > 5")
    workflow.add_step("을", increase, after="갑").add_step("병", increase, after="start")

    assert status(workflow.execute(1)) == {"갑": "skipped", "을": "skipped", "병": "completed"}


# ---------------------------------------------------------------------- failures


def test_a_fallback_takes_over_with_the_same_input():
    workflow = Workflow("대안").add_step("갑", double).add_step("을", fail, fallback=[fail, increase])
    workflow.add_step("병", double)

    result = workflow.execute(5)

    assert (result.status, result.output) == ("completed", 22)
    assert status(result)["을"] == "failed"
    assert workflow.context.step_results["을"].error == "못 함"
    assert workflow.context.get_step_output("을") == 11


def test_a_fallback_is_not_run_without_need():
    workflow = Workflow("대안").add_step("갑", double, fallback=fail)

    assert workflow.execute(5).output == 10
    assert workflow.context.step_results["갑-fallback"].status is StepState.SKIPPED


def test_a_step_is_tried_again_and_cut_off_as_its_policies_say():
    tries: list[int] = []

    def shaky(value: int) -> int:
        tries.append(value)
        if len(tries) < 3:
            raise OSError("아직")
        return value

    assert Workflow("다시").add_step("갑", shaky, retry={"max": 2, "delay": 0}).execute(7).output == 7
    assert len(tries) == 3


def test_a_workflow_that_cannot_be_started_has_failed():
    def words(value: str) -> str:
        return value

    result = Workflow("틀림").add_step("갑", double).add_step("을", words).execute(1)

    assert (result.status, status(result)) == ("failed", {"갑": "pending", "을": "pending"})
    assert "number" in (result.error or "")


# ---------------------------------------------------------------------- annotations


@dataclass
class Order:
    item: str
    due: date


def test_values_become_what_annotations_ask_for():
    def late(order: Order, today: date = date(2026, 1, 1)) -> bool:
        return order.due < today

    assert Workflow("형").add_step("갑", late).execute({"item": "실", "due": "2025-12-31"}).output is True


@pytest.mark.parametrize("given", [{"item": "실", "due": "어제"}, ["실"], None])
def test_a_value_that_does_not_fit_an_annotation_fails_the_step(given: Any):
    def late(order: Order) -> str:
        return order.item

    result = Workflow("형").add_step("갑", late).execute(given)

    assert result.status == "failed"
    assert result.error


def test_annotations_that_nobody_can_check_are_left_alone():
    class Odd:
        pass

    def odd(value: Odd | int) -> Odd | int:
        return value

    def lost(value: int) -> int:
        return value + 1

    lost.__annotations__["value"] = "Nowhere"

    assert Workflow("형").add_step("갑", odd).add_step("을", lost).execute(3).output == 4


def test_builtins_that_say_nothing_of_themselves_are_steps():
    assert Workflow("내장").add_step("갑", int).add_step("을", hex).execute("255").output == "0xff"
    assert Workflow("내장").add_step("갑", max).execute([3, 5]).output == 5


def test_a_step_may_ask_for_its_context():
    def keyed(value: int, ctx: Context) -> str:
        return f"{value} {ctx.path[0]} {ctx.idempotency_key().count('/')}"

    assert Workflow("곁").add_step("갑", keyed).execute(1).output == "1 갑 3"


# ---------------------------------------------------------------------- how it stands


def test_the_context_tells_how_the_last_execution_went(capsys: pytest.CaptureFixture[str]):
    workflow = Workflow("텍스트 처리").add_step("갑", double).add_step("을", fail)
    assert workflow.context.workflow_state is WorkflowState.IDLE

    workflow.execute(1)
    workflow.print_summary()

    context = workflow.context
    assert isinstance(context, WorkflowContext)
    assert context.workflow_state is WorkflowState.FAILED
    assert context.get_step_output("갑") == 2
    with pytest.raises(KeyError):
        context.get_step_output("병")
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "워크플로우: 텍스트 처리"
    assert [line.split(" (")[0] for line in printed[3:]] == ["  ✓ 갑: COMPLETED", "  ✗ 을: FAILED"]


def test_the_summary_of_a_workflow_that_could_not_start_says_why(capsys: pytest.CaptureFixture[str]):
    workflow = Workflow("비었음").add_step("갑", same)

    workflow.execute(object())
    workflow.print_summary()

    assert "오류: " in capsys.readouterr().out


def test_a_workflow_shows_itself_with_its_statuses():
    workflow = Workflow("그림").add_step("갑", double)
    before = workflow._repr_svg_()

    result = workflow.execute(1)

    assert "✓" not in before
    assert "✓" in workflow._repr_svg_()
    assert "갑" in result._repr_svg_()


async def test_a_run_result_shows_itself_as_well():
    workflow = Workflow("그림").add_step("갑", double).add_step("을", fail, fallback=increase)
    async with mulle.open(":memory:") as app:
        run = await app.run(workflow, 1)

        assert run.output == 3
        assert run._repr_svg_().count("✗") == 1

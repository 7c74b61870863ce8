"""The small stores that are told of executions: history by hand, the log, the figures and their rules."""
# ruff: noqa: PLE1205 - a Logger of ours, not of `logging`.

import logging
import statistics
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mulle
from mulle.agents import (
    AgentMetrics,
    ExecutionHistory,
    LogEntry,
    Logger,
    LogLevel,
    Monitor,
    Workflow,
    WorkflowMetrics,
    should_execute,
    sync_states,
    validate_input,
)
from mulle.agents.history import UnknownLog
from mulle.agents.monitor import UnknownMetrics

# ---------------------------------------------------------------------- history


def test_a_log_is_begun_filled_and_completed(tmp_path: Path):
    history = ExecutionHistory(tmp_path)
    log = history.create_log("데이터 처리")
    history.add_step_result(log.log_id, "load", "completed", 0.5)
    history.complete_log(log.log_id, "completed")

    kept = ExecutionHistory(tmp_path).get_log(log.log_id)
    assert (kept.workflow_name, kept.status) == ("데이터 처리", "completed")
    assert kept.end_time >= kept.start_time
    assert [(step["step_name"], step["status"], step["duration"]) for step in kept.steps] == [
        ("load", "completed", 0.5)
    ]
    assert history.list_logs() == [
        {key: getattr(kept, key) for key in ("log_id", "workflow_name", "start_time", "end_time", "status")}
    ]


def test_a_log_that_is_not_there_is_named():
    with pytest.raises(UnknownLog, match="없음"):
        ExecutionHistory().get_log("없음")
    app = mulle.open(":memory:")
    with pytest.raises(UnknownLog, match="없음"):
        ExecutionHistory(app).get_log("없음")
    app.close_sync()


# ---------------------------------------------------------------------- log


def test_entries_are_found_by_level_and_component_and_summed_up():
    log = Logger()
    log.debug("Agent", "가")
    log.info("Agent", "나", {"a": 1})
    log.warning("Store", "다")
    log.error("Agent", "라")
    log.critical("Store", "마")

    assert [entry.message for entry in log.get_logs()] == ["가", "나", "다", "라", "마"]
    assert [entry.message for entry in log.get_logs(level=LogLevel.ERROR)] == ["라"]
    assert [entry.message for entry in log.get_logs(component="Store")] == ["다", "마"]
    assert log.get_logs("info", "Agent")[0].data == {"a": 1}
    assert log.get_log_summary() == {"DEBUG": 1, "INFO": 1, "WARNING": 1, "ERROR": 1, "CRITICAL": 1}
    with pytest.raises(ValueError, match="LOUD"):
        log.get_logs("loud")


def test_debugging_can_be_switched_off_and_entries_are_handed_on():
    heard: list[LogEntry] = []
    log = Logger(debug_enabled=False, to=heard.append, most=2)
    log.debug("Agent", "가")
    for word in ("나", "다", "라"):
        log.info("Agent", word)

    assert [entry.message for entry in log.get_logs()] == ["다", "라"]
    assert [entry.message for entry in heard] == ["나", "다", "라"]


# ---------------------------------------------------------------------- figures

times = st.lists(st.tuples(st.floats(0, 1e6), st.booleans()), max_size=30)


@given(times)
def test_figures_are_those_of_statistics(told: list[tuple[float, bool]]):
    metrics = AgentMetrics("갑")
    for duration, success in told:
        metrics.record(duration, success=success)

    stats, durations = metrics.get_stats(), [duration for duration, _ in told]
    assert stats["executions"] == len(told) == stats["successes"] + stats["failures"]
    assert stats["total_duration"] == sum(durations)
    assert stats["stdev_duration"] == (statistics.stdev(durations) if len(told) > 1 else 0)
    assert stats["min_duration"] <= stats["avg_duration"] * (1 + 1e-9)
    assert stats["avg_duration"] <= stats["max_duration"] * (1 + 1e-9)
    assert stats["success_rate"] + stats["failure_rate"] == pytest.approx(100 if told else 0)


def test_a_workflow_without_executions_has_figures_too():
    assert WorkflowMetrics("빔").get_stats() == {
        "workflow_name": "빔", "executions": 0, "successes": 0, "failures": 0, "success_rate": 0.0, "failure_rate": 0.0,
        "avg_duration": 0.0, "min_duration": 0.0, "max_duration": 0.0, "total_duration": 0, "stdev_duration": 0.0,
        "agent_count": 0, "agents": {},
    }  # fmt: skip


REPORT = """\
 모니터링 메트릭 리포트
=================================================

워크플로우: 데이터_처리
  실행: 10 | 성공: 9 | 실패: 1
  성공률: 90.0%
  평균 시간: 2.5초
  
   에이전트 메트릭:
    - Agent1: 실행 10회, 성공률 100%
    - Agent2: 실행 10회, 성공률 90%
    - Agent3: 실행 10회, 성공률 100%
"""  # noqa: W293 - as section 4.6 of the seed has it.


def test_the_report_is_printed_as_the_seed_shows_it(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    monitor = Monitor(tmp_path)
    for number in range(10):
        monitor.start_workflow(f"wf{number}", "데이터_처리")
        for agent in ("Agent1", "Agent2", "Agent3"):
            monitor.log_agent_execution("데이터_처리", agent, 0.5, agent != "Agent2" or number > 0)
        monitor.end_workflow("데이터_처리", 2.5, number > 0)

    monitor.print_metrics_report()
    Monitor(tmp_path).print_metrics_report()

    assert capsys.readouterr().out == REPORT * 2
    assert monitor.running == {}


def test_figures_of_a_workflow_are_given_by_name():
    monitor = Monitor()
    monitor.end_workflow("가", 1.0, success=True)
    monitor.end_workflow("가", 3.0, success=False)
    monitor.log_agent_execution("가", "갑", 1.0, success=False)

    stats = monitor.get_metrics("가")
    assert (stats["success_rate"], stats["failure_rate"], stats["avg_duration"]) == (50, 50, 2)
    assert stats["agents"]["갑"]["success_rate"] == 0
    with pytest.raises(UnknownMetrics, match="나"):
        monitor.get_metrics("나")
    with pytest.raises(ValueError, match="less than nothing"):
        monitor.end_workflow("가", -1, success=True)


def test_rules_that_hold_and_rules_that_raise_are_both_reported(caplog: pytest.LogCaptureFixture):
    def broken(stats: dict[str, Any]) -> bool:
        return stats["nonsense"] > 3

    monitor = Monitor()
    monitor.add_alert_rule(lambda stats: stats["failure_rate"] > 30)
    monitor.add_alert_rule(lambda stats: stats["avg_duration"] > 5.0, "느림")
    monitor.add_alert_rule(broken)
    monitor.add_alert_rule(lambda stats: any(one["success_rate"] < 50 for one in stats["agents"].values()))
    monitor.end_workflow("가", 1.0, success=False)

    with caplog.at_level(logging.WARNING, "mulle.agents"):
        found = monitor.check_alerts()

    assert [(alert.workflow_name, alert.rule, alert.error) for alert in found] == [
        ("가", "rule 1", None),
        ("가", "broken", "KeyError: 'nonsense'"),
    ]
    assert found == monitor.alerts
    assert "broken" in caplog.text


# ---------------------------------------------------------------------- beside an execution


def test_an_execution_tells_the_log_and_the_monitor():
    def shaky(value: int) -> int:
        return 10 // value

    logger, monitor = Logger(), Monitor()
    monitor.add_alert_rule(lambda stats: stats["failure_rate"] >= 50, "실패")
    workflow = Workflow("나눔").add_step("갑", abs).add_step("을", shaky)

    workflow.execute(-5, logger=logger, monitor=monitor)
    assert monitor.alerts == []
    workflow.execute(0, logger=logger, monitor=monitor)

    stats = monitor.get_metrics("나눔")
    assert (stats["executions"], stats["successes"], stats["agents"]["을"]["failures"]) == (2, 1, 1)
    assert [alert.rule for alert in monitor.alerts] == ["실패"]
    assert logger.get_log_summary() == {"DEBUG": 3, "INFO": 3, "WARNING": 0, "ERROR": 2, "CRITICAL": 0}
    assert "by zero" in logger.get_logs("error", "Step")[0].message


# ---------------------------------------------------------------------- checks


def test_types_are_checked():
    validate_input([1], list)
    validate_input(True, bool)
    validate_input(None, (int, type(None)))
    for wrong, kind in (({"data": [1]}, list), (True, int), ("1", (int, float))):
        with pytest.raises(TypeError, match="Expected"):
            validate_input(wrong, kind)


def test_that_states_differ_is_noticed_and_the_actual_one_counts(caplog: pytest.LogCaptureFixture):
    logger = Logger()
    saved, actual = {"step": 3}, {"step": 5}

    assert sync_states(saved, actual, logger) is actual
    assert logger.get_logs("warning")[0].data == {"saved": saved, "actual": actual}
    assert sync_states(actual, actual) is actual
    assert not caplog.records
    assert sync_states(saved, actual) is actual
    assert "상태 불일치" in caplog.text


def test_an_agent_says_whether_it_has_anything_to_do():
    class Careful:
        def should_execute(self, data: list[int]) -> bool:
            return bool(data)

    class Off:
        enabled = False

    assert should_execute(Careful(), [1])
    assert not should_execute(Careful(), [])
    assert not should_execute(Off())
    assert should_execute(abs)

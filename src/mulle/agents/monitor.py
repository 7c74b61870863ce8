"""Counts executions as they are told to it, looks at them with rules, and prints the report."""

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mulle.agents.metrics import WorkflowMetrics
from mulle.agents.shelf import Shelf, shelf_at
from mulle.errors import InputError

KIND = "execution"
LINE = "=" * 49

Rule = Callable[[dict[str, Any]], Any]

_log = logging.getLogger("mulle.agents")


class UnknownMetrics(InputError):
    """Nothing was told of a workflow."""

    code = "monitor.unknown_workflow"
    message = "The monitor knows nothing of a workflow '{workflow}'."
    hint = "It knows: {known}."


@dataclass(frozen=True)
class Alert:
    """A rule that holds for a workflow, or one that could not be looked at."""

    workflow_name: str
    rule: str
    """The rule's name, else its place in the order of rules."""
    message: str
    error: str | None = None
    """Why the rule could not be looked at."""


class Monitor:
    """The figures of workflows and their agents."""

    def __init__(self, home: Any = None, *, clock: Callable[[], float] = time.time) -> None:
        """Begin with no figures, or with those of a home.

        Args:
            home: An app or a home's folder, in which what is told outlives the program; None: in memory.
            clock: Seconds since 1970.
        """
        self._shelf: Shelf = shelf_at(home)
        self._metrics: dict[str, WorkflowMetrics] = {}
        for told in self._shelf.all(KIND):
            self._count(told)
        self._clock = clock
        self._rules: list[tuple[str, Rule]] = []
        self.running: dict[str, str] = {}
        """Executions that have begun and not ended: the workflow's name by id."""
        self.alerts: list[Alert] = []
        """What the last `check_alerts` found."""

    # ------------------------------------------------------------------ being told

    def start_workflow(self, workflow_id: str, workflow_name: str) -> None:
        self.running[workflow_id] = workflow_name

    def end_workflow(self, workflow_name: str, duration: float, success: bool) -> None:
        """Count an execution of a workflow; `duration` in seconds."""
        begun = next((key for key, name in self.running.items() if name == workflow_name), None)
        if begun is not None:
            del self.running[begun]
        self._note({"workflow": workflow_name, "agent": None, "duration": duration, "success": bool(success)})

    def log_agent_execution(self, workflow_name: str, agent_name: str, duration: float, success: bool) -> None:
        """Count an execution of an agent; `duration` in seconds."""
        self._note({"workflow": workflow_name, "agent": agent_name, "duration": duration, "success": bool(success)})

    def _note(self, told: dict[str, Any]) -> None:
        if told["duration"] < 0:
            raise ValueError("A duration is not less than nothing.")
        self._shelf.put(KIND, uuid.uuid4().hex, told | {"at": self._clock()})
        self._count(told)

    def _count(self, told: Mapping[str, Any]) -> None:
        metrics = self._metrics.setdefault(told["workflow"], WorkflowMetrics(told["workflow"]))
        of = metrics if told["agent"] is None else metrics.agent(told["agent"])
        of.record(told["duration"], success=told["success"])

    # ------------------------------------------------------------------ looking

    @property
    def workflows(self) -> dict[str, WorkflowMetrics]:
        """The figures of every workflow that something was told of."""
        return dict(self._metrics)

    def get_metrics(self, workflow_name: str) -> dict[str, Any]:
        """A workflow's figures as `WorkflowMetrics.get_stats` gives them; raises UnknownMetrics."""
        known = self._metrics
        if workflow_name not in known:
            raise UnknownMetrics(workflow=workflow_name, known=", ".join(known) or "none")
        return known[workflow_name].get_stats()

    def add_alert_rule(self, rule: Rule, name: str = "") -> None:
        """Look at every workflow's figures with a rule; it holds when it gives something true.

        Args:
            rule: Gets `success_rate` and `failure_rate` in percent, `avg_duration` and the rest in seconds, `agents` as
                a dictionary of the same by agent.
            name: What alerts call it.
        """
        own = getattr(rule, "__name__", "")
        self._rules.append((name or (own if own.isidentifier() else f"rule {len(self._rules) + 1}"), rule))

    def check_alerts(self) -> list[Alert]:
        """Look at all workflows with all rules; what holds, and what could not be looked at, is logged as well."""
        found: list[Alert] = []
        for workflow, metrics in self.workflows.items():
            stats = metrics.get_stats()
            for name, rule in self._rules:
                alert = _looked_at(workflow, name, rule, stats)
                if alert is not None:
                    found.append(alert)
                    _log.warning("%s", alert.message)
        self.alerts = found
        return found

    def report(self) -> str:
        """The figures of all workflows, for people."""
        lines = [" 모니터링 메트릭 리포트", LINE]
        for name, metrics in self.workflows.items():
            lines += ["", *_lines(name, metrics.get_stats())]
        return "\n".join(lines)

    def print_metrics_report(self) -> None:
        print(self.report())  # noqa: T201 - what it is for.


def _looked_at(workflow: str, name: str, rule: Rule, stats: dict[str, Any]) -> Alert | None:
    try:
        holds = bool(rule(stats))
    except Exception as error:  # noqa: BLE001 - a rule is anybody's code; what it raises is reported and stops no other.
        said = f"{type(error).__name__}: {error}"
        return Alert(workflow, name, f"경고 규칙 '{name}'을(를) '{workflow}'에 적용할 수 없습니다: {said}", said)
    return Alert(workflow, name, f"경고: '{workflow}'에서 규칙 '{name}'이(가) 성립합니다.") if holds else None


def _lines(name: str, stats: Mapping[str, Any]) -> list[str]:
    lines = [
        f"워크플로우: {name}",
        f"  실행: {stats['executions']} | 성공: {stats['successes']} | 실패: {stats['failures']}",
        f"  성공률: {stats['success_rate']:.1f}%",
        f"  평균 시간: {_short(stats['avg_duration'], 3)}초",
    ]
    if stats["agents"]:
        lines += ["  ", "   에이전트 메트릭:"]
    return lines + [
        f"    - {agent}: 실행 {one['executions']}회, 성공률 {_short(one['success_rate'], 1)}%"
        for agent, one in stats["agents"].items()
    ]


def _short(number: float, places: int) -> str:
    """A number with no more places than it needs."""
    return f"{number:.{places}f}".rstrip("0").rstrip(".")

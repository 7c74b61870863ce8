"""Figures of agents and workflows: pure arithmetic on how often they ran, how it went and how long it took."""

import statistics
from dataclasses import dataclass, field
from typing import Any


@dataclass
class AgentMetrics:
    """The executions of one agent, in seconds."""

    agent_name: str
    executions: int = 0
    successes: int = 0
    failures: int = 0
    durations: list[float] = field(default_factory=list[float])

    def record(self, duration: float, *, success: bool) -> None:
        """Count one execution."""
        self.executions += 1
        self.successes += success
        self.failures += not success
        self.durations.append(duration)

    def get_stats(self) -> dict[str, Any]:
        """Rates in percent (0 before the first execution) and durations in seconds."""
        return {
            "agent_name": self.agent_name,
            "executions": self.executions,
            "successes": self.successes,
            "failures": self.failures,
            "success_rate": _percent(self.successes, self.executions),
            "failure_rate": _percent(self.failures, self.executions),
            **durations_summed_up(self.durations),
        }


@dataclass
class WorkflowMetrics:
    """The executions of one workflow and of its agents, in seconds."""

    workflow_name: str
    executions: int = 0
    successes: int = 0
    failures: int = 0
    durations: list[float] = field(default_factory=list[float])
    agent_metrics: dict[str, AgentMetrics] = field(default_factory=dict[str, AgentMetrics])

    def record(self, duration: float, *, success: bool) -> None:
        """Count one execution."""
        self.executions += 1
        self.successes += success
        self.failures += not success
        self.durations.append(duration)

    def agent(self, name: str) -> AgentMetrics:
        """The figures of one of its agents, which begin here if there are none."""
        return self.agent_metrics.setdefault(name, AgentMetrics(name))

    def get_stats(self) -> dict[str, Any]:
        """Rates in percent (0 before the first execution), durations in seconds, and the same for each agent."""
        return {
            "workflow_name": self.workflow_name,
            "executions": self.executions,
            "successes": self.successes,
            "failures": self.failures,
            "success_rate": _percent(self.successes, self.executions),
            "failure_rate": _percent(self.failures, self.executions),
            **durations_summed_up(self.durations),
            "agent_count": len(self.agent_metrics),
            "agents": {name: agent.get_stats() for name, agent in self.agent_metrics.items()},
        }


def durations_summed_up(durations: list[float]) -> dict[str, float]:
    """Mean, least, most, sum and the sample's standard deviation (0 for fewer than two)."""
    return {
        "avg_duration": statistics.fmean(durations) if durations else 0.0,
        "min_duration": min(durations, default=0.0),
        "max_duration": max(durations, default=0.0),
        "total_duration": sum(durations),
        "stdev_duration": statistics.stdev(durations) if len(durations) > 1 else 0.0,
    }


def _percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 0.0

"""For Python people: workflows of functions and objects, on the same engine and journal as every other workflow."""

from mulle.agents.chain import AgentChain, ChainResult
from mulle.agents.checks import should_execute, sync_states, validate_input
from mulle.agents.execution import RunFailed
from mulle.agents.history import ExecutionHistory, ExecutionLog
from mulle.agents.logger import LogEntry, Logger, LogLevel
from mulle.agents.metrics import AgentMetrics, WorkflowMetrics
from mulle.agents.monitor import Alert, Monitor
from mulle.agents.results import StepResult, StepState, WorkflowContext, WorkflowResult, WorkflowState
from mulle.agents.state import StateSnapshot, StateStore
from mulle.agents.workflow import Workflow, WorkflowStep

__all__ = [
    "AgentChain",
    "AgentMetrics",
    "Alert",
    "ChainResult",
    "ExecutionHistory",
    "ExecutionLog",
    "LogEntry",
    "LogLevel",
    "Logger",
    "Monitor",
    "RunFailed",
    "StateSnapshot",
    "StateStore",
    "StepResult",
    "StepState",
    "Workflow",
    "WorkflowContext",
    "WorkflowMetrics",
    "WorkflowResult",
    "WorkflowState",
    "WorkflowStep",
    "should_execute",
    "sync_states",
    "validate_input",
]

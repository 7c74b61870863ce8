"""Executions and figures as lines for people, in the seed's Korean. Computes nothing."""

from collections.abc import Iterable

from mulle.agents.results import StepResult, StepState, WorkflowContext

LINE = "=" * 49
MARKS = {
    StepState.PENDING: "·",
    StepState.RUNNING: "▶",
    StepState.WAITING: "…",
    StepState.COMPLETED: "✓",
    StepState.FAILED: "✗",
    StepState.SKIPPED: "–",
}


def summary(name: str, context: WorkflowContext) -> str:
    """An execution of a workflow."""
    return _summary("워크플로우", name, context, context.step_results.values())


def chain_summary(name: str, context: WorkflowContext, results: Iterable[StepResult]) -> str:
    """An execution of a chain."""
    return _summary("체인", name, context, results)


def _summary(kind: str, name: str, context: WorkflowContext, results: Iterable[StepResult]) -> str:
    lines = [f"{kind}: {name}", LINE, f"상태: {context.workflow_state.name} | 소요 시간: {context.duration:.3f}초"]
    for result in results:
        why = f" - {_line(result.error)}" if result.error else ""
        lines.append(f"  {MARKS[result.status]} {result.step_id}: {result.status.name} ({result.duration:.3f}초){why}")
    if context.error and not any(result.error for result in context.step_results.values()):
        lines.append(f"  오류: {_line(context.error)}")
    return "\n".join(lines)


def _line(text: str) -> str:
    """Text that stays on its line."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())

"""What a run has used up, and whether that is more than it may. Counts what the facts say; knows no prices."""

from typing import Any

import msgspec

from mulle.engine.facts import Budget


class Spent(msgspec.Struct):
    """Steps, tokens and money of one run so far."""

    steps: int = 0
    tokens: int = 0
    money: float = 0.0

    def take(self, usage: dict[str, Any]) -> None:
        """Add what one step says it used: `input_tokens`, `output_tokens`, `cost` in US dollars. Others' words count
        as nothing: a plugin may put anything there.
        """
        self.tokens += int(_number(usage.get("input_tokens")) + _number(usage.get("output_tokens")))
        self.money += _number(usage.get("cost"))

    def beyond(self, budget: Budget) -> str:
        """Which part of a budget is used up, as a sentence; empty while something of each is left."""
        if budget.steps is not None and self.steps >= budget.steps:
            return f"The run has used its budget of {budget.steps} steps."
        if budget.tokens is not None and self.tokens >= budget.tokens:
            return f"The run has used {self.tokens} tokens of its budget of {budget.tokens}."
        if budget.money is not None and self.money >= budget.money:
            return f"The run has used {self.money:.4f} US dollars of its budget of {budget.money:g}."
        return ""


def _number(value: Any) -> float:
    return value if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else 0

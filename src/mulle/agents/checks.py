"""Small checks between agents: types, states that should agree, whether an agent has anything to do."""

import logging
from typing import Any, TypeVar

T = TypeVar("T")

_log = logging.getLogger("mulle.agents")


def validate_input(data: Any, expected_type: type[Any] | tuple[type[Any], ...]) -> None:
    """Raise TypeError when data is not of a type; a number that is asked for is no true and no false."""
    kinds = expected_type if isinstance(expected_type, tuple) else (expected_type,)
    if not isinstance(data, kinds) or (isinstance(data, bool) and bool not in kinds and object not in kinds):
        raise TypeError(f"Expected {expected_type}, got {type(data)}")


def sync_states(saved_state: Any, actual_state: T, logger: Any = None) -> T:
    """The actual state, which comes first; that a saved one says something else is noticed as a warning.

    Args:
        saved_state: What was kept.
        actual_state: What is.
        logger: A `Logger` that gets the warning, instead of Python's own log.
    """
    if saved_state != actual_state:
        if logger is None:
            _log.warning("상태 불일치 감지: 실제 상태를 따릅니다.")
        else:
            logger.warning(  # noqa: PLE1205 - a Logger of ours.
                "State", "상태 불일치 감지", {"saved": saved_state, "actual": actual_state}
            )
    return actual_state


def should_execute(agent: Any, data: Any = None) -> bool:
    """Whether an agent has anything to do: what its own `should_execute(data)` says, else its `enabled`, else yes."""
    decide = getattr(agent, "should_execute", None)
    return bool(decide(data)) if callable(decide) else bool(getattr(agent, "enabled", True))

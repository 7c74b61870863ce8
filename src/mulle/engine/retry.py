"""When a failed node is tried again, and when nobody may try it without being asked."""

from dataclasses import dataclass

from mulle.document.policies import Retry
from mulle.document.workflow import NodeSpec
from mulle.engine.facts import Effect, Kind

ASK_FOR = 7 * 86400.0
"""Seconds that a question about an interrupted step stays open."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a failure leads to. Neither field set: the node has failed for good."""

    retry_at: float | None = None
    ask_until: float | None = None


GIVE_UP = Verdict()


def verdict(
    spec: NodeSpec, *, kind: Kind, attempt: int, effect: Effect, sent: bool, now: float, chance: float
) -> Verdict:
    """Decide about one failure.

    Args:
        spec: The node, with its policies.
        kind: How it failed. `stopped` is never tried again.
        attempt: The attempt that failed, from 1.
        effect: What the node does to the world outside.
        sent: Whether the outside may have been touched. A `once` node is retried only if not.
        now: Seconds since 1970.
        chance: A number from 0 to 1, for jitter.
    """
    if kind == "stopped":
        return GIVE_UP
    if kind == "interrupted" and effect == "once":
        return _interrupted(spec, attempt, now, chance)
    if effect == "once" and sent:
        return GIVE_UP
    retry = spec.retry
    if attempt > retry.max or (retry.on and kind not in retry.on):
        return GIVE_UP
    return Verdict(retry_at=now + pause(retry, attempt, chance))


def pause(retry: Retry, attempt: int, chance: float) -> float:
    """Seconds between a failed attempt and the next: growing, bounded, and apart from each other by chance."""
    try:
        delay = min(retry.delay * retry.factor ** (attempt - 1), retry.max_delay)
    except OverflowError:
        delay = retry.max_delay
    return delay * (1 + retry.jitter * (2 * chance - 1))


def _interrupted(spec: NodeSpec, attempt: int, now: float, chance: float) -> Verdict:
    match spec.on_interrupted:
        case "ask":
            return Verdict(ask_until=now + ASK_FOR)
        case "retry":
            # However often: that is what was asked for. The pause keeps a step that always times out from spinning.
            return Verdict(retry_at=now + pause(spec.retry, attempt, chance))
        case _:
            return GIVE_UP

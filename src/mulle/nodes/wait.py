"""A pause: for a while, until a time, or until somebody sends a signal."""

from datetime import datetime
from typing import Any, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, field_validator, model_validator

from mulle.document.policies import Duration
from mulle.errors import StepError
from mulle.sdk import Context, Done, Node, Settings
from mulle.sdk import Wait as Waiting


class NoTime(StepError):
    """The time to wait for cannot be read."""

    code = "wait.no_time"
    message = "'{text}' is no time."
    hint = "Write it as 2026-03-01T09:00:00+09:00; without the offset it is the time in `timezone`."


class Wait(Node):
    """Let the run rest; while it does it needs neither memory nor a process."""

    type = "wait"
    title = {"en": "Wait", "ko": "대기"}
    effect = "pure"

    class Config(Settings):
        for_: Duration | None = Field(default=None, alias="for")
        """How long: `30s`, `2h`, `7d`."""
        until: str | None = None
        """A time in ISO 8601; one that has passed does not wait."""
        timezone: str = "Asia/Seoul"
        """Of a time that does not say."""
        signal: str | None = None
        """The name of a signal that ends the wait; `for` and `until` are then how long at most."""

        @field_validator("timezone")
        @classmethod
        def _known(cls, name: str) -> str:
            try:
                return ZoneInfo(name).key
            except (KeyError, ValueError, OSError) as error:
                raise ValueError(f"there is no time zone {name!r}") from error

        @model_validator(mode="after")
        def _something_to_wait_for(self) -> Self:
            if self.for_ is not None and self.until is not None:
                raise ValueError("`for` or `until`, not both")
            if self.for_ is None and self.until is None and not self.signal:
                raise ValueError("say what to wait for: `for`, `until` or `signal`")
            return self

    class Inputs(BaseModel):
        pass

    class Outputs(BaseModel):
        received: bool
        """Whether the signal came; false when the time ended the wait."""
        payload: Any
        """What came with the signal."""

    async def run(self, config: Config, inputs: Inputs, ctx: Context) -> Done | Waiting:
        if ctx.signal is not None:
            return Done({"received": True, "payload": ctx.signal.get("payload")})
        until = ctx.memo["until"] if ctx.memo else _deadline(config, ctx.now)
        if until is not None and until <= ctx.now:
            return Done({"received": False, "payload": None})
        return Waiting(until=until, signal=config.signal, memo={"until": until})


def _deadline(config: Wait.Config, now: float) -> float | None:
    """Seconds since 1970; None for no end. Raises NoTime."""
    if config.for_ is not None:
        return now + config.for_
    if config.until is None:
        return None
    try:
        moment = datetime.fromisoformat(config.until.strip())
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(config.timezone))
        return zoned.timestamp()
    except (ValueError, OverflowError) as error:
        raise NoTime(text=config.until[:60]) from error

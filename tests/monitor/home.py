"""A home in memory whose clock stands still until it is moved, and runs that go as they are told to."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from mulle.app.monitoring import Monitoring
from mulle.app.opening import open_app
from mulle.app.running import App
from mulle.document.reading import read_workflow
from mulle.document.workflow import Workflow
from mulle.errors import StepError
from mulle.sdk import Context, Done, Node
from mulle.settings import Settings

SEOUL = ZoneInfo("Asia/Seoul")
MONDAY = datetime(2026, 11, 30, 10, 0, tzinfo=SEOUL).timestamp()


class OutOfOrder(StepError):
    """The step was told to fail."""

    code = "test.out_of_order"


class Work(Node):
    """Takes as long as it is told to, by the home's clock, and ends as it is told to."""

    type = "work"

    class Inputs(BaseModel):
        seconds: float = 1.0
        fails: str = ""
        tokens: int = 0
        model: str = "gpt-5-mini"

    class Outputs(BaseModel):
        text: str

    def __init__(self, clock: "Clock") -> None:
        self._clock = clock

    async def run(self, config: Any, inputs: Inputs, ctx: Context) -> Done:
        self._clock.now += inputs.seconds
        if inputs.fails:
            raise OutOfOrder(inputs.fails)
        usage = {"model": inputs.model, "input_tokens": inputs.tokens, "output_tokens": inputs.tokens}
        return Done({"text": "ok"}, usage=usage if inputs.tokens else None)


class Clock:
    def __init__(self, now: float = MONDAY) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def document(data: dict[str, Any]) -> Workflow:
    """A workflow from plain data."""
    return read_workflow(json.dumps(data))


PORTS = ("seconds: number", "fails: string", "tokens: number", "model: string")


def workflow(name: str = "아침 뉴스", **node: Any) -> Workflow:
    """One step between a start that tells it what to do and an end."""
    ports = [dict(zip(("name", "type"), port.split(": "), strict=True)) for port in PORTS]
    edges = [
        {"source": "start", "source_port": one["name"], "target": "work", "target_port": one["name"]} for one in ports
    ]
    return document(
        {
            "mulle": 1,
            "name": name,
            "nodes": [
                {"id": "start", "type": "start", "ports": {"outputs": ports}},
                {"id": "work", "type": "work"} | node,
                {"id": "end", "type": "end"},
            ],
            "edges": [*edges, {"source": "work", "source_port": "text", "target": "end", "target_port": "text"}],
        }
    )


class Home:
    def __init__(self, app: App, clock: Clock, monitoring: Monitoring, settings: Settings) -> None:
        self.app, self.clock, self.monitoring, self.settings = app, clock, monitoring, settings

    async def ran(self, flow: Workflow | None = None, **inputs: Any) -> str:
        """Run something to its end; gives the run's id."""
        given = {"seconds": 1.0, "fails": "", "tokens": 0, "model": "gpt-5-mini"} | inputs
        return (await self.app.run(flow or workflow(), given)).id

    async def stats(self, by: Any = "workflow", **options: Any) -> Any:
        return await self.monitoring.stats(since="2026-01-01", until="2027-12-31", by=by, **options)


@asynccontextmanager
async def home(folder: Path, **settings: Any) -> AsyncGenerator[Home]:
    chosen, clock = Settings(home=folder, **settings), Clock()
    app = open_app(":memory:", given=chosen, by_itself=False)
    app.now = clock
    app.catalogue = app.catalogue.with_types({"work": Work(clock)})
    monitoring = Monitoring(app, chosen, path=folder / "statistics.db")
    try:
        yield Home(app, clock, monitoring, chosen)
    finally:
        monitoring.close()
        await app.close()

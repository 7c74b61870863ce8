"""Small exports as Dify writes them, and their runs here."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import yaml
from tests.nodes.whole import BUILT_IN, Outside

from mulle.app import App
from mulle.document.problem import Problem
from mulle.interop import Imported, legacy_steps
from mulle.interop.dify import steps
from mulle.interop.dify.assemble import import_dify
from mulle.runtime.memory_journal import MemoryJournal
from mulle.sdk.catalogue import Catalogue
from mulle.sdk.context import Services
from mulle.services.sandbox import Sandbox
from mulle.store.sqlite_workflows import SqliteWorkflows

FROM_OUTSIDE = (
    steps.Foreign, steps.Tool, steps.Agent, steps.Knowledge, steps.DocumentExtractor, steps.HumanInput,
    steps.JavaScript, legacy_steps.Knowledge,
)  # fmt: skip


def node(id_: str, type_: str, parent: str | None = None, **data: Any) -> dict[str, Any]:
    return {"id": id_, "data": {"type": type_, "title": id_, **data}} | ({"parentId": parent} if parent else {})


def start(*names: str) -> dict[str, Any]:
    return node("start", "start", variables=[{"variable": name, "type": "text-input", "label": name} for name in names])


def end(**outputs: str) -> dict[str, Any]:
    chosen = [{"variable": name, "value_selector": one.split(".")} for name, one in outputs.items()]
    return node("end", "end", outputs=chosen)


def export(nodes: list[dict[str, Any]], edges: str, *, mode: str = "workflow", **workflow: Any) -> bytes:
    """An export; edges are written `a>b fork:true>c`."""
    found = [edge.split(">") for edge in edges.split()]
    drawn = [
        {"source": source.partition(":")[0], "target": target, "sourceHandle": source.partition(":")[2] or "source"}
        for source, target in found
    ]
    graph = {"nodes": nodes, "edges": drawn}
    data = {"app": {"name": "시험", "mode": mode}, "kind": "app", "workflow": {"graph": graph, **workflow}}
    return yaml.safe_dump(data, allow_unicode=True).encode()


@dataclass
class Ran:
    status: str
    outputs: dict[str, Any]
    said: str
    error: dict[str, Any] | None
    conversation: dict[str, Any]
    imported: Imported


@asynccontextmanager
async def opened(services: Services | None = None) -> AsyncGenerator[App]:
    catalogue = Catalogue({one.type: one() for one in (*BUILT_IN, *FROM_OUTSIDE)})
    async with App(MemoryJournal(), catalogue, Outside(services or Services()), SqliteWorkflows(":memory:")) as app:
        yield app


async def ran(
    text: bytes, inputs: Mapping[str, Any] | None = None, *, pins: Mapping[str, Any] | None = None, **options: Any
) -> Ran:
    """An import and its run; code and templates really run, in the sandbox."""
    imported = import_dify(text)
    said: list[str] = []
    async with Sandbox() as sandbox, opened(Services(sandbox=sandbox)) as app:
        app.listen(lambda published: said.append(published.text) if published.text else None)
        run = await app.run(imported.workflow, dict(inputs or {}), pins=dict(pins or {}), **options)
    return Ran(run.status, run.outputs, "".join(said), run.error, run.conversation, imported)


async def problems(text: bytes) -> list[Problem]:
    async with opened() as app:
        return app.problems(import_dify(text).workflow)


def pin(**outputs: Any) -> dict[str, Any]:
    return {"outputs": outputs}

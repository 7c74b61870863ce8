"""A whole workflow on the real driver: an App with its journal in memory and every built-in node type."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from textwrap import dedent
from typing import Any

from mulle.app import App, RunResult
from mulle.document.reading import read_workflow
from mulle.document.workflow import Workflow
from mulle.nodes.aggregate import Aggregate
from mulle.nodes.answer import Answer
from mulle.nodes.approval import Approval
from mulle.nodes.assign import Assign
from mulle.nodes.classify import Classify
from mulle.nodes.code import Code
from mulle.nodes.condition import Condition
from mulle.nodes.end import End
from mulle.nodes.extract import Extract
from mulle.nodes.http import Http
from mulle.nodes.llm import Llm
from mulle.nodes.loop import Loop
from mulle.nodes.map import Map
from mulle.nodes.notification import Notification
from mulle.nodes.start import Start
from mulle.nodes.subflow import Subflow
from mulle.nodes.template import Template
from mulle.nodes.transform import Transform
from mulle.nodes.wait import Wait
from mulle.runtime.memory_journal import MemoryJournal
from mulle.sdk.catalogue import Catalogue
from mulle.sdk.context import Services
from mulle.sdk.node import Node
from mulle.store.sqlite_workflows import SqliteWorkflows

BUILT_IN: tuple[type[Node], ...] = (
    Aggregate, Answer, Approval, Assign, Classify, Code, Condition, End, Extract, Http, Llm, Loop, Map, Notification,
    Start, Subflow, Template, Transform, Wait,
)  # fmt: skip


@dataclass
class Outside:
    """What a test's nodes may touch."""

    services: Services = field(default_factory=Services)

    def redact(self, text: str) -> str:
        return text

    async def close(self) -> None:
        pass


def document(text: str) -> Workflow:
    """A workflow written as indented YAML."""
    return read_workflow(dedent(text))


@asynccontextmanager
async def opened(services: Services | None = None) -> AsyncGenerator[App]:
    """An App that keeps nothing."""
    catalogue = Catalogue({node.type: node() for node in BUILT_IN})
    async with App(MemoryJournal(), catalogue, Outside(services or Services()), SqliteWorkflows(":memory:")) as app:
        yield app


async def ran(
    text: str, inputs: Mapping[str, Any] | None = None, *, services: Services | None = None, **options: Any
) -> RunResult:
    """A run of the YAML to where it stands still."""
    async with opened(services) as app:
        return await app.run(document(text), dict(inputs or {}), **options)

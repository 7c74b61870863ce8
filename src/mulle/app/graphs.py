"""Workflows made ready to run, once for as long as they do not change. Knows nothing of runs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from mulle.agents.steps import FUNCTION, UnboundFunction, describing
from mulle.agents.workflow import Workflow as PythonWorkflow
from mulle.document.composed import Find, composed
from mulle.document.problem import Problem, errors
from mulle.document.reading import InvalidDocument, read_workflow
from mulle.document.validate import validate
from mulle.document.versions import graph_hash, graph_text
from mulle.document.workflow import Body, NodeSpec, Workflow
from mulle.engine.journal import Journal
from mulle.engine.plan import compile_body
from mulle.errors import InputError
from mulle.runtime.executor import Executor
from mulle.runtime.loaded import LoadedGraph
from mulle.sdk.catalogue import Catalogue
from mulle.triggers.problems import schedule_problems

Key = TypeVar("Key")
Value = TypeVar("Value")

KEPT = 256
"""How many of them are remembered."""


class NoWorkflow(InputError):
    """What is to be run is no workflow."""

    code = "workflow.none"
    message = "A {given} is no workflow."
    hint = "`mulle.load('file.yaml')` reads one, `app.workflows.document('name')` gives one that is kept."


@dataclass(frozen=True, slots=True)
class Ready:
    """A workflow that was validated and can be run."""

    graph: str
    """The content hash of its graph."""
    text: bytes
    document: Workflow
    loaded: LoadedGraph

    @property
    def queued(self) -> bool:
        """Whether the document says when a run's turn comes."""
        return "queue" in self.document.model_fields_set


class Graphs:
    """The graphs that this program has seen or can read from the journal."""

    def __init__(
        self, journal: Journal, catalogue: Catalogue, executor: Callable[[Catalogue], Executor], find: Find
    ) -> None:
        """Know graphs; `find` gives the workflows that others run inside of themselves."""
        self.catalogue = catalogue
        self._find = find
        self._journal = journal
        self._executor = executor
        self._ready: dict[int, Ready] = {}
        self._loaded: dict[str, LoadedGraph] = {}

    def problems(self, workflow: Workflow | PythonWorkflow) -> list[Problem]:
        """Everything that can be known to be wrong with a workflow before it runs."""
        document = _document(workflow)
        try:
            document = composed(document, self._find)
        except InputError as error:
            return [Problem.of(error)]
        return [*validate(document, self._types(workflow).describe), *schedule_problems(document)]

    def ready(self, workflow: Workflow | PythonWorkflow) -> Ready:
        """Validate and compile a workflow with all that it runs inside; raises InvalidDocument, UnknownWorkflow."""
        given = _document(workflow)
        known = self._ready.get(id(given))  # The entry keeps its document alive, so the id stays its own.
        if known is not None:
            return known
        document = composed(given, self._find)
        text = graph_text(document)
        graph = graph_hash(text)
        if document is not given and graph in self._loaded:
            return Ready(graph, text, document, self._loaded[graph])
        made = Ready(graph, text, document, self._checked(workflow, document))
        _keep(self._loaded, graph, made.loaded)
        if document is given:  # What others are put into may get another version the next time.
            _keep(self._ready, id(document), made)
        return made

    def _checked(self, workflow: Workflow | PythonWorkflow, document: Workflow) -> LoadedGraph:
        catalogue = self._types(workflow)
        if not isinstance(workflow, PythonWorkflow) and FUNCTION not in self.catalogue.types:
            _without_functions(document)
        wrong = errors(validate(document, catalogue.describe))
        if wrong:
            raise InvalidDocument(wrong)
        portable = not isinstance(workflow, PythonWorkflow)
        return LoadedGraph(compile_body(document, catalogue.describe), self._executor(catalogue), portable)

    async def load(self, graph: str) -> LoadedGraph:
        """A graph ready to be driven.

        Raises UnknownGraph, UnknownNodeType, and UnboundFunction for one of functions that nobody has shown us.
        """
        if graph not in self._loaded:
            _keep(self._loaded, graph, await self._compiled(graph, self.catalogue))
        return self._loaded[graph]

    async def again(self, graph: str) -> Ready:
        """A graph that ran before, ready to run once more; raises as `load`."""
        loaded, text = await self.load(graph), await self._journal.graph(graph)
        return Ready(graph, text, read_workflow(text), loaded)

    async def readable(self, graph: str) -> LoadedGraph:
        """A graph with which runs can be read, if not driven: Python's functions need not be here."""
        if graph in self._loaded:
            return self._loaded[graph]
        return await self._compiled(graph, describing(self.catalogue))

    async def _compiled(self, graph: str, catalogue: Catalogue) -> LoadedGraph:
        document = read_workflow(await self._journal.graph(graph))
        if FUNCTION not in catalogue.types:
            _without_functions(document)
        return LoadedGraph(compile_body(document, catalogue.describe), self._executor(catalogue))

    def _types(self, workflow: Workflow | PythonWorkflow) -> Catalogue:
        return workflow.bound(self.catalogue) if isinstance(workflow, PythonWorkflow) else describing(self.catalogue)


def _without_functions(document: Body) -> None:
    """Raise UnboundFunction for a document that needs functions of some program."""
    function = next((node for node in _nodes(document) if node.type == FUNCTION), None)
    if function is not None:
        raise UnboundFunction(at=function.id, name=function.data.get("name", function.id))


def _nodes(graph: Body) -> Iterator[NodeSpec]:
    """The nodes of a graph and of all bodies in it."""
    for node in graph.nodes:
        yield node
        if node.body:
            yield from _nodes(node.body)


def _document(workflow: Workflow | PythonWorkflow) -> Workflow:
    if isinstance(workflow, PythonWorkflow):
        return workflow.document
    if not isinstance(workflow, Workflow):  # pyright: ignore[reportUnnecessaryIsInstance]  # Callers may not be checked.
        raise NoWorkflow(given=type(workflow).__name__)
    return workflow


def _keep(kept: dict[Key, Value], key: Key, value: Value) -> None:
    """Remember something, and forget the oldest if there is too much."""
    if len(kept) >= KEPT:
        del kept[next(iter(kept))]
    kept[key] = value

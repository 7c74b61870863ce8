"""Put other workflows where a document names them, so that a run follows one whole graph that never changes under it.

Knows no store: whoever calls brings a way to find a workflow.
"""

from collections.abc import Callable
from dataclasses import dataclass

from mulle.document.workflow import Body, NodeSpec, Variable, Variables, Workflow
from mulle.errors import DocumentError, InputError

SUBFLOW = "subflow"
"""The node type that may name a workflow instead of having a body."""
DEEPEST = 20
"""Workflows within workflows within workflows."""
MOST_NODES = 20_000
"""Nodes of the whole."""


@dataclass(frozen=True, slots=True)
class Found:
    """One version of a workflow."""

    id: str
    version: int
    document: Workflow


Find = Callable[[str, int | None], Found]
"""A workflow by its id or name, and a version (None: the newest); raises InputError when there is none."""


class BadReference(DocumentError):
    """A node says in an impossible way which workflow it runs."""

    code = "subflow.bad_reference"
    message = "'{node}' does not say which workflow it runs: `workflow` is an id or a name, `version` counts from 1."
    hint = "`mulle workflows list` shows the workflows of this home, `mulle versions ID` the versions of one."


class WorkflowInItself(DocumentError):
    """A workflow runs itself, directly or through others."""

    code = "subflow.in_itself"
    message = "'{node}' runs the workflow '{workflow}' inside of itself."
    hint = "Use a loop to repeat steps."


class TooMuchInside(DocumentError):
    """The workflows inside of a workflow come to too much."""

    code = "subflow.too_much"
    message = f"With all workflows inside there are more than {MOST_NODES} nodes, or more than {DEEPEST} levels."
    hint = "Start one of them as a run of its own instead."


def composed(workflow: Workflow, find: Find) -> Workflow:
    """The document with the body of every workflow that its subflows name; itself if they name none.

    The version is written into the node. Variables that the inner workflows declare and the outer does not are added
    to it. Raises BadReference, WorkflowInItself, TooMuchInside, and what `find` raises.
    """
    if not names_others(workflow):
        return workflow
    composer = _Composer(find, workflow.variables)
    body = composer.body(workflow, ())
    return workflow.model_copy(update={"nodes": body.nodes, "variables": composer.variables})


def named_workflow(node: NodeSpec) -> str | None:
    """The workflow that a node runs by its name; None for a node with a body of its own, and for all other types."""
    return node.data.get("workflow") if node.type == SUBFLOW and node.body is None else None


def names_others(body: Body) -> bool:
    """Whether any node runs a workflow by its name."""
    return any(named_workflow(node) or (node.body is not None and names_others(node.body)) for node in body.nodes)


class _Composer:
    def __init__(self, find: Find, variables: Variables) -> None:
        self._find = find
        self._count = 0
        self.variables = variables

    def body(self, body: Body, around: tuple[str, ...]) -> Body:
        self._count += len(body.nodes)
        if self._count > MOST_NODES or len(around) > DEEPEST:
            raise TooMuchInside
        return Body(nodes=tuple(self._node(node, around) for node in body.nodes), edges=body.edges)

    def _node(self, node: NodeSpec, around: tuple[str, ...]) -> NodeSpec:
        if node.body is not None:
            return node.model_copy(update={"body": self.body(node.body, around)})
        if not named_workflow(node):
            return node
        name, version = node.data["workflow"], node.data.get("version")
        if not isinstance(name, str) or not (version is None or (isinstance(version, int) and version > 0)):
            wrong = "version" if isinstance(name, str) else "workflow"
            raise BadReference(at=f"nodes.{node.id}.data.{wrong}", node=node.id)
        try:
            found = self._find(name, version)
        except InputError as error:
            error.at = error.at or f"nodes.{node.id}.data.workflow"
            raise
        if found.id in around:
            raise WorkflowInItself(
                at=f"nodes.{node.id}.data.workflow", node=node.id, workflow=found.document.name or found.id
            )
        self._declare(found.document.variables)
        return node.model_copy(
            update={
                "data": node.data | {"workflow": found.id, "version": found.version},
                "body": self.body(found.document, (*around, found.id)),
            }
        )

    def _declare(self, inner: Variables) -> None:
        """Add what an inner workflow declares; what the outer one says about the same name comes first."""
        mine = self.variables
        environment: dict[str, Variable] = {**inner.environment, **mine.environment}
        conversation: dict[str, Variable] = {**inner.conversation, **mine.conversation}
        self.variables = Variables(environment=environment, conversation=conversation)

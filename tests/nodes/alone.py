"""One turn of one node without a run: its settings filled in as a run does it, with real services if it gets any."""

from collections.abc import Mapping
from typing import Any

from mulle.document.workflow import NodeSpec
from mulle.sdk.catalogue import Catalogue
from mulle.sdk.context import Context, Services
from mulle.sdk.fields import rendered, shape_of
from mulle.sdk.node import Done, Node


async def turn(
    node: Node,
    data: Mapping[str, Any],
    inputs: Mapping[str, Any] | None = None,
    *,
    names: Mapping[str, Any] | None = None,
    secrets: Mapping[str, str] | None = None,
    services: Services | None = None,
    **context: Any,
) -> Any:
    """A node's answer.

    Args:
        node: Its type.
        data: Its settings, templates and all.
        inputs: What arrives at its ports.
        names: What references mean.
        secrets: What `secret.NAME` means, where it may stand.
        services: What it may use.
        context: More of its Context: `memo`, `endings`, `signal`, `turn`, `now`, `stream`.
    """
    known = dict(names or {})
    open_names = known | {"secret": dict(secrets or {})}
    settings = rendered(dict(data), shape_of(node.Config), known.__getitem__, open_names.__getitem__)
    config = node.Config.model_validate(settings)
    given = dict(inputs or {})
    ports = node.Inputs.model_validate(given) if node.Inputs else given
    stream = context.pop("stream", None)

    async def show(_path: Any, text: str) -> None:
        if stream is not None:
            await stream(text)

    place = {"run_id": "run1", "path": ("step",), "lookup": known.__getitem__, "show": show}
    return await node.run(config, ports, Context(**place, services=services or Services(), **context))


async def outputs(node: Node, data: Mapping[str, Any], inputs: Mapping[str, Any] | None = None, **more: Any) -> Any:
    """The outputs of a node that is done at once."""
    answer = await turn(node, data, inputs, **more)
    assert isinstance(answer, Done)
    return answer.outputs


def problems(node: Node, data: Mapping[str, Any]) -> list[str]:
    """What validation finds in a node's settings: places and messages."""
    signature = Catalogue({node.type: node}).describe(NodeSpec(id="step", type=node.type, data=dict(data)))
    return [f"{problem.where}: {problem.message}" for problem in signature.problems]


def references(node: Node, data: Mapping[str, Any]) -> list[str]:
    """What a node's settings refer to."""
    signature = Catalogue({node.type: node}).describe(NodeSpec(id="step", type=node.type, data=dict(data)))
    return [str(item.reference) for item in signature.references]

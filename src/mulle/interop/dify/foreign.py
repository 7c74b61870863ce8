"""What Mulle has no step for: it is kept as it was, under a type that only runs pinned."""

from typing import Any

from mulle.interop.dify.made import Made
from mulle.interop.dify.reading import DifyNode
from mulle.interop.dify.references import References
from mulle.interop.dify.secret_values import without_secrets
from mulle.interop.dify.steps import KNOWN, Foreign


def foreign(
    node: DifyNode, refs: References, inputs: dict[str, Any], *, about: Any = None, branches: list[str] | None = None
) -> Made:
    """One of Dify's steps as it is, with its inputs as references of ours."""
    type_ = f"dify.{node.type}"
    data: dict[str, Any] = {"kind": node.type.replace("{{", "{ {")}
    if inputs:
        data["inputs"] = inputs
    if about not in (None, "", {}, []):
        data["settings"] = without_secrets(about, refs, refs.shown(node))
    if branches:
        data["branches"] = branches
    handles = {name: name for name in branches or ()}
    return Made(type_ if type_ in KNOWN else Foreign.type, data, branches=handles)

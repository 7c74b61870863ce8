"""What a converter answers: a node of a document as data, and steps that have to stand before it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mulle.interop.dify.reading import DifyNode
from mulle.interop.dify.references import References


@dataclass
class Made:
    """One of Dify's nodes as one or several of ours; the one that bears its id is the last."""

    type: str
    data: dict[str, Any] = field(default_factory=dict[str, Any])
    more: dict[str, Any] = field(default_factory=dict[str, Any])
    """Beside the settings: `ports`, `on_error`, `derived_outputs`, …"""
    before: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """Steps that prepare something for it, complete but for their edges."""
    branches: dict[str, str] = field(default_factory=dict[str, str])
    """Its handles in Dify, where our ports are called otherwise."""


Convert = Callable[[DifyNode, References], Made]

"""What the author of a node type sees: `Node`, its three answers, its `Context`, and how to test it."""

from mulle.document.ports import Port, PortType
from mulle.document.variables import Write
from mulle.sdk.context import Context, Services
from mulle.sdk.fields import Expression, Raw, SecretText
from mulle.sdk.node import Answer, Done, Expand, Node, Wait

__all__ = [
    "Answer",
    "Context",
    "Done",
    "Expand",
    "Expression",
    "Node",
    "Port",
    "PortType",
    "Raw",
    "SecretText",
    "Services",
    "Wait",
    "Write",
]

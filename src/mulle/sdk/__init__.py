"""What the author of a node type sees: `Node`, its three answers, its `Context`, and how to test it."""

from mulle.document.ports import Port, PortType
from mulle.document.variables import Write
from mulle.sdk.context import Context, Services
from mulle.sdk.fields import (
    Expression,
    ItemExpression,
    ItemTemplate,
    LateData,
    LateTemplate,
    Raw,
    RawText,
    RoundExpression,
    SecretData,
    SecretText,
)
from mulle.sdk.node import Answer, Done, Expand, Node, Settings, Wait

__all__ = [
    "Answer",
    "Context",
    "Done",
    "Expand",
    "Expression",
    "ItemExpression",
    "ItemTemplate",
    "LateData",
    "LateTemplate",
    "Node",
    "Port",
    "PortType",
    "Raw",
    "RawText",
    "RoundExpression",
    "SecretData",
    "SecretText",
    "Services",
    "Settings",
    "Wait",
    "Write",
]

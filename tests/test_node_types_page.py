"""`docs/node-types.md` names every type of node, every port and every setting."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.nodes.whole import BUILT_IN

from mulle.document.workflow import NodeSpec
from mulle.sdk.form import form
from mulle.sdk.node import Node

PAGE = (Path(__file__).parent.parent / "docs/node-types.md").read_text("utf-8")
SECTIONS = {text.partition("\n")[0].strip(): text for text in PAGE.split("\n## ")[1:]}


@pytest.mark.parametrize("node", BUILT_IN, ids=lambda node: node.type)
def test_the_page_tells_all_of_a_node(node: type[Node]):
    section = SECTIONS[node.type]
    signature = node().signature(NodeSpec(id="x", type=node.type))
    schema = form(node.Config)
    names = {port.name for port in (*signature.inputs, *signature.outputs)} | set(settings(schema, schema))

    assert {name for name in names if not re.search(rf"`{re.escape(name)}`", section)} == set()


def settings(schema: dict[str, Any], whole: dict[str, Any]) -> Iterator[str]:
    """The names of all settings in a form, those of parts included."""
    for name, part in schema.get("properties", {}).items():
        yield part.get("const", name)
        items = part.get("items", {})
        for choice in items.get("oneOf", [items]):
            if "$ref" in choice:
                yield from settings(whole["$defs"][choice["$ref"].rpartition("/")[2]], whole)


def test_the_page_tells_of_nothing_else():
    assert SECTIONS.keys() == {node.type for node in BUILT_IN}

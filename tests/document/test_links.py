"""Links between nodes: edges first, then mappings, gates told from data, and the way into a value."""

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulle.document.links import BadSelector, Link, Selector, dig, links, mapped, mapped_names, outer_names, selector
from mulle.document.reading import read_workflow
from mulle.document.workflow import Workflow
from mulle.errors import MissingReference
from mulle.sdk.catalogue import Catalogue


@pytest.mark.parametrize(
    ("text", "root", "keys"),
    [
        ("start", "start", ()),
        ("start.text", "start", ("text",)),
        (" 1711067409646.text ", "1711067409646", ("text",)),
        ("a-b c.제목", "a-b c", ("제목",)),
        ("news.items[0].title", "news", ("items", 0, "title")),
        ("news.items[-1]", "news", ("items", -1)),
        ('news["a.b"].c', "news", ("a.b", "c")),
        ('nodes["1711.x"].port[0]', "1711.x", ("port", 0)),
        ("nodes['🚀'].port", "🚀", ("port",)),
        ("env.REGION", "env", ("REGION",)),
        (unicodedata.normalize("NFD", "요약.제목"), "요약", ("제목",)),
    ],
)
def test_a_selector_is_a_root_and_keys(text: str, root: str, keys: tuple[str | int, ...]):
    assert selector(text) == Selector(root, keys)


@pytest.mark.parametrize(
    "text",
    ["", " ", ".a", "a.", "a..b", "a[", "a[x]", "a]b", "[0]", 'nodes["a"] + 1', "nodes[a.b]", "nodes[", "nodes[1 + 1]"],
)
def test_what_is_no_plain_reference_is_refused_with_the_ways_to_write_one(text: str):
    with pytest.raises(BadSelector, match="is not a reference") as refused:
        selector(text, "here")

    assert refused.value.at == "here"
    assert "node.port" in refused.value.advice


@given(st.text(max_size=30))
def test_any_text_at_all_is_a_selector_or_a_clear_error(text: str):
    try:
        found = selector(text)
    except BadSelector:
        return
    assert found.root


def graph(catalogue: Catalogue, text: str) -> tuple[Workflow, list[Link]]:
    workflow = read_workflow(text)
    return workflow, links(workflow, {node.id: catalogue.describe(node) for node in workflow.nodes})


def test_edges_come_first_then_mappings_in_document_order(catalogue: Catalogue):
    _, found = graph(
        catalogue,
        """
        nodes:
          - {id: a, type: ask}
          - id: b
            type: free
            variable_mappings:
              y: {target_port: x, source: {variable: "a.usage.tokens[0]"}}
              z: {source: {variable: a}}
              w: {source: {variable: env.X}}
        edges: [{source: a, source_port: answer, target: b, target_port: x}, {source: nowhere, target: b}]
        """,
    )

    assert [(link.source_port, link.target_port, link.path) for link in found] == [
        ("answer", "x", ()),
        ("usage", "x", ("tokens", 0)),
        (None, "z", ()),
    ]
    assert [link.where for link in found] == [
        "edges[0]",
        "nodes.b.variable_mappings.y.source.variable",
        "nodes.b.variable_mappings.z.source.variable",
    ]


def test_an_edge_without_a_target_port_or_from_a_branch_is_a_gate(catalogue: Catalogue):
    _, found = graph(
        catalogue,
        """
        nodes:
          - {id: c, type: condition, data: {cases: [{name: yes, when: "true"}]}}
          - {id: b, type: free, variable_mappings: {v: {source: {variable: c.else}}}}
        edges:
          - {source: c, target: b}
          - {source: c, source_port: yes, target: b, target_port: x}
          - {source: b, source_port: error, target: c, target_port: x}
          - {source: b, source_port: text, target: c, target_port: x}
        """,
    )

    assert [link.gate for link in found] == [True, True, True, False, True]


def test_what_a_body_refers_to_outside_itself_counts_for_its_container(catalogue: Catalogue):
    workflow, _ = graph(
        catalogue,
        """
        nodes:
          - id: each
            type: each
            data: {items: "{{ start.items }}"}
            body:
              nodes:
                - {id: a, type: ask, data: {question: "{{ far.answer }} {{ b.answer }} {{ env.X }}"}}
                - {id: b, type: free, variable_mappings: {x: {source: {variable: mapped.y}}}}
        """,
    )
    spec = workflow.nodes[0]
    body = spec.body
    assert body is not None

    assert outer_names(spec, catalogue.describe(spec), catalogue.describe) == {"start", "far", "mapped"}
    assert mapped_names(body.nodes[1]) == {"mapped"}
    assert list(mapped(body.nodes[0])) == []


DATA: dict[str, Any] = {"items": [{"title": "물가"}, None], "none": None, "n": 5}


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        ((), DATA),
        (("items", 0, "title"), "물가"),
        (("items", -2, "title"), "물가"),
        (("items", 1, "title"), None),
        (("none", "deeper", 5), None),
    ],
)
def test_digging_finds_values_and_null_stays_null(keys: tuple[str | int, ...], value: Any):
    assert dig(DATA, keys) == value


@pytest.mark.parametrize(
    ("keys", "message", "hint"),
    [
        (("itms",), "a.itms is not there.", "There is: items, n, none."),
        (("items", 7), "a.items[7] is not there.", "The list has 2 item(s), counted from 0."),
        (("items", "title"), "a.items.title is not there.", "The list has 2 item(s), counted from 0."),
        (("n", "x"), "a.n.x is not there.", "The value has nothing inside."),
    ],
)
def test_digging_where_nothing_is_says_what_is_there(keys: tuple[str | int, ...], message: str, hint: str):
    with pytest.raises(MissingReference) as missing:
        dig(DATA, keys, "a")

    assert (missing.value.text, missing.value.advice) == (message, hint)

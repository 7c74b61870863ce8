from collections.abc import Callable

import pytest

from mulle.document import composed as composing
from mulle.document.composed import BadReference, Found, TooMuchInside, WorkflowInItself, composed, named_workflow
from mulle.document.reading import parse_workflow
from mulle.document.workflow import Workflow
from mulle.errors import InputError


def workflow(*nodes: dict[str, object], **more: object) -> Workflow:
    return parse_workflow({"nodes": list(nodes), "edges": [], **more})


def running(name: object, **data: object) -> dict[str, object]:
    """A node that runs another workflow."""
    return {"id": "inner", "type": "subflow", "data": {"workflow": name, **data}}


def finder(**kept: Workflow) -> Callable[[str, int | None], Found]:
    def find(name: str, version: int | None) -> Found:
        if name not in kept:
            raise InputError(f"There is no '{name}'.")
        return Found(name, version or 7, kept[name])

    return find


LEAF = workflow({"id": "one", "type": "start"})


def test_a_document_that_names_no_other_is_itself():
    document = workflow({"id": "each", "type": "map", "data": {}, "body": {"nodes": [], "edges": []}})

    assert composed(document, finder()) is document


def test_the_other_workflow_becomes_the_body_and_its_version_is_written_down():
    node = composed(workflow(running("leaf")), finder(leaf=LEAF)).nodes[0]

    assert node.data == {"workflow": "leaf", "version": 7}
    assert node.body is not None
    assert node.body.nodes == LEAF.nodes
    assert named_workflow(node) is None


def test_the_version_asked_for_is_the_one_that_is_found():
    assert composed(workflow(running("leaf", version=3)), finder(leaf=LEAF)).nodes[0].data["version"] == 3


def test_workflows_inside_of_bodies_and_of_others_are_put_in_too():
    middle = workflow({"id": "each", "type": "map", "body": {"nodes": [running("leaf")], "edges": []}})
    top = composed(workflow(running("middle")), finder(middle=middle, leaf=LEAF))

    body = top.nodes[0].body
    assert body is not None
    each = body.nodes[0].body
    assert each is not None
    assert each.nodes[0].body is not None


def test_a_workflow_in_itself_is_refused_however_far_inside():
    find = finder(a=workflow(running("b")), b=workflow(running("a")))

    with pytest.raises(WorkflowInItself):
        composed(workflow(running("a")), find)


def test_what_is_not_found_is_named_at_its_place():
    with pytest.raises(InputError) as caught:
        composed(workflow(running("gone")), finder())

    assert caught.value.at == "nodes.inner.data.workflow"


@pytest.mark.parametrize(("name", "version"), [(3, None), ("leaf", "2"), ("leaf", 0)])
def test_a_reference_that_is_none_is_refused(name: object, version: object):
    with pytest.raises(BadReference):
        composed(workflow(running(name, version=version)), finder(leaf=LEAF))


def test_too_many_nodes_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(composing, "MOST_NODES", 3)

    with pytest.raises(TooMuchInside):
        composed(workflow(*({**running("leaf"), "id": f"n{number}"} for number in range(3))), finder(leaf=LEAF))


def test_the_outer_workflows_variables_come_before_the_inner_ones():
    inner = workflow(variables={"environment": {"A": {"value": 1}, "B": {"value": 2}}, "conversation": {"c": {}}})
    outer = workflow(running("inner"), variables={"environment": {"A": {"value": 9}}})

    variables = composed(outer, finder(inner=inner)).variables

    assert {name: one.value for name, one in variables.environment.items()} == {"A": 9, "B": 2}
    assert "c" in variables.conversation

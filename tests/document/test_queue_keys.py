import pytest
from tests.nodes.whole import BUILT_IN

from mulle.document.reading import parse_workflow
from mulle.document.validate import validate
from mulle.sdk.catalogue import Catalogue

CATALOGUE = Catalogue({node.type: node() for node in BUILT_IN})


def problems(**queue: object) -> list[tuple[str, str]]:
    start = {"id": "start", "type": "start", "ports": {"outputs": [{"name": "customer"}]}}
    document = {
        "nodes": [start, {"id": "end", "type": "end"}],
        "edges": [{"source": "start", "target": "end"}],
        "variables": {"environment": {"REGION": {}, "KEY": {"secret": True}}},
        "queue": queue,
    }
    found = validate(parse_workflow(document), CATALOGUE.describe)
    return [(problem.code, problem.where) for problem in found]


@pytest.mark.parametrize(
    "key",
    [
        "{{ start.customer }}/{{ env.REGION }}",
        '{{ nodes["start"].customer }}',
        "{{ sys.user_id }}",
        "{{ conversation }}",
        "same",
    ],
)
def test_a_key_may_refer_to_what_is_known_before_any_step(key: str):
    assert problems(key=key) == []


@pytest.mark.parametrize(
    "key", ["{{ end.text }}", "{{ start.custmer }}", "{{ env.KEY }}", "{{ sys.now }}", "{{ item }}", "{{ secret.A }}"]
)
def test_anything_else_is_a_problem_at_its_place(key: str):
    assert problems(dedup=key) == [("queue.bad_reference", "queue.dedup")]


def test_a_key_that_cannot_be_read_is_a_problem_too():
    assert problems(debounce={"wait": "1s", "key": "{{ start. }}"}) == [("expression.syntax", "queue.debounce.key")]

from typing import Any

import pytest
from tests.nodes.alone import outputs, problems, references

from mulle.nodes.condition import Condition

CASES = [
    {"name": "big", "when": "n.value > 10"},
    {
        "name": "kind",
        "when": {"match": "any", "checks": [{"left": "n.word", "operator": "contains", "right": "{{ n.part }}"}]},
    },
]


@pytest.mark.parametrize(
    ("n", "branch"),
    [
        ({"value": 11, "word": None, "part": ""}, "big"),
        ({"value": 1, "word": "물레방아", "part": "방아"}, "kind"),
        ({"value": 1, "word": None, "part": "방아"}, "else"),
    ],
)
async def test_the_first_case_that_holds_is_taken(n: dict[str, Any], branch: str):
    assert await outputs(Condition(), {"cases": CASES}, names={"n": n}) == {branch: True}


def test_what_the_comparisons_refer_to_is_known():
    assert references(Condition(), {"cases": CASES}) == ["n.value", "n.word", "n.part"]


def test_an_operator_that_is_not_there_is_a_problem():
    cases = [{"name": "a", "when": {"checks": [{"left": "n", "operator": "like", "right": "x"}]}}]

    assert problems(Condition(), {"cases": cases})

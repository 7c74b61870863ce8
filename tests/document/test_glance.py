"""What is seen to be small data at a glance is data, small, and comes through every journal unchanged."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from mulle.document.glance import FEW, SHORT, is_small_data
from mulle.sdk.fit import NOT_DATA, plain

ANYTHING: some.SearchStrategy[Any] = some.recursive(
    some.none()
    | some.booleans()
    | some.integers()
    | some.floats()
    | some.text(some.characters(codec=None))
    | some.binary(),
    lambda inner: some.lists(inner) | some.tuples(inner) | some.dictionaries(some.text() | some.integers(), inner),
    max_leaves=20,
)


@given(ANYTHING)
def test_what_passes_a_glance_is_data_and_copied_as_it_is(value: Any):
    if is_small_data(value):
        assert plain(value) == value
        assert msgspec.to_builtins(value) == value
        assert json.loads(msgspec.json.encode(value)) == value


@given(ANYTHING)
def test_what_is_no_data_never_passes(value: Any):
    try:
        plain(value)
    except NOT_DATA:
        assert not is_small_data(value)


@pytest.mark.parametrize(
    "value",
    [{}, [], {"output": {"x": 1}}, {"제목": "경제", "점수": [1.5, True, None]}, [2**64 - 1, -(2**63)], ["가" * SHORT]],
)
def test_small_data_passes(value: Any):
    assert is_small_data(value)


@pytest.mark.parametrize(
    "value",
    [
        "text",
        (1,),
        {1: "a name that is no text"},
        {"\ud800": 1},
        ["\ud800"],
        ["a" * (SHORT + 1)],
        list(range(FEW + 1)),
        {str(number): number for number in range(FEW + 1)},
        [float("nan")],
        [float("inf")],
        [2**64],
        [-(2**63) - 1],
        [{"a": (1,)}],
        [b"bytes"],
        {"a": {"b": {"c": {"d": 1}}}},
    ],
)
def test_everything_else_is_looked_at_closer(value: Any):
    assert not is_small_data(value)

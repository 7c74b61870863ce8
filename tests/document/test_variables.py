"""Writes add up, refuse what does not fit, and leave the old value alone."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulle.document.variables import Write, WriteRefused, written

data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)
operations: Any = st.sampled_from(["set", "add", "append", "extend", "remove", "clear"])


@pytest.mark.parametrize(
    ("op", "old", "value", "new"),
    [
        ("set", [1], "물레", "물레"),
        ("add", None, 3, 3),
        ("add", 2, 3, 5),
        ("add", "물", "레", "물레"),
        ("add", [1], [2], [1, 2]),
        ("add", {"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ("append", None, 1, [1]),
        ("append", [1], [2], [1, [2]]),
        ("extend", [1], [2, 3], [1, 2, 3]),
        ("extend", [1], None, [1]),
        ("remove", [1, 2, 1], 1, [2]),
        ("remove", {"a": 1, "b": 2}, "a", {"b": 2}),
        ("remove", None, 1, []),
        ("clear", [1], None, []),
        ("clear", {"a": 1}, None, {}),
        ("clear", "물레", None, ""),
        ("clear", 5, None, None),
    ],
)
def test_an_operation_gives_the_new_value(op: Any, old: Any, value: Any, new: Any):
    assert written(old, Write(op, "conversation.x", value)) == new


@pytest.mark.parametrize(
    ("op", "old", "value", "held"),
    [("add", 1, "물레", "int"), ("append", "text", 1, "str"), ("extend", None, 5, "nothing"), ("remove", 5, 5, "int")],
)
def test_what_does_not_fit_is_refused_by_name(op: Any, old: Any, value: Any, held: str):
    with pytest.raises(WriteRefused, match=f"to conversation.x: it holds {held}"):
        written(old, Write(op, "conversation.x", value))


@given(old=data, op=operations, value=data)
def test_the_old_value_is_never_touched(old: Any, op: Any, value: Any):
    before = deepcopy(old)

    try:
        written(old, Write(op, "state.x", value))
    except WriteRefused as refused:
        assert refused.advice  # noqa: PT017 - most do not raise.

    assert old == before


@given(st.permutations([("a", 1), ("b", 2), ("c", 3)]))
def test_parallel_additions_add_up_in_any_order(order: list[tuple[str, int]]):
    total, names = None, None
    for name, number in order:
        total = written(total, Write("add", "conversation.total", number))
        names = written(names, Write("append", "conversation.names", name))

    assert total == 6
    assert sorted(names or []) == ["a", "b", "c"]

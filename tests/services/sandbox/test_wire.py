"""Of a reply only the form is believed."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mulle.errors import CodeNotData, CodeOutputTooLarge, MulleError
from mulle.services.sandbox import wire

texts = st.text(st.characters(exclude_categories=["Cs"]))
data = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
)


def frame(value: Any) -> bytes:
    return json.dumps({"type": "value", "value": value, "printed": "", "cut": False}).encode()


@settings(deadline=None)  # Machines are busy.
@given(data)
def test_every_data_survives_the_wire(value: Any):
    reply = wire.decoded(frame(value))

    assert isinstance(reply, wire.Value)
    assert reply.value == value
    assert json.loads(wire.encoded({"a": value})) == {"a": value}


@settings(deadline=None)
@given(st.binary() | st.binary().map(lambda some: b'{"type":"value","value":' + some) | texts.map(str.encode))
def test_anything_else_is_an_error_of_ours(some: bytes):
    with contextlib.suppress(MulleError):
        wire.decoded(some)


@pytest.mark.parametrize("depth", [wire.DEEPEST + 1, 500, 100_000])
def test_what_is_too_deep_is_refused(depth: int):
    with pytest.raises(CodeNotData):
        wire.decoded(b'{"type":"value","value":' + b"[" * depth + b"]" * depth + b',"printed":"","cut":false}')


def test_what_is_deep_enough_is_taken():
    value: Any = "물레"
    for _ in range(wire.DEEPEST):
        value = {"a": value}

    assert isinstance(wire.decoded(frame(value)), wire.Value)


def test_many_empty_lists_are_refused_and_many_brackets_in_a_text_are_not():
    with pytest.raises(CodeOutputTooLarge):
        wire.decoded(frame([[]] * (wire.MOST_CONTAINERS + 1)))

    assert isinstance(wire.decoded(frame('["{' * wire.MOST_CONTAINERS)), wire.Value)


@pytest.mark.parametrize("argument", [object(), b"\xff" * 3, "\ud800", float("nan"), 2**70, {1: 2}, (1, 2)])
def test_arguments_become_json_or_an_error_of_ours(argument: Any):
    with contextlib.suppress(CodeNotData):
        json.loads(wire.encoded({"a": argument}))

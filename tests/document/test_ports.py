"""What may flow where, and what each type accepts."""

from itertools import product
from typing import Any

import pytest

from mulle.document.expressions import parse
from mulle.document.ports import CONVERTERS, Port, PortType, accepts, conversion_hint, flows, is_file, type_of

VALUES: dict[str, Any] = {
    "string": "물레",
    "number": 1.5,
    "boolean": True,
    "array": [1],
    "object": {"a": 1},
    "file": {"path": "a.txt"},
}


@pytest.mark.parametrize(("source", "target"), [*product(PortType, PortType)])
def test_a_type_flows_into_itself_and_from_and_into_any(source: PortType, target: PortType):
    assert flows(source, target) == (source is target or "any" in (source, target))


@pytest.mark.parametrize(("port", "value"), [*product(PortType, VALUES)])
def test_a_port_accepts_its_own_type(port: PortType, value: str):
    also = {("object", "file"), ("any", value)}

    assert accepts(Port(name="p", type=port), VALUES[value]) == (port == value or (port, value) in also)


def test_true_is_no_number():
    assert not accepts(Port(name="p", type=PortType.NUMBER), True)


def test_null_is_data_for_every_port_that_is_not_required():
    assert all(accepts(Port(name="p", type=one), None) for one in PortType)
    assert [one for one in PortType if accepts(Port(name="p", type=one, required=True), None)] == ["any"]


@pytest.mark.parametrize(
    ("value", "name"),
    [*((value, name) for name, value in VALUES.items() if name != "file"), (None, "null"), (b"", "bytes")],
)
def test_a_value_has_a_type_in_words(value: Any, name: str):
    assert type_of(value) == name


@pytest.mark.parametrize(
    ("value", "yes"), [({"url": "x"}, True), ({"blob": "x"}, True), ({"a": 1}, False), ("a.txt", False)]
)
def test_a_file_says_where_its_content_is(value: Any, yes: bool):
    assert is_file(value) is yes


@pytest.mark.parametrize(("source", "target"), [*CONVERTERS])
def test_the_converter_of_a_hint_is_an_expression(source: PortType, target: PortType):
    hint = conversion_hint(source, target, "a.b")
    expression = hint.removeprefix("Put a transform node between them with the expression ").removesuffix(".")

    assert [str(reference) for reference in parse(expression).references] == ["a.b"]


def test_where_there_is_no_converter_the_hint_says_what_is_needed():
    assert conversion_hint(PortType.FILE, PortType.NUMBER, "a.b") == (
        "Put a transform node between them that turns file into number."
    )

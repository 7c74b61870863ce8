from typing import Any

import pytest

from mulle.document.ports import PortType
from mulle.sdk.returns import NotAsDeclared, Returned, checked, fits, item_kind


def check(value: Any, **wanted: Any) -> Any:
    return checked({"r": value}, {"r": Returned(**wanted)})["r"]


@pytest.mark.parametrize(
    ("wanted", "value", "made"),
    [
        ({"type": "any"}, object, object),
        ({"type": "string"}, None, None),
        ({"type": "string"}, "a\0b", "ab"),
        ({"type": "number"}, True, 1),
        ({"type": "number", "least_number": -1, "greatest_number": 1}, 0.5, 0.5),
        ({"type": "boolean"}, False, False),
        ({"type": "object"}, {"a": 1}, {"a": 1}),
        ({"type": "object", "fields": {"a": Returned(type="number")}}, {"a": True}, {"a": 1}),
        ({"type": "array"}, [1, "a"], [1, "a"]),
        ({"type": "array[number]"}, [1, None, True], [1, None, 1]),
        ({"type": "array[string]", "most": 2}, ["a", "bcd"], ["a", "bcd"]),
        ({"type": "array[object]", "fields": {"a": Returned()}}, [{"a": 1}, None], [{"a": 1}, None]),
    ],
)
def test_what_fits_is_taken(wanted: dict[str, Any], value: Any, made: Any):
    assert check(value, **wanted) == made


UNFIT: list[tuple[dict[str, Any], Any, str]] = [
    ({"type": "string"}, 1, "'r' must be a text, not number"),
    ({"type": "string", "most": 2}, "abc", "'r' has 3 characters, and 2 is the most"),
    ({"type": "number"}, "1", "'r' must be a number"),
    ({"type": "number", "greatest_number": 9}, 10, "'r' must be a number between None and 9"),
    ({"type": "number", "least_number": 9}, 8, "'r' must be a number between 9 and None"),
    ({"type": "array[object]", "most": 1}, [{}, {}], "'r' has 2 items"),
    ({"type": "array[string]"}, "abc", "'r' must be a list, not string"),
    ({"type": "array[string]"}, ["a", 1], "'r[1]' must be a text"),
    ({"type": "object", "fields": {"a": Returned()}}, {}, "'r.a' is missing"),
    ({"type": "object", "fields": {"a": Returned()}}, {"a": 1, "b": 2}, "'r.b' is returned and not declared"),
    ({"type": "object", "deepest": 2}, {"a": [{"b": {}}]}, "'r' has more than 2 objects"),
]


@pytest.mark.parametrize(("wanted", "value", "said"), UNFIT)
def test_what_does_not_fit_is_named(wanted: dict[str, Any], value: Any, said: str):
    with pytest.raises(NotAsDeclared) as error:
        check(value, **wanted)

    assert said in str(error.value)


def test_nothing_may_be_missing_and_nothing_returned_in_vain():
    with pytest.raises(NotAsDeclared, match="'r' is missing"):
        checked({}, {"r": Returned()})
    with pytest.raises(NotAsDeclared, match="'more' is returned and not declared"):
        checked({"r": 1, "more": 2}, {"r": Returned()})


def test_the_port_of_a_list_is_an_array():
    assert Returned(type="array[object]").port_type is PortType.ARRAY
    assert Returned(type="string").port_type is PortType.STRING


@pytest.mark.parametrize(
    ("value", "type_", "answer"),
    [
        (None, "any", True),
        (None, "string", False),
        ("a", "string", True),
        (True, "number", False),
        ([], "array[string]", True),
        (["a", 1], "array[string]", False),
        (["a", 1], "array", True),
    ],
)
def test_a_value_fits_its_own_type(value: Any, type_: Any, answer: bool):
    assert fits(value, type_) is answer


def test_the_items_of_a_list_have_a_type_where_the_list_says_it():
    assert (item_kind("array[object]"), item_kind("array"), item_kind("string")) == ("object", "any", "any")

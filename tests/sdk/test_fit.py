"""Settings, ports and answers: what fits, and what is said when something does not."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from mulle.document.ports import Port, PortType
from mulle.sdk.fit import NOT_DATA, BadSettings, InputMissing, WrongType, fill_port, plain, validated


class Settings(BaseModel):
    to: list[str]


@dataclass
class Point:
    x: int


@pytest.mark.parametrize(
    ("value", "data"),
    [
        ((1, (2,)), [1, [2]]),
        ({1: "a", 1.5: "b"}, {"1": "a", "1.5": "b"}),
        (Point(1), {"x": 1}),
        (Settings(to=["a"]), {"to": ["a"]}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        (OrderedDict([("a", (1,))]), {"a": [1]}),
        (date(2026, 1, 5), "2026-01-05"),
        (datetime(2026, 1, 5, 9, tzinfo=UTC), "2026-01-05T09:00:00Z"),
        (2**64 - 1, 2**64 - 1),
    ],
)
def test_an_answer_is_what_the_journal_will_give_back(value: Any, data: Any):
    assert plain(value) == data


@pytest.mark.parametrize("value", [object(), {(1, 2): 3}, {None: 1}, "\ud800", lambda: 1, float("nan"), [2**70]])
def test_what_is_no_data_is_refused(value: Any):
    with pytest.raises(NOT_DATA):
        plain(value)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**64 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: (
            st.lists(inner, max_size=3) | st.tuples(inner) | st.dictionaries(st.text("가나다ab"), inner, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_plain_data_stays_as_it_is_however_often_it_is_kept(value: Any):
    once = plain(value)

    assert plain(once) == once
    assert msgspec.json.decode(msgspec.json.encode(once)) == once


def test_settings_that_do_not_fit_name_the_place():
    assert validated(Settings, {"to": ["kim"]}) == Settings(to=["kim"])
    with pytest.raises(BadSettings, match=r"The setting to\[1\] does not fit"):
        validated(Settings, {"to": ["kim", 5]})


def filled(port: Port, **values: Any) -> dict[str, Any]:
    fill_port(port, values, "mail", lambda: "'a.text'")
    return values


def test_a_port_without_a_value_gets_its_default():
    assert filled(Port(name="n", default_value=3)) == {"n": 3}
    assert filled(Port(name="n", default_value=3), n=None) == {"n": None}
    assert filled(Port(name="n")) == {}


def test_a_required_port_without_a_value():
    with pytest.raises(InputMissing, match="'n' needs a value") as missing:
        filled(Port(name="n", required=True))

    assert missing.value.at == "mail"


def test_a_value_that_does_not_fit_says_where_it_came_from():
    with pytest.raises(WrongType, match=r"'n' takes number, but 'a.text' carried string\."):
        filled(Port(name="n", type=PortType.NUMBER), n="many")


def test_each_value_of_a_port_that_collects_is_checked():
    port = Port(name="parts", type=PortType.STRING, multiple=True)

    assert filled(port, parts=["물", "레"]) == {"parts": ["물", "레"]}
    for wrong in (["물", 5], 5):
        with pytest.raises(WrongType, match="carried number"):
            filled(port, parts=wrong)

"""YAML is read as people mean it, and every refusal names line and column."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mulle.document.yaml_text import UnreadableDocument, dump_yaml, load_yaml

plain_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    [
        "on",
        "yes",
        "01089",
        "0o17",
        "1e5",
        "12:30",
        "2026-01-01",
        "~",
        "=",
        "<<",
        ".inf",
        "- a",
        "a: b",
        "# x",
        "\n x\n\n",
    ]
)


@pytest.mark.parametrize(
    "text", ["on", "off", "yes", "NO", "y", "12:30", "2026-12-24", "2026-12-24T09:00:00Z", "01012345678", "=", "1_000"]
)
def test_what_people_mean_as_text_stays_text(text: str):
    assert load_yaml(f"{text}: {text}") == {text: text}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None),
        ("~", None),
        ("", None),
        ("true", True),
        ("False", False),
        ("0", 0),
        ("-12", -12),
        ("0x1F", 31),
        ("0o17", 15),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("+1.5E-3", 0.0015),
        ("0.0", 0.0),
        ("'5'", "5"),
        ("!!str 5", "5"),
        ("! 5", 5),
    ],
)
def test_null_truth_and_numbers_are_more_than_text(text: str, value: Any):
    assert load_yaml(f"a: {text}") == {"a": value}
    assert type(load_yaml(f"a: {text}")["a"]) is type(value)


def test_keys_are_text_as_it_was_written():
    assert load_yaml("on: 1\n1: 2\ntrue: 3\n~: 4\n0x10: 5\n12:30: 6\n<<: {a: 1}") == {
        "on": 1,
        "1": 2,
        "true": 3,
        "~": 4,
        "0x10": 5,
        "12:30": 6,
        "<<": {"a": 1},
    }


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        ("a: 1\nb: [1, 2\n", "line 3, column 1", r"while parsing a flow sequence \(line 2\), did not find expected"),
        ("a: 1\n  b: 2", "line 2, column 4", "mapping values are not allowed"),
        ("a: 1\nb: 2\na: 3", "line 3, column 1", "the key 'a' stands twice"),
        ("? [a, b]\n: 1", "line 1, column 3", "a key must be plain text"),
        ("a: &x [1]\nb: *x", "line 2, column 4", "Aliases"),
        ("a: 1\nb: !!python/object:os.system x", "line 2, column 4", "Tags"),
        ("b: !!binary aGk=", "line 1, column 4", "Tags"),
        ("b: !!set {x}", "line 1, column 4", "Tags"),
        ("a: 1\n---\nb: 2", "line 2, column 1", "single document"),
        ("a: 1\nb: \x00", "line 2, column 4", "U\\+0000"),
        ("\x1b[31m", "line 1, column 1", "U\\+001B"),
        ("a: " + "9" * 5000, "line 1, column 4", "too long; put it in quotes"),
        ("a: 0x" + "f" * 5000, "line 1, column 4", "too long; put it in quotes"),
        ("a:\t- b", "line 1, column 4", "Not readable as YAML"),
    ],
)
def test_a_refusal_names_line_and_column(text: str, at: str, message: str):
    with pytest.raises(UnreadableDocument, match=message) as refused:
        load_yaml(text)

    assert refused.value.at == at


def test_where_they_are_allowed_aliases_stand_for_what_they_name():
    text = "name: &who 물레\nlist: &all [1, *who]\nagain: {inner: *all, who: *who}"

    assert load_yaml(text, aliases=True) == {
        "name": "물레",
        "list": [1, "물레"],
        "again": {"inner": [1, "물레"], "who": "물레"},
    }


def test_an_alias_of_nothing_is_refused_also_there():
    with pytest.raises(UnreadableDocument, match=r"`\*who` names nothing") as refused:
        load_yaml("a: [1, *who]", aliases=True)

    assert refused.value.at == "line 1, column 8"


def test_a_bomb_of_aliases_is_refused_before_it_goes_off():
    bomb = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 40))

    with pytest.raises(UnreadableDocument, match="Aliases"):
        load_yaml(bomb)


def test_great_depth_is_refused_before_it_is_built():
    with pytest.raises(UnreadableDocument, match="nested more than 100"):
        load_yaml("[" * 1_000_000)


def test_a_text_that_would_take_for_ever_is_refused():
    with pytest.raises(UnreadableDocument, match="more than 300,000 keys and values"):
        load_yaml("- a\n" * 400_000)


@given(st.dictionaries(plain_text, plain_text | st.lists(plain_text, max_size=3), max_size=4))
def test_what_is_written_is_read_back(data: dict[str, Any]):
    written = dump_yaml(data)

    assert load_yaml(written) == data


@given(plain_text)
def test_an_older_yaml_reads_the_same_text(text: str):
    assert yaml.safe_load(dump_yaml({"a": text})) == {"a": text}


def test_code_is_written_as_a_block_and_korean_as_korean():
    assert dump_yaml({"code": "def main():\n    return {}\n", "이름": "요약"}) == (
        "code: |\n  def main():\n      return {}\n이름: 요약\n"
    )
    assert dump_yaml([[1], [1]]) == "- - 1\n- - 1\n"


def test_one_value_in_two_places_is_written_twice():
    shared = {"x": 1}

    assert "&" not in dump_yaml({"a": shared, "b": shared})

from typing import Any

import pytest

from mulle.document.expressions import Reference, data_references, parse_template, render, render_data
from mulle.errors import (
    ExpressionError,
    ExpressionTooLarge,
    MissingReference,
    ResultTooLarge,
    UnknownFunction,
    UnreadableExpression,
    WrongValue,
)


def rendered(text: str, /, **roots: Any) -> Any:
    return render(parse_template(text), roots)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("", ""),
        ("plain } }} text {", "plain } }} text {"),
        ("{{ a }}", [1]),
        ("{{a}}\n", [1]),
        ("\r\n{{ a }}\n\n", [1]),
        (" {{ a }}", " [1]"),
        ("{{ a }}{{ a }}", "[1][1]"),
        ("안녕 {{ name }}님!", "안녕 민지님!"),
        ("{{ none }}", None),
        ("({{ none }})", "()"),
        ('{{ "{{" }} a }}', "{{ a }}"),
        ("{{ '}}' }}", "}}"),
        ('{{ {"a": {"b": 1}} }}', {"a": {"b": 1}}),
        ('{{ {"a": {"b": 1}}}}', {"a": {"b": 1}}),
        ('{{ {"a": {"b": "}}"}}.a.b + "!" }}?', "}}!?"),
        ('{{ "\\"}}" }}', '"}}'),
        ('{"json": {"a": {{ a }}}}', '{"json": {"a": [1]}}'),
    ],
)
def test_a_template_becomes_its_value_or_a_text(text: str, result: object):
    assert rendered(text, a=[1], name="민지", none=None) == result


def test_a_template_that_is_one_expression_is_single():
    assert parse_template("{{ a }}").is_single
    assert parse_template("{{ a }}\n").is_single
    assert not parse_template("{{ a }}.").is_single
    assert not parse_template("a").is_single
    assert not parse_template("").is_single


def test_a_single_value_is_handed_on_whatever_its_size():
    big = ["a" * 1000] * 5000

    assert rendered("{{ big }}", big=big) is big


def test_a_template_knows_its_references_once_in_order():
    template = parse_template("{{ b.x }} {{ a.y + b.x }} {{ b.x }}")

    assert template.references == (Reference("b", ("x",)), Reference("a", ("y",)))


def test_the_same_text_is_read_once_and_a_very_long_one_is_read_too():
    for text in ("{{ a }}!", "{{ a }}" + "가" * 1000):
        assert parse_template(text) is parse_template(text)
    assert rendered("가" * 20_000 + "{{ a }}", a=1) == "가" * 20_000 + "1"


@pytest.mark.parametrize(
    ("text", "kind", "line", "column"),
    [
        ("{{", UnreadableExpression, 1, 1),
        ("가나 {{ a } b", UnreadableExpression, 1, 4),
        ('{{ "a }}', UnreadableExpression, 1, 4),
        ("{{ {a }}", UnreadableExpression, 1, 1),
        ("{{ }}", UnreadableExpression, 1, 4),
        ("x {{   a b }}", UnreadableExpression, 1, 10),
        ("one\ntwo {{ nope(1) }}", UnknownFunction, 2, 8),
        ("{{ " + "a+" * 2100 + "a }}", UnreadableExpression, 1, 1),
        ("{{ " + "a" * 4000 + "가" * 90 + " }}", ExpressionTooLarge, 1, 4),
        ("a" * 1_000_001, ExpressionTooLarge, 1, 1),
    ],
)
def test_what_cannot_be_read_is_placed_in_the_whole_text(
    text: str, kind: type[ExpressionError], line: int, column: int
):
    with pytest.raises(UnreadableExpression) as caught:
        parse_template(text, at="nodes.mail.data.body")

    assert type(caught.value) is kind
    assert (caught.value.facts["line"], caught.value.facts["column"]) == (line, column)
    assert caught.value.at == "nodes.mail.data.body"


def test_an_open_brace_tells_how_plain_braces_are_written():
    with pytest.raises(UnreadableExpression) as caught:
        parse_template("{{ never")

    assert '{{ "{{" }}' in caught.value.advice


@pytest.mark.parametrize("text", ["{{ a.b }}", "x {{ a.b }}"])
def test_what_is_missing_is_an_error_and_never_the_literal_text(text: str):
    with pytest.raises(MissingReference) as caught:
        render(parse_template(text), {"a": {"c": 1}}, at="nodes.mail.data.body")

    assert caught.value.at == "nodes.mail.data.body"


def test_a_text_does_not_grow_over_a_megabyte():
    with pytest.raises(ResultTooLarge):
        rendered("{{ a }}{{ a }}", a="a" * 600_000)


def test_data_is_rendered_text_by_text_and_left_alone_otherwise():
    data = {"url": "https://x/{{ q }}", "n": 3, "list": ["{{ q }}", ["{{ n }}", None]], "{{ key }}": "plain"}

    found = render_data(data, {"q": "날씨", "n": 1.5})

    assert found == {"url": "https://x/날씨", "n": 3, "list": ["날씨", [1.5, None]], "{{ key }}": "plain"}
    assert data["list"] == ["{{ q }}", ["{{ n }}", None]]


def test_data_knows_the_references_of_all_its_texts():
    data = {"a": "{{ x.y }}", "b": ["{{ z }} {{ x.y }}", 5, {"c": "plain"}]}

    assert data_references(data) == (Reference("x", ("y",)), Reference("z"))
    assert data_references("{{ x }}") == (Reference("x"),)
    assert data_references(5) == ()


def test_an_error_in_data_names_the_very_place():
    with pytest.raises(MissingReference) as missing:
        render_data({"headers": [{"auth": "Bearer {{ nobody }}"}]}, {}, at="nodes.call.data")
    with pytest.raises(UnreadableExpression) as unread:
        render_data({"url": "{{ ( }}"}, {})
    with pytest.raises(UnreadableExpression) as unread_too:
        data_references(["{{"], at="data")

    assert missing.value.at == "nodes.call.data.headers[0].auth"
    assert unread.value.at == "url"
    assert unread_too.value.at == "data[0]"


def test_data_nested_without_end_is_refused():
    ring: dict[str, Any] = {}
    ring["ring"] = [ring]

    with pytest.raises(WrongValue):
        render_data(ring, {})
    with pytest.raises(WrongValue):
        data_references(ring)

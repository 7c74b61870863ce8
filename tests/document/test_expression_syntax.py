import unicodedata
from typing import Any

import pytest

from mulle.document.expressions import Reference, parse
from mulle.document.expressions.syntax import read
from mulle.errors import ExpressionTooLarge, UnknownFunction, UnreadableExpression


def refusal(text: str) -> UnreadableExpression:
    with pytest.raises(UnreadableExpression) as caught:
        parse(text, at="nodes.ask.data.when")
    return caught.value


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("", 1, "empty"),
        ("   ", 1, "empty"),
        ("a +", 4, "ends"),
        ("a b", 3, "`b` was found"),
        ("(a", 3, "`)` should stand here"),
        ("[a b]", 4, "`]` should stand here"),
        ("a[1", 4, "`]` should stand here"),
        ('{"a" 1}', 6, "`:` should stand here"),
        ('{"a": 1 "b": 2}', 9, "`}` should stand here"),
        ("a if b", 7, "`else` should stand here"),
        ("a.[0]", 3, "after the point"),
        ("a.0", 3, "after the point"),
        ("length(a b)", 10, "`)` should stand here"),
        ("1 + not a", 5, "a value should stand here"),
        ("and", 1, "a value should stand here"),
        ("not", 4, "ends"),
        ("a not b", 3, "go on with an operator"),
        ("@", 1, "U+0040"),
        ("a\u200b", 2, "zero width space"),
        ("a²", 2, "superscript two"),
        ("\u1369", 1, "ethiopic digit one"),
        ('"abc', 1, "never closed"),
        ("x == 'abc", 6, "never closed"),
        (r'"\x41"', 2, "not an escape"),
        (r'"\ud83d"', 1, "half a character"),
        ("x.\ud83d", 3, "half a character"),
        ("1711x", 1, "runs into"),
        ("007", 1, "runs into"),
        ("1_000", 1, "runs into"),
        ("1e400", 1, "too large"),
        ("9" * 400, 1, "too large"),
        ("1711.port", 5, "a number has no keys"),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_column(text: str, column: int, says: str):
    error = refusal(text)

    assert error.facts["column"] == column
    assert says in error.text
    assert error.to_dict()["where"] == "nodes.ask.data.when"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a && b", "`and`"),
        ("a || b", "`or`"),
        ("!a", "`not`"),
        ("a = 1", "`==`"),
        ("a === 1", "`==`"),
        ("a !== 1", "`!=`"),
        ("a <> 1", "`!=`"),
        ("a ? 1 : 2", "if condition else"),
        ("a | upper", "upper(x)"),
        ("2 ** 3", "powers"),
        ("“가”", "plain quotes"),
        ("#sys.query#", "node.port"),
        ("$json.name", "node.port"),
        ("a == None", "`null`"),
        ("a == True", "`true`"),
        ("a is null", "`==`"),
        ("a AND b", "`and`"),
        ("[x for x in y]", "map or transform"),
        ("1711.port", 'nodes["1711"]'),
        ("a.items()", "in front"),
        ("lenght(a)", "length("),
        ("qqq(a)", "There are: length"),
        ("round()", "round(number)"),
        ("round(1, 2, 3)", "round(number, digits)"),
        ("not x + not y", "brackets"),
        ("'", "Close it"),
        ("{{ a > 1 }}", "without `{{ }}`"),
    ],
)
def test_a_habit_from_another_language_gets_the_right_word(text: str, hint: str):
    assert hint in refusal(text).advice


def test_an_unknown_function_is_an_error_of_its_own():
    assert isinstance(refusal("__import__('os')"), UnknownFunction)


def test_a_place_in_several_lines_has_line_and_column():
    error = refusal("a ==\n  )")

    assert (error.facts["line"], error.facts["column"]) == (2, 3)
    assert error.text.startswith("Line 2, column 3: ")


@pytest.mark.parametrize(
    "text",
    [
        "a" * 4097,
        "가" * 1366,
        "x" * 100_000,
        "(" * 51 + "a" + ")" * 51,
        "[" * 51 + "]" * 51,
        "not " * 51 + "a",
        "-" * 51 + "a",
        "(((((1*1)+1)==1 and 1) or 1) or 1)" + "[0]" * 4 + ("+" + "a" * 3) * 600,
        "[" + "1," * 500 + "1]",
        "(" * 12 + "a" + " * 1 + 1 == 1 and 1 or 1)" * 12,
    ],
)
def test_a_text_over_the_limits_is_refused(text: str):
    assert isinstance(refusal(text), ExpressionTooLarge)


@pytest.mark.parametrize("text", ["(" * 49 + "a" + ")" * 49, "[" + "1," * 498 + "1]", "a" * 4096, "1" + "+1" * 249])
def test_a_text_within_the_limits_is_read(text: str):
    assert parse(text).text == text


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("1+2*3", "1 + 2 * 3"),
        ("(1+2)*3", "(1 + 2) * 3"),
        ("1-(2-3)", "1 - (2 - 3)"),
        ("a  and(b or c)", "a and (b or c)"),
        ("(a and b) or c", "a and b or c"),
        ("not(a==b)", "not a == b"),
        ("(not a)==b", "(not a) == b"),
        ("-(-3)", "3"),
        ("- -a", "--a"),
        ("-(a+b)", "-(a + b)"),
        ("+5", "+5"),
        ("-true", "-true"),
        ("(a.b).c", "a.b.c"),
        ("(1).c", "(1).c"),
        ("'a\"b'", '"a\\"b"'),
        ("'\\ud83d\\ude00\\t'", '"😀\\t"'),
        ("a['b'][0][c]['d e']", 'a.b[0][c]["d e"]'),
        ("a[true][1.5][-1][null]", "a[true][1.5][-1][null]"),
        ("a if b else c if d else e", "a if b else c if d else e"),
        ("(a if b else c) if d else e", "(a if b else c) if d else e"),
        ("a if (b if c else d) else e", "a if (b if c else d) else e"),
        ("[1,2,]", "[1, 2]"),
        ("{'a':1,}", '{"a": 1}'),
        ("{}", "{}"),
        ("max( 1,2 , )", "max(1, 2)"),
        ("1 < 2 <= 3", "1 < 2 <= 3"),
        ("(1 < 2) <= 3", "(1 < 2) <= 3"),
        ("a not  in b", "a not in b"),
        ("1e3", "1000.0"),
        ("1e300", "1e+300"),
        ("null", "null"),
        ("x.if.not.true", "x.if.not.true"),
        ("हिन्दी.किa", 'हिन्दी["किa"]'),
    ],
)
def test_an_expression_has_one_canonical_form(text: str, canonical: str):
    assert str(parse(text)) == canonical
    assert read(canonical)[0] == read(text)[0]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ask.score >= 3", [("ask", ("score",))]),
        ("node.port.field[0]", [("node", ("port", "field", 0))]),
        ("list[-1].x", [("list", (-1, "x"))]),
        ('nodes["1711-x"].port', [("nodes", ("1711-x", "port"))]),
        ("a.b + a.b + a.c", [("a", ("b",)), ("a", ("c",))]),
        ("order[item.id].name", [("order", ()), ("item", ("id",))]),
        ("a[true].b", [("a", ())]),
        ("length(x) if y else z", [("x", ()), ("y", ()), ("z", ())]),
        ("[env.A, {sys.now: -secret.B}]", [("env", ("A",)), ("sys", ("now",)), ("secret", ("B",))]),
        ("(a or b).c", [("a", ()), ("b", ())]),
        ("1 + 2", []),
        ("요약.본문", [("요약", ("본문",))]),
    ],
)
def test_every_reference_is_found_once_in_order(text: str, found: list[tuple[str, tuple[Any, ...]]]):
    assert parse(text).references == tuple(Reference(root, path) for root, path in found)


@pytest.mark.parametrize(
    ("text", "node", "port", "written"),
    [
        ("ask.score", "ask", "score", "ask.score"),
        ("ask", "ask", None, "ask"),
        ("ask[0]", "ask", None, "ask[0]"),
        ('nodes["1711-x"].port[0]', "1711-x", "port", 'nodes["1711-x"].port[0]'),
        ('nodes["env"]', "env", None, "nodes.env"),
        ("nodes[item]", None, None, "nodes"),
        ("nodes[0]", None, None, "nodes[0]"),
        ("env.REGION", None, None, "env.REGION"),
    ],
)
def test_a_reference_knows_its_node_and_port(text: str, node: str | None, port: str | None, written: str):
    reference = parse(text).references[0]

    assert (reference.node, reference.port, str(reference)) == (node, port, written)


def test_a_korean_name_is_the_same_however_it_was_typed():
    composed = parse("요약.본문 == 1")
    decomposed = parse(unicodedata.normalize("NFD", "요약.본문 == 1"))

    assert decomposed.references == composed.references
    assert str(decomposed) == str(composed)


def test_a_constant_key_is_brought_to_nfc_even_from_escapes():
    assert parse(r'a["\u1100\u1161"]').references == (Reference("a", ("가",)),)


def test_text_from_escapes_is_kept_as_it_was_asked_for():
    expression = parse(r'"\u1100\u1161"')

    assert str(expression) == r'"\u1100\u1161"'


def test_the_same_text_is_read_once_and_equal_texts_are_equal():
    for text in ("a.b", " + ".join(["a.b"] * 100)):
        assert parse(text) is parse(text)
    assert parse("a.b") == parse("a.b")
    assert hash(parse("a.b")) == hash(parse("a.b"))
    assert parse("a.b") != parse("a.c")

"""What holds for every text and all data."""

import json
import unicodedata
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mulle.document.expressions import FUNCTIONS, evaluate, parse, parse_template, render, truth
from mulle.document.expressions.syntax import read
from mulle.errors import ExpressionError

NAMES = ["a", "b", "ask", "요약", unicodedata.normalize("NFD", "요약"), "items", "__class__", "nodes", "in", "null"]

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**290, max_value=10**310)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([*NAMES, "2024-03-01", "%Y", "days", "12.5", '{"a": 1}'])
)
data = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=4), inner),
    max_leaves=12,
)
roots = st.dictionaries(st.sampled_from(NAMES), data, max_size=6)

literals = st.one_of(
    st.integers(0, 100).map(str),
    st.floats(0, 1e6).map(repr),
    st.text(max_size=6).map(lambda text: json.dumps(text, ensure_ascii=True)),
    st.sampled_from(["null", "true", "false", "1e300", '"요약"', "[]", "{}"]),
)
BINARY = ["or", "and", "==", "!=", "<", ">", "<=", ">=", "in", "not in", "+", "-", "*", "/", "//", "%"]


def compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def call(name: str) -> st.SearchStrategy[str]:
        function = FUNCTIONS[name]
        arguments = st.lists(inner, min_size=function.least, max_size=min(function.most, 4))
        return arguments.map(lambda parts: f"{name}({', '.join(parts)})")

    return st.one_of(
        st.builds("{} {} {}".format, inner, st.sampled_from(BINARY), inner),
        st.builds("({} {} {})".format, inner, st.sampled_from(BINARY), inner),
        st.builds("({})[{}]".format, inner, inner),
        st.builds("({}).{}".format, inner, st.sampled_from(NAMES)),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("{{{}: {}}}".format, inner, inner),
        st.builds("(not {})".format, inner),
        st.builds("-({})".format, inner),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.sampled_from(sorted(FUNCTIONS)).flatmap(call),
    )


expressions = st.recursive(literals | st.sampled_from(NAMES[:-2]), compound, max_leaves=10)
fragments = st.lists(
    st.sampled_from(
        [*"()[]{}.,:+-*/%<>=!\"'\\|&?# \n", "{{", "}}", *BINARY, *NAMES, "not", "if", "else", "length(", "1"]
    )
    | st.text(max_size=3),
    max_size=30,
).map("".join)


@settings(max_examples=300)
@given(st.text(max_size=60) | fragments)
def test_reading_raises_nothing_but_our_error(text: str):
    for reading in (parse, parse_template):
        with suppress(ExpressionError):
            reading(text)


@settings(max_examples=300, deadline=None)
@given(expressions | fragments, roots)
def test_computing_raises_nothing_but_our_error_and_stays_bounded(text: str, lookup: dict[str, Any]):
    with suppress(ExpressionError):
        truth(evaluate(parse(text), lookup))
    with suppress(ExpressionError):
        assert len(render(parse_template("{{ " + text + " }}!"), lookup)) <= 1_000_000


@settings(max_examples=300)
@given(expressions)
def test_the_canonical_form_reads_back_as_the_same_tree(text: str):
    try:
        expression = parse(text)
    except ExpressionError:
        return
    canonical = str(expression)
    if len(canonical.encode()) > 4096:
        return

    assert read(canonical)[0] == expression.tree
    assert str(parse(canonical)) == canonical
    assert parse(canonical).references == expression.references


@given(st.text(alphabet="가각힣요약abc", min_size=1, max_size=10), data)
def test_keys_compare_in_nfc(name: str, held: Any):
    lookup = {"o": {unicodedata.normalize("NFD", name): held}}
    written = json.dumps(name, ensure_ascii=False)

    assert evaluate(parse(f"o[{written}]"), lookup) is held
    assert evaluate(parse(f"{written} in o"), lookup) is True


numbers = st.integers(0, 20).map(str) | st.floats(0.5, 20).map(lambda number: repr(round(number, 2)))
arithmetic = st.recursive(
    numbers,
    lambda inner: st.one_of(
        st.builds("{} {} {}".format, inner, st.sampled_from(["+", "-", "*", "/", "//", "%"]), inner),
        st.builds("({})".format, inner),
        st.builds("-{}".format, inner),
    ),
    max_leaves=12,
)
conditions = st.recursive(
    st.builds("{} {} {}".format, arithmetic, st.sampled_from(["<", ">", "<=", ">=", "==", "!="]), arithmetic),
    lambda inner: st.one_of(
        st.builds("{} {} {}".format, inner, st.sampled_from(["and", "or"]), inner),
        st.builds("not {}".format, inner),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("{} < {} <= {}".format, arithmetic, arithmetic, arithmetic),
    ),
    max_leaves=6,
)


@settings(max_examples=300)
@given(arithmetic | conditions)
def test_precedence_is_pythons(text: str):
    # Python calculates with booleans and divides by zero in its own way; both of us must come to a value to compare.
    with suppress(ExpressionError, ZeroDivisionError):
        found, expected = evaluate(parse(text), {}), eval(text)

        assert found == expected
        assert type(found) is type(expected)

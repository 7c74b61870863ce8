import time
import unicodedata
from collections import OrderedDict
from types import MappingProxyType
from typing import Any

import pytest

from mulle.document.expressions import Expression, as_text, evaluate, parse, truth
from mulle.document.expressions.values import nfc
from mulle.errors import ExpressionError, MissingReference, ResultTooLarge, WrongValue


def value(text: str, /, **roots: Any) -> Any:
    return evaluate(parse(text), roots)


def refusal(text: str, /, **roots: Any) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        evaluate(parse(text), roots, at="nodes.ask.data.when")
    assert caught.value.at == "nodes.ask.data.when"
    return caught.value


class Host:
    """An object of Python that a lookup should never have handed over."""

    items = "leaked"

    def __bool__(self) -> bool:
        raise AssertionError("a method of the host was called")

    def __eq__(self, other: object) -> bool:
        raise AssertionError("a method of the host was called")

    def __hash__(self) -> int:
        raise AssertionError("a method of the host was called")

    def __getitem__(self, key: object) -> object:
        raise AssertionError("a method of the host was called")


@pytest.mark.parametrize(
    "text",
    [
        "order.items",
        "order.__class__",
        "order.get",
        'order["keys"]',
        "list.append",
        "text.upper",
        "text[0]",
        "number.real",
        "host.items",
        "host[0]",
        "host.__class__.__mro__",
        "host + 1",
        "host < 1",
        "1 in host",
        "length(host)",
        "json(host)",
        "string([host])",
        "proxy.a",
    ],
)
def test_nothing_of_the_host_can_be_reached(text: str):
    refusal(text, order={}, list=[1], text="abc", number=1, host=Host(), proxy=MappingProxyType({"a": 1}))


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("not host", False),
        ("host == host", True),
        ("host == 1", False),
        ("[host] == [host]", True),
        ("host in [1]", False),
        ("1 if host else 2", 1),
    ],
)
def test_an_object_of_the_host_is_handled_without_asking_it(text: str, result: object):
    assert value(text, host=Host()) == result


def test_a_key_of_python_is_just_a_key():
    assert value("order.__class__", order={"__class__": "상품"}) == "상품"


def test_a_first_name_may_come_from_a_function():
    def ask(name: str) -> Any:
        return {"ask": {"score": 3}}[name]

    assert evaluate(parse("ask.score"), ask) == 3
    with pytest.raises(MissingReference) as caught:
        evaluate(parse("other.score"), ask, at="here")
    assert caught.value.text == "`other`: there is no 'other'."
    assert caught.value.at == "here"


def test_an_error_of_the_lookup_keeps_its_own_place():
    def ask(name: str) -> Any:
        raise MissingReference(f"Node {name} did not run.", at="edge 3")

    with pytest.raises(MissingReference) as caught:
        evaluate(parse("ask.score"), ask, at="here")
    assert caught.value.at == "edge 3"


def test_what_is_missing_is_named_beside_what_is_there():
    root, key = refusal("summry.text", summary={}), refusal("ask.scor > 3", ask={"score": 1, "text": "x"})

    assert root.text == "`summry`: there is no 'summry', only 'summary'."
    assert root.advice == "Did you mean 'summary'?"
    assert key.text == "`ask.scor`: there is no 'scor', only 'score', 'text'."
    assert key.advice == "Did you mean 'score'?"


def test_a_korean_name_with_one_wrong_jamo_is_recognised():
    assert refusal("요약.본뭄", 요약={"본문": "비", "제목": "해"}).advice == "Did you mean '본문'?"


def test_an_id_with_a_dash_is_not_taken_for_a_subtraction():
    assert 'nodes["my-node"]' in refusal("my-node.text", **{"my-node": {"text": 1}}).advice


def test_where_nothing_is_alike_the_way_out_is_default():
    error = refusal("ask.zzz", ask={f"key {n}": n for n in range(20)})

    assert "'key 7', …" in error.text
    assert "default(" in error.advice


def test_a_missing_place_says_how_long_the_list_is():
    assert "its length is 2" in refusal("list[2]", list=[1, 2]).text
    assert isinstance(refusal("list[-3]", list=[1, 2]), MissingReference)


def test_an_error_names_the_piece_it_is_about_and_no_value():
    error = refusal('1 + length(a) * ( secret.KEY\n + 1 ) + "x"', a=[], secret={"KEY": "hunter2"})

    assert error.text.startswith("`secret.KEY + 1`: ")
    assert "hunter2" not in str(error.to_dict())


def test_a_key_made_of_a_secret_is_not_named():
    error = refusal('order["k-" + secret.KEY].x', order={"a": 1}, secret={"KEY": "hunter2"})

    assert isinstance(error, MissingReference)
    assert "hunter2" not in str(error.to_dict())


def test_a_long_piece_is_shortened():
    assert len(refusal("number(" + '"x" + ' * 30 + '"x")').text) < 120


@pytest.mark.parametrize("key", ["null", "true", "1.5", '"a"', "[0]", "host"])
def test_a_place_of_a_list_is_a_whole_number(key: str):
    assert isinstance(refusal(f"list[{key}]", list=[1], host=Host()), WrongValue)


@pytest.mark.parametrize("key", ["null", "true", "1", "[0]"])
def test_a_key_of_an_object_is_text(key: str):
    assert isinstance(refusal(f"order[{key}]", order={"a": 1}), WrongValue)
    assert isinstance(refusal(f"{{{key}: 1}}"), WrongValue)


def test_a_whole_fraction_is_a_place_too():
    assert value("list[1.0]", list=[1, 2]) == 2


@pytest.mark.parametrize("text", ["null.a", "a.b.c[0]", 'a["x"]', "a[null]", "a[0].b"])
def test_below_null_everything_is_null(text: str):
    assert value(text, a=None) is None


@pytest.mark.parametrize("operator", ["<", ">", "<=", ">=", "in"])
@pytest.mark.parametrize("other", ["null", "1", '"a"', "[null]", "{}", "true"])
def test_order_with_null_is_false_and_never_a_crash(operator: str, other: str):
    assert value(f"null {operator} {other}") is False
    assert operator == "in" or value(f"{other} {operator} null") is False


def test_in_null_nothing_is_found():
    assert value("1 in null") is False
    assert value("1 not in null") is True


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("null == null", True),
        ("null != 0", True),
        ("1 == 1.0", True),
        ("1 == true", False),
        ('1 == "1"', False),
        ("[1, [2]] == [1, [2.0]]", True),
        ("[1] == [true]", False),
        ("[1] == [1, 2]", False),
        ('{"a": 1, "b": 2} == {"b": 2, "a": 1}', True),
        ('{"a": 1} == {"a": 2}', False),
        ("[] == {}", False),
        ("false == false", True),
        ("1 in [1.0]", True),
        ("true in [1]", False),
        ("[1] in [[1]]", True),
        ('"a" in "cat"', True),
        ('"a" in {"a": 1}', True),
        ('"b" in {"a": 1}', False),
        ('"b" < "c"', True),
        ("3 > 2 > 1", True),
        ("3 > 2 > 2", False),
        ("1 < 2 == true", False),
        ('0 or "" or [] or {} or null or 5', 5),
        ("1 and 0 and crash", 0),
        ("1 or crash", 1),
        ("1 and [] ", []),
        ("2 if 1 else crash", 2),
        ("crash if 0 else 2", 2),
        ("default(null, 1)", 1),
        ("default(2, crash)", 2),
        ("default(crash, 3)", 3),
        ("default({}.a, 3)", 3),
        ("+3 - -3", 6),
        ("-2.5", -2.5),
        ("- (1 + 1)", -2),
        ("5 // 2 * 2 + 5 % 2", 5),
        ("-5 % 3", 1),
        ("6 / 2", 3.0),
        ("[1] + [] + [2]", [1, 2]),
        ("1 in [] or 1 not in []", True),
        ("[[1, 2], [3]][0][1]", 2),
        ('{"a": {"b": 1}}.a.b', 1),
    ],
)
def test_operators_work_on_data(text: str, result: object):
    found = value(text)

    assert found == result
    assert type(found) is type(result)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1 + null", "not number and null"),
        ("'a' + null", "not string and null"),
        ("'a' + 1", "not string and number"),
        ("true + 1", "not boolean and number"),
        ("[1] + {}", "not array and object"),
        ("'a' * 3", "not string"),
        ("[1] * 3", "not array"),
        ("'%s' % 1", "not string"),
        ("-'a'", "not string"),
        ("+null", "not null"),
        ("-true", "not boolean"),
        ("1 / 0", "divided by zero"),
        ("1 // 0.0", "divided by zero"),
        ("1 % 0", "divided by zero"),
        ("1 / 'a'", "not string"),
        ("1 < 'a'", "no order"),
        ("[1] < [2]", "no order"),
        ("true < false", "no order"),
        ("1 in 5", "not into number"),
        ("1 in 'a1'", "only text can be looked for"),
        ("1 in {}", "only text can be looked for"),
    ],
)
def test_what_makes_no_sense_is_a_wrong_value(text: str, says: str):
    error = refusal(text)

    assert isinstance(error, WrongValue)
    assert says in error.text


@pytest.mark.parametrize(
    "text",
    [
        "1e300 * 10",
        "1e300 / 1e-300",
        "1e300 // 1e-300",
        "-1e300 - 1e300",
        " * ".join(["99999999999999999999"] * 16),
        "huge + 0.5",
        "huge * huge",
        "huge / 3",
        "infinite - infinite",
        "nan + 1",
        "text + text",
        "half + korean",
        "list + list",
        "[half, half, 1]",
        '{"a": half, "b": [half]}',
        "sort(strings)",
        "[list, list, list]",
    ],
)
def test_no_number_text_or_list_grows_beyond_its_limit(text: str):
    error = refusal(
        text,
        huge=10**5000,
        infinite=float("inf"),
        nan=float("nan"),
        text="a" * 600_000,
        half="a" * 500_000,
        korean="가" * 200_000,
        list=[0] * 300_000,
        strings=["a" * 1000] * 1001,
    )

    assert isinstance(error, ResultTooLarge)


@pytest.mark.parametrize(
    "text",
    [
        "big",
        "wrap.big",
        "first(lists)",
        "big if true else null",
        "big or null",
        "null or big",
        "default(big, [])",
    ],
)
def test_what_is_only_picked_out_may_have_any_size(text: str):
    big = ["a" * 1000] * 5000

    assert value(text, big=big, wrap={"big": big}, lists=[big]) is big


def test_a_chain_stops_at_the_first_pair_that_fails():
    assert value("1 > 2 > crash") is False


def test_what_was_looked_up_is_never_changed():
    roots = {"a": [3, 1], "b": {"k": [1]}}

    evaluate(parse("[sort(a), a + [1], reverse(a), unique(a), b]"), roots)

    assert roots == {"a": [3, 1], "b": {"k": [1]}}


def test_a_korean_key_is_found_however_it_was_typed():
    composed, decomposed = "배송지", unicodedata.normalize("NFD", "배송지")

    for typed in (composed, decomposed):
        for stored in (composed, decomposed):
            assert value(f"order.{typed}", order={stored: 1}) == 1
            assert value("order[key]", order={stored: 1}, key=typed) == 1
            assert value("key in order", order={stored: 1}, key=typed) is True
            assert value("a == b and a in b and b in [a] and not (a < b)", a=typed, b=stored) is True
            assert evaluate(parse(f"{typed} + 1"), {stored: 1}) == 2


def test_a_key_made_here_is_in_nfc():
    assert value("{k: 1}", k=unicodedata.normalize("NFD", "가")) == {"가": 1}


def test_a_megabyte_of_accents_does_not_stand_still():
    accents = "a" + "\u0301\u0316" * 500_000
    started = time.perf_counter()

    assert nfc(accents) is accents
    assert value("a == b", a=accents, b=accents + "x") is False
    assert time.perf_counter() - started < 30  # Sorting them would take an hour.


def test_long_text_is_still_brought_to_nfc():
    korean = "경제 기사 " * 100

    assert nfc(unicodedata.normalize("NFD", korean)) == korean


def test_data_nested_without_end_is_refused_where_it_is_compared():
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    ring: list[Any] = []
    ring.append(ring)

    for data in (deep, ring):
        assert isinstance(refusal("a == b", a=data, b=[data]), WrongValue)
        assert isinstance(refusal("string(a)", a=data), WrongValue | ResultTooLarge)


def test_an_object_that_makes_keys_when_asked_is_no_data():
    assert isinstance(refusal("order.a", order=OrderedDict(a=1)), WrongValue)


def test_a_condition_holds_by_its_truth():
    empty: list[Any] = [None, False, 0, 0.0, "", [], {}]
    full: list[Any] = [True, 1, "0", [0], {"a": 0}, Host()]

    assert not any(truth(data) for data in empty)
    assert all(truth(data) for data in full)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (3, "3"),
        (3.0, "3"),
        (-0.0, "0"),
        (0.1, "0.1"),
        (1e22, "1e+22"),
        ("한글", "한글"),
        ([], "[]"),
        ({"키": [1, None, 2.5, "a"]}, '{"키":[1,null,2.5,"a"]}'),
    ],
)
def test_data_has_one_form_as_text(data: Any, text: str):
    assert as_text(data) == text


@pytest.mark.parametrize(
    "data", [10**5000, [float("nan")], {1, 2}, {(1, 2): 3}], ids=["huge", "nan", "set", "tuple as key"]
)
def test_what_json_cannot_say_has_no_form_as_text(data: Any):
    with pytest.raises(WrongValue):
        as_text(data)


def test_the_closure_is_made_once():
    expression: Expression = parse("once.only + 1")

    assert expression.step is expression.step

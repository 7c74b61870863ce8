import unicodedata
from datetime import UTC, datetime
from typing import Any

import pytest

from mulle.document.expressions import FUNCTIONS, evaluate, parse
from mulle.errors import ExpressionError, ResultTooLarge, WrongValue

NFD_SEOUL = unicodedata.normalize("NFD", "서울")


def value(text: str, /, **roots: Any) -> Any:
    return evaluate(parse(text), roots)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("length({'a': 1})", 1),
        ("upper('straße')", "STRASSE"),
        ("starts_with(nfd, '서')", True),
        ("ends_with('서울', nfd)", True),
        ("contains(nfd, '울')", True),
        ("split(nfd, '울')", ["서", ""]),
        ("replace(nfd, '울', '산')", "서산"),
        ("replace('aXa', 'a', 'bb')", "bbXbb"),
        ("join([], ',')", ""),
        ("join([{'a': 1}, 2.0], '|')", '{"a":1}|2'),
        ("url_encode(5)", "5"),
        ("url_encode(half)", "%3F"),
        ("number('-12')", -12),
        ("number('+1.50')", 1.5),
        ("number('1e3')", 1000.0),
        ("number(7)", 7),
        ("boolean('FALSE')", False),
        ("boolean(' 아니요 ')", False),
        ("boolean('')", False),
        ("boolean(0)", False),
        ("boolean({'a': 1})", True),
        ("json(null)", "null"),
        ("parse_json('[1, 2.5, \"가\"]')", [1, 2.5, "가"]),
        ("round(0.5)", 1),
        ("round(-0.5)", -1),
        ("round(2.675, 2)", 2.68),
        ("round(7)", 7),
        ("round(1e15 + 0.5)", 1000000000000000),
        ("round(1e20, 2)", 1e20),
        ("format_number(3.0)", "3"),
        ("format_number(1234.56)", "1,234.56"),
        ("format_number(-1234567, 0)", "-1,234,567"),
        ("format_number(12345678901234567, 1)", "12,345,678,901,234,567.0"),
        ("min([])", None),
        ("min(null)", None),
        ("min(null, 3)", 3),
        ("max(['가', '나'])", "나"),
        ("sum([])", 0),
        ("first(['a'])", "a"),
        ("last([])", None),
        ("take([1, 2, 3], -2)", [2, 3]),
        ("take([1, 2, 3], 0)", []),
        ("take(nfd, 1)", "서"),
        ("sort(['나', '가', null])", ["가", "나", None]),
        ("sort([])", []),
        ("sort([null])", [None]),
        ("sort([{'n': 1}, {}, {'n': 0}, null], 'n')", [{"n": 0}, {"n": 1}, {}, None]),
        ("unique([{'a': 1}, {'a': 1.0}, null, null, false, 0])", [{"a": 1}, None, False, 0]),
        ("pluck([{'제목': 1}, null], '제목')", [1, None]),
        ("type(true)", "boolean"),
        ("type(null)", "null"),
        ("is_null(0)", False),
    ],
)
def test_a_function_answers(text: str, result: object):
    found = value(text, nfd=NFD_SEOUL, half="\ud83d")

    assert found == result
    assert type(found) is type(result)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_null_as_first_argument_is_never_a_crash(name: str):
    function = FUNCTIONS[name]

    found = function(None, *[1] * (function.least - 1))

    assert found in (None, 0, False, True, "", 1, "null")


@pytest.mark.parametrize(
    "text",
    [
        "length(5)",
        "lower(5)",
        "upper([])",
        "trim({})",
        "contains(5, 1)",
        "starts_with('a', null)",
        "ends_with('a', 1)",
        "split('a', '')",
        "split('a', 1)",
        "split(1)",
        "join('a', ',')",
        "join([1], null)",
        "replace('a', '', 'b')",
        "replace('a', 'a', null)",
        "number([])",
        "number(true)",
        "number('')",
        "number('1,234')",
        "number('1_000')",
        "number('0x10')",
        "number('nan')",
        "number('１２')",
        "boolean('아마도')",
        "boolean(long)",
        "parse_json('{')",
        "parse_json('NaN')",
        "parse_json(deep)",
        "parse_json(digits)",
        "parse_json(1)",
        "round('a')",
        "round(1.5, 11)",
        "round(1.5, 0.5)",
        "round(1.5, -1)",
        "format_number('1')",
        "abs('a')",
        "min('a')",
        "min(1, 'a')",
        "max([1, true])",
        "sum([1, 'a'])",
        "sum(1)",
        "first('a')",
        "last({})",
        "take(1, 1)",
        "take([1], 1.5)",
        "take([1], null)",
        "take([1], 1e10)",
        "sort(1)",
        "sort([1, 'a'])",
        "sort([true])",
        "sort([{}])",
        "sort([1], 'key')",
        "sort([{'a': 1}], 5)",
        "reverse('abc')",
        "unique('aab')",
        "pluck([1], 'a')",
        "pluck({}, 'a')",
        "keys([])",
        "values('a')",
    ],
)
def test_a_function_refuses_what_it_cannot_work_with(text: str):
    with pytest.raises(WrongValue) as caught:
        value(text, long="y" * 100, deep="[" * 100_000, digits="9" * 5000)

    assert caught.value.text.startswith(f"`{text}`: ")


@pytest.mark.parametrize(
    "text",
    [
        "lower(big)",
        "upper(grows)",
        "trim(big)",
        "replace(medium, 'a', medium)",
        "replace(big, 'b', '')",
        "replace(korean, '나', '')",
        "join(items, medium)",
        "join([medium, medium], '')",
        "split(letters, 'a')",
        "split(spaces)",
        "string(heavy)",
        "json(heavy)",
        "url_encode(korean)",
        "parse_json(big)",
        "parse_json('1e999')",
        "parse_json(brackets)",
        "number('1e999')",
        "number('" + "9" * 350 + "')",
        "sum([1e300, 1e300])",
        "reverse(heavy)",
        "format_date('2024-01-01', big)",
        "format_date('2024-01-01', codes)",
        "[pluck(rows, 'text')][0]",
    ],
)
def test_a_function_refuses_to_make_more_than_a_megabyte(text: str):
    with pytest.raises(ResultTooLarge):
        value(
            text,
            big="a" * 1_000_001,
            grows="ß" * 500_001,
            medium="a" * 600_000,
            korean="가" * 333_334,
            items=list(range(100_000)),
            letters="a" * 400_000,
            spaces="a " * 300_000,
            heavy=["a" * 1000] * 1001,
            brackets="[" + "[]," * 300_000 + "[]]",
            codes="%A" * 400_000,
            rows=[{"text": "a" * 1000}] * 1001,
        )


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("format_date('2024-03-01T09:05:07+09:00', '%Y-%m-%d %H:%M:%S %z')", "2024-03-01 09:05:07 +0900"),
        ("format_date('2024-03-01T09:05:07-03:30', '%z')", "-0330"),
        ("format_date('2024-03-01', '%z%y %-H %%')", "24 0 %"),
        ("format_date('2024-03-01T00:00:00', '%I %-I %p')", "12 12 AM"),
        ("format_date('2024-03-01T13:00:00', '%I %-I %p')", "01 1 PM"),
        ("format_date('2024-03-01T13:00:00', '%p %-I시', 'ko')", "오후 1시"),
        ("format_date('2024-03-01', '%A %a %B %b')", "Friday Fri March Mar"),
        ("format_date('2024-03-01', '%A %a %B %b', 'ko')", "금요일 금 3월 3월"),
        ("format_date('Mon, 26 Sep 2016 07:50:00 +0900', '%Y-%m-%d %H:%M %z')", "2016-09-26 07:50 +0900"),
        ("format_date('26 sep 2016 07:50 GMT', '%Y-%m-%d %H:%M %z')", "2016-09-26 07:50 +0000"),
        ("format_date('26 Sep 2016 07:50 -0330', '%z')", "-0330"),
        ("format_date(' 2024-03-01T09:00:00Z ', '%H')", "09"),
        ("add_time('2024-03-01', 1, 'weeks')", "2024-03-08"),
        ("add_time('2024-03-01', 36, 'hours')", "2024-03-02T12:00:00"),
        ("add_time('2024-03-01T09:00:00+09:00', -0.5, 'minutes')", "2024-03-01T08:59:30+09:00"),
        ("seconds_between('2024-03-01', '2024-02-29')", -86400.0),
    ],
)
def test_dates_are_text_in_and_text_out(text: str, result: object):
    assert value(text) == result


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("format_date('어제', '%Y')", "not a date"),
        ("format_date('2024-02-30', '%Y')", "not a date"),
        ("format_date('26 Sep 2016 07:50 KST', '%Y')", "not a date"),
        ("format_date('26 Foo 2016 07:50 GMT', '%Y')", "not a date"),
        ("format_date('26 Sep 2016 07:50 +9900', '%Y')", "not a date"),
        ("format_date(long, '%Y')", "not a date"),
        ("format_date(20240301, '%Y')", "a date is text"),
        ("format_date('2024-03-01', 5)", "the pattern is text"),
        ("format_date('2024-03-01', '%Q')", "not a code"),
        ("format_date('2024-03-01', '100%')", "not a code"),
        ("format_date('2024-03-01', '%9999999d')", "not a code"),
        ("format_date('2024-03-01', '%A', 'fr')", "'en' or 'ko'"),
        ("add_time('2024-03-01', 1, 'months')", "the unit is one of"),
        ("add_time('2024-03-01', 1, [])", "the unit is one of"),
        ("add_time('2024-03-01', '1', 'days')", "not string"),
        ("add_time('2024-03-01', 1e10, 'days')", "between the years"),
        ("add_time('9999-12-31', 1, 'days')", "between the years"),
        ("seconds_between('2024-03-01', '2024-03-01T00:00:00Z')", "has a time zone"),
    ],
)
def test_what_is_no_date_is_refused(text: str, says: str):
    with pytest.raises(ExpressionError) as caught:
        value(text, long="2024-03-01" + " " * 100)

    assert says in caught.value.text


def test_our_codes_of_dates_agree_with_the_hosts():
    moment = datetime(2024, 11, 5, 0, 7, 9, tzinfo=UTC)
    pattern = "%Y %y %m %-m %d %-d %H %-H %I %-I %M %S %p %A %a %B %b %z %%"

    assert value("format_date(when, pattern)", when=moment.isoformat(), pattern=pattern) == moment.strftime(pattern)

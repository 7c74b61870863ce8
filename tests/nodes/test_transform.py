import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.nodes.alone import outputs, problems, references

from mulle.document.workflow import NodeSpec
from mulle.nodes.transform import Transform, Untransformable
from mulle.sdk.catalogue import Catalogue

ARTICLES = [
    {"title": "<b>경제</b> 성장률 &quot;반등&quot;", "link": "https://n.news/1", "views": 30, "section": "경제"},
    {"title": "금리 &amp; 환율", "link": "https://n.news/2", "views": 50, "section": "경제"},
    {"title": "오늘 날씨", "link": "https://n.news/3", "views": None, "section": "날씨"},
    {"title": "금리 &amp; 환율", "link": "https://n.news/2", "views": 50, "section": "경제"},
]


async def value(operations: list[dict[str, Any]], data: Any, **more: Any) -> Any:
    return (await outputs(Transform(), {"operations": operations}, {"value": data}, **more))["value"]


async def test_pick_keeps_and_computes_fields():
    made = await value([{"op": "pick", "fields": {"제목": "item.title", "n": "index + 1"}}], ARTICLES[1:3])

    assert made == [{"제목": "금리 &amp; 환율", "n": 1}, {"제목": "오늘 날씨", "n": 2}]


async def test_pick_works_on_a_single_object_too():
    assert await value([{"op": "pick", "fields": {"t": "item.a.b"}}], {"a": {"b": 7}}) == {"t": 7}


async def test_filter_keeps_what_the_test_holds_for():
    made = await value([{"op": "filter", "when": '"금리" in item.title and item.views >= 50'}], ARTICLES)

    assert [item["link"] for item in made] == ["https://n.news/2", "https://n.news/2"]


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"count": 2}, [0, 1]),
        ({"count": -2}, [3, 4]),
        ({"count": 2, "skip": 3}, [3, 4]),
        ({"count": 9}, [0, 1, 2, 3, 4]),
    ],
)
async def test_take_keeps_the_first_or_the_last(operation: dict[str, int], expected: list[int]):
    assert await value([{"op": "take", **operation}], [0, 1, 2, 3, 4]) == expected


async def test_sort_puts_nulls_last_in_both_directions():
    rising = await value([{"op": "sort", "by": "item.views"}], ARTICLES)
    falling = await value([{"op": "sort", "by": "item.views", "reverse": True}], ARTICLES)

    assert [item["views"] for item in rising] == [30, 50, 50, None]
    assert [item["views"] for item in falling] == [50, 50, 30, None]


async def test_unique_keeps_the_first_of_the_same():
    made = await value([{"op": "unique", "by": "item.link"}], ARTICLES)

    assert made == ARTICLES[:3]


async def test_map_flatten_and_value_change_the_shape():
    operations = [
        {"op": "map", "expression": "[item, item * 10]"},
        {"op": "flatten"},
        {"op": "value", "expression": '{"sum": sum(value), "count": length(value)}'},
    ]

    assert await value(operations, [1, 2]) == {"sum": 33, "count": 4}


async def test_group_puts_the_same_together_in_order_of_coming():
    made = await value([{"op": "group", "by": "item.section"}], ARTICLES)

    assert [(group["key"], len(group["items"])) for group in made] == [("경제", 3), ("날씨", 1)]


async def test_set_adds_fields_and_keeps_the_others():
    made = await value([{"op": "set", "fields": {"n": "number(item.price) * 2"}}], [{"price": "21"}])

    assert made == [{"price": "21", "n": 42}]


async def test_strip_html_takes_the_markup_off_the_named_fields():
    made = await value([{"op": "strip_html", "fields": ["title", "absent"]}], ARTICLES[:1])

    assert made[0] == ARTICLES[0] | {"title": '경제 성장률 "반등"'}


async def test_format_writes_each_item_and_joins_the_texts():
    operations = [
        {"op": "strip_html", "fields": ["title"]},
        {"op": "take", "count": 2},
        {"op": "format", "template": "{{ index + 1 }}. {{ item.title }}\n{{ item.link }}", "separator": "\n\n"},
    ]

    assert await value(operations, ARTICLES) == (
        '1. 경제 성장률 "반등"\nhttps://n.news/1\n\n2. 금리 & 환율\nhttps://n.news/2'
    )


async def test_format_says_so_when_there_is_nothing():
    operation = {"op": "format", "template": "{{ item }}", "empty": "오늘은 기사가 없습니다."}

    assert await value([operation], []) == "오늘은 기사가 없습니다."


async def test_join_makes_one_text():
    assert await value([{"op": "join", "separator": ", "}], ["가", 2, None]) == "가, 2, "


async def test_a_value_at_the_port_comes_before_the_setting():
    settings = {"value": "{{ news.json }}", "operations": [{"op": "take", "count": 1}]}
    names = {"news": {"json": [1, 2]}}

    assert await outputs(Transform(), settings, names=names) == {"value": [1]}
    assert await outputs(Transform(), settings, {"value": [8, 9]}, names=names) == {"value": [8]}


async def test_expressions_see_other_nodes_beside_the_item():
    made = await value(
        [{"op": "filter", "when": "start.word in item"}], ["비 소식", "해"], names={"start": {"word": "비"}}
    )

    assert made == ["비 소식"]


async def test_an_error_names_the_operation_and_the_item():
    with pytest.raises(Untransformable) as caught:
        await value([{"op": "take", "count": 3}, {"op": "map", "expression": "item.titel"}], ARTICLES)

    assert caught.value.text == (
        "Operation 2 (map), item 0: `item.titel`: there is no 'titel', only 'title', 'link', 'views', 'section'."
    )
    assert caught.value.advice == "Did you mean 'title'?"


@pytest.mark.parametrize(
    ("operation", "data", "problem"),
    [
        ({"op": "take", "count": 3}, None, "Operation 1 (take): it needs a list, but the value is null."),
        ({"op": "take", "count": 3}, [0] * 100_001, "Operation 1 (take): the list has 100,001 items, and 100,000 is"),
        ({"op": "pick", "fields": {"a": "item"}}, [0] * 100_001, "Operation 1 (pick): the list has 100,001 items"),
        (
            {"op": "set", "fields": {"a": "1"}},
            ["글"],
            "Operation 1 (set), item 0: only objects have fields, and this is",
        ),
        ({"op": "sort"}, [1, "글"], "Operation 1 (sort): number and string cannot be put in order"),
        ({"op": "strip_html", "fields": ["a"]}, ["글"], "Operation 1 (strip_html), item 0: only objects have fields"),
        ({"op": "join"}, ["가" * 1000] * 1000, "Operation 1 (join): the text is larger than 1 MB"),
    ],
)
async def test_what_does_not_fit_says_so(operation: dict[str, Any], data: Any, problem: str):
    with pytest.raises(Untransformable) as caught:
        await value([operation], data)

    assert caught.value.text.startswith(problem)


async def test_a_single_object_is_written_and_tidied_too():
    operations: list[dict[str, Any]] = [
        {"op": "strip_html", "fields": ["title"]},
        {"op": "format", "template": "{{ item.title }}!"},
    ]

    assert await value(operations, {"title": "<b>글</b>"}) == "글!"
    assert await value([{"op": "strip_html"}], ["<i>가</i>", 2]) == ["가", 2]


async def test_a_long_list_lets_others_work():
    worked: list[int] = []

    async def other() -> None:
        while True:
            worked.append(1)
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    await value([{"op": "map", "expression": "item + 1"}], list(range(10_000)))
    task.cancel()

    assert len(worked) >= 9


async def test_a_list_cannot_be_made_to_explode():
    with pytest.raises(Untransformable, match="larger than 32 MB"):
        await value([{"op": "map", "expression": "value"}], ["가" * 100] * 5000)


def test_only_what_is_outside_the_operations_counts_as_a_reference():
    settings = {
        "value": "{{ fetch.json.items }}",
        "operations": [
            {"op": "filter", "when": "item.n > start.least and index < length(value)"},
            {"op": "pick", "fields": {"title": "item.title + start.mark"}},
            {"op": "strip_html", "fields": ["title"]},
            {"op": "format", "template": "{{ item.title }} {{ env.REGION }}"},
        ],
    }

    assert references(Transform(), settings) == ["fetch.json.items", "start.least", "start.mark", "env.REGION"]


def test_a_broken_operation_is_found_before_a_run():
    found = problems(
        Transform(),
        {
            "operations": [
                {"op": "filter", "when": "item.x >"},
                {"op": "shuffle"},
                {"op": "take", "count": "{{ start.n }}"},
            ]
        },
    )

    assert [problem.split(":")[0] for problem in found] == [
        "nodes.step.data.operations[0].when",
        "nodes.step.data.operations[1]",
    ]


def test_a_misspelt_operation_is_told_from_its_right_name():
    spec = NodeSpec(id="t", type="transform", data={"operations": [{"op": "fliter", "when": "true"}]})
    (problem,) = Catalogue({"transform": Transform()}).describe(spec).problems

    assert problem.hint == "Did you mean 'filter'?"


def test_a_transform_that_ends_in_text_gives_text():
    spec = NodeSpec(id="t", type="transform", data={"operations": [{"op": "join"}]})
    (port,) = Transform().signature(spec).outputs

    assert port.type == "string"


@given(st.lists(st.integers() | st.none()))
async def test_sort_loses_nothing(numbers: list[int | None]):
    made = await value([{"op": "sort"}], numbers)

    assert made == sorted(n for n in numbers if n is not None) + [None] * numbers.count(None)

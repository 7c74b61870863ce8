"""Workflows drawn by decorated functions: what becomes of calls, branches, lists and constants, and how they run."""

# pyright: basic
# What stands for a result while a workflow is drawn has no type of its own.

from typing import Any

import pytest

import mulle
from mulle.document.reading import read_workflow, write_yaml
from mulle.document.versions import graph_text
from mulle.document.workflow import Workflow as Document


@mulle.step(retry={"max": 2, "delay": 0}, name="가져오기")
async def fetch(topic: str, count: int = 3) -> list[str]:
    return [f"{topic} {number}" for number in range(count)]


@mulle.step
def shorten(article: str, width: int = 4) -> str:
    return article[:width]


@mulle.step
def apologise(topic: str) -> str:
    return f"{topic}: 없음"


@mulle.step
def join(parts: list[Any]) -> str:
    return ", ".join(map(str, parts))


@mulle.workflow("소식")
def news(topic: str, most: int = 2):
    articles = fetch(topic)
    with mulle.when(f"length({articles}) > {most}") as some:
        texts = mulle.each(articles, shorten)
        line = join(texts)
    with some.otherwise:
        sorry = apologise(topic)
    return mulle.first(line, sorry)


def test_a_step_outside_of_a_workflow_is_the_plain_function():
    assert shorten("하나 둘 셋", width=2) == "하나"
    assert vars(shorten)["__name__"] == "shorten"


@pytest.mark.parametrize(("most", "output"), [(2, "경제 0, 경제 1, 경제 2"), (5, "경제: 없음")])
async def test_a_drawn_workflow_runs_the_branch_that_holds(most: int, output: str):
    async with mulle.open(":memory:") as app:
        run = await app.run(news, {"topic": "경제", "most": most})

    assert run.output == output


def test_inputs_have_the_defaults_of_the_function():
    assert news.execute({"topic": "경제"}).output == "경제 0, 경제 1, 경제 2"


def test_one_input_may_be_given_without_its_name():
    @mulle.workflow
    def short(article: str):
        return shorten(article)

    assert short.execute("하나둘셋넷다섯").output == "하나둘셋"
    assert short.execute({"article": "하나"}).output == "하나"
    assert short.name == "short"


def test_inputs_by_name_are_asked_for_where_there_are_several():
    with pytest.raises(TypeError, match="topic, most"):
        news.execute("경제")


def test_annotations_become_typed_ports_and_settings_policies():
    by_id = {node.id: node for node in news.document.nodes}

    node = by_id["fetch"]
    assert [(port.name, port.type, port.required, port.default_value) for port in node.ports.inputs] == [
        ("topic", "string", True, None),
        ("count", "number", False, 3),
    ]
    assert node.ports.outputs[0].type == "array"
    assert (node.type, node.name, node.retry.max) == ("function", "가져오기", 2)
    assert [(port.name, port.required) for port in by_id["start"].ports.outputs] == [("topic", True), ("most", False)]


def test_the_same_document_comes_back_from_yaml_and_runs_with_its_functions():
    document = read_workflow(write_yaml(news.document))

    assert graph_text(document) == graph_text(news.document)
    again = mulle.Workflow.of(document, [fetch, shorten, join, apologise])
    assert again.execute({"topic": "날씨"}).output == "날씨 0, 날씨 1, 날씨 2"
    assert graph_text(again.document) == graph_text(document)


def test_a_document_without_its_functions_cannot_be_bound():
    with pytest.raises(LookupError, match="'fetch'"):
        mulle.Workflow.of(news.document, [shorten])


def test_a_part_of_a_result_and_several_results_can_be_given():
    @mulle.workflow
    def parts(topic: str):
        articles = fetch(topic, count=2)
        return {
            "first": shorten(articles[0], 2),
            "both": join([apologise(topic), articles]),
            "one": 1,
            "all": [articles],
        }

    result = parts.execute("경제")

    assert result.outputs == {
        "first": "경제",
        "both": "경제: 없음, ['경제 0', '경제 1']",
        "one": 1,
        "all": [["경제 0", "경제 1"]],
    }


def test_a_step_that_is_called_twice_is_two_nodes():
    @mulle.workflow
    def twice(article: str):
        return shorten(shorten.options(id="먼저", critical=True)(article, 6), 2)

    assert [node.id for node in twice.document.nodes] == ["start", "먼저", "shorten", "end"]
    assert twice.document.nodes[1].data["critical"] is True
    assert twice.execute("하나둘셋넷다섯").output == "하나"


def test_each_item_may_go_through_several_steps_with_what_stands_outside():
    @mulle.step
    def numbered(text: str, index: int, topic: str) -> str:
        return f"{topic}/{index}/{text}"

    @mulle.workflow
    def listed(topic: str):
        return mulle.each(fetch(topic), lambda item, index: numbered(shorten(item), index, topic), at_a_time=2)

    assert listed.execute("경제").output == [f"경제/{number}/경제 {number}" for number in range(3)]


def test_each_goes_through_lists_that_are_written_out_and_gives_objects_by_name():
    @mulle.workflow
    def listed():
        return mulle.each(["하나", "둘"], lambda item: {"kept": item, "short": shorten(item, 1)}, id="모두")

    assert listed.execute().output == [{"kept": "하나", "short": "하"}, {"kept": "둘", "short": "둘"}]
    assert "모두" in listed.step_ids()


def test_a_failed_item_may_be_left_out():
    @mulle.step
    def picky(item: int) -> int:
        return 10 // item

    @mulle.workflow
    def listed(items: list[int]):
        return mulle.each(items, picky, on_error="drop")

    assert listed.execute([5, 0, 2]).output == [2, 5]


def test_a_fallback_takes_over():
    @mulle.step
    def broken(topic: str) -> str:
        raise OSError(topic)

    @mulle.workflow
    def careful(topic: str):
        return shorten(broken.options(fallback=apologise)(topic), 6)

    assert careful.execute("경제").output == "경제: 없음"


@pytest.mark.parametrize(("count", "output"), [(0, "빔"), (3, "셋")])
def test_branches_stand_within_branches(count: int, output: str):
    @mulle.step
    def say(word: str) -> str:
        return word

    @mulle.step
    def is_many(count: int) -> bool:
        return count > 2

    @mulle.workflow
    def nested(count: int):
        with mulle.when(f"{count} > 0", id="some") as some:
            with mulle.when(is_many(count)) as many:
                three = say("셋")
            with many.otherwise:
                few = say("조금")
        with some.otherwise:
            none = say("빔")
        return mulle.first(mulle.first(three, few), none)

    assert nested.execute(count).output == output


async def test_built_in_nodes_stand_between_steps():
    @mulle.workflow
    def asked(topic: str):
        articles = fetch(topic)
        ok = mulle.node("approval", {"title": f"{articles} 보낼까요?", "show": {"topic": topic}}, id="확인")
        with ok.branch("approved"):
            sent = join(articles)
        with ok.branch("rejected"):
            kept = apologise(topic)
        return {"sent": mulle.first(sent, kept), "by": ok["by"]}

    async with mulle.open(":memory:") as app:
        run = await app.run(asked, "경제")
        assert run.status == "waiting"
        await app.signal(run.id, "확인", {"decision": "yes", "by": "물레"})
        run = await app.go_on(run.id)

    assert run.outputs == {"sent": "경제 0, 경제 1, 경제 2", "by": "물레"}


def test_nodes_take_inputs_and_come_after_others():
    @mulle.workflow
    def shaped(topic: str):
        articles = fetch(topic)
        made = mulle.node("template", {"template": "{{ start.topic }}!"}, after=articles, timeout="5s", retry=1)
        return mulle.node("subflow", id="안", inputs={"a": made["text"], "b": 2}, body=EMPTY)

    nodes = {node.id: node for node in shaped.document.nodes}
    assert nodes["template"].timeout == 5
    assert ("fetch", None, "template", None) in {
        (edge.source, edge.source_port, edge.target, edge.target_port) for edge in shaped.document.edges
    }
    assert nodes["안"].ports.inputs[0].default_value == 2


EMPTY = {"nodes": [{"id": "end", "type": "end"}]}


def test_a_workflow_that_returns_nothing_ends_after_its_last_steps():
    @mulle.workflow
    def silent(topic: str):
        shorten(topic)
        fetch(topic)

    result = silent.execute("경제")

    assert (result.status, result.output) == ("completed", None)
    assert {edge.source for edge in silent.document.edges if edge.target == "end"} == {"shorten", "fetch"}


def test_a_workflow_called_in_another_puts_its_steps_there():
    @mulle.workflow
    def outer(topic: str):
        return shorten(news(topic, 2), 5)

    assert outer.execute("경제").output == "경제 0,"


def test_ids_that_expressions_cannot_say_are_quoted():
    @mulle.workflow
    def odd(topic: str):
        articles = fetch.options(id="뉴스 1")(topic)
        with mulle.when(f"length({articles}) > 0"):
            return shorten(articles[0])

    assert odd.document.nodes[2].data["cases"][0]["when"] == 'length(nodes["뉴스 1"].output) > 0'
    assert odd.execute("경제").output == "경제 0"


# ---------------------------------------------------------------------- mistakes


def drawn(function: Any) -> Document:
    return mulle.workflow(function).document


@pytest.mark.parametrize(
    ("mistake", "hint"),
    [
        (lambda topic: fetch(topic) and topic, "mulle.when"),
        (lambda topic: [*fetch(topic)], "mulle.each"),
        (lambda topic: fetch(topic).upper(), r'\["upper"\]'),
        (lambda topic: fetch(*[], count=topic), "topic"),
        (lambda topic: fetch(topic, nonsense=1), "nonsense"),  # pyright: ignore[reportCallIssue]  # On purpose.
    ],
)
def test_what_cannot_be_drawn_is_refused_with_what_to_do_instead(mistake: Any, hint: str):
    with pytest.raises(TypeError, match=hint):
        drawn(mistake)


def test_what_comes_after_something_outside_of_its_branch_is_refused():
    def mistake(topic: str) -> None:
        articles: Any = fetch(topic)
        with mulle.when("true"):
            mulle.node("template", {"template": "x"}, after=articles)

    with pytest.raises(ValueError, match="branch"):
        drawn(mistake)


def test_drawing_words_mean_nothing_outside_of_a_workflow():
    with pytest.raises(TypeError, match=r"@mulle\.workflow"):
        mulle.when("true")
    with pytest.raises(TypeError, match=r"app\.run"):
        news("경제")
    with pytest.raises(TypeError, match="'retires'"):
        shorten.options(retires=1)


def test_a_value_says_what_it_stands_for():
    seen: list[Any] = []

    def look(topic: str) -> None:
        seen.append(fetch(topic))

    drawn(look)
    value = seen[0]
    assert str(value["제목"][0]["a b"]) == '{{ fetch.output.제목[0]["a b"] }}'
    assert not hasattr(value, "__len__")

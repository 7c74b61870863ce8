"""Start, forks, ends and answers of a Dify export run here as they did there."""

from typing import Any

import pytest
import yaml
from tests.interop.exports import end, export, node, pin, problems, ran, start

from mulle.interop.dify.assemble import import_dify
from mulle.services.sandbox import available

pytestmark = pytest.mark.skipif(not available().ok, reason="This kernel has not the locks that code steps need.")


def template(id_: str, text: str, **more: Any) -> dict[str, Any]:
    return node(id_, "template-transform", template=text, variables=[], **more)


def fork(*conditions: dict[str, Any], logical: str = "and", id_: str = "if") -> dict[str, Any]:
    case = {"case_id": "true", "logical_operator": logical, "conditions": list(conditions)}
    return node(id_, "if-else", cases=[case])


def condition(selector: str, operator: str, value: Any = None) -> dict[str, Any]:
    return {"variable_selector": selector.split("."), "comparison_operator": operator, "value": value}


YES_OR_NO = "start>if if:true>yes if:false>no yes>end no>end"


@pytest.mark.parametrize(
    ("value", "operator", "wanted", "taken"),
    [
        ("물레방아", "contains", "물레", "yes"),
        ("물레방아", "start with", "방아", "no"),
        ("", "empty", None, "yes"),
        (5.5, "=", "5.5", "yes"),
        (None, "is", "x", "no"),
        (False, "is", "false", "yes"),
        (["a"], "not contains", "b", "yes"),
        ("a", "exists", None, "yes"),
    ],
)
async def test_a_condition_takes_the_branch_that_it_took(value: Any, operator: str, wanted: Any, taken: str):
    nodes = [start("v"), fork(condition("start.v", operator, wanted)), template("yes", "예"), template("no", "아니오")]
    run = await ran(export([*nodes, end(y="yes.output", n="no.output")], YES_OR_NO), {"v": value})

    assert run.outputs == ({"y": "예", "n": None} if taken == "yes" else {"y": None, "n": "아니오"})


async def test_an_operator_that_does_not_go_with_a_value_fails_the_run():
    nodes = [start("v"), fork(condition("start.v", "is", "5")), template("yes", ""), template("no", "")]
    run = await ran(export([*nodes, end(y="yes.output")], YES_OR_NO), {"v": 5})

    assert (run.status, run.error and run.error["type"]) == ("failed", "check.cannot_compare")


async def test_a_condition_on_what_is_not_there_fails_the_run_and_is_noted():
    text = export([start("v"), fork(condition("nope.x", "is", "a")), end(v="start.v")], "start>if if:true>end")
    run = await ran(text, {"v": 1})

    assert run.status == "failed"
    assert any("nope.x" in note for note in run.imported.notes)


async def test_results_are_shown_as_dify_streams_them():
    run = await ran(export([start("a", "b"), end(a="start.a", b="start.b")], "start>end"), {"a": [1, "둘"], "b": None})

    assert run.outputs == {"a": [1, "둘"], "b": None}
    assert run.said == "- 1\n- 둘\n"


def chat(nodes: list[dict[str, Any]], edges: str, **more: Any) -> bytes:
    return export(nodes, edges, mode="advanced-chat", **more)


def llm(id_: str, **more: Any) -> dict[str, Any]:
    prompt = [{"role": "user", "text": "{{#sys.query#}}"}]
    return node(id_, "llm", prompt_template=prompt, model={"provider": "langgenius/openai/openai", "name": "m"}, **more)


def answer(id_: str, text: str, parent: str | None = None) -> dict[str, Any]:
    return node(id_, "answer", parent, answer=text)


async def test_one_answer_is_the_runs_answer():
    nodes = [start(), llm("l"), answer("a", "{{#sys.query#}}: {{#l.text#}}")]
    run = await ran(chat(nodes, "start>l l>a"), {"query": "안녕"}, pins={"l": pin(text="반가워요")})

    assert run.outputs == {"answer": "안녕: 반가워요", "files": []}
    assert run.said == "안녕: 반가워요"


@pytest.mark.parametrize(
    ("text", "said"), [("{{{#start.v#}}}", "{5}"), ("{{ {{{#start.v#}}", "{{ {5"), ("{a}{{#start.v#}}", "{a}5")]
)
async def test_braces_around_a_reference_stay(text: str, said: str):
    run = await ran(export([start("v"), node("a", "answer", answer=text)], "start>a"), {"v": 5})

    assert run.said == said


async def test_a_workflow_that_is_no_chat_may_refer_to_the_question():
    run = await ran(export([start("v"), end(q="sys.query")], "start>end"), {"query": "뭐예요?"})

    assert run.outputs == {"q": "뭐예요?"}
    assert (await ran(export([start(), end(q="sys.query")], "start>end"))).outputs == {"q": ""}


async def test_several_answers_are_one_and_shown_in_the_order_in_which_dify_opens_them():
    nodes = [
        start(),
        fork(condition("sys.query", "contains", "hi")),
        llm("l"),
        answer("a", "둘"),
        answer("b", "{{#l.text#}}"),
    ]
    run = await ran(
        chat(nodes, "start>if start>l if:true>a if:false>b l>b"), {"query": "hi"}, pins={"l": pin(text="하나")}
    )

    assert run.said == "하나둘"
    assert run.outputs["answer"] == "둘하나"


async def test_nothing_said_is_no_answer():
    nodes = [start(), fork(condition("sys.query", "is", "x")), answer("a", "가"), answer("b", "나")]
    run = await ran(chat(nodes, "start>if if:true>a if:true>b"), {"query": "y"})

    assert (run.status, run.outputs) == ("succeeded", {})


async def test_what_was_skipped_is_named_in_an_answer_and_never_shown():
    nodes = [
        start(),
        fork(condition("sys.query", "is", "x")),
        llm("l"),
        llm("m"),
        answer("a", "[{{#l.text#}}][{{#m.text#}}]"),
    ]
    text = chat(nodes, "start>if if:true>l if:false>m l>a m>a")

    run = await ran(text, {"query": "x"}, pins={"l": pin(text="엘")})

    assert (run.outputs["answer"], run.said) == ("[엘][m.text]", "[엘][]")


async def test_an_ends_stream_stops_at_a_name_that_means_nothing():
    run = await ran(export([start("a"), end(a="start.a", b="nope.x", c="start.a")], "start>end"), {"a": "가"})

    assert run.outputs == {"a": "가", "b": None, "c": "가"}
    assert run.said == "가\n"


async def test_an_ends_stream_goes_on_behind_a_step_that_is_always_skipped():
    broken = template("t", "{{ 1 / 0 }}", error_strategy="fail-branch")
    nodes = [start(), broken, template("fine", ""), template("bad", "나쁨"), end(f="fine.output", b="bad.output")]
    run = await ran(export(nodes, "start>t t:success-branch>fine t:fail-branch>bad fine>end bad>end"))

    assert (run.outputs, run.said) == ({"f": None, "b": "나쁨"}, "\n나쁨")


async def test_of_two_ends_with_one_name_the_later_wins():
    first, second = end(o="start.a"), end(o="t.output")
    first["id"] = "first"
    step = node("t", "template-transform", template="나중", variables=[])
    run = await ran(export([start("a"), step, first, second], "start>first start>t t>end"), {"a": "먼저"})

    assert run.outputs == {"o": "나중"}


@pytest.mark.parametrize(("value", "way"), [("a", "true"), ("b", "둘"), ("c", "false")])
async def test_a_fork_says_which_way_it_took(value: str, way: str):
    cases = [
        {"case_id": id_, "logical_operator": "and", "conditions": [condition("start.v", "is", wanted)]}
        for id_, wanted in (("true", "a"), ("둘", "b"))
    ]
    nodes = [start("v"), node("if", "if-else", cases=cases), end(way="if.selected_case_id", held="if.result")]
    run = await ran(export(nodes, "start>if if:true>end if:둘>end if:false>end"), {"v": value})

    assert run.outputs == {"way": way, "held": way != "false"}


async def test_an_output_that_no_fork_has_is_nothing_and_noted():
    nodes = [start("v"), fork(condition("start.v", "is", "a")), end(gone="if.gone")]
    run = await ran(export(nodes, "start>if if:true>end"), {"v": "a"})

    assert run.outputs == {"gone": None}
    assert any("'gone'" in note for note in run.imported.notes)


async def test_an_input_that_the_start_does_not_declare_is_nothing_and_noted():
    run = await ran(export([start("v"), end(v="start.v", gone="start.gone")], "start>end"), {"v": 1})

    assert (run.status, run.outputs) == ("succeeded", {"v": 1, "gone": None})
    assert any("'gone'" in note for note in run.imported.notes)


async def test_a_default_value_goes_on_with_what_went_wrong_beside_it():
    text = "{{#l.text#}} {{#l.error_message#}} {{#l.error_type#}}"
    defaults = [{"key": "text", "type": "string", "value": "없음"}]
    nodes = [start(), llm("l", error_strategy="default-value", default_value=defaults), answer("a", text)]
    pins = {"l": {"runs": [{"error": {"type": "X", "message": "고장"}}]}}

    assert (await ran(chat(nodes, "start>l l>a"), {"query": "q"}, pins=pins)).said == "없음 고장 X"
    assert (await ran(chat(nodes, "start>l l>a"), {"query": "q"}, pins={"l": pin(text="됨")})).said == "됨  "


async def test_a_condition_on_what_failed_fails_as_on_what_was_skipped():
    nodes = [start(), llm("l", error_strategy="fail-branch"), fork(condition("l.text", "is", "x")), answer("a", "가")]
    pins = {"l": {"runs": [{"error": {"type": "X", "message": "고장"}}]}}
    run = await ran(chat(nodes, "start>l l:fail-branch>if if:false>a"), {"query": "q"}, pins=pins)

    assert run.status == "failed"


async def test_a_condition_on_what_might_have_failed_and_did_not_is_like_any_other():
    nodes = [start(), llm("l", error_strategy="fail-branch"), fork(condition("l.text", "is", "x")), answer("a", "가")]
    run = await ran(chat(nodes, "start>l l>if if:true>a"), {"query": "q"}, pins={"l": pin(text="x")})

    assert (run.status, run.said) == ("succeeded", "가")


async def test_a_failure_leaves_by_its_branch():
    nodes = [
        start(),
        llm("l", error_strategy="fail-branch"),
        answer("ok", "{{#l.text#}}"),
        answer("bad", "{{#l.error_message#}}"),
    ]
    text = chat(nodes, "start>l l>ok l:fail-branch>bad")

    failed = await ran(text, {"query": "q"}, pins={"l": {"runs": [{"error": {"type": "X", "message": "고장"}}]}})
    assert (failed.status, failed.said) == ("succeeded", "고장")
    assert (await ran(text, {"query": "q"}, pins={"l": pin(text="됨")})).said == "됨"


@pytest.mark.parametrize("default", [[{"key": "output", "type": "string", "value": "대신"}], {"output": "대신"}])
async def test_a_failure_gives_its_default(default: Any):
    broken = template("t", "{{ 1 / 0 }}", error_strategy="default-value", default_value=default)
    run = await ran(export([start(), broken, end(o="t.output")], "start>t t>end"))

    assert (run.status, run.outputs) == ("succeeded", {"o": "대신"})


@pytest.mark.parametrize(
    ("type_", "default", "value"), [("number", "5", 5), ("checkbox", "true", True), ("number", "viele", None)]
)
async def test_an_input_begins_with_its_default_however_that_is_written(type_: str, default: Any, value: Any):
    taken = node("start", "start", variables=[{"variable": "v", "type": type_, "default": default}])

    assert (await ran(export([taken, end(v="start.v")], "start>end"))).outputs == {"v": value}


async def test_what_nothing_leads_to_is_left_out_with_a_note():
    run = await ran(export([start("v"), template("lost", "x"), end(v="start.v")], "start>end"), {"v": "1"})

    assert [one.id for one in run.imported.workflow.nodes] == ["start", "end"]
    assert any("lost" in note and "left out" in note for note in run.imported.notes)


@pytest.mark.parametrize(
    ("type_", "settings"), [("question-classifier", "classes"), ("parameter-extractor", "parameters")]
)
async def test_what_asks_for_nothing_is_valid_and_runs_only_pinned(type_: str, settings: str):
    asks = node("n", type_, None, **{settings: []})
    text = export([start("v"), asks, end(v="start.v")], "start>n start>end")

    assert [problem.severity for problem in await problems(text)] == ["warning"]


async def test_names_that_may_not_be_ids_get_others():
    nodes = [start("v"), template("a.b", "점"), template("if", "말"), end(x="a.b", y="if.output")]
    nodes[-1]["data"]["outputs"][0]["value_selector"] = ["a.b", "output"]
    run = await ran(export(nodes, "start>a.b start>if a.b>end if>end"), {"v": ""})

    assert run.outputs == {"x": "점", "y": "말"}
    assert [one.id for one in run.imported.workflow.nodes] == ["start", "a_b", "if", "end"]


async def test_what_mulle_has_no_step_for_is_a_warning_and_runs_pinned():
    tool = node(
        "t",
        "tool",
        tool_name="now",
        provider_name="time",
        tool_configurations={"api_key": "abc123"},
        tool_parameters={},
    )
    text = export([start(), tool, node("x", "brand-new"), end(t="t.text", x="x.y")], "start>t t>x x>end")

    assert {problem.severity for problem in await problems(text)} == {"warning"}
    run = await ran(text, pins={"t": pin(text="지금"), "x": pin(y=1)})
    assert run.outputs == {"t": "지금", "x": 1}
    assert "abc123" not in str(run.imported)
    assert (await ran(text)).error["type"] == "dify.only_pinned"  # pyright: ignore[reportOptionalSubscript]


def plain(mode: str, **config: Any) -> bytes:
    model: dict[str, Any] = {"provider": "openai", "name": "m", "completion_params": {}}
    return yaml.safe_dump({"app": {"name": "봇", "mode": mode}, "model_config": {"model": model, **config}}).encode()


async def test_an_app_without_a_graph_asks_and_answers():
    form = [{"paragraph": {"variable": "city", "label": "도시", "required": True}}]
    tools = {"enabled": True, "tools": [{"tool_name": "weather"}]}
    run = await ran(
        plain("agent-chat", pre_prompt="{{city}}의 {{x}}", user_input_form=form, agent_mode=tools),
        {"query": "날씨?", "city": "서울"},
        pins={"llm": pin(text="맑음")},
    )

    assert run.outputs == {"answer": "맑음", "files": []}
    llm = next(one for one in run.imported.workflow.nodes if one.id == "llm")
    assert llm.data["system"] == '{{ start.city }}의 {{ "{{" }}x}}'
    assert llm.data["prompt"].endswith("}}{{ string(start.query) }}")
    assert any("weather" in note for note in run.imported.notes)


async def test_a_secret_in_a_prompt_fails_the_step_instead_of_being_told():
    asks = node("l", "llm", prompt_template=[{"role": "user", "text": "{{#env.TOKEN#}} {{#conversation.gone#}}"}])
    environment = [{"name": "TOKEN", "value_type": "secret", "value": "s3cret-value"}]
    text = chat([start(), asks, answer("a", "{{#l.text#}}")], "start>l l>a", environment_variables=environment)

    assert not [problem for problem in await problems(text) if problem.severity == "error"]
    assert any("env.TOKEN" in note for note in import_dify(text).notes)
    assert any("conversation.gone" in note for note in import_dify(text).notes)


def test_an_advanced_prompt_of_an_app_without_a_graph_is_carried_over():
    config = {
        "prompt_type": "advanced",
        "chat_prompt_config": {"prompt": [{"role": "system", "text": "Be {{mood}}."}, {"role": "user", "text": "Hi"}]},
        "user_input_form": [{"text-input": {"variable": "mood", "label": "Mood"}}],
        "model": {"provider": "openai", "name": "m"},
    }
    made = import_dify(yaml.safe_dump({"app": {"mode": "chat"}, "model_config": config}).encode())
    settings = made.workflow.nodes[1].data

    assert settings["system"] == "Be {{ start.mood }}."
    assert settings["prompt"].endswith("}}user: Hi\n\nuser: {{ start.query }}")

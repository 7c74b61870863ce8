"""A chat of Dify's goes on remembering: its earlier turns are a variable of the conversation."""

from typing import Any

import yaml
from tests.interop.exports import Ran, end, export, node, pin, problems, ran, start

from mulle.interop.dify.assemble import import_dify

MEMORY = {"query_prompt_template": "{{#sys.query#}}", "window": {"enabled": True, "size": 2}}


def model(id_: str = "l", **more: Any) -> dict[str, Any]:
    return node(id_, "llm", prompt_template=[{"role": "system", "text": "Be kind."}], **more)


def answer(id_: str, text: str) -> dict[str, Any]:
    return node(id_, "answer", answer=text)


def chat(**more: Any) -> bytes:
    nodes = [start(), model(**more), answer("a", "{{#l.text#}}!")]
    return export(nodes, "start>l l>a", mode="advanced-chat")


async def said(text: bytes, query: str, answered: str, before: dict[str, Any] | None = None) -> Ran:
    return await ran(text, {"query": query}, pins={"l": pin(text=answered)}, conversation=before or {})


async def test_each_turn_is_kept_for_the_next_run():
    text = chat(memory=MEMORY)
    first = await said(text, "누구세요?", "물레예요")
    second = await said(text, "뭐 해요?", "잣고 있어요", first.conversation)

    assert first.conversation == {"turns": [{"user": "누구세요?", "assistant": "물레예요!"}]}
    assert second.conversation["turns"][1] == {"user": "뭐 해요?", "assistant": "잣고 있어요!"}
    assert second.outputs == {"answer": "잣고 있어요!", "files": []}
    assert not [problem for problem in await problems(text) if problem.severity == "error"]


async def test_no_more_turns_are_kept_than_a_model_may_be_shown():
    before = {"turns": [{"user": f"{n}", "assistant": ""} for n in range(20)]}
    after = (await said(chat(memory=MEMORY), "새", "네", before)).conversation["turns"]

    assert [after[0]["user"], after[-1]["user"], len(after)] == ["1", "새", 20]


def test_a_model_is_shown_the_turns_in_its_window_before_the_question():
    prompt = import_dify(chat(memory=MEMORY)).workflow.nodes[1].data["prompt"]

    assert "json(take(conversation.turns, -2))" in prompt
    assert prompt.endswith("}}{{ string(start.query) }}")
    assert "take(" not in import_dify(chat(memory={"window": {"enabled": False}})).workflow.nodes[1].data["prompt"]


def test_what_has_no_memory_keeps_nothing():
    made = import_dify(chat())

    assert made.workflow.variables.conversation == {}
    assert [one.type for one in made.workflow.nodes] == ["start", "llm", "answer"]


async def test_all_that_several_answers_say_is_one_turn_under_a_name_of_its_own():
    nodes = [start(), answer("hello", "안녕. "), model(memory=MEMORY), answer("a", "{{#l.text#}}")]
    mine = [{"name": "turns", "value_type": "number", "value": 3}]
    text = export(nodes, "start>hello hello>l l>a", mode="advanced-chat", conversation_variables=mine)

    assert (await said(text, "q", "끝")).conversation == {
        "turns": 3,
        "turns_2": [{"user": "q", "assistant": "안녕. 끝"}],
    }


def test_a_workflow_that_is_no_chat_remembers_nothing():
    made = import_dify(export([start("v"), model(memory=MEMORY), end(r="l.text")], "start>l l>end"))

    assert made.workflow.variables.conversation == {}


def test_a_classifier_forgets_and_says_so():
    sorts = node("q", "question-classifier", classes=[{"id": "1", "name": "a"}], memory=MEMORY)
    made = import_dify(export([start(), sorts, answer("a", "x")], "start>q q:1>a", mode="advanced-chat"))

    assert any("'q'" in note and "memory" in note for note in made.notes)
    assert made.workflow.variables.conversation == {}


async def test_a_chat_without_a_graph_remembers_too():
    plain = {"app": {"mode": "chat", "name": "c"}, "model_config": {"pre_prompt": "Be kind.", "model": {"name": "m"}}}
    run = await ran(
        yaml.safe_dump(plain).encode(), {"query": "q"}, pins={"llm": {"outputs": {"text": "a"}}}, conversation={}
    )

    assert run.conversation == {"turns": [{"user": "q", "assistant": "a"}]}

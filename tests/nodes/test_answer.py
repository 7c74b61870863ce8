from typing import Any

import pytest
from tests.nodes.alone import outputs, references
from tests.nodes.whole import ran

from mulle.nodes.answer import Answer


async def test_a_text_streams_piece_by_piece_in_order():
    streamed: list[str] = []

    async def stream(text: str) -> None:
        streamed.append(text)

    text = "안녕하세요, {{ a.name }}님! {{ a.nothing }}{{ a.list }}"
    made = await outputs(
        Answer(), {"text": text}, names={"a": {"name": "김", "nothing": None, "list": [1, 2]}}, stream=stream
    )

    assert streamed == ["안녕하세요, ", "김", "님! ", "[1,2]"]
    assert made == {"answer": "안녕하세요, 김님! [1,2]"}


def test_its_references_are_known():
    assert references(Answer(), {"text": "{{ a.name }} {{ env.X }}"}) == ["a.name", "env.X"]


async def test_an_answer_is_an_end():
    run = await ran(
        """
        nodes:
          - {id: start, type: start, ports: {outputs: [{name: name, type: string}]}}
          - {id: say, type: answer, data: {text: "반가워요, {{ start.name }}님"}}
        edges: [{source: start, target: say}]
        """,
        {"name": "이"},
    )

    assert (run.status, run.detail) == ("succeeded", "")
    assert run.outputs == {"answer": "반가워요, 이님"}


async def test_in_markdown_lists_are_bullets_and_objects_are_indented():
    text = "{{ a.list }}|{{ a.object }}|{{ a.yes }}{{ a.nothing }}"
    names = {"a": {"list": [1, "둘", None], "object": {"키": 1}, "yes": True, "nothing": None}}

    made = await outputs(Answer(), {"text": text, "style": "markdown"}, names=names)

    assert made == {"answer": '- 1\n- 둘\n- None|{\n  "키": 1\n}|True'}


async def test_an_answer_may_wait_for_another_that_is_not_said():
    run = await ran(
        """
        nodes:
          - {id: start, type: start}
          - {id: second, type: answer, data: {text: "둘", after: [first.answer]}}
          - {id: fork, type: condition, data: {cases: [{name: one, when: "false"}]}}
          - {id: first, type: answer, data: {text: "하나"}}
        edges:
          - {source: start, target: fork}
          - {source: start, target: second}
          - {source: fork, source_port: one, target: first}
        """
    )

    assert run.outputs == {"answer": "둘"}


FAILED = {"type": "x", "message": "고장", "node": "ask"}


@pytest.mark.parametrize(
    ("step", "answer", "shown"),
    [
        (None, "[ask.text]", "[]"),
        ({"text": None, "error": FAILED}, "[ask.text]", "[]"),
        ({"text": None}, "[]", "[]"),
        ({"text": "네"}, "[네]", "[네]"),
    ],
)
async def test_a_gap_may_be_seen_in_the_answer_by_the_name_of_what_is_absent(step: Any, answer: str, shown: str):
    streamed: list[str] = []

    async def stream(text: str) -> None:
        streamed.append(text)

    made = await outputs(Answer(), {"text": "[{{ ask.text }}]", "absent": "name"}, names={"ask": step}, stream=stream)

    assert (made, "".join(streamed)) == ({"answer": answer}, shown)

from collections.abc import Mapping
from typing import Any

import pytest
from tests.nodes.alone import outputs, turn

from mulle.nodes.llm import Llm, NotAsAsked
from mulle.sdk.context import ServiceMissing, Services


class Scripted:
    """A model that answers what it was told to."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self.answer = answer
        self.asked: list[Mapping[str, Any]] = []

    async def complete(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append(request)
        return self.answer


async def test_a_model_is_asked_only_what_was_set():
    model = Scripted({"text": "요약", "model": "builtin", "usage": {"input_tokens": 12}})
    settings = {"task": "summarize", "text": "{{ page.text }}", "sentences": 2, "language": "ko"}

    answer = await turn(Llm(), settings, names={"page": {"text": "긴 글"}}, services=Services(llm=model))

    assert model.asked == [{"task": "summarize", "text": "긴 글", "sentences": 2, "language": "ko"}]
    assert answer.outputs == {"text": "요약", "model": "builtin", "json": None}
    assert answer.usage == {"input_tokens": 12}


async def test_text_at_the_port_comes_before_the_setting_and_data_becomes_text():
    model = Scripted({"text": "ok", "model": "m"})

    await outputs(Llm(), {"text": "정해진 글"}, {"text": {"가": 1}}, services=Services(llm=model))

    assert model.asked[0]["text"] == '{"가":1}'


async def test_with_a_schema_the_answer_is_data():
    model = Scripted({"text": '```json\n{"금액": 12000}\n```', "model": "m"})
    settings = {"task": "extract", "schema": {"type": "object"}}

    made = await outputs(Llm(), settings, services=Services(llm=model))

    assert made["json"] == {"금액": 12000}
    assert model.asked[0]["schema"] == {"type": "object"}


async def test_talk_instead_of_data_fails_the_step():
    model = Scripted({"text": "물론이죠! 금액은…", "model": "m"})

    with pytest.raises(NotAsAsked, match="물론이죠"):
        await outputs(Llm(), {"schema": {"type": "object"}}, services=Services(llm=model))


async def test_without_a_model_service_the_step_says_so():
    with pytest.raises(ServiceMissing, match="'llm'"):
        await outputs(Llm(), {"prompt": "안녕"})

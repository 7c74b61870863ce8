import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.services.llm.scripted import COMPLETIONS, KEY, refuses, says, told
from tests.services.site import Behaviour, Site, drip, hang_up, redirect, reply

from mulle.app.opening import open_app
from mulle.document.reading import read_workflow
from mulle.errors import MulleError, NetworkError
from mulle.services.llm import model as module
from mulle.services.llm.builtin import Builtin
from mulle.services.llm.failures import (
    ModelBusy,
    ModelFailed,
    ModelGarbled,
    ModelKeyMissing,
    ModelKeyRefused,
    ModelsMissing,
    ModelTimedOut,
    ModelUnknown,
    ModelUnreachable,
)
from mulle.services.llm.model import DEFAULT, Model, language_model, problem_of
from mulle.settings import Settings


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


def model(site: Site, *, timeout: float = 60) -> Model:
    return Model("openai:small", base_url=site.url("/v1"), key=KEY, timeout=timeout)


async def test_a_model_answers_with_its_text_its_name_and_what_it_used(site: Site):
    site.on(COMPLETIONS, says("세 줄 요약입니다."))

    answer = await model(site).complete({"task": "summarize", "text": "긴 글이다.", "temperature": 0, "max_tokens": 90})

    assert answer == {
        "text": "세 줄 요약입니다.",
        "model": "small-1",
        "usage": {"model": "small-1", "input_tokens": 12, "output_tokens": 5},
    }
    assert "긴 글이다." in told(site)["user"]
    assert site.received[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("text", ['{"이름": "철수"}', '```json\n{"이름": "철수"}\n```'])
async def test_an_answer_to_a_schema_is_data(site: Site, text: str):
    site.on(COMPLETIONS, says(text))

    answer = await model(site).complete({"task": "extract", "text": "철수입니다", "schema": {"type": "object"}})

    assert answer["json"] == {"이름": "철수"}


async def test_an_answer_that_is_no_data_is_left_to_the_step(site: Site):
    site.on(COMPLETIONS, says("철수인 것 같습니다."))

    answer = await model(site).complete({"task": "extract", "text": "철수입니다", "schema": {"type": "object"}})

    assert "json" not in answer


@pytest.mark.parametrize(
    ("behaviour", "kind", "said"),
    [
        (refuses(401, f"Incorrect API key provided: {KEY}"), ModelKeyRefused, "OPENAI_API_KEY"),
        (refuses(403, "no"), ModelKeyRefused, "OPENAI_API_KEY"),
        (refuses(404, "The model `small` does not exist"), ModelUnknown, "MULLE_MODEL"),
        (refuses(429, f"slow down, {KEY}"), ModelBusy, "retry"),
        (refuses(500, f"oh no {KEY}"), ModelFailed, "retry"),
        (reply(f"<html>{KEY}", headers={"Content-Type": "text/html"}), ModelGarbled, "MULLE_MODEL_BASE_URL"),
        (reply('{"ok": true}', headers={"Content-Type": "application/json"}), ModelGarbled, "MULLE_MODEL_BASE_URL"),
        (reply('{"cut', headers={"Content-Type": "application/json"}), ModelFailed, ""),
        (says(None), ModelGarbled, ""),
        (says("", finish="length"), ModelGarbled, ""),
        (hang_up, ModelUnreachable, "MULLE_MODEL_BASE_URL"),
        (redirect("/elsewhere", 307), ModelFailed, ""),
    ],
)
async def test_a_failure_is_named_asked_once_and_never_tells_the_key(
    site: Site, behaviour: Behaviour, kind: type[MulleError], said: str
):
    site.on(COMPLETIONS, behaviour)

    with pytest.raises(kind) as caught:
        await model(site).complete({"task": "generate", "prompt": "안녕"})

    assert len(site.received) == 1
    assert KEY not in repr(caught.value.__dict__) + caught.value.text + caught.value.advice
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert said in caught.value.advice


async def test_a_busy_endpoint_says_how_long_it_is_busy(site: Site):
    site.on(COMPLETIONS, refuses(429, "slow down", **{"Retry-After": "7"}))

    with pytest.raises(ModelBusy) as caught:
        await model(site).complete({"prompt": "안녕"})

    assert caught.value.retry_after == 7


async def test_an_answer_that_takes_too_long_is_not_waited_for(site: Site):
    site.on(COMPLETIONS, drip)

    with pytest.raises(ModelTimedOut, match=r"within 0\.5 s"):
        await model(site, timeout=0.5).complete({"prompt": "안녕"})


async def test_an_endpoint_that_is_not_there_was_sent_nothing():
    gone = Model("small", base_url="http://127.0.0.1:9/v1")

    with pytest.raises(ModelUnreachable) as caught:
        await gone.complete({"prompt": "안녕"})

    assert isinstance(caught.value, NetworkError)
    assert not caught.value.sent


async def test_a_step_may_name_its_own_model_or_none(site: Site):
    site.on(COMPLETIONS, says("네"))

    await model(site).complete({"prompt": "안녕", "model": "openai:large"})
    plain = await model(site).complete({"task": "summarize", "text": "한 문장이다.", "model": "builtin"})

    assert b'"model":"large"' in site.received[0].body.replace(b" ", b"")
    assert plain["model"] == "builtin"
    assert len(site.received) == 1


async def test_without_the_extra_it_is_said_what_to_install(site: Site, monkeypatch: pytest.MonkeyPatch):
    def nothing(name: str) -> None:
        del name

    monkeypatch.setattr(module, "find_spec", nothing)

    with pytest.raises(ModelsMissing) as caught:
        await model(site).complete({"prompt": "안녕"})

    assert "mulle[models]" in caught.value.advice


WORKFLOW = """
mulle: 1
name: 번역
nodes:
  - {id: start, type: start, ports: {outputs: [{name: text, type: string}]}}
  - {id: translate, type: llm, data: {task: translate, language: en, text: "{{ start.text }}"}}
  - {id: end, type: end, data: {outputs: {answer: "{{ translate.text }}"}}}
edges:
  - {source: start, target: translate}
  - {source: translate, target: end}
"""


async def test_a_run_asks_the_model_that_the_settings_name(site: Site, tmp_path: Path):
    site.on(COMPLETIONS, says("Good morning"))
    environ = {"MULLE_HOME": str(tmp_path), "MULLE_MODEL_BASE_URL": site.url("/v1"), "OPENAI_API_KEY": KEY}

    async with open_app(":memory:", given=Settings.from_environ(environ)) as app:
        ending = await app.run(read_workflow(WORKFLOW), {"text": "좋은 아침"})

    assert ending.outputs == {"answer": "Good morning"}
    assert "좋은 아침" in told(site)["user"]
    assert "code en" in told(site)["system"]


async def test_a_name_alone_is_not_enough_for_openai():
    alone = Model("gpt-5-mini")

    with pytest.raises(ModelKeyMissing):
        await alone.complete({"prompt": "안녕"})
    assert isinstance(problem_of(alone), ModelKeyMissing)


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({}, None),
        ({"OPENAI_API_KEY": "sk-x", "MULLE_MODEL": "builtin"}, None),
        ({"OPENAI_API_KEY": "sk-x"}, DEFAULT),
        ({"MULLE_MODEL": "openai:gpt-5"}, "gpt-5"),
        ({"MULLE_MODEL": "qwen3:8b", "MULLE_MODEL_BASE_URL": "http://localhost:11434/v1"}, "qwen3:8b"),
    ],
)
def test_a_key_or_a_name_or_an_endpoint_switches_a_model_on(environ: dict[str, str], name: str | None, tmp_path: Path):
    chosen = language_model(Settings.from_environ({**environ, "MULLE_HOME": str(tmp_path)}))

    assert isinstance(chosen, Builtin) if name is None else (isinstance(chosen, Model) and chosen.name == name)


def test_choosing_a_model_imports_nothing_heavy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for heavy in ("openai", "pydantic_ai"):
        monkeypatch.setitem(sys.modules, heavy, None)

    settings = Settings.from_environ({"MULLE_HOME": str(tmp_path), "OPENAI_API_KEY": "sk-x"})

    assert isinstance(language_model(settings), Model)

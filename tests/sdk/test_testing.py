"""A node tried alone is checked as a run would check it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel

from mulle.errors import MissingReference, NetworkError, SetupError
from mulle.nodes.condition import Condition
from mulle.nodes.start import Start
from mulle.sdk import Answer, Context, Done, Expand, Node, SecretText, Services, Settings, Wait
from mulle.sdk.fit import BadSettings, InputMissing, NoData, WrongType
from mulle.sdk.testing import (
    Ended,
    RecordingNotify,
    Reply,
    ScriptedHttp,
    ScriptedLlm,
    UndeclaredOutput,
    try_node,
)


class Echo(Node):
    """Answers whatever the test wants."""

    type = "echo"

    class Config(Settings):
        text: str = ""
        key: SecretText = ""

    class Inputs(BaseModel):
        count: int = 1
        parts: list[str] = []

    class Outputs(BaseModel):
        text: str
        count: int | None = None

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer

    async def run(self, config: Config, inputs: Inputs, ctx: Context) -> Any:
        await ctx.stream(config.text)
        if callable(self.answer):
            return self.answer(config, inputs, ctx)
        return self.answer or Done({"text": config.text + config.key, "count": inputs.count})


class Always:
    """A function that always gives the same."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def __call__(self, *_: Any) -> Any:
        return self.answer


async def test_templates_and_secrets_are_filled_in():
    services = Services(secret=lambda name: f"<{name}>")

    answer = await try_node(
        Echo(),
        {"text": "{{ start.topic }}", "key": "{{ secret.K }}"},
        names={"start": {"topic": "경제"}},
        services=services,
    )

    assert answer == Done({"text": "경제<K>", "count": 1})


async def test_a_name_that_the_test_did_not_give_is_said():
    with pytest.raises(MissingReference, match="'start' means nothing in this test"):
        await try_node(Echo(), {"text": "{{ start.topic }}"})
    with pytest.raises(MissingReference, match="'secret'"):
        await try_node(Echo(), {"key": "{{ secret.K }}"})


async def test_a_missing_secret_is_the_services_own_error():
    def nothing(name: str) -> str:
        raise SetupError(f"There is no secret '{name}'.")

    with pytest.raises(SetupError, match="'K'"):
        await try_node(Echo(), {"key": "{{ secret.K }}"}, services=Services(secret=nothing))


@pytest.mark.parametrize(("config", "where"), [({"txet": "a"}, "data.txet"), ({"text": 5}, "data.text")])
async def test_settings_that_do_not_fit(config: dict[str, Any], where: str):
    with pytest.raises(BadSettings, match=where):
        await try_node(Echo(), config)


async def test_settings_that_do_not_fit_once_filled_in():
    with pytest.raises(BadSettings, match=r"The setting text does not fit: .* valid string, not array"):
        await try_node(Echo(), {"text": "{{ n }}"}, names={"n": [5]})


async def test_inputs_are_checked_by_their_ports():
    class Needs(Node):
        type = "needs"

        class Inputs(BaseModel):
            count: int

    with pytest.raises(InputMissing, match="'count' needs a value"):
        await try_node(Needs())
    with pytest.raises(WrongType, match="'count' takes number, but the test carried string"):
        await try_node(Needs(), inputs={"count": "many"})
    with pytest.raises(BadSettings, match="count"):
        await try_node(Needs(), inputs={"count": 1.5})


async def test_a_type_without_inputs_gets_what_arrives():
    assert await try_node(Start(), inputs={"anything": (1, 2)}) == Done({"anything": [1, 2]})


async def test_a_branch_is_taken():
    config = {"cases": [{"name": "many", "when": "length(items) > 1"}]}

    assert await try_node(Condition(), config, {"items": [1, 2]}) == Done({"many": True})
    assert await try_node(Condition(), config, names={"items": []}) == Done({"else": True})


@pytest.mark.parametrize(
    ("outputs", "port"), [({"txet": "a"}, "txet"), ({"text": 5}, "text"), ({"text": "a", "count": "b"}, "count")]
)
async def test_an_answer_on_a_port_that_is_not_declared(outputs: dict[str, Any], port: str):
    with pytest.raises(UndeclaredOutput, match=f"on '{port}'"):
        await try_node(Echo(Done(outputs)))


async def test_silent_ports_null_and_the_error_branch_are_fine():
    assert await try_node(Echo(Done({}))) == Done({})
    assert await try_node(Echo(Done({"text": None}))) == Done({"text": None})
    assert await try_node(Echo(Done({"error": {"message": "x"}}))) == Done({"error": {"message": "x"}})


@pytest.mark.parametrize("answer", ["text", object(), Done({"text": object()}), Wait(form={"a": {object()}})])
async def test_what_no_journal_can_keep_is_refused(answer: Any):
    with pytest.raises(NoData):
        await try_node(Echo(Always(answer)))


async def test_an_answer_is_given_as_the_journal_will_give_it_back():
    class Part(BaseModel):
        n: int = 1

    when = datetime(2026, 1, 5, tzinfo=UTC)
    expand = Expand([{"item": (1, Part())}], plan={"nodes": ()}, memo={1: "one"})

    assert await try_node(Echo(expand)) == Expand([{"item": [1, {"n": 1}]}], plan={"nodes": []}, memo={"1": "one"})
    assert await try_node(Echo(Wait(form=when, memo=(1,)))) == Wait(form="2026-01-05T00:00:00Z", memo=[1])


async def test_a_later_turn_knows_its_memo_its_endings_and_its_signal():
    seen: list[Context] = []

    def look(_config: Any, _inputs: Any, ctx: Context) -> Answer:
        seen.append(ctx)
        return Done({})

    endings = [Ended({"a": 1}, state={"n": 1}), Ended(error={"message": "x"}), Ended(stopped=True)]
    await try_node(Echo(look), memo=(1, 2), endings=endings, signal={"name": "go"}, now=5.0, turn=2)

    assert (seen[0].memo, seen[0].now, seen[0].turn, seen[0].signal) == ([1, 2], 5.0, 2, {"name": "go"})
    assert [ending.succeeded for ending in seen[0].endings] == [True, False, False]


async def test_what_a_node_shows_while_it_works_can_be_watched():
    shown: list[str] = []

    async def watch(text: str) -> None:
        shown.append(text)

    await try_node(Echo(), {"text": "물레"}, stream=watch)

    assert shown == ["물레"]


# ---------------------------------------------------------------------- stand-ins


async def test_scripted_http_answers_in_order_and_remembers_what_was_asked():
    http = ScriptedHttp(Reply({"제목": "물가"}), NetworkError("Nobody answers."), Reply("a  b\nc", status=500))

    first = await http.request("GET", "http://x", params={"q": "경제"})
    with pytest.raises(NetworkError, match="Nobody"):
        await http.request("GET", "http://x")
    with pytest.raises(NetworkError, match="http://x answered 500: a b c"):
        await http.request("GET", "http://x")
    last = await http.request("POST", "http://x", raise_for_status=False)

    assert (first.json(), first.text) == ({"제목": "물가"}, '{"제목": "물가"}')
    assert (last.status, last.preview(3)) == (500, "a b")
    assert http.requests[0] == {"method": "GET", "url": "http://x", "params": {"q": "경제"}}
    assert (await ScriptedHttp().request("GET", "http://x")).status == 200


async def test_a_scripted_model_answers_in_order():
    llm = ScriptedLlm("하나", {"text": "둘", "json": {"n": 2}})

    answers = [await llm.complete({"prompt": prompt}) for prompt in ("a", "b", "c")]

    assert [answer["text"] for answer in answers] == ["하나", "둘", "둘"]
    assert answers[1]["json"] == {"n": 2}
    assert [request["prompt"] for request in llm.requests] == ["a", "b", "c"]
    assert (await ScriptedLlm().complete({}))["text"] == ""


async def test_recorded_messages_are_not_sent():
    notify = RecordingNotify()

    receipt = await notify.send("mail", {"to": ["kim@example.com"], "text": "뉴스"}, idempotency_key="k1")
    await notify.send("console", {"to": "me"}, idempotency_key="k2")

    assert receipt["delivered"] is True
    assert receipt["recipients"] == ["kim@example.com"]
    assert [(sent.channel, sent.idempotency_key) for sent in notify.sent] == [("mail", "k1"), ("console", "k2")]

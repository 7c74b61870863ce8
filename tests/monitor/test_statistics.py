"""What runs add up to, from real runs on a clock that is moved by hand."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from tests.monitor.home import MONDAY, Home, document, home, workflow

from mulle.app.monitoring import Monitoring
from mulle.engine.codec import encode_one
from mulle.engine.facts import Origin
from mulle.engine.journal import Batch, InboxSignal, NewRun
from mulle.errors import BadSetting
from mulle.monitor import index
from mulle.monitor.report import BY
from mulle.monitor.statistics import KEEP
from mulle.sdk.catalogue import Catalogue
from mulle.services.llm.prices import Prices

INPUTS = {"seconds": 1.0, "fails": "", "tokens": 0, "model": "gpt-5-mini"}


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Home]:
    async with home(tmp_path) as opened:
        yield opened


async def test_runs_are_counted_with_their_rates_and_durations(here: Home):
    for seconds, fails in ((1.0, ""), (3.0, ""), (2.0, "broken")):
        await here.ran(seconds=seconds, fails=fails)

    told = await here.stats()

    (group,) = told["groups"]
    assert (group["workflow"], group["executions"], group["successes"], group["failures"]) == ("아침 뉴스", 3, 2, 1)
    assert (group["success_rate"], group["failure_rate"]) == (66.67, 33.33)
    assert (group["avg_duration"], group["min_duration"], group["max_duration"]) == (2.0, 1.0, 3.0)
    assert group["stdev_duration"] == 1.0
    assert group["p95_duration"] == pytest.approx(3.0, rel=0.01)


WAITS = document(
    {
        "mulle": 1,
        "name": "입금 확인",
        "nodes": [{"id": "paid", "type": "wait", "data": {"signal": "paid"}}, {"id": "end", "type": "end"}],
        "edges": [{"source": "paid", "target": "end"}],
    }
)


async def test_runs_that_have_not_ended_are_told_apart(here: Home):
    assert (await here.stats())["now"] == {"running": 0, "waiting": 0, "due": 0, "oldest": None}

    await here.app.run(WAITS)

    told = await here.stats()
    assert told["now"] == {"running": 0, "waiting": 1, "due": 0, "oldest": "2026-11-30T01:00:00+00:00"}
    assert told["groups"] == []


async def test_a_run_belongs_to_the_day_on_which_it_ended_in_the_zone_of_the_settings(here: Home):
    here.clock.now = MONDAY + 13.9 * 3600
    await here.ran()
    await here.ran(seconds=3600.0)

    days = await here.stats("day")

    assert [(group["day"], group["executions"]) for group in days["groups"]] == [("2026-11-30", 1), ("2026-12-01", 1)]
    only = await here.monitoring.stats(since="2026-12-01", until="2026-12-01")
    assert only["total"]["executions"] == 1


async def test_nodes_types_and_versions_are_told_apart(here: Home):
    await here.ran()
    await here.ran(workflow(timeout="30s"))
    stored = here.app.workflows.save(workflow(timeout="30s"), here.clock())

    nodes, types, versions = [await here.stats(by) for by in ("node", "type", "version")]

    assert [(one["node"], one["type"], one["executions"]) for one in nodes["groups"]] == [
        ("end", "end", 2),
        ("start", "start", 2),
        ("work", "work", 2),
    ]
    assert [one["type"] for one in types["groups"]] == ["end", "start", "work"]
    assert sorted(one["version"] for one in versions["groups"])[1] == f"v{stored.version}"
    assert len(versions["groups"]) == 2


async def test_runs_of_a_stored_workflow_and_of_its_file_are_one_workflow(here: Home):
    flow = workflow()
    stored = here.app.workflows.save(flow, here.clock())
    await here.app.wait(await here.app.start(flow, INPUTS, workflow_id=stored.id))
    await here.ran(flow)
    await here.ran(workflow("another"))

    told = await here.stats(workflow=stored.id)

    assert [(group["workflow"], group["executions"]) for group in told["groups"]] == [("아침 뉴스", 2)]


async def test_failures_are_grouped_by_their_cause(here: Home):
    for number in range(3):
        await here.ran(fails=f"No answer within {number} s")
    await here.ran(fails="Not today")

    causes = (await here.stats())["failures"]

    assert [(one["message"], one["count"], one["node"], one["error"]) for one in causes] == [
        ("No answer within <n> s", 3, "work", "test.out_of_order"),
        ("Not today", 1, "work", "test.out_of_order"),
    ]
    assert causes[0]["first"] < causes[0]["last"]
    assert (await here.app.journal.row(causes[0]["run"])).status == "failed"


async def test_a_failure_that_is_handled_is_the_node_s_and_not_the_run_s(here: Home):
    await here.ran(workflow(on_error="default", default_outputs={"text": "-"}), fails="broken")

    nodes = {one["node"]: one for one in (await here.stats("node"))["groups"]}

    assert nodes["work"]["failures"] == 1
    assert (await here.stats())["total"]["failures"] == 0
    assert [one["count"] for one in (await here.stats())["failures"]] == [1]


async def test_a_body_that_takes_too_long_is_a_failure_of_its_node_whoever_handles_it(here: Home):
    each: dict[str, Any] = {
        "id": "each",
        "type": "map",
        "data": {"items": [1, 2]},
        "body": {"nodes": [{"id": "paid", "type": "wait", "data": {"signal": "paid"}}], "edges": []},
        "timeout": 10,
        "on_error": "default",
        "default_outputs": {"results": []},
    }
    run = await here.app.run(document({"mulle": 1, "name": "입금", "nodes": [each], "edges": []}))
    here.clock.now += 10
    await here.app.recover()
    assert (await here.app.wait(run.id)).status == "succeeded"

    nodes = {one["node"]: one for one in (await here.stats("node"))["groups"]}

    assert nodes["each"]["failures"] == 1
    assert [(one["node"], one["count"]) for one in (await here.stats())["failures"]] == [("each", 1)]


async def test_attempts_that_were_made_again_are_told_apart_from_failures(here: Home):
    await here.ran(workflow(retry={"max": 2, "delay": "0s"}), fails="broken")

    (cause,) = (await here.stats())["failures"]
    nodes = {one["node"]: one for one in (await here.stats("node"))["groups"]}

    assert (cause["count"], cause["retried"]) == (1, 2)
    assert (nodes["work"]["executions"], nodes["work"]["retries"]) == (1, 2)


async def test_a_run_that_was_cut_off_has_a_cause_without_a_node(here: Home):
    run = await here.app.run(WAITS)
    await here.app.journal.send(
        run.id, InboxSignal("x", "cancel", {"detail": "poisoned", "reason": "It died 3 times."})
    )
    await here.app.go_on(run.id)

    (cause,) = (await here.stats())["failures"]

    assert (cause["error"], cause["node"], cause["type"]) == ("run.poisoned", "", "run")


async def test_tokens_have_prices_where_prices_are_known(here: Home):
    await here.ran(tokens=1_000_000)
    await here.ran(tokens=500, model="mystery-1")

    told = await here.stats()

    assert (told["total"]["input_tokens"], told["total"]["output_tokens"]) == (1_000_500, 1_000_500)
    assert told["total"]["cost_usd"] == 2.25
    assert told["unpriced"] == ["mystery-1"]
    assert [(one.tokens, one.cost) for one in here.monitoring.statistics.ended(0)] == [
        (1000, 0),
        (2_000_000, 2_250_000),
    ]


async def test_only_unknown_models_cost_nobody_knows_what(here: Home):
    await here.ran(tokens=5, model="mystery-1")

    assert (await here.stats())["total"]["cost_usd"] is None


async def test_what_was_done_before_a_fork_is_counted_once(here: Home):
    run = await here.ran()
    first = await here.app.journal.read(run)
    row = await here.app.journal.row(run)
    here.clock.now += 100
    started = msgspec.structs.replace(first[0], parent=run, origin=Origin(how="fork", kept=len(first) - 2))
    begun = [encode_one(fact) for fact in [started, *first[1:-1]]]
    fork = NewRun(id="fork", workflow=row.workflow, graph=row.graph, created=here.clock(), parent=run, forked=True)
    await here.app.journal.create(fork, begun)
    end = encode_one(msgspec.structs.replace(first[-1], at=here.clock()))
    batch = Batch(run="fork", epoch=1, after=len(begun), facts=[end], status="succeeded", ended=here.clock())
    await here.app.journal.append(batch)

    nodes = {one["node"]: one["executions"] for one in (await here.stats("node"))["groups"]}

    assert nodes == {"start": 1, "work": 1, "end": 1}
    assert (await here.stats())["total"]["executions"] == 2


# ---------------------------------------------------------------------- the index


async def test_a_run_that_cannot_be_read_here_is_counted_by_its_end_alone(here: Home):
    await here.ran()
    here.app.catalogue = Catalogue.installed()  # The plugin is gone.
    here.app.graphs._loaded.clear()

    told = await here.stats()

    assert told["total"]["executions"] == 1
    assert "work" in told["unread"][0]["why"]
    assert (await here.stats("node"))["groups"] == []


async def test_a_run_is_counted_once_however_many_read_at_the_same_time(here: Home):
    for _ in range(7):
        await here.ran()
    other = Monitoring(here.app, here.settings, path=here.settings.home / "statistics.db")

    counted = await asyncio.gather(here.monitoring.index.catch_up(), other.index.catch_up())
    other.close()

    assert sum(counted) == 7
    assert (await here.stats())["total"]["executions"] == 7


async def test_statistics_stay_when_their_runs_are_deleted(here: Home):
    run = await here.ran()
    before = await here.stats()
    await here.app.journal.delete(run)

    assert await here.stats() == before


RUNS = some.lists(
    some.tuples(
        some.sampled_from([0.5, 1.0, 40_000.0]),
        some.sampled_from(["", "", "broken 1", "broken 2", "late"]),
        some.sampled_from([0, 1234]),
        some.sampled_from(["a", "b"]),
    ),
    max_size=8,
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=RUNS, slices=some.lists(some.booleans(), min_size=8, max_size=8))
def test_an_index_that_is_built_again_says_the_same(
    tmp_path_factory: pytest.TempPathFactory, runs: list[tuple[float, str, int, str]], slices: list[bool]
):
    async def both() -> None:
        async with home(tmp_path_factory.mktemp("home")) as here:
            for (seconds, fails, tokens, name), read_now in zip(runs, slices, strict=False):
                await here.ran(workflow(name), seconds=seconds, fails=fails, tokens=tokens)
                if read_now:
                    await here.monitoring.index.catch_up()
            told = [await here.stats(by) for by in BY]
            again = Monitoring(here.app, here.settings, path=":memory:")
            rebuilt = [await again.stats(since="2026-01-01", until="2027-12-31", by=by) for by in BY]
            again.close()
            assert rebuilt == told

    asyncio.run(both())


async def test_a_long_run_is_read_in_slices_and_forgotten_as_it_is_read(here: Home, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(index, "SLICE", 2)
    await here.ran()

    assert (await here.stats("node"))["groups"][0]["executions"] == 1


async def test_single_runs_are_forgotten_when_no_window_reaches_them(here: Home):
    await here.ran()
    await here.stats()

    here.monitoring.statistics.forget(here.clock() + KEEP + 1)

    assert here.monitoring.statistics.ended(0) == []
    assert (await here.stats())["total"]["executions"] == 1


# ---------------------------------------------------------------------- prices


def test_the_longest_name_that_fits_has_the_price():
    prices = Prices({"gpt-5": (1, 10), "gpt-5-mini": (0.25, 2)})

    assert prices.of("gpt-5-mini-2025-08-07", 1_000_000, 0) == 0.25
    assert prices.of("openai/gpt-5", 0, 1_000_000) == 10
    assert prices.of("llama-4", 5, 5) is None


def test_a_price_list_of_one_s_own_comes_before_ours(tmp_path: Path):
    file = tmp_path / "prices.yaml"
    file.write_text("gpt-5-mini: [1, 1]\nllama-4: [0, 0.5]\n")
    prices = Prices.configured(file)

    assert [prices.of(model, 1_000_000, 0) for model in ("gpt-5-mini", "llama-4", "gpt-5")] == [1.0, 0.0, 1.25]


@pytest.mark.parametrize("text", ["- a", "gpt: 5", "gpt: [1]", "gpt: [-1, 2]", "gpt: ['a', 2]", "{", "gpt: [.inf, 1]"])
def test_what_is_no_price_list_is_refused_with_a_hint(tmp_path: Path, text: str):
    file = tmp_path / "prices.yaml"
    file.write_text(text)

    with pytest.raises(BadSetting, match="MULLE_PRICES"):
        Prices.configured(file)


def test_a_price_list_that_is_not_there_is_said(tmp_path: Path):
    with pytest.raises(BadSetting, match="No such file"):
        Prices.configured(tmp_path / "none.yaml")

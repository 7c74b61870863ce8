"""What a Prometheus reads."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.monitor.home import Home, home, workflow

from mulle.monitor import metrics

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Home]:
    async with home(tmp_path) as opened:
        yield opened


async def scraped(here: Home) -> Samples:
    families = text_string_to_metric_families(await here.monitoring.metrics())
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


def sample(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get((name, frozenset(labels.items())))


async def test_runs_nodes_tokens_and_money_are_counters(here: Home):
    await here.ran(seconds=2.0, tokens=1_000_000)
    await here.ran(seconds=4.0, fails="broken")

    found = await scraped(here)

    assert sample(found, "mulle_runs_total", workflow="아침 뉴스", outcome="succeeded") == 1
    assert sample(found, "mulle_runs_total", workflow="아침 뉴스", outcome="failed") == 1
    assert sample(found, "mulle_run_duration_seconds_sum", workflow="아침 뉴스") == 6.0
    assert sample(found, "mulle_nodes_total", type="work", outcome="failed") == 1
    assert sample(found, "mulle_llm_tokens_total", model="gpt-5-mini", direction="input") == 1_000_000
    assert sample(found, "mulle_llm_cost_dollars_total", model="gpt-5-mini") == 2.25
    assert sample(found, "mulle_node_failures_total", error="test.out_of_order") == 1
    quantile = sample(found, "mulle_run_duration_today_seconds", workflow="아침 뉴스", quantile="0.95")
    assert quantile == pytest.approx(4.0, rel=0.01)


async def test_every_metric_has_help_and_a_type(here: Home):
    text = await here.monitoring.metrics()

    families = list(text_string_to_metric_families(text))

    assert all(one.documentation and one.type != "unknown" for one in families)
    assert all(one.name.startswith("mulle_") for one in families)


async def test_the_number_of_labels_is_bounded(here: Home, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(metrics, "MOST_NAMES", 2)
    for name in ("a", "b", "c", "d"):
        await here.ran(workflow(name))

    found = await scraped(here)

    assert sample(found, "mulle_runs_total", workflow="other", outcome="succeeded") == 2
    assert sum(name == "mulle_runs_total" for name, _ in found) == 9

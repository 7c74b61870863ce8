"""What a Prometheus reads: counters over all that was ever counted, gauges of what is under way.

Labels are bounded: names of workflows, types, models and errors beyond the largest ones are told as `other`. Single
nodes are told by `mulle stats` alone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily

from mulle.engine.journal import Backlog
from mulle.monitor.reading import RUN, Price
from mulle.monitor.statistics import Choice, Statistics
from mulle.monitor.tally import MICRO, Tally

CONTENT_TYPE = "text/plain; version=0.0.4"
MOST_NAMES = 100
"""Values of one label that are told apart."""
OTHER = "other"
QUANTILES = (0.5, 0.95, 0.99)
OUTCOMES = ("succeeded", "failed", "cancelled")


def exposition(
    statistics: Statistics,
    backlog: Backlog,
    *,
    now: float,
    today: str,
    name: Callable[[str], str],
    price: Price,
    alerts: Mapping[str, bool] | None = None,
) -> str:
    """The page that is scraped.

    Args:
        statistics: What has ended.
        backlog: What has not.
        now: Seconds since 1970.
        today: The day whose quantiles are told.
        name: What people call a workflow.
        price: What tokens cost.
        alerts: Rules by name, and whether they fire.
    """
    families = [
        *_unfinished(backlog, now),
        *_counters(statistics.totals(), name, price),
        _quantiles(statistics, today, name),
        *_alerts(alerts or {}),
    ]

    class Collector:
        def collect(self) -> Iterable[Metric]:
            return families

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector())  # pyright: ignore[reportArgumentType]  # It has what a collector needs.
    return generate_latest(registry).decode()


def _unfinished(backlog: Backlog, now: float) -> Iterator[Metric]:
    states = GaugeMetricFamily("mulle_runs_unfinished", "Runs that have not ended, by what they do.", labels=["state"])
    states.add_metric(["running"], backlog.running)
    states.add_metric(["waiting"], backlog.waiting)
    yield states
    yield GaugeMetricFamily(
        "mulle_runs_due", "Runs that have something to do and that nobody drives yet: the queue.", value=backlog.due
    )
    age = 0.0 if backlog.oldest is None else max(0.0, now - backlog.oldest)
    yield GaugeMetricFamily("mulle_oldest_run_age_seconds", "Age of the oldest run that has not ended.", value=age)


def _counters(
    totals: Mapping[str, Sequence[tuple[Any, ...]]], name: Callable[[str], str], price: Price
) -> Iterator[Metric]:
    runs = _bounded([(name(workflow), *counts) for workflow, *counts in totals["runs"]])
    types = _bounded(totals["types"])
    yield _outcomes("mulle_runs", "Runs that ended, by workflow and outcome.", "workflow", runs)
    yield _durations("mulle_run_duration_seconds", "How long runs took that succeeded or failed.", "workflow", runs)
    yield _outcomes("mulle_nodes", "Nodes that ended, by type and outcome.", "type", types)
    yield _durations("mulle_node_duration_seconds", "How long nodes took, from first start to end.", "type", types)
    retries = CounterMetricFamily("mulle_node_retries", "Attempts beyond the first, by node type.", labels=["type"])
    for kind, counts in types.items():
        retries.add_metric([kind], counts[3])
    yield retries
    tokens = CounterMetricFamily("mulle_llm_tokens", "Tokens of language models.", labels=["model", "direction"])
    dollars = CounterMetricFamily(
        "mulle_llm_cost_dollars", "What tokens cost, where prices are known.", labels=["model"]
    )
    for model, (_, read, written) in _bounded(totals["tokens"]).items():
        tokens.add_metric([model, "input"], read)
        tokens.add_metric([model, "output"], written)
        cost = price(model, read, written)
        if cost is not None:
            dollars.add_metric([model], cost)
    yield tokens
    yield dollars
    failures = CounterMetricFamily("mulle_node_failures", "Nodes that failed, by the kind of error.", labels=["error"])
    for error, (count,) in _bounded(totals["causes"]).items():
        failures.add_metric([error], count)
    yield failures


def _outcomes(metric: str, about: str, label: str, groups: Mapping[str, Sequence[int]]) -> Metric:
    family = CounterMetricFamily(metric, about, labels=[label, "outcome"])
    for group, counts in groups.items():
        for outcome, count in zip(OUTCOMES, counts, strict=False):
            family.add_metric([group, outcome], count)
    return family


def _durations(metric: str, about: str, label: str, groups: Mapping[str, Sequence[int]]) -> Metric:
    family = SummaryMetricFamily(metric, about, labels=[label])
    for group, (succeeded, failed, _, _, micros) in groups.items():
        family.add_metric([group], count_value=succeeded + failed, sum_value=micros / MICRO)
    return family


def _quantiles(statistics: Statistics, today: str, name: Callable[[str], str]) -> Metric:
    family = GaugeMetricFamily(
        "mulle_run_duration_today_seconds",
        "Quantiles of how long today's runs took, to 1 %.",
        labels=["workflow", "quantile"],
    )
    tallies: dict[str, Tally] = {}
    for place, tally in statistics.tallies(Choice(today, today)):
        if place.node == RUN:
            tallies.setdefault(name(place.workflow), Tally()).add(tally)
    for workflow in sorted(tallies, key=lambda one: -tallies[one].executions)[:MOST_NAMES]:
        for share, micros in zip(QUANTILES, tallies[workflow].quantiles(*QUANTILES), strict=True):
            family.add_metric([workflow, str(share)], micros / MICRO)
    return family


def _alerts(alerts: Mapping[str, bool]) -> Iterator[Metric]:
    family = GaugeMetricFamily("mulle_alert_firing", "1 while a rule fires.", labels=["alert"])
    for rule, fires in list(alerts.items())[:MOST_NAMES]:
        family.add_metric([rule], int(fires))
    yield family


def _bounded(rows: Sequence[tuple[Any, ...]]) -> dict[str, list[int]]:
    """Counts by name: the largest groups, and all others as one."""
    largest = sorted(rows, key=lambda row: (-sum(row[1:3]), row[0]))
    groups: dict[str, list[int]] = {}
    for number, (name, *counts) in enumerate(largest):
        group = str(name) if number < MOST_NAMES else OTHER
        before = groups.get(group, [0] * len(counts))
        groups[group] = [one + other for one, other in zip(before, counts, strict=True)]
    return groups

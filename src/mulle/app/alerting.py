"""Alerts of one home: rules are judged on figures, each change of a state is told once, whoever looks.

Rules are data (`mulle alerts add`) or Python functions of the figures. Silent failure is an alert out of the box: a
schedule that did not fire, a scheduled run that came to nothing, a run that killed its workers.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mulle.app.monitoring import Monitoring
from mulle.errors import InputError, MulleError
from mulle.monitor.reading import Ended
from mulle.monitor.report import report
from mulle.monitor.rules import Silence, Threshold, parse_rule
from mulle.monitor.statistics import Choice
from mulle.monitor.window import window
from mulle.settings import Settings
from mulle.store.alerts import AlertRules, AlertState, StoredAlert
from mulle.store.workflows import Firing
from mulle.triggers.fire import Timed, next_time, timed_triggers

DAY = 86_400.0
AGAIN = DAY
"""Seconds after which an alert that still fires is told once more."""
LOOK_BACK = 100
"""Firings of a workflow's schedules that are looked at."""
GRACE = 300.0
"""Seconds after which a due time that nobody dealt with is overdue."""
CHANNELS = ("mail", "webhook", "slack", "discord", "console", "file", "apprise")

PythonRule = Callable[[Mapping[str, Any]], object]
"""Fires when what it gives for the figures of a workflow is true."""


class BadAddress(InputError):
    """Where an alert is to be told cannot be read."""

    code = "alert.bad_address"
    message = "'{text}' does not say where alerts go."
    hint = f"Write channel:address, as mail:ops@example.com; channels: {', '.join(CHANNELS)}."


@dataclass(frozen=True, slots=True)
class Change:
    """A rule began to fire, still fires, or has recovered; it is ours to tell."""

    key: str
    name: str
    firing: bool
    detail: str
    told_to: str | None
    problem: str = ""
    """Why it could not be told."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of one rule this time."""

    key: str
    name: str
    fires: bool
    detail: str
    told_to: str | None
    again: float = AGAIN


def address(text: str) -> tuple[str, str]:
    """`channel:address` in its parts; raises BadAddress."""
    channel, _, to = text.strip().partition(":")
    if channel not in CHANNELS or (not to and channel != "console"):
        raise BadAddress(text=text)
    return channel, to


class Alerting:
    """Judges a home's rules and tells what changed."""

    def __init__(self, monitoring: Monitoring, settings: Settings, *, path: Path | str) -> None:
        """Open the rules; `path` is the home's database."""
        self._monitoring = monitoring
        self._app = monitoring.app
        self._default = settings.alerts_to
        self._python: list[tuple[str, PythonRule, str | None, float]] = []
        self._timed: dict[str, tuple[int, list[Timed]]] = {}
        """Each workflow's schedules, with the version that has them."""
        self.rules = AlertRules(path)

    def close(self) -> None:
        self.rules.close()

    def add(
        self, text: str, *, workflow: str | None = None, told_to: str | None = None, again: float = AGAIN
    ) -> StoredAlert:
        """Keep a rule that is data; raises BadRule, BadAddress."""
        if told_to is not None:
            address(told_to)
        rule = parse_rule(text)
        return self.rules.add(rule.text, self._app.now(), workflow=workflow, told_to=told_to, again=again)

    def add_rule(
        self, rule: PythonRule, *, name: str | None = None, workflow: str | None = None, over: float = DAY
    ) -> None:
        """Judge a function for as long as this program runs.

        Args:
            rule: Gets the figures of one workflow: `failure_rate` and its like, and `agents`, the figures of its nodes
                today by name. Fires when it gives something true; when it raises, that is an alert of its own.
            name: What it is called; by default what the function is called.
            workflow: Only of this one; None: of each that ran.
            over: Seconds of the window.
        """
        called = name or getattr(rule, "__name__", "rule")
        self._python.append((f"rule {len(self._python) + 1}" if called == "<lambda>" else called, rule, workflow, over))

    async def check(self) -> list[Change]:
        """Judge every rule once and tell what changed. Raises StoreError."""
        await self._monitoring.index.catch_up()
        changes: list[Change] = []
        for judged in [*await self._of_data(), *self._of_functions(), *self._built_in()]:
            change = self._changed(judged)
            if change is not None:
                changes.append(await self._tell(change))
        return changes

    def firing(self) -> list[AlertState]:
        """What fires, the latest first."""
        return self.rules.firing()

    # ------------------------------------------------------------------ judging

    async def _of_data(self) -> list[Judged]:
        now = self._app.now()
        judged: list[Judged] = []
        for alert in self.rules.all():
            rule = parse_rule(alert.rule)
            names = self._monitoring.called(alert.workflow) if alert.workflow else None
            if isinstance(rule, Threshold):
                fires, detail = rule.judge(window(self._ended(now - rule.over, names)))
            else:
                fires, detail = rule.judge(await self._last(rule, names, alert.created), now)
            name = alert.rule + (f" ({alert.workflow})" if alert.workflow else "")
            judged.append(Judged(alert.id, name, fires, detail, alert.told_to, alert.again))
        return judged

    def _ended(self, since: float, names: tuple[str, ...] | None) -> list[Ended]:
        statistics = self._monitoring.statistics
        if names is None:
            return list(statistics.ended(since))
        return [one for name in dict.fromkeys(names) for one in statistics.ended(since, name)]

    async def _last(self, rule: Silence, names: tuple[str, ...] | None, otherwise: float) -> float:
        """When something last ran or succeeded; else since when the rule is there."""
        if rule.what == "success":
            ended = self._ended(self._app.now() - 2 * rule.over, names)
            return max((one.ended for one in ended if one.status == "succeeded"), default=otherwise)
        rows = [row for name in names or (None,) for row in await self._app.journal.rows(workflow=name, limit=1)]
        return max((row.created for row in rows), default=otherwise)

    def _of_functions(self) -> Iterator[Judged]:
        now = self._app.now()
        for name, rule, workflow, over in self._python:
            ended: dict[str, list[Ended]] = {}
            for one in self._ended(now - over, self._monitoring.called(workflow) if workflow else None):
                ended.setdefault(self._monitoring.names().of_workflow(one.workflow), []).append(one)
            for group, runs in ended.items():
                key = f"function/{name}/{group}"
                try:
                    fires = bool(rule(window(runs) | self._agents(group)))
                except Exception as error:  # noqa: BLE001 - a rule is anybody's code; that it is broken is told.
                    said = f"{type(error).__name__}: {error}"
                    yield Judged(f"{key}/broken", f"{name} ({group}) is broken", True, said, None)
                else:
                    yield Judged(f"{key}/broken", f"{name} ({group}) is broken", False, "", None)
                    yield Judged(key, f"{name} ({group})", fires, f"of {len(runs)} run(s)", None)

    def _agents(self, workflow: str) -> dict[str, Any]:
        """The figures of a workflow's nodes today, by name."""
        today, monitoring = self._monitoring.today().isoformat(), self._monitoring
        choice = Choice(today, today, monitoring.called(workflow))
        groups = report(monitoring.statistics, choice, "node", monitoring.names(), monitoring.price)["groups"]
        return {"agent_count": len(groups), "agents": {group["node"]: group for group in groups}}

    # ------------------------------------------------------------------ out of the box

    def _built_in(self) -> Iterator[Judged]:
        ended = {one.run: one for one in self._monitoring.statistics.ended(self._app.now() - DAY)}
        names = self._monitoring.names()
        last = self._last_firings()
        overdue = dict(self._overdue())
        for workflow, trigger in last | overdue:
            called, key = names.of_workflow(workflow), f"schedule/{workflow}/{trigger}"
            firing, late = last.get((workflow, trigger)), overdue.get((workflow, trigger))
            detail = "" if firing is None else f"due {self._minute(firing.due)}: {firing.outcome}"
            if late is not None:
                detail = f"due {self._minute(late)}: nothing fired it; is a worker running?"
            failed = late is not None or (firing is not None and firing.outcome in {"missed", "failed"})
            yield Judged(key, f"{called} did not run on schedule", failed, detail, None)
            run = ended.get(firing.run or "") if firing else None
            if run is not None:
                no_end = run.detail == "no_end_reached"
                detail = f"run {run.run} {'reached no end' if no_end else 'gave only empty results'}"
                yield Judged(f"{key}/empty", f"{called} came to nothing", no_end or run.empty, detail, None)
        for run in ended.values():
            if run.detail == "poisoned":
                name = f"{names.of_workflow(run.workflow)} kills its workers"
                yield Judged(f"poisoned/{run.run}", name, True, f"run {run.run} was given up", None, again=7 * DAY)

    def _last_firings(self) -> dict[tuple[str, str], Firing]:
        """What became of each schedule's last due time; of those that were skipped, the one before counts."""
        workflows = self._app.workflows
        found: dict[tuple[str, str], Firing] = {}
        for stored in workflows.all():
            for one in workflows.firings(stored.id, limit=LOOK_BACK):  # The latest first.
                if one.outcome != "skipped":
                    found.setdefault((one.workflow, one.trigger), one)
        return found

    def _overdue(self) -> Iterator[tuple[tuple[str, str], float]]:
        """Schedules with a due time that nobody has dealt with, and when that was."""
        now, workflows = self._app.now(), self._app.workflows
        for stored in workflows.all():
            if not stored.enabled:
                continue
            version, timed = self._timed.get(stored.id, (0, []))
            if version != stored.version:
                with contextlib.suppress(MulleError):  # A schedule that cannot be kept is the scheduler's to tell.
                    timed = timed_triggers(workflows.document(stored.id))
                self._timed[stored.id] = (stored.version, timed)
            for one in timed:
                due = next_time(one, workflows.looked_until(stored.id, one.key, now))
                if due is not None and now - due > GRACE:
                    yield (stored.id, one.key), due

    def _minute(self, seconds: float) -> str:
        return datetime.fromtimestamp(seconds, self._monitoring.zone).isoformat(timespec="minutes")

    # ------------------------------------------------------------------ telling

    def _changed(self, judged: Judged) -> Change | None:
        now = self._app.now()
        told_to = judged.told_to or self._default
        if judged.fires:
            tell = self.rules.fire(judged.key, judged.name, now, judged.detail, judged.again)
        else:
            tell = self.rules.recover(judged.key, now)
        return Change(judged.key, judged.name, judged.fires, judged.detail, told_to) if tell else None

    async def _tell(self, change: Change) -> Change:
        """Send it where it is to go. What cannot be sent is tried again at the next check."""
        if change.told_to is None or self._app.outside.services.notify is None:
            return change
        word = "ALERT" if change.firing else "recovered"
        now = datetime.fromtimestamp(self._app.now(), self._monitoring.zone).isoformat(timespec="seconds")
        text = f"{word}: {change.name}\n{change.detail}\n{now}\n"
        channel, to = address(change.told_to)
        wanted: dict[str, Any] = {"subject": f"[mulle] {word}: {change.name}", "text": self._app.outside.redact(text)}
        if channel == "webhook":
            fields = {"alert": change.name, "firing": change.firing, "detail": change.detail, "at": now}
            wanted["data"] = {name: self._clean(value) for name, value in fields.items()}
        try:
            async with asyncio.timeout(30):
                await self._app.outside.services.notify.send(
                    channel, wanted | ({"to": to} if to else {}), idempotency_key=f"alert/{change.key}/{now}"
                )
        except (MulleError, TimeoutError) as error:
            if change.firing:
                self.rules.untold(change.key)
            said = error.text if isinstance(error, MulleError) else "it took too long"
            return Change(change.key, change.name, change.firing, change.detail, change.told_to, said)
        return change

    def _clean(self, value: Any) -> Any:
        return self._app.outside.redact(value) if isinstance(value, str) else value

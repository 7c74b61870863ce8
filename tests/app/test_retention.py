"""A home keeps what it promises to keep, and somebody sees to it that the rest goes."""

import asyncio
import math
from pathlib import Path

import pytest
from tests.runtime.homes import until

import mulle
from mulle.app import App, open_app, retention
from mulle.app.retention import NOW_AND_THEN, clean, clean_a_little, keep, keep_clean
from mulle.document.reading import read_workflow
from mulle.engine.journal import Keep
from mulle.errors import StoreError, StoreUnavailable
from mulle.settings import Settings
from mulle.store.workflows import Firing

ALL, NOTHING = Keep(succeeded=math.inf, failed=math.inf), Keep(succeeded=0.0, failed=0.0)


@pytest.fixture
async def app(tmp_path: Path):
    app = open_app(tmp_path, given=Settings(home=tmp_path), by_itself=False)
    yield app
    await app.close()


async def same(value: int) -> int:
    return value


async def run(app: App) -> str:
    workflow = mulle.Workflow("w").add_step("a", same)
    return (await app.run(workflow, 1)).id


def test_the_settings_say_how_long_and_a_number_of_days_takes_their_place():
    chosen = Settings.from_environ({"HOME": "/h", "MULLE_KEEP_DAYS": "1.5", "MULLE_KEEP_FAILED_DAYS": "forever"})

    assert keep(chosen) == Keep(succeeded=1.5 * 86_400, failed=math.inf)
    assert keep(chosen, 0.0) == NOTHING
    assert keep(Settings.from_environ({"HOME": "/h"})) == Keep(succeeded=30 * 86_400, failed=90 * 86_400)


async def test_runs_and_what_became_of_due_times_go_together(app: App):
    await run(app)
    document = read_workflow('{"mulle": 1, "name": "w", "nodes": [{"id": "end", "type": "end"}], "edges": []}')
    stored = app.workflows.save(document, app.now())
    firings = [Firing(stored.id, "t", float(due), "missed") for due in range(1200)]
    app.workflows.note(firings, stored.id, "t", 1200.0, 5.0)

    assert (await clean(app, ALL)).swept.runs == 0
    looked = await clean(app, NOTHING, dry=True)
    cleaned = await clean(app, NOTHING)

    assert (looked.swept.runs, looked.firings) == (1, 0)
    assert (cleaned.swept.runs, cleaned.firings) == (1, 1198)
    assert [firing.due for firing in app.workflows.firings(stored.id)] == [1199.0, 1198.0]


async def test_a_worker_cleans_again_and_again_and_tells_what_goes_wrong(app: App, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(retention, "FIRST_AFTER", 0.0)
    monkeypatch.setattr(retention, "EVERY", 0.0)
    told: list[StoreError] = []
    failing, sweeps = True, 0
    sweep = app.journal.sweep

    async def watched(*arguments: object, **more: object) -> object:
        nonlocal failing, sweeps
        sweeps += 1
        if failing:
            failing = False
            raise StoreUnavailable("kurz weg")
        return await sweep(*arguments, **more)  # pyright: ignore[reportArgumentType]  # Handed on as they came.

    monkeypatch.setattr(app.journal, "sweep", watched)
    await run(app)
    cleaning = asyncio.create_task(keep_clean(app, NOTHING, told.append))
    await until(lambda: sweeps > 2)
    cleaning.cancel()

    assert [str(error) for error in told] == ["The database cannot be used: kurz weg."]
    assert await app.runs() == []


async def test_a_run_from_the_command_line_is_now_and_then_followed_by_a_little_cleaning(app: App):
    await run(app)

    await clean_a_little(app, NOTHING, NOW_AND_THEN)
    assert len(await app.runs()) == 1
    await clean_a_little(app, NOTHING, NOW_AND_THEN / 2)
    assert await app.runs() == []

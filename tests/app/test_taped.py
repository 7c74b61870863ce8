"""A run is recorded against a real server, and repeated exactly when that server is gone."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.services.site import Site, reply

from mulle.app import App, open_app
from mulle.app.opening import secret_store, settings
from mulle.document.reading import read_workflow
from mulle.document.workflow import Workflow
from mulle.errors import UnknownRun
from mulle.runtime.history import History
from mulle.services.recording import BadRecording

SECRET = "아주-비밀-1234567"

NEWS = """
name: 소식
nodes:
  - {id: start, type: start, ports: {outputs: [{name: site, type: string, required: true}]}}
  - {id: fetch, type: http, data: {url: "{{ start.site }}/news"}}
  - {id: again, type: http, data: {url: "{{ start.site }}/news"}}
  - {id: made, type: transform, data: {value: "{{ sys.run_id }} {{ sys.now }} {{ fetch.body }} {{ again.body }}"}}
  - {id: pause, type: wait, data: {for: 1s}}
  - id: post
    type: http
    data:
      method: POST
      url: "{{ start.site }}/post?key={{ secret.NEWS_KEY }}"
      json: {text: "{{ made.value }}", key: "{{ secret.NEWS_KEY }}"}
  - {id: short, type: llm, data: {task: summarize, text: "{{ made.value }}", sentences: 1}}
  - {id: tell, type: notification, data: {channel: file, to: news.txt, text: "{{ post.body }}"}}
  - {id: broken, type: http, on_error: branch, retry: {max: 1, delay: 0s}, data: {url: "{{ start.site }}/broken"}}
  - {id: failed, type: transform, data: {value: "{{ broken.error.message }}"}}
  - {id: end, type: end}
edges:
  - {source: start, target: fetch}
  - {source: fetch, target: again}
  - {source: again, target: made}
  - {source: made, target: pause}
  - {source: pause, target: post}
  - {source: made, target: short}
  - {source: post, target: tell}
  - {source: start, target: broken}
  - {source: broken, source_port: error, target: failed}
  - {source: post, source_port: body, target: end, target_port: post}
  - {source: failed, source_port: value, target: end, target_port: failed}
"""


def news(change: str = "", to: str = "") -> Workflow:
    return read_workflow(NEWS.replace(change, to) if change else NEWS)


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site._server.server_close()  # Some tests never let it answer.


@pytest.fixture
async def app(tmp_path: Path, site: Site) -> AsyncIterator[App]:
    given = replace(settings(), home=tmp_path / "home", allow_hosts=frozenset({f"127.0.0.1:{site.port}"}))
    secret_store(given).set("NEWS_KEY", SECRET)
    app = open_app(given=given)
    yield app
    await app.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "calls.jsonl"


async def recorded(app: App, file: Path, site: Site, workflow: Workflow | None = None) -> History:
    """What a run did that was recorded, against a server that is gone when it is done."""
    with site:
        site.on("/news", reply("첫 소식"), reply("다음 소식"))
        site.on("/post", reply("고마워요"))
        site.on("/broken", reply("no", status=500))
        result = await app.run(workflow or news(), {"site": site.url("")}, record=file)
    return await app.history(result.id)


def answers(history: History) -> dict[str, Any]:
    return {
        "/".join(map(str, path)): (record.status, record.outputs, record.error, record.attempts)
        for path, record in history.records.items()
    }


async def test_a_repeated_run_gives_exactly_the_same_although_nobody_is_there_to_answer(
    app: App, file: Path, site: Site
):
    first = await recorded(app, file, site)

    taped = app.taped(replay=file)
    again = await taped.run(news())
    second = await taped.history(again.id)

    assert again.status == "succeeded"
    assert answers(second) == answers(first)
    assert answers(second)["again"][1]["body"] == "다음 소식"
    assert answers(second)["broken"][3] == 2
    assert second.run.started
    assert first.run.started
    assert (second.run.started.run, second.run.started.at) == (first.run.started.run, first.run.started.at)
    assert second.run.started.inputs == first.run.started.inputs


async def test_a_repeated_run_is_kept_nowhere_and_touches_nothing(app: App, file: Path, site: Site, tmp_path: Path):
    await recorded(app, file, site)
    told = tmp_path / "home" / "files" / "news.txt"
    told.unlink()

    await app.run(news(), replay=file)

    assert not told.exists()
    assert len(await app.runs()) == 1


async def test_no_secret_stands_in_a_recording_and_none_is_needed_to_repeat_it(
    app: App, file: Path, site: Site, tmp_path: Path
):
    await recorded(app, file, site)
    bare = open_app(given=replace(settings(), home=tmp_path / "elsewhere"))

    again = await bare.run(news(), replay=file)
    await bare.close()

    assert SECRET not in file.read_text()
    assert set(json.loads(line_of(file, "post"))["asked"]) == {"sha256"}
    assert (again.status, again.outputs["post"]) == ("succeeded", "고마워요")
    assert file.stat().st_mode & 0o077 == 0


def line_of(file: Path, node: str) -> str:
    return next(line for line in file.read_text().splitlines() if f'"at": "{node}#' in line)


async def test_a_call_that_is_new_fails_and_names_the_closest_one(app: App, file: Path, site: Site):
    await recorded(app, file, site)

    changed = await app.run(news("site }}/news", "site }}/olds"), replay=file)

    assert changed.status == "failed"
    assert changed.error
    assert changed.error["type"] == "replay.unrecorded"
    assert "of 'fetch'" in changed.error["message"]
    assert "/news of 'again'" in changed.error["message"] or "/news of 'fetch'" in changed.error["message"]


async def test_a_kind_of_call_that_was_never_made_is_said_to_be_missing(app: App, file: Path, site: Site):
    await recorded(
        app, file, site, read_workflow("nodes: [{id: start, type: start, ports: {outputs: [{name: site}]}}]")
    )

    changed = await app.run(news(), {"site": "http://nobody.example"}, replay=file)

    assert changed.error
    assert "no http call at all" in changed.error["message"]


async def test_a_step_elsewhere_gets_the_answer_of_the_same_call(app: App, file: Path, site: Site):
    await recorded(app, file, site)

    renamed = await app.run(news("post", "send"), replay=file)
    moved = await app.run(
        read_workflow(
            NEWS.replace("{id: post", "{id: sent")
            .replace("post.", "sent.")
            .replace("source: post", "source: sent")
            .replace("target: post", "target: sent")
            .replace("  - id: post", "  - id: sent")
        ),
        replay=file,
    )

    assert (renamed.status, moved.status) == ("failed", "succeeded")


async def test_what_is_no_recording_is_refused(app: App, file: Path):
    for text in ("", "{}", "[1]", '{"mulle_recording": 99}', '{"mulle_recording": 1, "run": "r", "now": 1}\n{"at": 1}'):
        file.write_text(text)
        with pytest.raises(BadRecording):
            await app.run(news(), {"site": "x"}, replay=file)
    with pytest.raises(BadRecording, match="No such file"):
        await app.run(news(), {"site": "x"}, replay=file.with_name("nothing"))


async def test_a_recorded_run_is_an_ordinary_run(app: App, file: Path, site: Site):
    first = await recorded(app, file, site)

    assert first.run.started
    row = await app.journal.row(first.run.started.run)
    assert (row.status, row.workflow) == ("succeeded", "소식")
    with pytest.raises(UnknownRun):
        await app.taped(replay=file).history("nobody")


async def test_a_call_that_sends_something_else_is_told_from_its_like(app: App, file: Path, site: Site):
    def asked(term: str) -> str:
        data = f'{{url: "{{{{ start.site }}}}/news", params: {{q: {term}}}}}'
        nodes = (
            f"{{id: start, type: start, ports: {{outputs: [{{name: site}}]}}}}, {{id: get, type: http, data: {data}}}"
        )
        return f"nodes: [{nodes}]\nedges: [{{source: start, target: get}}]"

    await recorded(app, file, site, read_workflow(asked("경제")))

    changed = await app.run(read_workflow(asked("날씨")), replay=file)

    assert changed.error
    assert changed.error["message"].endswith("/news of 'get', with something else in it.")

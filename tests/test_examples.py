"""Every document in `examples/` runs and gives what `docs/examples.md` says."""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.nodes.whole import BUILT_IN, opened
from tests.services.site import Site, reply

from mulle.document.problem import Problem
from mulle.document.reading import read_workflow
from mulle.sdk.context import Services
from mulle.services.guard import Guard
from mulle.services.http import Http
from mulle.services.notify import Notify
from mulle.services.sandbox import Sandbox, available

ROOT = Path(__file__).parent.parent
TOLD = [
    yaml.safe_load(block)
    for block in re.findall(
        r"^```yaml\n(.*?)^```", (ROOT / "docs/examples.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
]

SEARCH = '{"total": 2, "items": [{"title": "경제 <b>성장률</b> 반등"}, {"title": "금리 &amp; 환율"}]}'
RSS = """<rss version="2.0"><channel><title>소식</title>
<item><title>금리 동결</title><pubDate>Fri, 01 Mar 2024 09:30:00 +0900</pubDate></item>
<item><title>날씨</title><pubDate>Fri, 01 Mar 2024 10:00:00 +0900</pubDate></item></channel></rss>"""


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        site.on("/search.json", reply(SEARCH, headers={"Content-Type": "application/json; charset=utf-8"}))
        site.on("/rss", reply(RSS, headers={"Content-Type": "application/rss+xml; charset=utf-8"}))
        yield site


@pytest.fixture
async def services(site: Site, tmp_path: Path) -> AsyncIterator[Services]:
    said: list[str] = []
    async with Http(site.guard("127.0.0.1")) as http, Sandbox() as sandbox:
        notify = Notify(http, Guard(), outbox=tmp_path, files=tmp_path, console=said.append)
        yield Services(http=http, notify=notify, sandbox=sandbox)


@pytest.mark.parametrize("told", TOLD, ids=lambda told: Path(told["run"]).stem)
async def test_an_example_gives_what_its_page_says(told: dict[str, Any], site: Site, services: Services):
    if told.get("needs") == "sandbox" and not available().ok:
        pytest.skip("This kernel has not the locks that code steps need.")
    workflow = read_workflow((ROOT / told["run"]).read_bytes())
    inputs = {
        name: value.replace("http://127.0.0.1:8000", site.url("")) if isinstance(value, str) else value
        for name, value in told.get("inputs", {}).items()
    }

    async with opened(services) as app:
        assert not [problem for problem in app.problems(workflow) if _matters(problem)]
        run = await app.run(workflow, inputs, pins=told.get("pins"), conversation=told.get("conversation"))
        if signal := told.get("signal"):
            assert run.status == "waiting"
            await app.signal(run.id, signal["name"], signal["payload"])
            run = await app.go_on(run.id)

    assert run.error is None
    assert run.outputs == told["outputs"]


def _matters(problem: Problem) -> bool:
    return problem.severity in ("error", "warning")


def test_every_example_stands_on_the_page():
    assert {told["run"] for told in TOLD} == {f"examples/{path.name}" for path in (ROOT / "examples").glob("*.yaml")}


def test_there_is_an_example_of_every_kind_of_node():
    used: set[str] = set()
    for told in TOLD:
        waiting = list(read_workflow((ROOT / told["run"]).read_bytes()).nodes)
        while waiting:
            node = waiting.pop()
            used.add(node.type)
            waiting += node.body.nodes if node.body else ()

    assert used == {node.type for node in BUILT_IN}

"""Facts in words, and the lines of a log."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.monitor.home import home, workflow

from mulle.engine.facts import Failure, NodeDone, NodeFailed, NodeStarted, NodeWaiting, RunEnded, RunStarted, Signalled
from mulle.monitor.logs import LOGGER, FactLog, log, write_log
from mulle.monitor.telling import Telling, without_secrets
from mulle.runtime.driver import Published

BROKEN = Failure("net.failed", "No answer.", "fetch", hint="Try later.")


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    handlers, level, propagate = LOGGER.handlers.copy(), LOGGER.level, LOGGER.propagate
    yield
    LOGGER.handlers[:], LOGGER.propagate = handlers, propagate
    LOGGER.setLevel(level)


def test_a_run_is_told_from_its_beginning_to_its_end():
    telling = Telling()
    facts = [
        RunStarted(at=1.0, run="r", graph="g", inputs={"n": 1}),
        NodeStarted(at=2.0, path=("each", 0, "fetch")),
        NodeFailed(at=2.5, path=("each", 0, "fetch"), kind="error", error=BROKEN, retry_at=3.0),
        NodeStarted(at=3.0, path=("each", 0, "fetch"), attempt=2),
        NodeDone(at=3.5, path=("each", 0, "fetch"), outputs={"글": "안녕"}, usage={"printed": "줄 1\n"}),
        NodeWaiting(at=4.0, path=("ask",), signal="paid"),
        Signalled(at=5.0, id="s", name="paid", payload=3),
        RunEnded(at=6.0, status="failed", error=BROKEN),
    ]

    lines = [line for fact in facts for line in telling.lines(fact)]

    assert [(line.level, line.node, line.said) for line in lines] == [
        ("info", "", "run began"),
        ("debug", "each/0/fetch", "node started"),
        ("warning", "each/0/fetch", "node failed and is tried again"),
        ("debug", "each/0/fetch", "node started"),
        ("info", "each/0/fetch", "printed"),
        ("debug", "each/0/fetch", "node done"),
        ("info", "ask", "node waits"),
        ("info", "", "signal came"),
        ("error", "", "run failed"),
    ]
    assert lines[4].more == {"text": "줄 1\n"}
    assert lines[5].more == {"seconds": 1.5, "outputs": {"글": "안녕"}}
    assert lines[-1].more["seconds"] == 5.0


async def test_a_log_line_is_json_with_run_and_node_and_korean_as_it_is(tmp_path: Path):
    out = io.StringIO()
    write_log("info", redact=lambda text: text, stream=out, as_json=True)
    async with home(tmp_path) as here:
        here.app.listen(FactLog())
        run = await here.ran(workflow("뉴스"), fails="열쇠가 없습니다")

    lines = [json.loads(line) for line in out.getvalue().splitlines()]

    assert [(line["event"], line["level"], line["run"]) for line in lines] == [
        ("run began", "info", run),
        ("node failed", "warning", run),
        ("run failed", "error", run),
    ]
    assert lines[1]["node"] == "work"
    assert "열쇠가 없습니다" in out.getvalue()


def test_no_secret_is_logged_wherever_it_stands():
    out = io.StringIO()
    write_log("debug", redact=lambda text: text.replace("hunter22", "[secret KEY]"), stream=out, as_json=True)
    done = NodeDone(at=1.0, path=("a",), outputs={"hunter22": ["x hunter22", {"y": "hunter22"}]})

    FactLog()(Published("r", facts=[done]))
    log(logging.INFO, "the key is hunter22", reason="hunter22")
    LOGGER.error("foreign %s", "hunter22")

    assert "hunter22" not in out.getvalue()
    assert out.getvalue().count("[secret KEY]") >= 6


def test_people_read_one_short_line_a_thing():
    out = io.StringIO()
    write_log("info", redact=lambda text: text, stream=out, as_json=False)

    log(logging.WARNING, "node failed", run="r1", node="fetch", message="x" * 5000)

    (line,) = out.getvalue().splitlines()
    assert "node failed" in line
    assert "run=r1" in line
    assert len(line) < 600


def test_below_the_level_nothing_is_logged():
    out = io.StringIO()
    write_log("error", redact=lambda text: text, stream=out, as_json=True)

    log(logging.INFO, "nothing much")

    assert out.getvalue() == ""


def test_as_a_library_we_say_nothing_by_ourselves(capsys: pytest.CaptureFixture[str]):
    log(logging.ERROR, "something", run="r")

    assert capsys.readouterr() == ("", "")
    assert [type(handler) for handler in LOGGER.handlers] == [logging.NullHandler]
    assert LOGGER.propagate


def test_data_of_any_depth_is_cleaned():
    assert without_secrets({"a": ("b", 1, None)}, str.upper) == {"A": ["B", 1, None]}

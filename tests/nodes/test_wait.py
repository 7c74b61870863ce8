import asyncio
from datetime import UTC, datetime

import pytest
from tests.nodes.alone import outputs, problems, turn
from tests.nodes.whole import document, opened

from mulle.nodes.wait import NoTime, Wait
from mulle.sdk.node import Wait as Waiting

NINE = datetime(2026, 3, 1, 0, 0, tzinfo=UTC).timestamp()
"""9:00 in Seoul."""


async def test_a_while_begins_when_the_step_does():
    answer = await turn(Wait(), {"for": "2h"}, now=1000.0)

    assert answer == Waiting(until=8200.0, memo={"until": 8200.0})


@pytest.mark.parametrize(
    "until", ["2026-03-01T09:00:00+09:00", "2026-03-01T00:00:00Z", "2026-03-01 09:00", "2026-03-01T09:00:00"]
)
async def test_a_time_without_an_offset_is_local(until: str):
    answer = await turn(Wait(), {"until": until}, now=0.0)

    assert answer.until == NINE


async def test_a_time_that_has_passed_does_not_wait():
    assert await outputs(Wait(), {"until": "2020-01-01"}, now=NINE) == {"received": False, "payload": None}


async def test_what_is_no_time_says_so():
    with pytest.raises(NoTime, match="'내일 아침' is no time"):
        await turn(Wait(), {"until": "내일 아침"})


@pytest.mark.parametrize(
    "settings", [{}, {"for": "1h", "until": "2026-03-01"}, {"for": "1h", "timezone": "Asia/Soul"}, {"for": "soon"}]
)
def test_a_wait_for_nothing_or_for_too_much_is_found_before_a_run(settings: dict[str, str]):
    assert len(problems(Wait(), settings)) == 1


def test_what_is_wrong_with_the_settings_as_a_whole_stands_at_the_whole():
    assert problems(Wait(), {}) == ["nodes.step.data: say what to wait for: `for`, `until` or `signal`."]


SIGNAL = """
    nodes:
      - {id: paid, type: wait, data: {signal: order/paid, for: 1h}}
      - {id: end, type: end}
    edges:
      - {source: paid, source_port: received, target: end, target_port: received}
      - {source: paid, source_port: payload, target: end, target_port: payload}
"""


async def test_a_signal_ends_the_wait():
    async with opened() as app:
        run = await app.run(document(SIGNAL))
        assert run.status == "waiting"
        await app.signal(run.id, "order/paid", {"금액": 12000})
        run = await app.go_on(run.id)

    assert run.outputs == {"received": True, "payload": {"금액": 12000}}


async def test_a_signal_that_never_comes_ends_with_the_time():
    async with opened() as app:
        await app.serve()
        run = await app.run(document(SIGNAL.replace("1h", "20ms")))
        while run.status == "waiting":
            await asyncio.sleep(0.02)
            run = await app.wait(run.id)

    assert run.outputs == {"received": False, "payload": None}

"""A worker that is cut off from its server begins nothing once another one may have taken over, over a real wire."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from tests.contracts.journal_worlds import facts, new
from tests.postgres_server import server
from tests.postgres_wire import PostgresWire
from tests.services.site import Site, reply

from mulle.app import App
from mulle.document.reading import read_workflow
from mulle.sdk import Done, Node
from mulle.sdk.catalogue import Catalogue
from mulle.sdk.context import Services
from mulle.services.http import Http
from mulle.store.postgres_journal import PostgresJournal
from mulle.store.postgres_lease import LEASE, boot_clock
from mulle.store.sqlite_workflows import SqliteWorkflows

DOCUMENT = b"""
mulle: 1
nodes:
  - {id: first, type: first, effect: repeatable}
  - {id: gate, type: gate, effect: repeatable}
  - {id: mail, type: mark, effect: once}
  - {id: end, type: end}
edges: [{source: first, target: gate}, {source: gate, target: mail}, {source: mail, target: end}]
"""


@pytest.fixture
def wire() -> Iterator[PostgresWire]:
    with PostgresWire() as wire:
        yield wire


@pytest.fixture
async def pair(wire: PostgresWire) -> AsyncIterator[tuple[PostgresJournal, PostgresJournal]]:
    """A journal whose way to the server can be cut off, and another one, on the same database."""
    url = server().schema()
    journals = PostgresJournal(wire.url(url), name="far"), PostgresJournal(url, name="near")
    yield journals
    wire.mend()
    for journal in journals:
        await journal.close()


async def entered(journal: PostgresJournal) -> None:
    """Wait until the server knows the session of the one worker there is: from then on it judges it by that."""
    while not await journal._ask("SELECT FROM workers WHERE session IS NOT NULL"):  # noqa: ASYNC110 - another thread beats.
        await asyncio.sleep(0.005)


async def claimed(journal: PostgresJournal, run: str, within: float) -> bool:
    """Whether somebody can take a run over in so many seconds."""
    give_up = boot_clock() + within
    while boot_clock() < give_up:
        if await journal.claim(run) is not None:
            return True
        await asyncio.sleep(0.02)
    return False


async def test_who_is_cut_off_holds_nothing_when_another_one_has_claimed_it(
    wire: PostgresWire, pair: tuple[PostgresJournal, PostgresJournal]
):
    far, near = pair
    await far.create(new("r"), facts(0))
    await entered(near)
    before = far.holds()

    wire.cut_off()
    cut = boot_clock()
    assert await claimed(near, "r", 10.0)
    held, took = far.holds(), boot_clock() - cut

    assert (before, held) == (True, False)
    assert took < LEASE / 2


async def test_who_was_cut_off_for_a_moment_goes_on(wire: PostgresWire, pair: tuple[PostgresJournal, PostgresJournal]):
    far, near = pair
    lost = asyncio.Event()
    far.on_loss(lost.set)
    await far.create(new("r"), facts(0))
    await entered(near)

    wire.cut_off()
    await asyncio.sleep(0.7)
    unsure = far.holds()
    asked = asyncio.create_task(far.confirmed())
    wire.mend()

    assert not unsure
    assert await asyncio.wait_for(asked, 10)
    assert far.holds()
    assert not lost.is_set()
    assert (await near.row("r")).epoch == 1


async def test_who_asks_while_he_is_cut_off_for_long_is_told_that_all_is_lost(
    wire: PostgresWire, pair: tuple[PostgresJournal, PostgresJournal]
):
    far, near = pair
    await far.create(new("r"), facts(0))
    await entered(near)

    wire.cut_off()
    await asyncio.sleep(0.7)

    assert not await asyncio.wait_for(far.confirmed(), LEASE)


class Gate(Node):
    """Goes on when it may."""

    type = "gate"

    def __init__(self) -> None:
        self.began, self.may_go_on = asyncio.Event(), asyncio.Event()

    async def run(self, config: Any, inputs: Any, ctx: Any) -> Done:
        del config, inputs, ctx
        self.began.set()
        await self.may_go_on.wait()
        return Done({})


class Mark(Node):
    """Notes that it began."""

    type = "mark"

    def __init__(self) -> None:
        self.calls = 0

    async def run(self, config: Any, inputs: Any, ctx: Any) -> Done:
        del config, inputs, ctx
        self.calls += 1
        return Done({})


class Late(Node):
    """Calls somebody when it has waited long enough."""

    type = "late"

    def __init__(self, url: str) -> None:
        self.began, self.may_go_on = asyncio.Event(), asyncio.Event()
        self._url = url

    async def run(self, config: Any, inputs: Any, ctx: Any) -> Done:
        del config, inputs
        self.began.set()
        await self.may_go_on.wait()
        await ctx.http.request("POST", self._url)
        return Done({})


class World:
    """What there is outside."""

    def __init__(self, services: Services | None = None) -> None:
        self.services = services or Services()

    def redact(self, text: str) -> str:
        return text

    async def close(self) -> None:
        pass


async def test_a_licence_that_was_heard_of_too_late_begins_nothing(
    wire: PostgresWire, pair: tuple[PostgresJournal, PostgresJournal]
):
    far, near = pair
    gate, mark = Gate(), Mark()
    catalogue = Catalogue.installed().with_types({"gate": gate, "mark": mark, "first": Mark()})
    app = App(far, catalogue, World(), SqliteWorkflows(":memory:"), again=lambda: far, by_itself=False)
    run = await app.start(read_workflow(DOCUMENT))
    await gate.began.wait()
    await entered(near)
    head = (await near.row(run)).head

    wire.hold_answers()
    gate.may_go_on.set()
    while (await near.row(run)).head == head:  # noqa: ASYNC110 - it happens in the server.
        await asyncio.sleep(0.005)
    wire.cut_off()
    assert await claimed(near, run, 10.0)
    wire.let_answers_come()
    await asyncio.sleep(0.3)  # The licence has been heard of by then.
    calls = mark.calls
    wire.mend()
    await app.close()

    assert calls == 0
    assert mark.calls == 0


async def test_a_step_that_is_late_asks_once_more_before_it_calls_anybody(
    wire: PostgresWire, pair: tuple[PostgresJournal, PostgresJournal]
):
    far, near = pair
    with Site() as site:
        late, http = Late(site.on("/mail", reply())), Http(site.guard("site.example"))
        catalogue = Catalogue.installed().with_types({"late": late})
        world = World(Services(http=http))
        app = App(far, catalogue, world, SqliteWorkflows(":memory:"), again=lambda: far, by_itself=False)
        run = await app.start(read_workflow(b"{mulle: 1, nodes: [{id: mail, type: late, effect: once}]}"))
        await late.began.wait()
        await entered(near)

        wire.cut_off()
        assert await claimed(near, run, 10.0)
        late.may_go_on.set()
        await asyncio.sleep(0.3)
        received = list(site.received)
        wire.mend()
        await app.close()
        await http.aclose()

        assert received == site.received == []


async def test_who_was_out_of_touch_gives_others_time_to_come_back(wire: PostgresWire):
    url = server().schema()
    gone, back = (PostgresJournal(each, lease=2.0) for each in (url, wire.url(url)))
    await gone.create(new("of gone"), facts(0))
    await back.create(new("of back"), facts(0))
    gone.die()
    wire.cut_off()
    await asyncio.sleep(2.1)
    wire.mend()
    server().say("UPDATE workers SET session = NULL", url=url)  # So that leases alone tell.
    came_back = boot_clock()
    while not back.holds():  # noqa: ASYNC110 - another thread beats.
        await asyncio.sleep(0.01)

    first = await back.claim("of gone")
    later = await claimed(back, "of gone", 10.0)
    took = boot_clock() - came_back

    assert (first, later) == (None, True)
    assert took > 1.9
    for journal in (gone, back):
        await journal.close()

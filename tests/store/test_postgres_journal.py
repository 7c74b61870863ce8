"""What is special about the journal in Postgres: leases, connections that break, and servers that are not there."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from tests.contracts.journal_worlds import batch, facts, new, numbers
from tests.postgres_server import server

import mulle
from mulle.engine.codec import encode_one
from mulle.engine.facts import NodeDone
from mulle.engine.journal import Batch, InboxSignal, Queue
from mulle.errors import JournalConflict, StoreRefused, StoreTooNew, StoreUnavailable
from mulle.store import postgres_lease
from mulle.store.postgres_database import PostgresMissing
from mulle.store.postgres_journal import PostgresJournal

SOURCES = str(Path(mulle.__file__).parents[1])
OWNER = """
import asyncio, sys
from mulle.engine.journal import Batch, NewRun
from mulle.errors import JournalConflict
from mulle.store.postgres_journal import PostgresJournal
async def own(url, lease):
    journal = PostgresJournal(url, lease=float(lease))
    journal.on_loss(lambda: print("lost", flush=True))
    await journal.create(NewRun(id="r", workflow="w", graph="g", created=1.0), [b"{}"])
    print(journal.holds(), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    print(journal.holds(), flush=True)
    try:
        await journal.append(Batch(run="r", epoch=1, after=1, facts=[b"{}"]))
    except JournalConflict:
        print("refused", flush=True)
    await journal.close()
asyncio.run(own(*sys.argv[1:]))
"""


@pytest.fixture
async def opened() -> AsyncIterator[Callable[..., PostgresJournal]]:
    """Journals on one database, closed at the end."""
    url, journals = server().schema(), list[PostgresJournal]()

    def journal(**options: float) -> PostgresJournal:
        journals.append(PostgresJournal(url, **options))  # pyright: ignore[reportArgumentType]  # Only `lease` is given.
        return journals[-1]

    journal.url = url  # pyright: ignore[reportFunctionMemberAccess]  # For those who need a process or a statement.
    yield journal
    for each in journals:
        await each.close()


def owner(url: str, lease: float) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", OWNER, url, str(lease)]
    return subprocess.Popen(
        command, env={"PYTHONPATH": SOURCES}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


async def soon(look: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await look():  # noqa: ASYNC110 - what is waited for happens in a server.
            await asyncio.sleep(0.02)


async def test_a_killed_process_is_replaced_long_before_its_lease_runs_out(opened: Callable[..., PostgresJournal]):
    process = owner(opened.url, lease=3600)  # pyright: ignore[reportFunctionMemberAccess]  # See the fixture.
    assert process.stdout is not None
    said = await asyncio.to_thread(process.stdout.readline)
    journal = opened()
    before = await journal.claim("r")
    process.send_signal(signal.SIGKILL)
    process.communicate()

    async def is_free() -> bool:
        return await journal.claimable(0.0) == ["r"]

    await soon(is_free)
    claim = await journal.claim("r")

    assert (said, before) == ("True\n", None)
    assert claim is not None
    assert claim.unclean


async def test_a_process_that_stood_still_past_its_lease_acts_no_more(opened: Callable[..., PostgresJournal]):
    process = owner(opened.url, lease=2.0)  # pyright: ignore[reportFunctionMemberAccess]  # See the fixture.
    assert process.stdout is not None
    assert await asyncio.to_thread(process.stdout.readline) == "True\n"
    journal = opened()
    process.send_signal(signal.SIGSTOP)

    async def is_ours() -> bool:
        return bool(await journal.claim_due(0.0))

    await soon(is_ours)
    process.send_signal(signal.SIGCONT)
    said, _ = await asyncio.to_thread(process.communicate, "\n", 60)

    assert [word for word in said.split() if word != "lost"] == ["False", "refused"]
    assert "lost" in said
    assert (await journal.row("r")).head == 1
    await journal.append(batch("r", 1, epoch=2))


async def test_who_is_declared_dead_hears_of_it_and_comes_back_as_somebody_else(
    opened: Callable[..., PostgresJournal],
):
    journal = opened()
    lost = asyncio.Event()
    journal.on_loss(lost.set)
    await journal.create(new("r"), facts(0))
    server().say("UPDATE workers SET dead = true", url=opened.url)  # pyright: ignore[reportFunctionMemberAccess]

    await asyncio.wait_for(lost.wait(), 30)
    held = journal.holds()
    with pytest.raises(JournalConflict):
        await journal.append(batch("r", 1))
    claims = await journal.claim_due(0.0)

    assert not held
    assert [(claim.row.id, claim.row.epoch, claim.unclean) for claim in claims] == [("r", 2, True)]
    assert journal.holds()


async def test_nobody_claims_as_one_of_the_dead_and_what_was_claimed_before_is_lost_once_more(
    opened: Callable[..., PostgresJournal], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(postgres_lease, "HEARTBEAT", 3600.0)  # It does not hear of its death.
    journal = opened(lease=0.4)
    losses = 0

    def count() -> None:
        nonlocal losses
        losses += 1

    journal.on_loss(count)
    await journal.create(new("r"), facts(0))
    first = (await journal.row("r")).owner
    await asyncio.sleep(0.4)
    assert not journal.holds()
    await journal.create(new("s"), facts(0))  # Nobody minds as long as nobody wants its runs.
    assert (await journal.row("s")).owner == first
    server().say("UPDATE workers SET dead = true", url=opened.url)  # pyright: ignore[reportFunctionMemberAccess]
    before = losses
    await journal.create(new("t"), facts(0))

    assert (await journal.row("t")).owner not in {None, first}
    assert losses == before + 1
    assert {claim.row.id for claim in await journal.claim_due(0.0)} == {"r", "s"}


async def test_what_is_written_while_the_server_restarts_is_written_once(opened: Callable[..., PostgresJournal]):
    journal = opened()
    await journal.create(new("first"), facts(0))
    restart = asyncio.create_task(asyncio.to_thread(server().restart))
    made = 0

    async def go_on(run: str) -> None:
        await journal.create(new(run), facts(0))
        after = 1
        while not restart.done() or after < 5:
            await journal.append(batch(run, after))
            after += 1
        await journal.send(run, InboxSignal("1", "approve"))
        await journal.append(batch(run, after, status="succeeded", ended=1.0))

    async def take_its_turn(run: str) -> None:
        assert await journal.create(new(run, queues=(Queue("q", 100),)), facts(0))
        while (claim := await journal.claim(run)) is None:
            pass
        await journal.append(batch(run, 1, epoch=claim.row.epoch, status="succeeded", ended=1.0))

    while not restart.done():
        turns = (take_its_turn(f"{made}-{number}-queued") for number in range(4))
        await asyncio.gather(*(go_on(f"{made}-{number}") for number in range(8)), *turns)
        made += 1
    await restart

    assert made
    for row in await journal.rows(status="succeeded", limit=1000):
        assert await numbers(journal, row.id) == list(range(row.head))
    assert {row.id for row in await journal.rows(status="running")} == {"first"}
    assert journal.holds()


async def test_facts_of_many_runs_that_are_sent_together_may_hold_any_character(opened: Callable[..., PostgresJournal]):
    journal = opened()
    texts = ["\x1e", '"\\\x1e"', "\0", "{},\x1f", "물레\u2028", ""]
    said = [NodeDone(at=1.0, path=("a",), outputs={"text": text, text: 1}) for text in texts]

    await asyncio.gather(*(journal.create(new(str(n)), [encode_one(fact)]) for n, fact in enumerate(said)))
    await asyncio.gather(
        *(journal.append(Batch(run=str(n), epoch=1, after=1, facts=[encode_one(fact)])) for n, fact in enumerate(said))
    )

    assert [await journal.read(str(number)) for number in range(len(texts))] == [[fact, fact] for fact in said]


async def test_what_was_claimed_over_a_connection_that_broke_is_let_go_of(opened: Callable[..., PostgresJournal]):
    journal, other = opened(), opened()
    await journal.create(new("known"), facts(0))
    await journal.create(new("unknown"), facts(0))
    journal._membership.held.discard("unknown")  # As if its claim had been committed and the answer was lost.
    server().say(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mulle'"
        " AND query LIKE '%FROM made%'"
    )

    await journal.append(batch("known", 1))

    assert [claim.row.id for claim in await other.claim_due(0.0)] == ["unknown"]


async def test_a_server_that_is_not_there_is_told_at_once_and_without_its_password():
    journal = PostgresJournal("postgresql://me:secret@localhost:1/nowhere")

    with pytest.raises(StoreUnavailable) as raised:
        await asyncio.wait_for(journal.rows(), 10)
    await journal.close()

    assert (raised.value.code, raised.value.at) == ("store.unavailable", "localhost:1/nowhere")
    assert "secret" not in str(raised.value.to_dict())
    assert "MULLE_DATABASE_URL" in raised.value.advice


@pytest.mark.parametrize(
    ("who", "database", "advice"),
    [
        ("clerk:wrong", "postgres", "password"),
        ("clerk", "postgres", "password"),
        ("clerk:right", "postgres", "GRANT CREATE"),
        ("postgres", "nowhere", "createdb"),
        ("nobody", "postgres", "pg_hba"),
    ],
)
async def test_a_server_that_lets_nobody_in_says_what_to_look_at(who: str, database: str, advice: str):
    server().ask_for_password("clerk", "right")
    journal = PostgresJournal(server().url.replace("postgres:@/postgres", f"{who}@/{database}"))

    with pytest.raises(StoreRefused) as raised:
        await journal.create(new("r"), facts(0))
    await journal.close()

    assert raised.value.code == "store.refused"
    assert advice in raised.value.advice
    assert not {"wrong", "right"} & set(str(raised.value.to_dict()).replace(":", " ").split())


async def test_a_schema_of_a_newer_release_is_left_alone(opened: Callable[..., PostgresJournal]):
    await opened().rows()
    server().say("UPDATE meta SET value = 9999", url=opened.url)  # pyright: ignore[reportFunctionMemberAccess]

    with pytest.raises(StoreTooNew):
        await opened().rows()


async def test_without_the_library_a_person_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(PostgresMissing) as raised:
        PostgresJournal("postgresql://localhost/mulle")

    assert raised.value.advice == "pip install 'mulle[cluster]'"

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from mulle.errors import StoreUnavailable
from mulle.store import group_commit
from mulle.store.database import connect
from mulle.store.group_commit import LOOP_BYTES, LOOP_ITEMS, GroupCommit


class Numbers:
    """Writes numbers to a table, refuses negative ones, and remembers in which thread and in what company."""

    def __init__(self, path: Path) -> None:
        self.db = connect(path)
        self.db.execute("CREATE TABLE numbers (n INTEGER UNIQUE)")
        self.groups: list[tuple[str, int]] = []
        self.commits: GroupCommit[int] = GroupCommit(path, self.db, self.together, self.alone, patience=0.2)

    def together(self, db: sqlite3.Connection, items: Sequence[int]) -> list[Any]:
        self.groups.append((threading.current_thread().name, len(items)))
        return [self.alone(db, item) for item in items]

    def alone(self, db: sqlite3.Connection, item: int) -> int:
        db.execute("INSERT INTO numbers VALUES (?)", (item,))
        if item < 0:
            raise ValueError(item)
        return item * 2

    def kept(self) -> list[int]:
        return [n for (n,) in self.db.execute("SELECT n FROM numbers ORDER BY rowid")]

    @property
    def threads(self) -> list[str]:
        return ["thread" if name.startswith("mulle") else "loop" for name, _ in self.groups]


@pytest.fixture
async def numbers(tmp_path: Path) -> AsyncIterator[Numbers]:
    numbers = Numbers(tmp_path / "x.db")
    yield numbers
    await numbers.commits.close()
    numbers.db.close()


async def test_what_gathers_in_one_turn_of_the_loop_is_one_commit(numbers: Numbers):
    doubles = await asyncio.gather(*(numbers.commits.submit(n, 1) for n in range(100)))

    assert doubles == [n * 2 for n in range(100)]
    assert numbers.groups == [("MainThread", 100)]


async def test_more_than_a_little_is_written_in_several_turns(numbers: Numbers):
    count = LOOP_ITEMS * 2 + 1

    await asyncio.gather(*(numbers.commits.submit(n, 1) for n in range(count)))

    assert [size for _, size in numbers.groups] == [LOOP_ITEMS, LOOP_ITEMS, 1]
    assert numbers.kept() == list(range(count))


async def test_a_large_item_is_written_in_the_thread_and_order_is_kept(numbers: Numbers):
    sizes = [1, LOOP_BYTES + 1, 1, 1]

    await asyncio.gather(*(numbers.commits.submit(n, size) for n, size in enumerate(sizes)))

    assert numbers.kept() == [0, 1, 2, 3]
    assert numbers.threads == ["loop", "thread"]


async def test_a_slow_disk_moves_commits_to_the_thread_and_a_quick_one_back(
    numbers: Numbers, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(group_commit, "SLOW", 0.0)
    monkeypatch.setattr(group_commit, "TRY_AGAIN", 0.2)
    await numbers.commits.submit(1, 1)
    await numbers.commits.submit(2, 1)
    monkeypatch.setattr(group_commit, "SLOW", 60.0)
    await asyncio.sleep(0.3)
    await numbers.commits.submit(3, 1)
    await numbers.commits.submit(4, 1)

    assert numbers.threads == ["loop", "thread", "loop", "loop"]


async def test_the_loop_lets_a_writing_thread_in_however_busy_it_is(numbers: Numbers, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(group_commit, "LOOP_BYTES", 0)
    turns = 0

    writing = [numbers.commits.submit(n, 1) for n in range(2000)]
    async with asyncio.timeout(30):
        while not writing[-1].done():
            turns += sum(range(300)) > 0
            await asyncio.sleep(0)

    assert set(numbers.threads) == {"thread"}
    assert turns > 1


async def test_the_loop_pauses_no_more_often_the_more_there_is_to_write(
    numbers: Numbers, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(group_commit, "LOOP_BYTES", 0)
    pauses: list[float] = []
    give_way = numbers.commits._give_way
    monkeypatch.setattr(numbers.commits, "_give_way", lambda: (pauses.append(0), give_way()))
    begun = asyncio.get_running_loop().time()

    for n in range(100):
        await numbers.commits.submit(n, 1)

    assert len(pauses) <= (asyncio.get_running_loop().time() - begun) / group_commit.GIVE_WAY + 1


async def test_who_raises_is_told_and_leaves_nothing(numbers: Numbers):
    outcomes = await asyncio.gather(*(numbers.commits.submit(n, 1) for n in (1, -2, 3, 3)), return_exceptions=True)

    assert outcomes[0] == 2
    assert isinstance(outcomes[1], ValueError)
    assert outcomes[2] == 6
    assert isinstance(outcomes[3], StoreUnavailable)
    assert numbers.kept() == [1, 3]


async def test_who_stops_waiting_disturbs_nobody(numbers: Numbers):
    gone, stays = numbers.commits.submit(1, 1), numbers.commits.submit(2, 1)
    gone.cancel()

    assert await stays == 4
    assert numbers.kept() == [1, 2]


async def test_a_lock_that_is_never_freed_fails_the_group_and_not_the_next(tmp_path: Path, numbers: Numbers):
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    outcomes = await asyncio.gather(*(numbers.commits.submit(n, 1) for n in (1, 2)), return_exceptions=True)
    other.execute("ROLLBACK")

    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 2
    assert await numbers.commits.submit(3, 1) == 6
    assert numbers.kept() == [3]
    other.close()


async def test_closing_twice_and_while_others_write_is_fine(numbers: Numbers):
    writing = [numbers.commits.submit(n, LOOP_BYTES) for n in range(5)]

    await asyncio.gather(numbers.commits.close(), numbers.commits.close())
    await numbers.commits.close()

    assert [each.result() for each in writing] == [0, 2, 4, 6, 8]
    assert not numbers.commits.free


async def test_who_sends_all_alone_waits_for_no_group(numbers: Numbers, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(group_commit, "SLOW", 60.0)
    await numbers.commits.submit(1, 1, "a")

    again = numbers.commits.submit(2, 1, "a")

    assert again.done()
    assert await again == 4
    assert numbers.kept() == [1, 2]


async def test_several_senders_share_a_commit_as_soon_as_there_are_several(numbers: Numbers):
    await numbers.commits.submit(1, 1, "a")
    for first in (2, 4, 6):
        await asyncio.gather(numbers.commits.submit(first, 1, "b"), numbers.commits.submit(first + 1, 1, "a"))

    assert [size for _, size in numbers.groups] == [1, 2, 2, 2]


async def test_a_lone_sender_keeps_his_place_behind_what_waits(numbers: Numbers):
    await numbers.commits.submit(1, 1, "a")
    others = numbers.commits.submit(2, 1)

    his = numbers.commits.submit(3, 1, "a")

    assert not his.done()
    await asyncio.gather(others, his)
    assert numbers.kept() == [1, 2, 3]


async def test_what_a_lone_sender_may_not_write_is_his_own_error(numbers: Numbers):
    await numbers.commits.submit(1, 1, "a")

    refused = numbers.commits.submit(-1, 1, "a")

    with pytest.raises(ValueError, match="-1"):
        await refused
    assert numbers.kept() == [1]

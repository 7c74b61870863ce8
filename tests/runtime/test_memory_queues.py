from hypothesis import given
from hypothesis import strategies as st

from mulle.engine.journal import Queue
from mulle.runtime.memory_queues import MemoryQueues

MOST = {"a": 1, "b": 2, "c": 3}
NAMES = st.lists(st.sampled_from(sorted(MOST)), min_size=1, unique=True)
MOVES = st.lists(
    st.tuples(st.sampled_from(["enter", "take", "leave", "forget"]), st.integers(0, 7), NAMES), max_size=60
)


@given(MOVES)
def test_no_queue_ever_has_more_at_work_than_it_may_and_nobody_waits_in_vain(moves: list[tuple[str, int, list[str]]]):
    queues, waiting = MemoryQueues(), set[str]()
    members: dict[str, list[str]] = {}
    at_work: dict[str, list[str]] = {}
    for move, number, names in moves:
        run = str(number)
        if move == "enter" and run not in members:
            members[run] = names
            queues.enter(run, [Queue(name, MOST[name]) for name in names], number)
        elif move == "take" and run in members:
            if queues.take(run):
                at_work[run] = members[run]
                waiting.discard(run)
            else:
                waiting.add(run)
        elif move in ("leave", "forget") and run in members:
            for following in queues.leave(run):
                at_work[following] = members[following]
                waiting.discard(following)
            at_work.pop(run, None)
            waiting.discard(run)
            if move == "forget":
                queues.forget(run)
                del members[run]
        used = {name: sum(name in names for names in at_work.values()) for name in MOST}
        assert all(used[name] <= MOST[name] for name in MOST)
        for one in waiting:
            assert any(used[name] == MOST[name] for name in members[one])

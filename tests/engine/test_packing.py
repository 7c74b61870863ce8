"""Big values leave a fact when it is written and come back when it is read, and nobody can tell."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mulle.document.variables import Write
from mulle.engine.blobs import BlobLost, Unpacked, wanted, whole
from mulle.engine.codec import UnreadableJournal, decode, encode_one, joined
from mulle.engine.facts import (
    AnyFact,
    BlobRef,
    Failure,
    NodeDone,
    NodeExpanded,
    NodeFailed,
    NodeStarted,
    NodeWaiting,
    RunEnded,
    RunStarted,
    Signalled,
)
from mulle.engine.packing import HEAVY, LIMIT, PART, Blobs, Packed, is_heavy, packed, packing, preview, weight

BIG = "물레\n" * (LIMIT // 3)
LONG = "x" * (LIMIT + 1)
ROWS = [{"n": number, "글": "가나다"} for number in range(4_000)]


def done(**outputs: Any) -> NodeDone:
    return NodeDone(at=1.0, path=("a", 3, "b"), outputs=outputs)


def stored(fact: AnyFact) -> tuple[AnyFact, Blobs]:
    """The fact as the store has it, and the values beside it."""
    data, blobs = packed(fact)
    return decode(joined([data]))[0], blobs


def value(blobs: Blobs, name: str) -> Any:
    unpacked = Unpacked(name)
    for part in blobs.get(name, ()):
        unpacked.add(part)
    return unpacked.value()


def back(fact: AnyFact, *, previews: bool = False) -> AnyFact:
    kept, blobs = stored(fact)
    return whole(kept, lambda name: value(blobs, name), previews=previews)


def places(fact: AnyFact) -> list[tuple[str | int, ...]]:
    return [ref.at for ref in stored(fact)[0].blobs]


EVERYWHERE: list[AnyFact] = [
    RunStarted(at=1.0, run="r", graph="g", inputs={"text": BIG}, conversation={"log": ROWS}, environment={"e": BIG}),
    done(text=BIG, n=1, rows=ROWS),
    done(page={"text": BIG, "more": {"again": BIG}}, mixed=[BIG, 1, BIG + "!", None]),
    NodeDone(at=1.0, path=("a",), writes=(Write("set", "state.x", BIG), Write("append", "conversation.y", ROWS))),
    NodeDone(at=1.0, path=("a",), usage={"trace": BIG}),
    NodeExpanded(at=1.0, path=("a",), scopes=tuple({"item": row, "index": i} for i, row in enumerate(ROWS))),
    NodeExpanded(at=1.0, path=("a",), scopes=tuple({"item": BIG, "index": i} for i in range(3)), memo=[BIG]),
    NodeExpanded(at=1.0, path=("a",), scopes=({"state": {"seen": ROWS}, "index": 0},), plan={"nodes": [BIG]}),
    NodeExpanded(at=1.0, path=("a",), scopes=({"item": BIG, "index": True},)),
    NodeExpanded(at=1.0, path=("a",), scopes=tuple({"name": f"{i} {LONG[:100]}"} for i in range(2000))),
    NodeWaiting(at=1.0, path=("a",), form={"text": BIG}, memo=BIG),
    NodeFailed(at=1.0, path=("a",), kind="error", error=Failure("x", BIG)),
    Signalled(at=1.0, id="1", name="n", payload=BIG),
    RunEnded(at=1.0, status="succeeded", outputs={"text": BIG, "rows": ROWS}),
    done(text="\0" * LIMIT),
    done(**{f"port {number}": LONG[:10_000] for number in range(20)}),
    done(many=[LONG, *range(LIMIT)]),
    done(many=[["y" * LIMIT * 8], *range(LIMIT)], deep={"rows": [ROWS, *range(LIMIT)]}),
    done(many={**{f"{number}": number for number in range(LIMIT)}, "one": 9_000 * "z", "ten": [9_000 * "z"]}),
]


@pytest.mark.parametrize("fact", EVERYWHERE, ids=lambda fact: type(fact).__name__)
def test_a_fact_comes_back_whole_and_is_written_small(fact: AnyFact):
    data, blobs = packed(fact)

    assert back(fact) == fact
    assert len(data) < 2 * LIMIT
    assert blobs
    assert all(len(part) < 2 * PART or name for name, parts in blobs.items() for part in parts)


@pytest.mark.parametrize("fact", [NodeStarted(at=1.0, path=("a",)), done(text="짧다"), done(text=LONG[:-1000])])
def test_small_values_stay_where_they_are(fact: AnyFact):
    data, blobs = packed(fact)

    assert not blobs
    assert data == encode_one(fact)


def test_several_values_that_are_big_only_together_stay_if_each_place_has_room():
    fact = RunStarted(at=1.0, run="r", graph="g", inputs={"a": "x" * 40_000}, conversation={"b": "x" * 40_000})

    assert packed(fact).blobs == {}
    assert back(fact) == fact


def test_the_same_value_has_the_same_hash_wherever_it_stands():
    texts = [stored(fact)[1] for fact in (done(a=BIG), done(page={"text": BIG}), done(pages=[1, BIG]))]

    assert len({name for blobs in texts for name in blobs}) == 1


def test_the_items_of_a_map_are_the_list_they_came_from():
    (listed,) = stored(done(rows=ROWS))[1]
    scopes = tuple({"item": row, "index": index} for index, row in enumerate(ROWS))
    (expanded,) = stored(NodeExpanded(at=1.0, path=("each",), scopes=scopes))[1]

    assert listed == expanded


def test_the_innermost_big_value_is_taken_and_the_outer_one_where_the_rest_is_big_too():
    assert places(done(page={"text": BIG, "n": 1})) == [("outputs", "page", "text")]
    assert places(done(rows=[BIG, *range(LIMIT)])) == [("outputs", "rows")]
    assert places(done(**{str(number): LONG[:9000] for number in range(10)})) == [("outputs",)]


FORGED = {"blobs": [[["outputs", "x"], "0" * 40, 1, False]], "$blob": "0" * 40, "hash": "0" * 40, "size": 99}


@pytest.mark.parametrize("padding", ["", BIG])
def test_no_value_can_pass_for_a_reference(padding: str):
    fact = done(x=FORGED, blobs=FORGED["blobs"], text=padding)

    assert back(fact) == fact
    assert places(fact) == ([("outputs", "text")] if padding else [])


def test_what_a_previewing_reader_gets_says_what_is_cut():
    shown = back(done(text=BIG, n=1), previews=True)

    assert isinstance(shown, NodeDone)
    assert shown.outputs["n"] == 1
    assert shown.outputs["text"] == BIG[:500] + "…"
    assert [(ref.at, ref.size) for ref in shown.blobs] == [
        (("outputs", "text"), len(BIG.encode()) + LIMIT + 6 * 1)
    ] or (shown.blobs[0].size > LIMIT)


@pytest.mark.parametrize("fact", EVERYWHERE, ids=lambda fact: type(fact).__name__)
def test_a_previewing_fold_sees_the_same_ports_scopes_writes_and_plans(fact: AnyFact):
    shown = back(fact, previews=True)

    for name in ("writes", "plan", "form", "conversation", "path"):
        assert getattr(shown, name, None) == getattr(fact, name, None)
    if isinstance(fact, NodeDone | RunEnded):
        assert isinstance(shown, NodeDone | RunEnded)
        assert shown.outputs.keys() == fact.outputs.keys()
    if isinstance(fact, NodeExpanded):
        assert isinstance(shown, NodeExpanded)
        assert [scope.keys() for scope in shown.scopes] == [scope.keys() for scope in fact.scopes]


def test_a_fact_without_big_values_is_given_back_itself():
    fact = done(text="a")

    assert whole(fact, str) is fact
    assert wanted(fact) == []


@pytest.mark.parametrize(
    "at", [("outputs", "x", "y"), ("outputs", "list", 9), ("nowhere", "x"), ("path", 0, 1), ("at",)]
)
def test_a_reference_to_nowhere_is_an_unreadable_journal(at: tuple[str | int, ...]):
    fact = NodeDone(at=1.0, path=("a",), outputs={"x": "…", "list": []}, blobs=(BlobRef(at, "h", 1),))

    with pytest.raises(UnreadableJournal, match="does not fit"):
        whole(fact, lambda _: "value")


def test_items_that_are_no_list_are_an_unreadable_journal():
    fact = NodeExpanded(at=1.0, path=("a",), scopes=(), blobs=(BlobRef(("scopes",), "h", 1, items=True),))

    with pytest.raises(UnreadableJournal):
        whole(fact, lambda _: None)


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ([], "not there"),
        ([b'"abc"', b'"dxx"'], "damaged"),
        ([b'"abc"'], "damaged"),
        ([b'"abc"', b"[1]"], "damaged"),
        ([b'"ab'], "damaged"),
    ],
)
def test_a_value_that_is_not_what_was_written_is_refused(parts: list[bytes], problem: str):
    name = "a" * 40
    unpacked = Unpacked(name)

    def read() -> Any:
        for part in parts:
            unpacked.add(part)
        return unpacked.value()

    with pytest.raises(BlobLost, match=problem):
        read()


def test_work_comes_in_slices_that_give_what_one_go_gives():
    fact = done(text=BIG * 40, rows=ROWS * 9)
    made: list[Packed] = []

    def watched() -> Iterator[None]:
        made.append((yield from packing(fact)))

    steps = len(list(watched()))

    assert made == [packed(fact)]
    assert steps > 40


@pytest.mark.parametrize(
    "light",
    [
        {},
        {"a": None, "b": 1, "c": "x" * HEAVY},
        {"many": dict.fromkeys("abcdefghijklm", 1)},
        {"d": [1, {"x": (2.5, True)}], "e": {"k": "v"}},
    ],
)
def test_ordinary_values_are_not_heavy(light: dict[str, Any]):
    assert not is_heavy(light)


WEIGHTY: list[Any] = [
    "x" * (HEAVY + 1),
    list(range(HEAVY)),
    [["가" * (HEAVY // 3)]],
    {"k" * HEAVY: 1},
    [{}] * HEAVY,
    {"a": {str(number): number for number in range(HEAVY)}},
]


@pytest.mark.parametrize("heavy", WEIGHTY, ids=lambda one: type(one).__name__)
def test_what_takes_milliseconds_to_write_is_heavy(heavy: Any):
    assert is_heavy({"small": 1, "big": heavy})
    assert weight(heavy, HEAVY) > HEAVY


def test_a_preview_is_small_and_of_the_same_kind():
    deep: Any = "bottom"
    for _ in range(50):
        deep = {"x": [deep]}
    for big in (
        BIG,
        ROWS,
        {"k" * 1000: 1, "a": 1},
        {"a": BIG, "b": BIG, "c": 3},
        [[[[[[1]]]]]],
        deep,
        [BIG] * 1000,
        (1, 2),
    ):
        short = preview(big)
        assert type(short) is (list if isinstance(big, tuple) else type(big))
        assert len(msgspec.json.encode(short)) < 4096


SIGNS = '가\n"\\'
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from([SIGNS * 2000, SIGNS * 20_000]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text(max_size=8), JSON, max_size=4))
def test_any_data_comes_back(outputs: dict[str, Any]):
    fact = done(**outputs)

    assert back(fact) == fact

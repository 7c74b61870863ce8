"""Facts as bytes: what was written is read again, by this release and by every later one."""

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulle.document.variables import Write
from mulle.engine.codec import TIGHT_SIZE, UnreadableJournal, decode, encode, encode_one, joined, tight
from mulle.engine.facts import (
    AnyFact,
    Failure,
    NodeDone,
    NodeExpanded,
    NodeFailed,
    NodeStarted,
    NodeWaiting,
    RunCancelled,
    RunEnded,
    RunStarted,
    Signalled,
)

texts = st.text(st.characters(codec="utf-8"), max_size=8)
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
data = st.recursive(
    scalars | texts, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8
)
objects = st.dictionaries(texts, data, max_size=3)
paths = st.lists(texts | st.integers(0, 10**6), min_size=1, max_size=5).map(tuple)
times = st.floats(0, 1e10)
maybe = st.none() | times
failures = st.builds(Failure, texts, texts, node=texts, hint=texts, where=texts)
writes = st.builds(Write, st.sampled_from(["set", "add", "append", "extend", "remove", "clear"]), texts, data)

facts = st.one_of(
    st.builds(
        RunStarted,
        at=times,
        run=texts,
        graph=texts,
        inputs=objects,
        secret_environment=st.tuples(texts),
        deadline=maybe,
    ),
    st.builds(
        NodeStarted,
        at=times,
        path=paths,
        turn=st.integers(1, 9),
        attempt=st.integers(1, 9),
        effect=st.sampled_from(["pure", "once"]),
    ),
    st.builds(NodeDone, at=times, path=paths, outputs=objects, writes=st.tuples(writes), usage=st.none() | objects),
    st.builds(
        NodeExpanded,
        at=times,
        path=paths,
        scopes=st.lists(objects).map(tuple),
        limit=st.none() | st.integers(),
        memo=data,
    ),
    st.builds(NodeWaiting, at=times, path=paths, until=maybe, signal=st.none() | texts, form=data, memo=data),
    st.builds(Signalled, at=times, id=texts, name=texts, payload=data),
    st.builds(
        NodeFailed,
        at=times,
        path=paths,
        kind=st.sampled_from(["error", "stopped"]),
        error=failures,
        retry_at=maybe,
        ask_until=maybe,
    ),
    st.builds(RunCancelled, at=times, reason=texts, detail=st.sampled_from(["cancelled", "timeout"])),
    st.builds(
        RunEnded, at=times, status=st.sampled_from(["succeeded", "failed"]), outputs=objects, error=st.none() | failures
    ),
)


@given(st.lists(facts))
def test_what_was_written_is_read_again(told: list[AnyFact]):
    assert decode(encode(told)) == told


@given(st.lists(facts))
def test_facts_encoded_one_by_one_make_the_same_batch(told: list[AnyFact]):
    assert joined([encode_one(fact) for fact in told]) == encode(told)


def test_korean_stays_readable_in_the_journal():
    assert "홍길동" in encode_one(Signalled(at=1.0, id="1", name="홍길동")).decode()


def test_the_versions_of_rules_and_format_are_always_written():
    assert {"format": 1, "rules": 1}.items() <= msgspec.json.decode(
        encode_one(RunStarted(at=1.0, run="r", graph="g"))
    ).items()


def test_a_field_that_a_later_release_added_is_passed_over():
    [fact] = decode(b'[{"fact":"signalled","at":1.0,"id":"1","name":"n","from_the_future":true}]')
    assert fact == Signalled(at=1.0, id="1", name="n")


@pytest.mark.parametrize(
    "batch", [b"", b"{}", b"[{}]", b'[{"fact":"node_flew","at":1}]', b'[{"fact":"signalled"', "글"]
)
def test_what_cannot_be_read_says_so(batch: bytes | str):
    with pytest.raises(UnreadableJournal, match="cannot be read"):
        decode(batch)


class NoData:
    pass


@pytest.mark.parametrize("value", [NoData(), "\ud800", {1j: 1}])
def test_what_is_no_data_is_refused(value: Any):
    with pytest.raises((TypeError, ValueError, OverflowError)):
        encode_one(NodeDone(at=1.0, path=("a",), outputs={"x": value}))


def test_a_number_that_is_none_reads_back_as_null():
    [fact] = decode(encode([NodeDone(at=1.0, path=("a",), outputs={"x": math.nan})]))
    assert isinstance(fact, NodeDone)
    assert fact.outputs == {"x": None}


def test_what_is_packed_tight_is_read_the_same_and_in_pieces():
    written = [NodeDone(at=float(number), path=("가",), outputs={"글": "물레" * 3_000}) for number in range(40)]
    batches = [(number, encode([fact])) for number, fact in enumerate(written)]

    packed = tight(batches)

    assert 1 < len(packed) < 10
    assert [position for position, _ in packed] == sorted({position for position, _ in packed})
    assert [fact for _, data in packed for fact in decode(data)] == written
    assert all(len(decode(data)) * len(batches[0][1]) <= TIGHT_SIZE for _, data in packed)
    assert tight([]) == []


def test_a_damaged_packed_batch_is_said():
    ((_, data),) = tight([(0, encode([NodeStarted(at=1.0, path=("a",))]))])

    for damaged in (data[:-5], data[:5] + b"????" + data[9:], b"x"):
        with pytest.raises(UnreadableJournal):
            decode(damaged)

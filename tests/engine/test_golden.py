"""Journals that earlier releases wrote fold for ever, and give what they gave then."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.engine.graphs import compiled, describe
from tests.engine.play import text_of

from mulle.engine.codec import decode, encode
from mulle.engine.facts import RunEnded
from mulle.engine.run import Run
from mulle.engine.scope import NodeState

GOLDEN = sorted((Path(__file__).parent.parent / "golden").glob("journal-*/*.json"))


def test_there_are_golden_journals():
    assert len(GOLDEN) >= 11


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_an_old_journal_folds_to_what_it_gave_then(file: Path):
    told: dict[str, Any] = json.loads(file.read_text())
    facts = decode(json.dumps(told["journal"]))
    endings: dict[str, str] = {}

    def ended(path: tuple[str | int, ...], state: NodeState) -> None:
        endings[text_of(path)] = state.status

    run = Run(compiled(told["document"]), describe)
    run.on_ending = ended
    for fact in facts[:-1]:
        run.apply(fact)

    last, finish = facts[-1], run.finish
    assert isinstance(last, RunEnded)
    assert finish is not None
    assert (finish.status, finish.detail, finish.outputs) == (last.status, last.detail, last.outputs)
    assert endings == told["endings"]


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_an_old_journal_is_written_again_as_it_was(file: Path):
    old = json.loads(file.read_text())["journal"]
    new = json.loads(encode(decode(json.dumps(old))))
    for before, after in zip(old, new, strict=True):
        assert before | after == before  # A field at its default may be left out.

"""What a caller may ask of a run, and what is refused before anything is written."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

import mulle
from mulle.app import App
from mulle.app.beginning import BadOption
from mulle.app.given import BadRunInput
from mulle.app.graphs import NoWorkflow
from mulle.document.reading import read_workflow

WORKFLOW = read_workflow("nodes: [{id: start, type: start, ports: {outputs: [{name: n, type: any}]}}]")


@pytest.fixture
async def app() -> AsyncIterator[App]:
    async with mulle.open(":memory:") as app:
        yield app


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ({"dedupe": "7"}, "There is no option 'dedupe' of a run."),
        ({"dedup": 7}, "'dedup' is a text, not 7."),
        ({"user": b"kim"}, "'user' is a text, not b'kim'."),
        ({"priority": "high"}, "'priority' is a whole number, not 'high'."),
        ({"priority": True}, "'priority' is a whole number, not True."),
        ({"priority": 10**30}, "'priority' is from -1000 to 1000."),
        ({"conversation": [1]}, "'conversation' is an object, not [1]."),
        ({"pins": "a"}, "'pins' is an object, not 'a'."),
    ],
)
async def test_an_option_that_cannot_be_meant_is_named(app: App, option: Any, says: str):
    with pytest.raises(BadOption) as refused:
        await app.run(WORKFLOW, **option)

    assert refused.value.text == says
    assert "dedup" in refused.value.advice
    assert not await app.runs()


@pytest.mark.parametrize("option", ["dedup", "session", "user", "workflow_id"])
async def test_half_a_character_is_no_text(app: App, option: Any):
    with pytest.raises(BadRunInput):
        await app.run(WORKFLOW, **anything({option: "\ud800"}))


def anything(options: Any) -> Any:
    return options


@pytest.mark.parametrize("inputs", [[1], "x", 5, True])
async def test_inputs_are_given_by_name(app: App, inputs: Any):
    with pytest.raises(BadRunInput, match="by name"):
        await app.run(WORKFLOW, inputs)


@pytest.mark.parametrize("workflow", ["digest.yaml", None, {"nodes": []}])
async def test_only_a_workflow_can_be_run(app: App, workflow: Any):
    with pytest.raises(NoWorkflow):
        await app.run(workflow)


async def test_a_signals_name_is_text(app: App):
    run = await app.run(WORKFLOW)

    with pytest.raises(BadRunInput):
        await app.signal(run.id, "\ud800")

"""The workflows of docs/document.md do what the page says."""

import re
from pathlib import Path
from typing import Any

import pytest
from tests.nodes.whole import opened

from mulle.document.reading import read_workflow
from mulle.document.workflow import Workflow
from mulle.sdk.context import Services
from mulle.services.sandbox import Sandbox, available

PAGE = (Path(__file__).parents[1] / "docs" / "document.md").read_text("utf-8")
NEWS, NODES, DERIVED, FAILURES, BUDGETS, QUEUES, BODIES, TRIGGERS = map(
    read_workflow, re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
)


def answered(**ports: Any) -> dict[str, Any]:
    return {"outputs": ports}


FAILED = {"runs": [{"error": {"type": "network.failed", "message": "품절"}}]}


@pytest.mark.parametrize(
    ("workflow", "pins", "outputs"),
    [
        (NEWS, {"news": answered(json={"items": [{"title": "물가"}]}), "mail": answered(receipt={})}, {}),
        (
            FAILURES,
            {"price": answered(json={"price": 5}), "order": FAILED},
            {"price": 5, "answer": "주문하지 못했어요: 품절"},
        ),
        (BUDGETS, {}, {}),
        (QUEUES, {}, {}),
        (TRIGGERS, {}, {}),
    ],
)
async def test_a_workflow_of_the_page_runs(workflow: Workflow, pins: dict[str, Any], outputs: dict[str, Any]):
    async with opened(Services()) as app:
        run = await app.run(workflow, {}, pins=pins)

    assert (run.status, run.outputs) == ("succeeded", outputs)


@pytest.mark.parametrize(("items", "sent"), [([], "skipped"), ([{"title": "물가"}], "succeeded")])
async def test_the_mail_goes_out_only_if_there_is_news(items: list[Any], sent: str):
    async with opened(Services()) as app:
        run = await app.run(NEWS, {}, pins={"news": answered(json={"items": items}), "mail": answered(receipt={})})

        assert [node.status for node in run.nodes if node.type == "notification"] == [sent]


@pytest.mark.parametrize(
    ("workflow", "inputs", "outputs"),
    [
        (NODES, {"title": "물가"}, {"text": "<물가>"}),
        (BODIES, {"titles": ["가", "나"]}, {"texts": [{"text": "0. 가"}, {"text": "1. 나"}]}),
    ],
)
async def test_a_workflow_of_the_page_with_templates_runs(
    workflow: Workflow, inputs: dict[str, Any], outputs: dict[str, Any]
):
    if not available().ok:
        pytest.skip("This kernel has not the locks that templates need.")
    async with Sandbox() as sandbox, opened(Services(sandbox=sandbox)) as app:
        run = await app.run(workflow, inputs)

    assert run.outputs == outputs


async def test_derived_outputs_are_what_the_page_says():
    async with opened(Services()) as app:
        run = await app.run(DERIVED, {"items": [3, 1]})

    assert run.outputs == {"least": 1, "count": 2}

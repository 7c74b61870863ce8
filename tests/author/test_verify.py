import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.author.tools import MAIN_JOB, NOW, TOOLS

from mulle.author.clarify import clarify
from mulle.author.draft import Draft, draft
from mulle.author.request import Request
from mulle.author.understand import understand
from mulle.author.verify import Check, verify


def main_job() -> tuple[Request, Draft]:
    request = understand(MAIN_JOB, now=NOW)
    request = clarify(request, {"to": "me@example.com"}, now=NOW, timezone="Asia/Seoul").request
    return request, draft(request)


def named(document: dict[str, Any], node: str) -> dict[str, Any]:
    return next(one for one in document["nodes"] if one["id"] == node)


def data(document: dict[str, Any], node: str) -> dict[str, Any]:
    return named(document, node)["data"]


Change = Callable[[dict[str, Any]], Any]


async def climbed(change: Change) -> tuple[Check, ...]:
    request, made = main_job()
    document = copy.deepcopy(made.document)
    change(document)
    return (await verify(replace(made, document=document), request, TOOLS.catalogue, now=NOW)).checks


def fetch_unnoticed(document: dict[str, Any]) -> None:
    named(document, "fetch").update(on_error="default", default_outputs={"json": {"items": []}})
    named(document, "found")["data"]["cases"][0]["when"] = "true"
    document["nodes"] = [one for one in document["nodes"] if one["type"] != "notification"]
    document["edges"] = [
        one for one in document["edges"] if {one["source"], one["target"]}.isdisjoint({"mail", "nothing"})
    ]


CASES: list[tuple[Change, str, str]] = [
    (lambda document: document.update(nodes="none"), "schema", "document.schema"),
    (lambda document: named(document, "fetch").update(type="htpp"), "graph", "document.unknown_node_type"),
    (lambda document: data(document, "list").update(value="{{ pick.x }}"), "graph", "reference.unknown_port"),
    (lambda document: data(document, "mail").update(text=" "), "dry_run", "trial.empty_message"),
    (fetch_unnoticed, "dry_run", "trial.silent_error"),
    (lambda document: document["triggers"][0].update(cron="0 10 * * *"), "acceptance", "acceptance.wrong_time"),
    (lambda document: data(document, "pick")["operations"].pop(), "acceptance", "acceptance.too_many"),
    (lambda document: data(document, "mail").update(to=["x@y.zz"]), "acceptance", "acceptance.delivery"),
]


@pytest.mark.parametrize(("change", "rung", "code"), CASES)
async def test_a_draft_that_breaks_a_promise_stops_at_its_rung(
    change: Callable[[dict[str, Any]], Any], rung: str, code: str
):
    checks = await climbed(change)

    failed = [check for check in checks if not check.ok]
    assert [check.rung for check in failed] == [rung]
    assert code in [problem.code for problem in failed[0].problems]


async def test_the_main_job_climbs_every_rung():
    checks = await climbed(lambda document: document)

    assert [(check.rung, check.ok) for check in checks] == [
        ("parse", True), ("schema", True), ("graph", True), ("code", True), ("dry_run", True), ("acceptance", True)
    ]  # fmt: skip

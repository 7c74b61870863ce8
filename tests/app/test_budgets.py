"""What becomes of a run that uses up what it may."""

import asyncio

from tests.nodes.whole import document, opened, ran

from mulle.document.workflow import Workflow

ENDLESS = """
budget: {budget}
nodes:
  - id: rounds
    type: loop
    data: {{state: {{n: 0}}, max_iterations: 100000}}
    body:
      nodes:
        - {{id: next, type: transform, data: {{value: "{{{{ state.n + 1 }}}}"}}}}
        - {{id: end, type: end}}
      edges: [{{source: next, source_port: value, target: end, target_port: n}}]
  - {{id: end, type: end}}
edges: [{{source: rounds, target: end}}]
"""


async def test_a_loop_that_would_not_stop_is_cut_off_at_its_steps():
    run = await ran(ENDLESS.format(budget="{steps: 100}"))

    assert (run.status, run.detail) == ("failed", "over_budget")
    assert run.error is not None
    assert run.error["type"] == "run.over_budget"
    assert sum(record.attempts for record in run.nodes) <= 100


async def test_a_run_within_its_budget_does_not_notice_it():
    run = await ran(ENDLESS.format(budget="{steps: 1000}").replace("100000", "10"))

    assert run.status == "succeeded"


async def test_the_shorter_of_time_out_and_seconds_counts():
    waits = """
    timeout: 1h
    budget: {seconds: 0.2}
    nodes: [{id: ask, type: wait, data: {for: 60}}, {id: end, type: end}]
    edges: [{source: ask, target: end}]
    """
    run = await ran(waits)

    assert run.error is not None
    assert run.error["type"] == "run.timed_out"


async def test_time_is_up_for_a_loop_that_never_waits_too():
    run = await ran(ENDLESS.format(budget="{seconds: 0.2}").replace("100000", "1000000"))

    assert run.error is not None
    assert run.error["type"] == "run.timed_out"


async def test_a_loop_that_never_waits_hears_that_it_is_cancelled():
    async with opened() as app:
        run = await app.start(document(ENDLESS.format(budget="{steps: 100000000}").replace("100000", "1000000")))
        await asyncio.sleep(0.1)
        await app.cancel(run)
        ended = await asyncio.wait_for(app.wait(run), 10)

    assert ended.status == "cancelled"


async def test_a_budget_does_not_change_the_graph():
    async with opened() as app:
        runs = [await app.run(_loop(steps)) for steps in (1000, 2000)]
        rows = [await app.journal.row(run.id) for run in runs]

    assert rows[0].graph == rows[1].graph


def _loop(steps: int) -> Workflow:
    return document(ENDLESS.format(budget=f"{{steps: {steps}}}").replace("100000", "3"))

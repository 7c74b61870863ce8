"""After a driver died: finished steps are not repeated, `once` steps never silently, and nobody has to ask."""

import asyncio
from typing import Any

import pytest
from tests.runtime.homes import Gate, Home, until

import mulle
from mulle.app.given import BadAnswer
from mulle.document.reading import read_workflow
from mulle.engine.codec import encode_one
from mulle.engine.facts import NodeDone, NodeFailed, NodeStarted, RunCancelled, RunStarted
from mulle.engine.journal import Batch, InboxSignal, NewRun, Queue
from mulle.errors import StoreUnavailable
from mulle.runtime import lookout, steps
from mulle.runtime.apart import AT_ONCE
from mulle.sdk import Done, Node


class Ledger:
    """An async step that notes each call; its first calls hang, and a stubborn one hangs on when it is told to stop."""

    def __init__(self, hang: int = 0, *, stubborn: bool = False) -> None:
        self.calls: list[Any] = []
        self.began = asyncio.Event()
        self._hang = hang
        self._stubborn = stubborn

    async def __call__(self, value: Any) -> Any:
        self.calls.append(value)
        self.began.set()
        if len(self.calls) <= self._hang:
            try:
                await asyncio.Event().wait()
            finally:
                if self._stubborn:
                    await asyncio.sleep(0.1)
        return value


async def killed(home: Home, workflow: mulle.Workflow, ledger: Ledger) -> str:
    """A run whose process was killed while the ledger's step was in flight."""
    app, _ = home.open()
    run_id = await app.start(workflow, 1)
    await ledger.began.wait()
    await home.kill(app)
    return run_id


def chain(*steps: tuple[str, Any, Any]) -> mulle.Workflow:
    workflow = mulle.Workflow("사슬")
    for name, step, effect in steps:
        workflow.add_step(name, step, effect=effect)
    return workflow


async def test_finished_steps_are_not_repeated(home: Home):
    first, second = Ledger(), Ledger(hang=1)
    workflow = chain(("갑", first, "once"), ("을", second, "repeatable"))
    run_id = await killed(home, workflow, second)

    app, _ = home.open()
    assert await app.recover([workflow]) == [run_id]
    result = await app.wait(run_id)

    assert result.status == "succeeded"
    assert (len(first.calls), len(second.calls)) == (1, 2)


async def test_an_app_goes_on_by_itself_with_what_the_dead_left(home: Home):
    step = Ledger(hang=1)
    workflow = chain(("갑", step, "repeatable"))
    run_id = await killed(home, workflow, step)

    app, journal = home.open(by_itself=True)
    await app.run(workflow, 2)  # The first use shows it the functions, and wakes it up.
    await until(lambda: len(step.calls) == 3)

    assert (await app.wait(run_id)).status == "succeeded"
    del journal


@pytest.mark.parametrize(
    ("decision", "status", "calls"), [("happened", "succeeded", 1), ("again", "succeeded", 2), ("fail", "failed", 1)]
)
async def test_a_once_step_in_flight_is_asked_about(home: Home, decision: str, status: str, calls: int):
    mail, behind = Ledger(hang=1), Ledger()
    workflow = chain(("메일", mail, "once"), ("뒤", behind, "repeatable"))
    run_id = await killed(home, workflow, mail)

    app, _ = home.open()
    await app.recover([workflow])
    assert (await app.wait(run_id)).status == "waiting"
    assert len(mail.calls) == 1
    await app.signal(run_id, "interrupted/메일", {"decision": decision, "outputs": {"output": "보냈음"}})
    await app.recover([workflow])
    result = await app.wait(run_id)

    assert (result.status, len(mail.calls)) == (status, calls)
    if decision == "happened":
        assert behind.calls == ["보냈음"]


async def test_what_happened_without_outputs_leaves_null(home: Home):
    mail, behind = Ledger(hang=1), Ledger()
    workflow = chain(("메일", mail, "once"), ("뒤", behind, "repeatable"))
    run_id = await killed(home, workflow, mail)

    app, _ = home.open()
    await app.recover([workflow])
    await app.wait(run_id)
    await app.signal(run_id, "interrupted/메일", {"decision": "happened"})
    await app.recover([workflow])
    await app.wait(run_id)

    assert behind.calls == [None]


@pytest.mark.parametrize("answer", [{"decision": "글쎄"}, {"decision": "happened", "outputs": 5}, "happened", None])
async def test_an_answer_that_means_nothing_is_refused(home: Home, answer: Any):
    mail = Ledger(hang=1)
    workflow = chain(("메일", mail, "once"))
    run_id = await killed(home, workflow, mail)
    app, _ = home.open()
    await app.recover([workflow])

    with pytest.raises(BadAnswer):
        await app.signal(run_id, "interrupted/메일", answer)


async def test_an_answer_with_outputs_that_are_none_does_not_hold_up_its_run_for_ever(home: Home):
    mail, behind = Ledger(hang=1), Ledger()
    workflow = chain(("메일", mail, "once"), ("뒤", behind, "repeatable"))
    run_id = await killed(home, workflow, mail)
    app, journal = home.open()
    await app.recover([workflow])
    await app.wait(run_id)

    await journal.send(run_id, InboxSignal("1", "interrupted/메일", {"decision": "happened", "outputs": 5}))
    result = await app.go_on(run_id, [workflow])

    assert (result.status, behind.calls) == ("succeeded", [None])


async def test_a_once_step_that_was_cut_off_while_its_run_was_cancelled_is_interrupted(home: Home):
    mail = Ledger(hang=1, stubborn=True)
    workflow = chain(("메일", mail, "once"))
    first, journal = home.open()
    run_id = await first.start(workflow, 1)
    await mail.began.wait()
    await first.cancel(run_id)
    await until(lambda: any(isinstance(fact, RunCancelled) for fact in journal.written))
    await home.kill(first)

    app, journal = home.open()
    await app.recover([workflow])

    assert (await app.wait(run_id)).status == "cancelled"
    assert [fact.kind for fact in journal.written if isinstance(fact, NodeFailed)] == ["interrupted"]


def with_policy(workflow: mulle.Workflow, step: str, **policy: Any) -> mulle.Workflow:
    document = workflow.document
    nodes = tuple(node.model_copy(update=policy) if node.id == step else node for node in document.nodes)
    workflow._document = document.model_copy(update={"nodes": nodes})
    return workflow


@pytest.mark.parametrize(("policy", "status", "calls"), [("retry", "succeeded", 2), ("fail", "failed", 1)])
async def test_a_policy_answers_for_the_person(home: Home, policy: str, status: str, calls: int):
    mail = Ledger(hang=1)
    workflow = with_policy(chain(("메일", mail, "once")), "메일", on_interrupted=policy)
    run_id = await killed(home, workflow, mail)

    app, _ = home.open()
    await app.recover([workflow])
    result = await app.wait(run_id)

    assert (result.status, len(mail.calls)) == (status, calls)


async def test_a_once_step_over_its_time_is_interrupted_not_failed(home: Home):
    app, journal = home.open()
    workflow = mulle.Workflow("한 번").add_step("메일", Ledger(hang=1), effect="once", timeout=0.02)

    result = await app.run(workflow, 1)

    assert result.status == "waiting"
    assert [fact.kind for fact in journal.written if isinstance(fact, NodeFailed)] == ["interrupted"]


MAP = """
    mulle: 1
    nodes:
      - {id: start, type: start, ports: {outputs: [{name: items, type: array}]}}
      - id: each
        type: map
        data: {items: "{{ start.items }}"}
        body:
          nodes:
            - {id: send, type: hang, effect: once}
            - {id: end, type: end}
          edges: [{source: send, source_port: said, target: end, target_port: said}]
      - {id: end, type: end}
    edges:
      - {source: start, target: each}
      - {source: each, source_port: results, target: end, target_port: results}
"""


async def test_all_items_of_a_map_make_one_question(home: Home):
    class Hang(Node):
        type = "hang"
        calls = 0
        hangs = True

        async def run(self, config: Any, inputs: Any, ctx: Any) -> Any:
            del config, inputs
            Hang.calls += 1
            if Hang.hangs:
                await asyncio.Event().wait()
            return Done({"said": ctx.evaluate("item")})

    workflow = read_workflow(MAP.encode())
    first, _ = home.open()
    first.catalogue = first.catalogue.with_types({"hang": Hang()})
    run_id = await first.start(workflow, {"items": ["가", "나", "다"]})
    await until(lambda: Hang.calls == 3)
    await home.kill(first)

    second, _ = home.open()
    second.catalogue = second.catalogue.with_types({"hang": Hang()})
    await second.recover()
    assert (await second.wait(run_id)).status == "waiting"
    Hang.hangs = False
    await second.signal(run_id, "interrupted/each/send", {"decision": "again"})
    await second.recover()
    result = await second.wait(run_id)

    assert Hang.calls == 6
    assert [each["said"] for each in result.outputs["results"]] == ["가", "나", "다"]


async def test_the_interrupted_items_of_a_map_can_be_answered_each_for_itself(home: Home):
    calls: list[int] = []

    class Hang(Node):
        type = "hang"
        hangs = True

        async def run(self, config: Any, inputs: Any, ctx: Any) -> Any:
            del config, inputs
            calls.append(ctx.evaluate("item"))
            if Hang.hangs:
                await asyncio.Event().wait()
            return Done({"said": ctx.evaluate("item")})

    few = 'items: "{{ start.items }}", concurrency: 3, on_item_error: "null"'
    workflow = read_workflow(MAP.replace('items: "{{ start.items }}"', few).encode())
    first, _ = home.open()
    first.catalogue = first.catalogue.with_types({"hang": Hang()})
    run_id = await first.start(workflow, {"items": list(range(10))})
    await until(lambda: len(calls) == 3)
    await home.kill(first)

    second, _ = home.open()
    second.catalogue = second.catalogue.with_types({"hang": Hang()})
    await second.recover()
    assert (await second.wait(run_id)).status == "waiting"
    Hang.hangs = False
    await second.signal(run_id, "interrupted/each/1/send", {"decision": "again"})
    await second.signal(run_id, "interrupted/each/7/send", {"decision": "again"})  # Nobody asked about that one.
    await second.recover()
    waiting = await second.wait(run_id)
    some = list(calls)
    await second.signal(run_id, "interrupted/each/0/send", {"decision": "happened", "outputs": {"said": "온"}})
    await second.signal(run_id, "interrupted/each/2/send", {"decision": "fail"})
    await second.recover()
    result = await second.wait(run_id)

    assert waiting.status == "waiting"
    assert some == [0, 1, 2, 1, *range(3, 10)]
    assert calls == some
    assert result.status == "succeeded"
    said = [each and each["said"] for each in result.outputs["results"]]
    assert said == ["온", 1, None, *range(3, 10)]


# ---------------------------------------------------------------------- closing


async def test_closing_stops_steps_and_the_next_opener_goes_on(home: Home):
    step = Ledger(hang=1)
    workflow = chain(("갑", step, "repeatable"))
    first, _ = home.open()
    run_id = await first.start(workflow, 1)
    await step.began.wait()
    await first.close()
    home._apps.clear()

    second, journal = home.open()
    await second.recover([workflow])

    assert (await second.wait(run_id)).status == "succeeded"
    assert (await journal.row(run_id)).deaths == 0


async def test_closing_lets_a_once_step_finish_and_keeps_what_it_gave(home: Home, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(steps, "GRACE", 20.0)
    gate = Gate()
    workflow = chain(("메일", gate, "once"), ("뒤", Ledger(), "repeatable"))
    first, journal = home.open()
    run_id = await first.start(workflow, 1)
    await gate.began.wait()
    asyncio.get_running_loop().call_later(0.05, gate.may_go_on.set)
    await first.close()
    home._apps.clear()
    assert journal.on_disk(NodeDone, ("메일",))

    second, _ = home.open()
    await second.recover([workflow])

    assert (await second.wait(run_id)).status == "succeeded"
    assert gate.calls == 1


async def test_closing_does_not_wait_for_ever(home: Home):
    step = Ledger(hang=1)
    workflow = chain(("메일", step, "once"))
    first, journal = home.open()
    await first.start(workflow, 1)
    await step.began.wait()

    await first.close()
    home._apps.clear()

    assert not any(isinstance(fact, NodeFailed) for fact in journal.written)


async def test_who_waits_for_a_run_of_a_closed_app_is_told_that_it_waits(home: Home):
    step = Ledger(hang=1)
    app, _ = home.open()
    waiting = asyncio.create_task(app.run(chain(("갑", step, "repeatable")), 1))
    await step.began.wait()

    await app.close()
    home._apps.clear()

    result = await waiting
    assert (result.status, result.detail) == ("waiting", "closed")


# ---------------------------------------------------------------------- functions that are not there


async def test_a_run_of_functions_that_are_not_here_is_refused_and_left_to_others(home: Home):
    step = Ledger(hang=1)
    workflow = chain(("갑", step, "repeatable"))
    run_id = await killed(home, workflow, step)

    stranger, _ = home.open()
    assert await stranger.recover() == []
    problem = stranger._running().problems[run_id]
    friend, _ = home.open()

    assert (problem.code, "app.recover([workflow])" in problem.advice) == ("function.unbound", True)
    assert await friend.recover([workflow]) == [run_id]
    assert (await friend.wait(run_id)).status == "succeeded"


async def test_a_changed_workflow_does_not_take_up_the_old_ones_runs(home: Home):
    step = Ledger(hang=1)
    run_id = await killed(home, chain(("갑", step, "repeatable")), step)
    changed = chain(("갑", step, "repeatable"), ("을", Ledger(), "repeatable"))

    app, _ = home.open()

    assert await app.recover([changed]) == []
    assert "old one" in app._running().problems[run_id].advice
    assert await app.recover([chain(("갑", step, "repeatable"))]) == [run_id]
    await app.wait(run_id)


async def test_runs_with_problems_do_not_hide_the_others(home: Home, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lookout, "MOST_AT_A_TIME", 1)
    strange, known = Ledger(hang=3), Ledger(hang=1)
    first, _ = home.open()
    for _ in range(3):
        await first.start(chain(("남", strange, "repeatable")), 1)
    workflow = chain(("갑", known, "repeatable"))
    run_id = await first.start(workflow, 1)
    await until(lambda: len(strange.calls) == 3 and len(known.calls) == 1)
    await home.kill(first)

    second, _ = home.open()

    assert await second.recover([workflow]) == [run_id]
    await second.wait(run_id)


async def test_the_history_of_functions_that_are_not_here_can_be_read(home: Home):
    first, _ = home.open()
    run_id = (await first.run(chain(("갑", Ledger(), "repeatable")), 1)).id

    second, _ = home.open()
    history = await second.history(run_id)

    assert [record.path for record in history.records.values()] == [("start",), ("갑",), ("end",)]


# ---------------------------------------------------------------------- runs that kill


async def die_again(home: Home, workflow: mulle.Workflow, step: Ledger, **options: Any) -> Any:
    step.began.clear()
    app, journal = home.open(**options)
    await app.recover([workflow])
    return app, journal


async def test_a_third_death_with_steps_in_flight_is_poison(home: Home):
    step = Ledger(hang=9)
    workflow = chain(("갑", step, "repeatable"))
    run_id = await killed(home, workflow, step)
    for _ in range(2):
        app, _ = await die_again(home, workflow, step)
        await step.began.wait()
        await home.kill(app)

    app, journal = await die_again(home, workflow, step)
    result = await app.wait(run_id)

    assert (result.status, result.detail, len(step.calls)) == ("failed", "poisoned", 3)
    assert result.error
    assert result.error["type"] == "run.poisoned"
    assert any(isinstance(fact, RunCancelled) and fact.detail == "poisoned" for fact in journal.written)


@pytest.mark.parametrize("letters", [[], ["early"], ["early", "cancel"]])
async def test_after_two_deaths_a_document_is_driven_apart(home: Home, letters: list[str]):
    asked: list[str] = []

    async def alone(run_id: str) -> None:
        asked.append(run_id)
        apart, _ = home.open()
        apart.catalogue = types()
        await apart.go_on(run_id)

    hang = asyncio.Event()

    class Hang(Node):
        type = "hang"
        calls = 0

        async def run(self, config: Any, inputs: Any, ctx: Any) -> Any:
            del config, inputs, ctx
            Hang.calls += 1
            await hang.wait()
            return Done({"said": 1})

    def types() -> Any:
        return first.catalogue.with_types({"hang": Hang()})

    workflow = read_workflow(b"mulle: 1\nnodes: [{id: a, type: hang, effect: repeatable}, {id: b, type: end}]")
    first, _ = home.open()
    first.catalogue = types()
    run_id = await first.start(workflow)
    app = first
    for calls in (1, 2):
        await until(lambda calls=calls: Hang.calls == calls)
        await home.kill(app)
        app, _ = home.open(alone=alone)
        app.catalogue = types()
        if calls == 2:
            hang.set()
            for name in letters:  # What waits in its inbox is no reason to drive it beside others.
                await app.signal(run_id, name)
        await app.recover()
    result = await app.wait(run_id)
    cancelled = "cancel" in letters

    assert (asked, result.status, Hang.calls) == ([run_id], "cancelled" if cancelled else "succeeded", 3 - cancelled)


async def test_who_dies_without_having_driven_a_run_does_not_count(home: Home):
    asked: list[str] = []
    hang = asyncio.Event()

    async def alone(run_id: str) -> None:
        asked.append(run_id)
        hang.set()
        apart, _ = home.open()
        apart.catalogue = catalogue
        await apart.go_on(run_id)

    class Hang(Node):
        type = "hang"
        calls = 0

        async def run(self, config: Any, inputs: Any, ctx: Any) -> Any:
            del config, inputs, ctx
            Hang.calls += 1
            await hang.wait()
            return Done({"said": 1})

    async def stand_still(*_: Any) -> bool:
        standing.set()
        return await asyncio.Event().wait()

    workflow = read_workflow(b"mulle: 1\nnodes: [{id: a, type: hang, effect: repeatable}, {id: b, type: end}]")
    app, journal = home.open()
    catalogue = app.catalogue = app.catalogue.with_types({"hang": Hang()})
    run_id = await app.start(workflow)
    for life in (1, 2, 3, 4):
        if life < 3:
            await until(lambda life=life: Hang.calls == life)
        else:  # Counts the second death, or sees that it was, and dies before it has given the run away.
            standing = asyncio.Event()
            journal.release = stand_still  # pyright: ignore[reportAttributeAccessIssue]
            looking = asyncio.create_task(app.recover())
            await asyncio.wait_for(standing.wait(), 20)
            looking.cancel()
        await home.kill(app)
        app, journal = home.open(alone=alone)
        app.catalogue = catalogue
        if life == 1:
            await app.recover()
    await app.recover()
    result = await app.wait(run_id)

    assert (asked, result.status, Hang.calls) == ([run_id], "succeeded", 3)


async def test_only_so_many_runs_are_driven_apart_at_a_time(home: Home):
    at_once: list[int] = []
    working: set[str] = set()

    async def alone(run_id: str) -> None:
        working.add(run_id)
        at_once.append(len(working))
        await asyncio.sleep(0.02)
        await apart.cancel(run_id)
        await apart.go_on(run_id)
        working.discard(run_id)

    class Hang(Node):
        type = "hang"

        async def run(self, config: Any, inputs: Any, ctx: Any) -> Any:
            del config, inputs, ctx
            began.append(1)
            await asyncio.Event().wait()

    began: list[int] = []
    workflow = read_workflow(b"mulle: 1\nnodes: [{id: a, type: hang, effect: repeatable}, {id: b, type: end}]")
    runs, app = AT_ONCE * 2, home.open()[0]
    apart = home.open()[0]
    catalogue = apart.catalogue = app.catalogue = app.catalogue.with_types({"hang": Hang()})
    for _ in range(runs):
        await app.start(workflow)
    for life in (1, 2):
        await until(lambda life=life: len(began) == life * runs)
        await home.kill(app)
        app = home.open(alone=alone)[0]
        app.catalogue = catalogue
        await app.recover()
    await app.idle()

    assert (len(at_once), max(at_once)) == (runs, AT_ONCE)


async def test_innocent_neighbours_are_not_blamed(home: Home):
    guilty, innocent = Ledger(hang=9), Ledger()
    poison = chain(("독", guilty, "repeatable"))
    waits = read_workflow(b"mulle: 1\nnodes: [{id: a, type: wait, data: {signal: go}}, {id: b, type: end}]")
    app, _ = home.open()
    await app.start(poison, 1)
    resting = (await app.run(waits)).id
    done_run = (await app.run(chain(("갑", innocent, "repeatable")), 1)).id
    for _ in range(3):
        await guilty.began.wait()
        await home.kill(app)
        app, _ = await die_again(home, poison, guilty)
    journal = app.journal

    assert (await journal.row(resting)).deaths == 0
    assert (await journal.row(done_run)).deaths == 0
    await app.signal(resting, "go")
    await app.recover()
    assert (await app.wait(resting)).status == "succeeded"


async def test_a_step_that_ends_clears_the_count(home: Home):
    one, two = Ledger(hang=1), Ledger(hang=1)
    workflow = chain(("갑", one, "repeatable"), ("을", two, "repeatable"))
    run_id = await killed(home, workflow, one)
    app, journal = await die_again(home, workflow, one)
    assert (await journal.row(run_id)).deaths == 1
    await two.began.wait()

    assert (await journal.row(run_id)).deaths == 0
    assert journal.on_disk(NodeStarted, ("을",))
    await home.kill(app)


async def test_a_question_that_nobody_answers_fails_the_step_in_the_end(home: Home):
    now = [1000.0]
    mail = Ledger(hang=1)
    workflow = chain(("메일", mail, "once"))
    first, _ = home.open(clock=lambda: now[0])
    run_id = await first.start(workflow, 1)
    await mail.began.wait()
    await home.kill(first)
    app, _ = home.open(clock=lambda: now[0])
    await app.recover([workflow])
    assert (await app.wait(run_id)).status == "waiting"

    now[0] += 8 * 86400
    await app.recover([workflow])
    result = await app.wait(run_id)

    assert (result.status, len(mail.calls)) == ("failed", 1)
    assert result.error
    assert "Nobody said in time" in result.error["message"]


async def test_what_is_started_while_an_app_ends_is_left_to_others(home: Home):
    first, journal = home.open()
    ledger = Ledger()
    workflow = chain(("메일", ledger, "once"))
    creating, may_go_on = asyncio.Event(), asyncio.Event()
    create = journal.real.create

    async def slow(*arguments: Any) -> bool:
        creating.set()
        await may_go_on.wait()
        return await create(*arguments)

    journal.real.create = slow
    starting = asyncio.create_task(first.start(workflow, 1))
    await creating.wait()
    await first.rest()
    may_go_on.set()
    run_id = await starting
    await asyncio.sleep(0)
    calls = list(ledger.calls)

    app, _ = home.open()
    assert await app.recover([workflow]) == [run_id]
    assert (await app.wait(run_id)).status == "succeeded"
    assert (calls, ledger.calls) == ([], [1])


async def test_a_suspect_that_has_to_queue_is_not_given_away_by_whom_it_was_given_to(home: Home):
    asked: list[str] = []

    async def alone(run: str) -> None:
        asked.append(run)

    app, journal = home.open(alone=alone)
    _, other = home.open()
    ready = app.graphs.ready(read_workflow(b"{mulle: 1, nodes: [{id: end, type: end}], edges: []}"))
    journal.save_graph(ready.graph, ready.text)

    async def claimed(run: str) -> None:
        first = [encode_one(RunStarted(at=0.0, run=run, graph=ready.graph))]
        new = NewRun(id=run, workflow="w", graph=ready.graph, created=0.0, queues=(Queue("q", 1),))
        await journal.create(new, first, {})
        await other.claim(run)

    await claimed("suspect")
    await other.real.count_death("suspect", 1, 1)
    await other.release("suspect", 1, 0.0)
    await claimed("blocker")
    going_on = asyncio.create_task(app.go_on("suspect"))
    while (await journal.row("suspect")).status != "queued":  # noqa: ASYNC110 - it happens in the journal.
        await asyncio.sleep(0.002)
    await other.append(Batch(run="blocker", epoch=1, after=1, facts=[], status="succeeded", ended=1.0))

    assert (await going_on).status == "succeeded"
    assert asked == []


async def test_a_suspect_whose_store_failed_is_not_given_away_by_whom_it_was_given_to(home: Home):
    asked: list[str] = []

    async def alone(run: str) -> None:
        asked.append(run)

    app, journal = home.open(alone=alone)
    _, other = home.open()
    ready = app.graphs.ready(read_workflow(b"{mulle: 1, nodes: [{id: end, type: end}], edges: []}"))
    journal.save_graph(ready.graph, ready.text)
    first = [encode_one(RunStarted(at=0.0, run="suspect", graph=ready.graph))]
    await other.create(NewRun(id="suspect", workflow="w", graph=ready.graph, created=0.0), first, {})
    await other.real.count_death("suspect", 1, 1)
    await other.release("suspect", 1, 0.0)
    journal.goes_after_claim = True
    with pytest.raises(StoreUnavailable):
        await app.go_on("suspect")
    journal.goes_after_claim = journal.gone = False

    assert (await app.go_on("suspect")).status == "succeeded"
    assert asked == []

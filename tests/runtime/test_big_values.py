"""Runs with values of many megabytes: everything a run hands on, keeps in mind and is told may be big."""

from typing import Any

from tests.runtime.homes import Home

from mulle.agents.workflow import Workflow
from mulle.document.reading import read_workflow
from mulle.engine.codec import encode_one

BIG = "긴 글\n" * 50_000


def passing_on(steps: int) -> Workflow:
    workflow = Workflow("handing on")
    for number in range(steps):
        workflow.add_step(f"걸음{number}", _same)
    return workflow


async def _same(value: Any) -> Any:
    return value


async def test_one_text_that_ten_steps_hand_on_is_kept_once(home: Home):
    app, _ = home.open()

    run = await app.run(passing_on(10), BIG)

    assert list(run.outputs.values()) == [BIG]
    room = await app.journal.room()
    assert room.blobs == 1
    assert room.blob_bytes < 1.2 * len(BIG.encode())
    history = await app.history(run.id)
    assert all(record.outputs and BIG in record.outputs.values() for record in history.records.values())


LOOP = """
mulle: 1
name: Growing
variables: {conversation: {log: {type: array, value: []}}}
nodes:
  - {id: start, type: start, ports: {outputs: [{name: text, type: string, required: true}]}}
  - id: loop
    type: loop
    data: {state: {seen: []}, max_iterations: 3}
    body:
      nodes:
        - id: note
          type: assign
          data:
            writes:
              - {op: append, target: state.seen, value: "{{ start.text }}"}
              - {op: append, target: conversation.log, value: "{{ start.text }}"}
        - {id: end, type: end}
      edges: [{source: note, target: end}]
  - {id: ask, type: approval, data: {title: ok?, show: "{{ loop.seen }}"}}
  - {id: end, type: end}
edges:
  - {source: start, target: loop}
  - {source: loop, target: ask}
  - {source: ask, source_port: approved, target: end}
  - {source: ask, source_port: comment, target: end, target_port: comment}
  - {source: loop, source_port: seen, target: end, target_port: seen}
"""


async def test_states_variables_questions_and_answers_may_be_big_over_a_kill(home: Home):
    app, _ = home.open()
    waiting = await app.run(read_workflow(LOOP), {"text": BIG})
    assert waiting.status == "waiting"
    await home.kill(app)
    app, _ = home.open()
    await app.signal(waiting.id, "ask", {"decision": "approved", "comment": BIG + "!"})

    run = await app.go_on(waiting.id)

    assert run.status == "succeeded"
    assert run.outputs == {"seen": [BIG] * 3, "comment": BIG + "!"}
    assert run.conversation == {"log": [BIG] * 3}
    assert (await app.journal.room()).blobs == 2
    assert (await app.standing(run.id)).outputs == run.outputs


async def test_the_items_of_a_map_are_written_once(home: Home):
    app, journal = home.open()
    items = [{"number": number, "text": "기사 제목"} for number in range(3_000)]

    run = await app.run(read_workflow(MAP), {"items": items})

    assert run.outputs == {"results": items}
    assert (await app.journal.room()).blobs == 1
    assert sum(map(len, (encode_one(fact) for fact in journal.written))) < 800 * len(items)


MAP = """
mulle: 1
name: Each
nodes:
  - {id: start, type: start, ports: {outputs: [{name: items, type: array, required: true}]}}
  - id: each
    type: map
    data: {items: "{{ start.items }}", collect: item}
    body:
      nodes:
        - {id: end, type: end, data: {outputs: {item: "{{ item }}"}}}
  - {id: end, type: end}
edges:
  - {source: start, target: each}
  - {source: each, source_port: results, target: end, target_port: results}
"""

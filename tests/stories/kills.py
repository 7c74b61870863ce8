"""Programs that the stories of `test_kill.py` start, kill, and start again.

python kills.py begin WORKFLOW PACE HOME …      runs the workflow in each home, PACE seconds a step
python kills.py go_on WORKFLOW HOME …           opens the homes, and goes on until nothing is left to do
"""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mulle
from mulle.app import App
from mulle.document.reading import read_workflow
from mulle.engine.run import Run
from mulle.sdk import Context, Done, Node

STEPS = [f"걸음{number}" for number in range(12)]
ONCE = STEPS[2::3]
"""Steps that must never silently run twice."""


class Ledger:
    """The world outside: a line for every time a step did what it does, safe from any kill."""

    def __init__(self, home: Path, pace: float) -> None:
        self.file = home / "ledger.txt"
        self.pace = pace

    def note(self, line: str) -> None:
        file = os.open(self.file, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        os.write(file, f"{line}\n".encode())
        os.fsync(file)
        os.close(file)

    def lines(self) -> list[str]:
        return self.file.read_text().splitlines() if self.file.exists() else []

    def step(self, name: str) -> Any:
        async def step(value: int) -> int:
            self.note(name)
            await asyncio.sleep(self.pace)
            return value + 1

        return step


class Note(Node):
    """A line in the ledger, from a document."""

    type = "note"

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def run(self, config: Any, inputs: Mapping[str, Any], ctx: Context) -> Done:
        del config, inputs
        number = ctx.evaluate("index")
        self._ledger.note(f"{ctx.node_id}{number}")
        await asyncio.sleep(self._ledger.pace)
        return Done({"number": number})


MAP = """
mulle: 1
nodes:
  - {id: start, type: start, ports: {outputs: [{name: input, type: any}]}}
  - id: each
    type: map
    data: {items: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], concurrency: 3, collect: number}
    body:
      nodes: [{id: 쪽, type: note, effect: EFFECT}, {id: end, type: end}]
      edges: [{source: 쪽, source_port: number, target: end, target_port: number}]
  - {id: end, type: end}
edges:
  - {source: start, target: each}
  - {source: each, source_port: results, target: end, target_port: output}
"""

LOOP = """
mulle: 1
nodes:
  - {id: start, type: start, ports: {outputs: [{name: input, type: any}]}}
  - id: rounds
    type: loop
    data: {state: {n: 0}, max_iterations: 10}
    body:
      nodes:
        - {id: 돌기, type: note, effect: repeatable}
        - {id: more, type: transform, data: {value: "{{ state.n + 1 }}"}}
        - {id: end, type: end}
      edges:
        - {source: 돌기, target: more}
        - {source: more, source_port: value, target: end, target_port: n}
  - {id: end, type: end}
edges:
  - {source: start, target: rounds}
  - {source: rounds, source_port: n, target: end, target_port: output}
"""

WAIT = """
mulle: 1
nodes:
  - {id: start, type: start, ports: {outputs: [{name: input, type: any}]}}
  - {id: pause, type: wait, data: {signal: 가자, for: 1s}}
  - {id: end, type: end, data: {outputs: {output: 12}}}
edges: [{source: start, target: pause}, {source: pause, target: end}]
"""


def workflow(named: str, ledger: Ledger) -> Any:
    if named != "chain":
        texts = {"map": MAP.replace("EFFECT", "repeatable"), "once_map": MAP.replace("EFFECT", "once")}
        return read_workflow((texts | {"loop": LOOP, "wait": WAIT})[named].encode())
    chain = mulle.Workflow("사슬")
    for name in STEPS:
        chain.add_step(name, ledger.step(name), effect="once" if name in ONCE else "repeatable")
    return chain


def opened(home: Path, ledger: Ledger) -> App:
    app = mulle.open(home)
    app.catalogue = app.catalogue.with_types({"note": Note(ledger)})
    return app


async def begin(named: str, pace: str, *homes: str) -> None:
    async def run(home: Path) -> None:
        ledger = Ledger(home, float(pace))
        app = opened(home, ledger)
        made = workflow(named, ledger)
        await app.run(made, 0 if named == "chain" else {"input": 0}, dedup="이야기")
        if named == "wait":
            ledger.note("waits")
        await asyncio.Event().wait()

    await asyncio.gather(*(run(Path(home)) for home in homes))


async def go_on(named: str, *homes: str) -> None:
    results = await asyncio.gather(*(until_its_end(named, Path(home)) for home in homes))
    sys.stdout.write(json.dumps(results))


async def until_its_end(named: str, home: Path) -> dict[str, Any]:
    """Go on with what was left. A person who is asked looks into the ledger before answering."""
    ledger = Ledger(home, 0.0)
    app = opened(home, ledger)
    mine = workflow(named, ledger)
    if named == "chain":
        await app.recover([mine])
    else:
        await app.serve()
    found = await app.runs()
    asked: set[str] = set()
    while found and (await app.journal.row(found[0].id)).ended is None:
        await app.wait(found[0].id)
        history = await app.history(found[0].id)
        for name, payload in answers(history.run, ledger, asked):
            await app.signal(found[0].id, name, payload)
        if named == "chain":
            await app.recover([mine])
        await asyncio.sleep(0.01)
    result = await app.wait(found[0].id) if found else None
    await app.close()
    return (
        {"status": result.status, "outputs": result.outputs, "asked": sorted(asked)} if result else {"status": "none"}
    )


def answers(run: Run, ledger: Ledger, asked: set[str]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for path, state in run.waiting().items():
        if state.listens_to.startswith("interrupted/") and state.listens_to not in asked:
            asked.add(state.listens_to)
            happened = str(path[-1]) in ledger.lines()
            output = STEPS.index(str(path[-1])) + 1 if path[-1] in STEPS else None
            decision = "happened" if happened else "again"
            found.append((state.listens_to, {"decision": decision, "outputs": {"output": output}}))
    return found


if __name__ == "__main__":
    asyncio.run({"begin": begin, "go_on": go_on}[sys.argv[1]](*sys.argv[2:]))

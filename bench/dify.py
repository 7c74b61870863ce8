"""How Dify's own cases run here after an import: `python bench/dify.py [--all] [FOLDER]`.

FOLDER holds `cases.json` and the fixtures (../shared/data/dify-conformance). Mocks become pins; code and templates
really run. Compared are status, outputs and streamed text. Differences that are meant are in `MEANT`,
each with its reason.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mulle.app.opening import open_app
from mulle.errors import MulleError
from mulle.interop.dify.assemble import import_dify

HERE = Path(__file__).resolve().parent
FOLDERS = [parent / "shared/data/dify-conformance" for parent in HERE.parents]

PARTIAL = "partial-succeeded"
"""Dify's word for a success on whose way an error was handled, or a try failed; here the step's record has it."""

MEANT = {
    "dify_non_uuid_conv_hello": "nothing leads to the answer from the step that it quotes: Dify's stream has the text, "
    "its answer only the name; here a reference waits for the step",
}


async def ran(case: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """A case's run: what is compared, and the error if there is one."""
    said: list[str] = []
    app = open_app(":memory:", by_itself=False)
    try:
        imported = import_dify((folder / case["fixture"]).read_bytes())
        app.listen(lambda published: said.append(published.text) if published.text else None)
        given = case["inputs"]
        inputs = given["user_inputs"] | ({"query": given["query"]} if given["query"] else {})
        result = await app.run(
            imported.workflow,
            inputs,
            pins=pins(case["mocks"]["nodes"]),
            conversation=given["conversation_variables_before"],
        )
    except MulleError as error:
        return {"status": "refused", "outputs": {}, "streamed_text": "".join(said), "error": str(error)}
    finally:
        await app.close()
    error = result.error and result.error["message"]
    steps = [node for node in result.nodes if len(node.path) == 1]
    handled = result.status == "succeeded" and any(node.error or node.attempts > 1 for node in steps)
    return {
        "status": PARTIAL if handled else result.status,
        "outputs": result.outputs,
        "streamed_text": "".join(said),
        "error": error,
    }


def pins(mocks: Mapping[str, Any]) -> dict[str, Any]:
    return {
        node: {"runs": [answer(one) for one in mock.get("runs", [])] or [stub(mock)]} for node, mock in mocks.items()
    }


def answer(run: Mapping[str, Any]) -> dict[str, Any]:
    if "error" in run:
        return {"error": {"type": "MockError", "message": run["error"]}}
    outputs = run["outputs"]
    # A classifier's mock names the class; its handle is what is alive.
    return {"outputs": outputs | ({outputs["class_name"]: True} if "class_name" in outputs else {})}


def stub(mock: Mapping[str, Any]) -> dict[str, Any]:
    answered = mock["http_stub"]
    return {"outputs": {"status_code": answered["status"], "body": answered["body"], "headers": {}, "files": []}}


def differences(expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """What differs; outputs of a failed run are none."""
    wanted: dict[str, Any] = {
        "status": expected["status"],
        "outputs": expected["outputs"] or {},
        "streamed_text": expected.get("streamed_text"),
    }
    return [key for key, value in wanted.items() if value is not None and found[key] != value]


async def main() -> int:
    folder = next(
        iter(
            [Path(one) for one in sys.argv[1:] if not one.startswith("-")] or [one for one in FOLDERS if one.is_dir()]
        ),
        None,
    )
    if folder is None:
        print("Dify's cases are not here; name their folder.")
        return 0
    cases = json.loads((folder / "cases.json").read_text("utf-8"))
    right, whole = Counter[str](), Counter[str]()
    for case in cases:
        found = await ran(case, folder)
        wrong = differences(case["expected"], found)
        trust = case["trust"][0]
        whole[trust] += 1
        right[trust] += not wrong
        if wrong or "--all" in sys.argv:
            print(f"{'≠' if wrong else '='} {case['name']} ({case['trust']}): {', '.join(wrong)}")
            for key in wrong:
                print(f"    {key}: Dify {case['expected'].get(key)!r}, here {found[key]!r} {found['error'] or ''}")
            if wrong:
                print(f"    {MEANT.get(case['name'], 'NOT EXPLAINED')}")
    for trust in sorted(whole):
        print(f"trust {trust}: {right[trust]} of {whole[trust]} equal ({right[trust] / whole[trust]:.0%})")
    both = right["A"] + right["B"], whole["A"] + whole["B"]
    print(f"trust A and B: {both[0]} of {both[1]} equal ({both[0] / max(both[1], 1):.1%})")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

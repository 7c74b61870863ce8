"""Ours beside Burr, LangGraph and DBOS, on the same work, one after the other in one run.

    PEERS_HOME=FOLDER PEERS_SCRIPTS=FOLDER python bench/peers.py [--repeat 5]

`PEERS_SCRIPTS` holds the peers' own scripts (`b_burr.py` and so on, with the harness they share), `PEERS_HOME` a
virtual environment a peer in `venvs/`. Whatever is not there is left out. All of it is in SQLite on the same disk.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from engine import MEASURES

PEERS: Mapping[str, tuple[str, ...]] = {
    "burr": ("b_burr.py",),
    "langgraph": ("b_langgraph.py",),
    "dbos": ("b_dbos.py", "sqlite"),
}
"""The name of a peer's environment, and its script with its arguments."""

WORK = {
    "W1": ("chain", "chain of 100 steps", "ms_per_run", "ms"),
    "W2": ("fan", "fan-out 1 → 100 → 1", "ms_per_run", "ms"),
    "W3": ("many", "1,000 runs x 5 steps", "nodes_per_s", "steps/s"),
    "W4": ("loop", "loop of 1,000 rounds", "ms_per_run", "ms"),
}
"""The peers' name of a piece of work, ours, what people call it, and what is measured."""
PATIENCE = 400.0
"""Seconds that one peer may take for one piece of work."""


def peer_figures(peer: str, scripts: Path, home: Path, work: str, repeat: int) -> dict[str, float]:
    """What a peer's script measured, by the name it gives to each of its ways; empty when it failed."""
    python = home / "venvs" / peer / "bin" / "python"
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "results.jsonl"
        environment = os.environ | {
            "PEERS_HOME": str(home),
            "PEERS_OUT": str(out),
            "PEERS_DATA": str(Path(folder) / "data"),
            "PEERS_ONLY": work,
            "PEERS_REPS": str(repeat),
        }
        command = [str(python), *PEERS[peer]]
        try:
            subprocess.run(command, cwd=scripts, env=environment, capture_output=True, timeout=PATIENCE, check=False)
        except subprocess.TimeoutExpired:
            print(f"{peer} took longer than {PATIENCE:g} s for {work}", file=sys.stderr)
        lines = out.read_text("utf-8").splitlines() if out.exists() else []
    metric = WORK[work][2]
    results = [json.loads(line) for line in lines]
    return {each["peer"]: each["median"] for each in results if each.get("metric") == metric}


async def our_figure(work: str, repeat: int) -> tuple[float, float | None]:
    """Ours and the floor."""
    row = await MEASURES[WORK[work][0]](repeat)
    assert row is not None
    return row.ours, row.floor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    home, scripts = Path(os.environ.get("PEERS_HOME", "")), Path(os.environ.get("PEERS_SCRIPTS", ""))
    installed = [peer for peer in PEERS if (home / "venvs" / peer).is_dir()]
    there = [peer for peer in installed if (scripts / PEERS[peer][0]).is_file()]
    if not there:
        print("The peers are not here: PEERS_HOME and PEERS_SCRIPTS name no environments and scripts of theirs.")
        return
    for work, (_, words, _, unit) in WORK.items():
        ours, floor = asyncio.run(our_figure(work, arguments.repeat))
        print(f"\n{words} ({unit})\n  {'floor':<44}{floor or 0:>12,.1f}\n  {'Mulle':<44}{ours:>12,.1f}", flush=True)
        for peer in there:
            for name, figure in peer_figures(peer, scripts, home, work, arguments.repeat).items():
                print(f"  {name:<44}{figure:>12,.1f}   {max(ours, figure) / min(ours, figure):>6.1f}x", flush=True)


if __name__ == "__main__":
    main()

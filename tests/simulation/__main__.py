"""Look at one seed, or at many.

python -m tests.simulation --seed 123 --trace
python -m tests.simulation --seed 123 --without freezes --without jumps
python -m tests.simulation --soak 1000000
"""

import argparse
import sys

from tests.simulation.checker import broken
from tests.simulation.faults import KINDS
from tests.simulation.soak import soak
from tests.simulation.world import World


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--seed", type=int, help="look at this one")
    what.add_argument("--soak", type=int, metavar="COUNT", help="look at so many, on all cores")
    parser.add_argument("--from", dest="start", type=int, default=0, help="the first seed of a soak")
    parser.add_argument("--without", action="append", default=[], choices=KINDS, help="leave out a kind of trouble")
    parser.add_argument("--trace", action="store_true", help="tell everything that happens")
    asked = parser.parse_args()
    if asked.soak:
        line = ""
        for line in soak(asked.start, asked.soak):
            print(line, flush=True)
        return line.startswith("FAILED")
    return one(asked.seed, asked.without, trace=asked.trace)


def one(seed: int, without: list[str], *, trace: bool) -> int:
    """Go through one seed; 1 if it breaks a promise."""
    world = World(seed, without=without)
    raised = None
    try:
        world.live()
    except Exception as error:  # noqa: BLE001  # The trace is what one wants to see then.
        raised = error
    if trace:
        print(world.trouble)
        print(*world.history.lines, sep="\n")
    found = [*broken(world), *([repr(raised)] if raised else [])]
    print(*found, sep="\n")
    print(f"seed {seed}: {len(world.history.runs)} runs, {len(found)} promises broken")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())

"""The shape of a graph as a whole: cycles, starts and ends, and what nothing leads to."""

from collections.abc import Iterator, Mapping, Sequence

from mulle.document.links import Link, outer_names
from mulle.document.problem import Problem
from mulle.document.signature import Describe, Signature
from mulle.document.workflow import Body
from mulle.errors import MulleError


def followers(
    body: Body, found: Sequence[Link], signatures: Mapping[str, Signature], describe: Describe
) -> dict[str, set[str]]:
    """What waits for each node: by links, by references, and by what a body refers to outside itself."""
    behind = {node.id: set[str]() for node in body.nodes}
    for link in found:
        behind[link.source].add(link.target)
    for node in body.nodes:
        try:
            named = outer_names(node, signatures[node.id], describe)
        except MulleError:
            continue  # Reported where it stands.
        for name in named & behind.keys():
            behind[name].add(node.id)
    return behind


def cycle_problems(behind: Mapping[str, set[str]], prefix: str) -> Iterator[Problem]:
    """The first cycle, if there is one."""
    cycle = find_cycle(behind)
    if cycle:
        shown = cycle if len(cycle) <= _SHOWN else [*cycle[: _SHOWN - 2], "…", cycle[-1]]
        message = "These nodes wait for each other: " + " → ".join(shown) + "."
        hint = "Take one of the edges or references away; for repeating, use a loop node."
        yield Problem("graph.cycle", f"{prefix}nodes.{cycle[0]}", message, hint)


_SHOWN = 12


def find_cycle(behind: Mapping[str, set[str]]) -> list[str]:
    """One cycle as a list of ids that begins and ends with the same; empty if there is none."""
    done: set[str] = set()
    for first in behind:
        trail, on_trail = [(first, iter(sorted(behind[first])))], {first}
        while trail and first not in done:
            node, followers = trail[-1]
            follower = next(followers, None)
            if follower is None:
                done.add(node)
                on_trail.discard(node)
                trail.pop()
            elif follower in on_trail:
                ids = [step for step, _ in trail]
                return [*ids[ids.index(follower) :], follower]
            elif follower not in done:
                trail.append((follower, iter(sorted(behind[follower]))))
                on_trail.add(follower)
    return []


def shape_problems(
    body: Body,
    found: Sequence[Link],
    signatures: Mapping[str, Signature],
    behind: Mapping[str, set[str]],
    prefix: str,
    *,
    is_root: bool,
) -> Iterator[Problem]:
    """Problems of starts, ends and reach."""
    if not body.nodes:
        yield Problem("graph.empty", f"{prefix}nodes", "There are no nodes.", "A workflow begins with a start node.")
        return
    starts = [node.id for node in body.nodes if signatures[node.id].start]
    if len(starts) > 1:
        message = "There is more than one start: " + ", ".join(starts[:_SHOWN]) + "."
        hint = "Keep one; its ports take all inputs."
        yield Problem("graph.many_starts", f"{prefix}nodes.{starts[1]}", message, hint)
    into_start = next((link for link in found if signatures[link.target].start), None)
    if into_start:
        hint = "What repeats goes into the body of a loop; what the run gets comes from its caller."
        yield Problem("graph.edge_into_start", prefix + into_start.where, "An edge leads into the start.", hint)
    if is_root and not any(signatures[node.id].end for node in body.nodes):
        message = "There is no end, so a run has no outputs and succeeds with the detail 'no_end_reached'."
        hint = "Add a node of type end or answer."
        yield Problem("graph.no_end", f"{prefix}nodes", message, hint, "warning")
    if starts:
        reached = _reached(starts, behind)
        for node in body.nodes:
            if node.id not in reached:
                message = f"The start does not lead to '{node.id}'; it will be skipped."
                hint = "Draw an edge to it or remove it."
                yield Problem("graph.unreachable", f"{prefix}nodes.{node.id}", message, hint, "warning")


def _reached(starts: Sequence[str], behind: Mapping[str, set[str]]) -> set[str]:
    seen, todo = set(starts), list(starts)
    while todo:
        new = behind[todo.pop()] - seen
        seen |= new
        todo.extend(new)
    return seen

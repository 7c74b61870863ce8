"""The fold's state as bytes: a cache of a long journal, which may be thrown away at any time.

It is stamped with the fold's rules and with its own layout; whatever does not fit exactly is refused, and the run is
folded from its facts instead.
"""

from collections import deque
from collections.abc import Callable

import msgspec

from mulle.engine.budget import Spent
from mulle.engine.facts import (
    RULES,
    Execute,
    Failure,
    Finish,
    Outputs,
    Path,
    RunCancelled,
    RunEnded,
    RunStarted,
    Signalled,
)
from mulle.engine.plan import PlanNode, ScopePlan
from mulle.engine.scope import NodeState, Scope
from mulle.engine.tree import Tree
from mulle.errors import BrokenJournal, StaleSnapshot, StepError

LAYOUT = 4
"""The version of what stands below; any change of it, or of `NodeState` and `Expansion`, makes a new one."""


class SavedScope(msgspec.Struct, array_like=True):
    """A scope without its plan."""

    path: Path
    values: Outputs
    nodes: list[NodeState]
    waits_for: list[int]
    open: int
    closing: bool
    failure: Failure | None


class SavedTree(msgspec.Struct, array_like=True):
    scopes: list[SavedScope]
    commands: list[Execute]
    to_stop: list[Path]
    listeners: list[tuple[str, list[Path]]]
    early: list[tuple[str, list[Signalled]]]
    heard: list[str]


class State(msgspec.Struct, kw_only=True):
    """A whole fold."""

    rules: int = RULES
    layout: int = LAYOUT
    head: int
    started: RunStarted | None
    cancelled: RunCancelled | None
    ended: RunEnded | None
    finish: Finish | None
    conversation: Outputs
    written: frozenset[str]
    spent: Spent
    tree: SavedTree


class _Stamp(msgspec.Struct):
    rules: int
    layout: int


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(State)
_stamp = msgspec.json.Decoder(_Stamp)


def encoded(state: State) -> bytes:
    return _encoder.encode(state)


def decoded(data: bytes) -> State:
    """Raises StaleSnapshot for what another release wrote, and for what is damaged."""
    try:
        stamp = _stamp.decode(data)
        if (stamp.rules, stamp.layout) != (RULES, LAYOUT):
            raise StaleSnapshot(f"The snapshot follows rules {stamp.rules} in layout {stamp.layout}.")
        return _decoder.decode(data)
    except msgspec.MsgspecError as error:
        raise StaleSnapshot(f"The snapshot cannot be read: {error}.") from error


def tree_state(tree: Tree) -> SavedTree:
    """The open scopes and lists as plain data."""
    return SavedTree(
        scopes=[
            SavedScope(one.path, one.values, one.nodes, one.waits_for, one.open, one.closing, one.failure)
            for one in tree.scopes.values()
        ],
        commands=list(tree.agenda.commands.values()),
        to_stop=list(tree.agenda.to_stop),
        listeners=[(name, list(paths)) for name, paths in tree.signals.listeners.items()],
        early=[(name, list(kept)) for name, kept in tree.signals.early.items()],
        heard=list(tree.signals.heard),
    )


def tree_of(saved: SavedTree, plan: ScopePlan, graph_of: Callable[[PlanNode, Outputs | None], ScopePlan]) -> Tree:
    """The open scopes with their graphs again; raises StaleSnapshot when they belong to another graph."""
    tree = Tree()
    for one in saved.scopes:
        graph = plan if not one.path else _inner_graph(tree, one.path[:-1], graph_of)
        if len(graph.nodes) != len(one.nodes):
            raise StaleSnapshot("The snapshot belongs to another graph.")
        tree.scopes[one.path] = Scope(
            one.path, graph, one.values, one.nodes, one.waits_for, one.open, one.closing, one.failure
        )
        for plan_node, node in zip(graph.nodes, one.nodes, strict=True):
            if node.due is not None:
                tree.bound((*one.path, plan_node.id), node)
    tree.agenda.commands.update((command.path, command) for command in saved.commands)
    tree.agenda.to_stop.update(dict.fromkeys(saved.to_stop))
    tree.signals.listeners.update((name, dict.fromkeys(paths)) for name, paths in saved.listeners)
    tree.signals.early.update((name, deque(kept)) for name, kept in saved.early)
    tree.signals.heard = dict.fromkeys(saved.heard)
    return tree


def _inner_graph(tree: Tree, container: Path, graph_of: Callable[[PlanNode, Outputs | None], ScopePlan]) -> ScopePlan:
    try:
        _, plan, node = tree.at(container)
        return graph_of(plan, node.expansion.plan if node.expansion else None)
    except (BrokenJournal, StepError) as error:
        raise StaleSnapshot("The snapshot belongs to another graph.") from error

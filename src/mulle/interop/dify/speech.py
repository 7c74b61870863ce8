"""Who speaks, and in which order: Dify shows one answer after the other, whole, whatever is ready first."""

from typing import Any

from mulle.interop.dify.reading import CONTAINERS, DifyNode
from mulle.interop.dify.references import References
from mulle.interop.dify.scopes import BRANCHING, FAILED


def speakers(scope: str | None, refs: References) -> list[DifyNode]:
    """The answers of a scope and the containers that have some inside, in the order in which they come about."""
    order = {id_: place for place, id_ in enumerate(refs.scopes.order(scope))}
    found = [node for node in refs.scopes.inside(scope) if node.type == "answer" or _speaks(node, refs)]
    return sorted(found, key=lambda node: order[node.id])


def _speaks(node: DifyNode, refs: References) -> bool:
    return node.type in CONTAINERS and bool(speakers(node.id, refs))


def after(node: DifyNode, refs: References) -> dict[str, Any]:
    """The answers that are shown before this one although nothing leads from them to it.

    Dify opens an answer's stream when no fork is left on one of its ways, and shows opened ones in turn. So what no
    fork stands before comes first, in the order of the export.
    """
    answers = [one for one in refs.scopes.inside(refs.scopes.scope(node.id)) if one.type == "answer"]
    at_once = [one.id for one in answers if opens_at_once(one.id, refs)]
    before = at_once[: at_once.index(node.id)] if node.id in at_once else at_once
    behind = refs.scopes.behind(node.id)
    ahead = [one for one in before if one not in behind and node.id not in refs.scopes.behind(one)]
    return {"after": [refs.port(one, "answer") for one in ahead]} if ahead else {}


def opens_at_once(answer: str, refs: References) -> bool:
    """Whether some way leads to an answer on which no fork, container or other answer stands."""
    seen, todo = {answer}, [answer]
    while todo:
        at = todo.pop()
        into = refs.scopes.edges_into(at)
        if not into:
            return True
        for edge in into:
            source = refs.scopes.nodes[edge.source]
            if edge.source not in seen and not _holds_back(source):
                seen.add(edge.source)
                todo.append(edge.source)
    return False


def _holds_back(node: DifyNode) -> bool:
    return node.type in BRANCHING | CONTAINERS | {"answer"} or node.text("error_strategy") == FAILED

"""What can be known to be wrong with the keys of a `queue` before anything runs: they are made before any step ran."""

from collections.abc import Iterator, Mapping

from mulle.document.expressions import Reference, parse_template
from mulle.document.policies import Queue
from mulle.document.problem import Problem, nearest
from mulle.document.signature import Signature
from mulle.document.workflow import Variables
from mulle.errors import ExpressionError

SYSTEM = ("run_id", "session_id", "user_id")
_HINT = "A queue is entered before any step ran: refer to the start's ports, env, conversation or sys."


def queue_problems(queue: Queue, signatures: Mapping[str, Signature], variables: Variables) -> Iterator[Problem]:
    """Problems of all keys, in document order. `signatures` are those of the document's own nodes, by id."""
    texts = {"queue.key": queue.key, "queue.dedup": queue.dedup}
    if queue.debounce is not None:
        texts["queue.debounce.key"] = queue.debounce.key
    for where, text in texts.items():
        try:
            needed = parse_template(text).references
        except ExpressionError as error:
            yield Problem.of(error, where)
            continue
        for reference in needed:
            yield from _reference(reference, where, signatures, variables)


def _reference(
    reference: Reference, where: str, signatures: Mapping[str, Signature], variables: Variables
) -> Iterator[Problem]:
    start = signatures.get(reference.node) if reference.node else None
    if start is not None and start.start:
        there = [port.name for port in start.outputs]
        name, root = reference.port, str(reference.node)
    elif reference.node is None and reference.root in ("env", "conversation", "sys"):
        named = {"env": variables.environment, "conversation": variables.conversation, "sys": dict.fromkeys(SYSTEM)}
        there = [name for name, one in named[reference.root].items() if not getattr(one, "secret", False)]
        name, root = (str(reference.path[0]) if reference.path else None), reference.root
    else:
        message = f"'{reference.node or reference.root}' means nothing in a queue's key."
        yield Problem("queue.bad_reference", where, message, _HINT)
        return
    if name is not None and there and name not in there:
        yield Problem("queue.bad_reference", where, f"There is no '{root}.{name}' here.", nearest(name, there))

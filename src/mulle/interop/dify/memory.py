"""What a chat remembers: its earlier turns, in a variable of the conversation. Models that had memory see them."""

from typing import Any

from mulle.document.expressions import Reference
from mulle.document.ports import is_object
from mulle.interop.dify.reading import DifyNode
from mulle.interop.dify.references import QUERY, References
from mulle.interop.dify.speech import speakers
from mulle.interop.names import quoted, unique

MOST_TURNS = 20
"""How many turns are kept. Dify keeps all, and shows a model as many as go into it."""
EARLIER = "Earlier in this conversation, the latest last:"


def remembers(node: DifyNode, refs: References) -> bool:
    """Whether a model's step sees earlier turns."""
    return node.type == "llm" and refs.app.is_chat and is_object(node.data.get("memory"))


def is_kept(refs: References) -> bool:
    """Whether the turns have to be kept: a model looks at them, and something is said."""
    return any(remembers(node, refs) for node in refs.scopes.nodes.values()) and bool(speakers(None, refs))


def earlier(node: DifyNode, refs: References) -> str:
    """What stands before a model's prompt: the turns in its window, and nothing in a conversation's first one."""
    whence = f"it is {_turns(refs)}, from the conversation that you give a run"
    refs.note(f"{refs.shown(node)}: its memory is not kept by itself here; {whence}.")
    window = node.object("memory").get("window")
    size = window.get("size") if is_object(window) and window.get("enabled") else None
    shown = f"take({_turns(refs)}, -{size})" if type(size) is int and 0 < size < MOST_TURNS else _turns(refs)
    head, gap = quoted(f"{EARLIER}\n"), quoted("\n\n")
    return "{{ " + f'{head} + json({shown}) + {gap} if {_turns(refs)} else ""' + " }}"


def variable(refs: References) -> dict[str, Any]:
    """The variable that keeps the turns."""
    return {_name(refs): {"type": "array", "value": [], "description": "What was asked and answered before."}}


def step(id_: str, said: str, refs: References) -> dict[str, Any]:
    """The step behind all answers that keeps the turn."""
    start = next((node for node in refs.scopes.nodes.values() if node.type == "start"), None)
    asked = "{{ " + refs.port(start.id, QUERY) + " }}" if start else ""
    writes = [
        {"target": _turns(refs), "op": "append", "value": {"user": asked, "assistant": said}},
        {"target": _turns(refs), "value": "{{ " + f"take({_turns(refs)}, -{MOST_TURNS})" + " }}"},
    ]
    return {"id": id_, "type": "assign", "data": {"writes": writes}}


def _name(refs: References) -> str:
    return unique("turns", {one.name for one in refs.app.conversation})


def _turns(refs: References) -> str:
    return str(Reference("conversation", (_name(refs),)))

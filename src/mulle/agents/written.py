"""A document as the Python that builds it again, node for node and edge for edge. Runs and evaluates nothing.

What a person or a model wrote into the document comes out as literals only; names of functions become names of Python
only where they are ones.
"""

import json
import keyword
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mulle.document.ports import is_array, is_object
from mulle.document.reading import workflow_data
from mulle.document.workflow import Body, NodeSpec, Workflow

WIDTH = 110
"""Columns of the longest line that is not broken."""
FUNCTION = "function"
MODULE = "python_module"

_WHOLE = ("nodes", "edges", "mulle", "name")
_OF_NODES = ("id", "type", "data", "body")


def written(workflow: Workflow) -> str:
    """Python that makes a `mulle.Workflow` called `workflow`, whose graph has the same hash.

    Functions are imported from where they were found; those that no module is known for are written as stubs, for
    somebody to fill in.
    """
    data = workflow_data(workflow)
    functions = _functions(workflow)
    stubs = [name for name, (module, _) in functions.items() if not module]
    lines = [_docstring(workflow.name), "", "import mulle"]
    lines += _imports(functions)
    for name in stubs:
        lines += ["", "", *_stub(functions[name][1], name)]
    settings = {key: value for key, value in data.items() if key not in _WHOLE}
    lines += ["", *([""] if stubs else []), _call("workflow = mulle.Workflow", [_literal(workflow.name)], settings)]
    lines += _graph(data, "workflow", functions, set(functions))
    return "\n".join(lines) + "\n"


# ---------------------------------------------------------------------- functions


def _functions(graph: Body) -> dict[str, tuple[str, NodeSpec]]:
    """The functions of a document by the name they get in Python, with the module they come from (if it is known)."""
    found: dict[str, tuple[str, NodeSpec]] = {}
    for node in _nodes(graph):
        if node.type == FUNCTION:
            name = python_name(str(node.data.get("name", node.id)))
            module = (node.ui or {}).get(MODULE)
            known = isinstance(module, str) and module != "__main__" and _is_module(module)
            importable = known and name == node.data.get("name")
            found.setdefault(name, (str(module) if importable else "", node))
    return found


def _nodes(graph: Body) -> Iterator[NodeSpec]:
    for node in graph.nodes:
        yield node
        if node.body:
            yield from _nodes(node.body)


def python_name(text: str) -> str:
    """A text as a name of Python: itself, if it is one."""
    name = text if _is_name(text) else re.sub(r"\W+", "_", text).strip("_").lower()
    name = f"step_{name}" if not name or name[0].isdigit() else name
    return name if _is_name(name) else f"{name}_"


def _is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text) and text not in ("mulle", "workflow")


def _is_module(text: str) -> bool:
    return all(part.isidentifier() and not keyword.iskeyword(part) for part in text.split("."))


def _imports(functions: Mapping[str, tuple[str, NodeSpec]]) -> list[str]:
    modules: dict[str, list[str]] = {}
    for name, (module, _) in functions.items():
        if module:
            modules.setdefault(module, []).append(name)
    return [f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(modules.items())]


_ANNOTATIONS = {"string": "str", "number": "float", "boolean": "bool", "array": "list", "object": "dict"}


def _stub(node: NodeSpec, name: str) -> list[str]:
    """A function with the parameters that the node's ports are, for somebody to fill in."""
    sources: Any = node.data.get("sources")
    if sources is None:
        parameters = [
            _parameter(port.name, port.type, port.default_value, required=port.required) for port in node.ports.inputs
        ]
        ordered = sorted(parameters, key=lambda parameter: "=" in parameter)
    elif is_array(sources) and len(sources) > 1 and all(isinstance(one, str) and _is_name(one) for one in sources):
        ordered = [str(one) for one in sources]
    else:
        ordered = ["value"]
    told = f"The step {node.id!r} of this workflow; its function was not exported."
    return [
        f"def {name}({', '.join(ordered)}):",
        f"    raise NotImplementedError({_literal(told)})",
    ]


def _parameter(name: str, kind: str, default: Any, *, required: bool) -> str:
    annotation = f": {_ANNOTATIONS[kind]}" if kind in _ANNOTATIONS else ""
    if default is not None or not (required or not annotation):
        equals = " = " if annotation else "="
        return f"{python_name(name)}{annotation}{equals}{_literal(default)}"
    return f"{python_name(name)}{annotation}"


# ---------------------------------------------------------------------- the graph


def _graph(body: Mapping[str, Any], owner: str, functions: Mapping[str, Any], taken: set[str]) -> list[str]:
    lines: list[str] = []
    for node in body.get("nodes", ()):
        lines += _node(node, owner, functions, taken)
    for edge in body.get("edges", ()):
        source = edge["source"] + (f".{edge['source_port']}" if edge.get("source_port") else "")
        target = edge["target"] + (f".{edge['target_port']}" if edge.get("target_port") else "")
        more = {key: value for key, value in edge.items() if key in ("id", "data_type")}
        lines.append(_call(f"{owner}.edge", [_literal(source), _literal(target)], more))
    return lines


def _node(node: Mapping[str, Any], owner: str, functions: Mapping[str, Any], taken: set[str]) -> list[str]:
    data: dict[str, Any] = node.get("data", {})
    arguments = [_literal(node["id"])]
    if node["type"] == FUNCTION:
        name = python_name(str(data.get("name", node["id"])))
        arguments.append(name)
        if data.get("name") == name:
            data = {key: value for key, value in data.items() if key != "name"}
    else:
        arguments.append(_literal(node["type"]))
    if data:
        arguments.append(_literal(data))
    settings = {key: value for key, value in node.items() if key not in _OF_NODES}
    call = _call(f"{owner}.node", arguments, settings)
    if "body" not in node:
        return [call]
    if not node["body"].get("nodes"):
        return [_call(f"{owner}.node", arguments, settings | {"body": node["body"]})]
    inside = _free(f"inside_{python_name(node['id'])}", taken)
    return [f"{inside} = {call}", *_graph(node["body"], inside, functions, taken)]


def _free(wanted: str, taken: set[str]) -> str:
    number, found = 2, wanted
    while found in taken:
        found = f"{wanted}_{number}"
        number += 1
    taken.add(found)
    return found


# ---------------------------------------------------------------------- literals


def _call(function: str, arguments: list[str], settings: Mapping[str, Any]) -> str:
    named = [
        f"{key}={_literal(value)}"
        if key.isidentifier() and not keyword.iskeyword(key)
        else f"**{_literal({key: value})}"
        for key, value in settings.items()
    ]
    whole = f"{function}({', '.join([*arguments, *named])})"
    if len(whole) <= WIDTH and "\n" not in whole:
        return whole
    return "\n".join([f"{function}(", *(f"    {_indented(part)}," for part in [*arguments, *named]), ")"])


def _literal(value: Any) -> str:
    """A value of plain data as Python says it, over several lines where one would be too long."""
    if isinstance(value, str):
        return _text(value)
    if is_object(value):
        return _items("{", [f"{_text(key)}: {_literal(item)}" for key, item in value.items()], "}")
    if is_array(value):
        return _items("[", [_literal(item) for item in value], "]")
    return repr(value)


def _items(opens: str, items: list[str], closes: str) -> str:
    whole = opens + ", ".join(items) + closes
    if len(whole) <= WIDTH - 30 and "\n" not in whole:
        return whole
    return "\n".join([opens, *(f"    {_indented(item)}," for item in items), closes])


def _text(text: str) -> str:
    """A text in quotes; one of several lines as it stands, where nothing in it could end the quotes early."""
    if "\n" in text and text.count("\n") > 1 and not re.search(r'\\|"""|"$|\r', text) and _shown(text):
        return f'"""\\\n{text}"""'
    return json.dumps(text, ensure_ascii=False) if _shown(text) else repr(text)


def _shown(text: str) -> bool:
    return all(sign.isprintable() or sign == "\n" for sign in text)


def _indented(text: str) -> str:
    """Lines moved to the right, but for those of texts, which mean every space."""
    out: list[str] = []
    inside = False
    for number, line in enumerate(text.split("\n")):
        out.append(line if inside or not number else f"    {line}")
        inside ^= line.count('"""') % 2 == 1
    return "\n".join(out)


def _docstring(name: str) -> str:
    told = f"{name or 'A workflow'}, as Python that builds it. `mulle.Workflow.of` and `app.run` take it from here."
    plain = re.sub(r'[\\"]|[^\w\s.,:;!?()\'`·-]', " ", " ".join(told.split()))
    return f'"""{plain}"""'

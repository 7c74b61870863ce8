"""Check the code of a draft before it is saved: it parses, calls nothing forbidden, and takes what its ports give."""

import ast
from collections.abc import Iterator
from typing import Any

from mulle.document.problem import Problem
from mulle.document.workflow import Body, NodeSpec, Workflow

FORBIDDEN_CALLS = frozenset(
    {"eval", "exec", "compile", "__import__", "open", "input", "breakpoint", "globals", "vars", "exit", "quit"}
)
FORBIDDEN_MODULES = frozenset({
    "asyncio", "builtins", "ctypes", "http", "httpx", "importlib", "marshal", "multiprocessing", "os", "pathlib",
    "pickle", "pty", "requests", "resource", "shutil", "signal", "socket", "subprocess", "sys", "tempfile",
    "threading", "urllib",
})  # fmt: skip


def code_problems(workflow: Workflow) -> Iterator[Problem]:
    """Problems of all code steps of a document, bodies included."""
    yield from _inside(workflow, "")


def _inside(body: Body, prefix: str) -> Iterator[Problem]:
    for node in body.nodes:
        where = f"{prefix}nodes.{node.id}"
        if node.type == "code":
            source = node.data.get("code")
            yield from CodeValidator(f"{where}.data.code").problems(
                source if isinstance(source, str) else "", _fed(node)
            )
        if node.body:
            yield from _inside(node.body, f"{where}.body.")


def _fed(node: NodeSpec) -> frozenset[str] | None:
    """The input ports that the document names; None when it names none."""
    named = {port.name for port in node.ports.inputs} | {
        mapping.target_port or name for name, mapping in node.variable_mappings.items()
    }
    return frozenset(named) or None


class CodeValidator:
    """Reads Python code without running it."""

    def __init__(self, where: str = "code") -> None:
        self.where = where

    def problems(self, source: str, ports: frozenset[str] | None = None) -> list[Problem]:
        """Everything that forbids this code to be saved.

        Args:
            source: The code of a step; its `main` takes the input ports.
            ports: The ports that lead to it, if they are known.
        """
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = getattr(error, "lineno", None)
            place = f"{self.where}:{line}" if line else self.where
            return [Problem("code.syntax", place, f"The code is no Python: {getattr(error, 'msg', error)}.")]
        return [*self._main(tree, ports), *self._forbidden(tree)]

    def _main(self, tree: ast.Module, ports: frozenset[str] | None) -> Iterator[Problem]:
        main = next(
            (
                one
                for one in tree.body
                if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and one.name == "main"
            ),
            None,
        )
        if main is None:
            yield Problem("code.no_main", self.where, "There is no function `main`.", "Write `def main(…) -> dict:`.")
            return
        arguments = main.args
        names = {one.arg for one in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]}
        plain = [*arguments.posonlyargs, *arguments.args]
        defaults = {one.arg for one in plain[len(plain) - len(arguments.defaults) :]}
        defaults |= {one.arg for one, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if value}
        if ports is None:
            return
        for name in sorted(names - defaults - ports):
            yield Problem(
                "code.unfed_parameter",
                f"{self.where}:{main.lineno}",
                f"Nothing leads to the parameter '{name}' of `main`.",
            )
        for name in sorted(ports - names) if not arguments.kwarg else ():
            yield Problem(
                "code.unknown_port", f"{self.where}:{main.lineno}", f"`main` has no parameter for the port '{name}'."
            )

    def _forbidden(self, tree: ast.Module) -> Iterator[Problem]:
        for node in ast.walk(tree):
            for name in _named(node):
                hint = "Calls outside are `http` and `notification` steps; code only computes."
                yield Problem(
                    "code.forbidden",
                    f"{self.where}:{getattr(node, 'lineno', 1)}",
                    f"`{name}` may not be used in a code step.",
                    hint,
                )


def _named(node: Any) -> Iterator[str]:
    """What a piece of code uses that it may not."""
    if isinstance(node, ast.Import):
        yield from (one.name for one in node.names if one.name.partition(".")[0] in FORBIDDEN_MODULES)
    elif isinstance(node, ast.ImportFrom):
        if (node.module or "").partition(".")[0] in FORBIDDEN_MODULES or node.level:
            yield node.module or "."
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_CALLS:
        yield node.func.id
    elif isinstance(node, ast.Attribute) and node.attr.startswith("__") and node.attr.endswith("__"):
        yield node.attr

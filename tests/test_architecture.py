"""How the house is built: names, sizes, docstrings and imports."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "mulle"
MODULES = sorted(SOURCE.rglob("*.py"))
NO_NAMES = {"utils", "util", "helpers", "helper", "core", "base", "manager", "managers", "common", "misc"}

LONGEST = 450
"""Lines of a file, which is one whole idea."""
LISTS = {"errors.py"}
"""Files that are a list, in which nobody reads from one end to the other."""


def name(module: Path) -> str:
    return module.relative_to(SOURCE).as_posix()


def test_no_module_is_named_for_nothing():
    assert [name(module) for module in MODULES if NO_NAMES & {*module.relative_to(SOURCE).parts, module.stem}] == []


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_a_module_says_what_it_is(module: Path):
    sentence = ast.get_docstring(ast.parse(module.read_text("utf-8")))

    assert sentence
    assert sentence.split("\n\n")[0].rstrip().endswith((".", ":", "?", "!", "`"))


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_a_file_is_one_idea_long(module: Path):
    lines = len(module.read_text("utf-8").splitlines())

    assert lines <= LONGEST or name(module) in LISTS


def imports_in_functions(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (inner for inner in ast.walk(node) if isinstance(inner, ast.Import | ast.ImportFrom))


REASON = re.compile(r"# (?!noqa)\S+ \S+|# noqa: [A-Z0-9, ]+\s*[-#–:]\s*\S+")


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_an_import_in_a_function_has_its_reason_beside_it(module: Path):
    text = module.read_text("utf-8")
    lines = ["", *text.splitlines()]

    without = [
        lines[found.lineno].strip()
        for found in imports_in_functions(ast.parse(text))
        if not any(REASON.search(line) for line in lines[found.lineno - 1 : found.lineno + 1])
    ]

    assert without == []

"""What the pages say is so: their documents validate, their Python runs, and the commands they name exist."""

import importlib
import inspect
import re
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import mulle.sdk
from mulle.document.ports import is_object
from mulle.document.reading import read_data, read_workflow
from mulle.document.validate import validate
from mulle.document.workflow import NodeSpec
from mulle.sdk.catalogue import Catalogue
from mulle.sdk.fit import BadSettings
from mulle.sdk.testing import try_node

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def fences(language: str, pages: list[Path] = PAGES) -> list[Any]:
    """The fenced pieces of a language, each as a parameter named by its page and number."""
    fence = re.compile(rf"^```{language}\n(.*?)^```", re.MULTILINE | re.DOTALL)
    return [
        pytest.param(text, id=f"{page.relative_to(ROOT)}-{number}")
        for page in pages
        for number, text in enumerate(fence.findall(page.read_text("utf-8")))
    ]


def is_workflow(text: str) -> bool:
    data = read_data(text)
    return is_object(data) and "nodes" in data


@pytest.mark.parametrize("text", [fence for fence in fences("yaml") if is_workflow(fence.values[0])])
def test_a_workflow_on_a_page_validates(text: str, catalogue: Catalogue):
    found = validate(read_workflow(text), catalogue.with_types(Catalogue.installed().types).describe)

    assert found == []


def test_the_pages_on_documents_hold_whole_workflows():
    assert len(fences("yaml", [ROOT / "docs" / "document.md"])) >= 5


def commands() -> list[str]:
    """Every `mulle …` that a page names, with its first words."""
    texts = "\n".join(page.read_text("utf-8") for page in PAGES)
    named = re.findall(r"(?:`|^\s*(?:\$ )?)mulle ([a-z]+)(?: ([a-z]+)\b)?", texts, re.MULTILINE)
    return sorted({" ".join(filter(None, words)) for words in named})


@pytest.mark.parametrize("command", commands())
def test_a_command_on_a_page_exists(command: str):
    if find_spec("mulle.cli") is None:
        pytest.skip("the command line is not here yet")
    cli = importlib.import_module("mulle.cli")
    name, _, rest = command.partition(" ")
    known: dict[str, Any] = cli.COMMANDS

    assert name in known
    if find_spec(f"mulle.cli.{known[name][0]}") is not None:
        found = getattr(importlib.import_module(f"mulle.cli.{known[name][0]}"), cli.ATTRIBUTES.get(name, name))
        assert not rest or rest in getattr(found, "commands", {rest})


# ---------------------------------------------------------------------- docs/nodes.md

NODES_PAGE = (ROOT / "docs" / "nodes.md").read_text("utf-8")


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The page's Python as the module that its TOML announces, installed."""
    announced = tomllib.loads("".join(re.findall(r"^```toml\n(.*?)^```", NODES_PAGE, re.MULTILINE | re.DOTALL)))
    entries: dict[str, str] = announced["project"]["entry-points"]["mulle.nodes"]
    module = next(iter(entries.values())).partition(":")[0]
    code = "\n\n".join(re.findall(r"^```python\n(.*?)^```", NODES_PAGE, re.MULTILINE | re.DOTALL))
    (tmp_path / f"{module}.py").write_text(code, "utf-8")
    info = tmp_path / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    lines = [f"{name} = {target}" for name, target in entries.items()]
    (info / "entry_points.txt").write_text("\n".join(["[mulle.nodes]", *lines, "broken = nowhere:Node"]))
    monkeypatch.syspath_prepend(tmp_path)  # pyright: ignore[reportUnknownMemberType]  # pytest leaves it untyped.
    yield importlib.import_module(module)
    sys.modules.pop(module, None)


async def test_the_python_of_the_page_on_nodes_runs(plugin: Any):
    tests = [getattr(plugin, name) for name in dir(plugin) if name.startswith("test_")]

    for test in tests:
        await test()

    assert len(tests) == 2
    assert all(inspect.iscoroutinefunction(test) for test in tests)


async def test_an_installed_node_type_is_found_and_a_broken_one_troubles_nobody_else(plugin: Any):
    catalogue = Catalogue.installed()
    spec = NodeSpec(id="e", type="exchange", data={"to": "USD"})

    assert isinstance(catalogue.node(spec), plugin.Exchange)
    assert [port.name for port in catalogue.describe(spec).outputs] == ["text", "value"]
    assert "nowhere" in catalogue.broken["broken"]


async def test_a_mistake_in_a_test_of_the_page_would_be_seen(plugin: Any):
    with pytest.raises(BadSettings, match=r"data\.to"):
        await try_node(plugin.Exchange(), {"to": "DOLLAR"}, {"amount": 1})


def test_the_page_on_nodes_names_every_kind_of_field_and_stand_in():
    offered = [name for name in mulle.sdk.__all__ if name.endswith(("Text", "Data", "Template", "Expression", "Raw"))]

    assert [name for name in offered if f"`{name}`" not in NODES_PAGE and name != "RoundExpression"] == []

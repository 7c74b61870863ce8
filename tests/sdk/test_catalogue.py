"""Node types by name, and a node of a document as its type sees it."""

from pathlib import Path
from typing import Any

import pytest

from mulle.document.workflow import NodeSpec
from mulle.nodes.start import Start
from mulle.sdk.catalogue import BrokenPlugin, Catalogue, UnknownNodeType


def test_the_built_in_types_come_in_through_the_door_for_all():
    installed = Catalogue.installed()

    assert {"start", "end", "condition"} <= installed.types.keys()
    assert all(name == node.type for name, node in installed.types.items())


def test_an_unknown_type_names_the_nearest(catalogue: Catalogue):
    with pytest.raises(UnknownNodeType) as unknown:
        catalogue.node(NodeSpec(id="요약", type="strat"))

    assert unknown.value.text == "Node '요약': unknown type 'strat'."
    assert unknown.value.advice.endswith("Did you mean 'start'?")


def test_a_broken_plugin_is_named_when_somebody_uses_it():
    catalogue = Catalogue({}, {"rates": "ImportError: no module"}).with_types({"start": Start()})

    with pytest.raises(BrokenPlugin, match="ImportError: no module"):
        catalogue.describe(NodeSpec(id="a", type="rates"))

    assert catalogue.node(NodeSpec(id="a", type="start")).type == "start"


def test_a_plugin_that_cannot_be_loaded_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    info = tmp_path / "torn-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: torn\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mulle.nodes]\ntorn = torn_nowhere:Torn\n")
    monkeypatch.syspath_prepend(tmp_path)  # pyright: ignore[reportUnknownMemberType]  # pytest leaves it untyped.

    installed = Catalogue.installed()

    assert "torn_nowhere" in installed.broken["torn"]
    assert "start" in installed.types


def described(catalogue: Catalogue, data: dict[str, Any]) -> list[tuple[str, str]]:
    signature = catalogue.describe(NodeSpec(id="a", type="ask", data=data))
    return [(problem.where, problem.message) for problem in signature.problems]


def test_references_and_problems_stand_at_their_place_in_the_document(catalogue: Catalogue):
    signature = catalogue.describe(NodeSpec(id="a", type="ask", data={"question": "{{ b.text }}", "after": "1 +"}))

    assert [item.where for item in signature.references] == ["nodes.a.data.question"]
    assert [problem.where for problem in signature.problems] == ["nodes.a.data.after"]


def test_settings_are_checked_as_far_as_no_template_stands_in_them(catalogue: Catalogue):
    assert described(catalogue, {"temperature": "{{ start.t }}"}) == []
    assert described(catalogue, {"temperature": "hot", "typo": 1}) == [
        ("nodes.a.data.temperature", "This must be a number."),
        ("nodes.a.data.typo", "Unknown key 'typo'."),
    ]
    assert described(catalogue, {"typo": "{{ start.t }}"}) == [("nodes.a.data.typo", "Unknown key 'typo'.")]

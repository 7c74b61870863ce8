"""`mulle versions`, `diff` and `restore`."""

from pathlib import Path

from tests.cli.program import Program


def test_versions_are_listed_compared_and_restored(program: Program, tmp_path: Path):
    file = tmp_path / "w.yaml"
    file.write_text("{name: 하나, nodes: [{id: a, type: transform, data: {value: 1}}]}")
    kept = program.json("workflows", "save", str(file)).data["id"]
    file.write_text("{name: 하나, nodes: [{id: a, type: transform, data: {value: 2}}]}")
    program.json("workflows", "save", str(file), "--id", kept)

    listed = program.json("versions", kept).data["versions"]
    changed = program("diff", kept, "1", "2")
    restored = program.json("restore", kept, "1").data
    same = program("diff", kept, "1", "3")
    unknown = program.json("restore", kept, "9").error

    assert [(one["version"], one["changes"]) for one in listed] == [(2, 1), (1, 0)]
    assert "nodes.a.data.value: 1 → 2" in changed.out
    assert restored["version"] == 3
    assert "Nothing is different" in same.out
    assert unknown["code"] == "workflow.unknown"

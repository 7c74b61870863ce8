"""`mulle publish`, `versions`, `diff` and `restore`."""

from pathlib import Path

from tests.cli.program import Program, Said


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
    assert unknown["code"] == "workflow.unknown_version"


STEP = "{{name: {name}, nodes: [{{id: a, type: transform, data: {{value: {value}}}}}]}}"


def published(program: Program, file: Path, value: object, *more: str, name: str = "하나") -> Said:
    file.write_text(STEP.format(name=name, value=value))
    return program.json("publish", str(file), *more)


def test_publishing_makes_new_versions_of_one_workflow_and_leaves_one_that_is_unchanged(
    program: Program, tmp_path: Path
):
    file = tmp_path / "w.yaml"

    said = [published(program, file, value).data for value in (1, 1, 2)]
    other = published(program, file, 2, name="둘").data

    assert [(one["version"], one["published"]) for one in said] == [(1, True), (1, False), (2, True)]
    assert len({one["id"] for one in said}) == 1
    assert [one["text"] for one in said[2]["changes"]] == ["nodes.a.data.value: 1 → 2"]
    assert (other["version"], other["id"] == said[0]["id"]) == (1, False)


def test_what_is_published_says_of_which_workflow_it_is(program: Program, tmp_path: Path):
    file = tmp_path / "w.yaml"
    kept = published(program, file, 1).data["id"]

    nameless = published(program, file, 1, name='""')
    unknown = published(program, file, 1, "--id", "nope")
    renamed = published(program, file, 1, "--id", kept, name="새 이름")
    wrong = published(program, file, "[")

    assert nameless.error["code"] == "publish.nameless"
    assert unknown.error["code"] == "workflow.unknown"
    assert (renamed.data["id"], renamed.data["version"], renamed.data["name"]) == (kept, 2, "새 이름")
    assert wrong.code == 2


def test_a_version_is_named_behind_the_workflow(program: Program, tmp_path: Path):
    file = tmp_path / "w.yaml"
    for value in (1, 2):
        published(program, file, value)

    first = program.json("run", "하나@1").data["nodes"][0]["outputs"]
    newest = program.json("run", "하나").data["nodes"][0]["outputs"]
    alone = program.json("test", "하나@1", "a").data["outputs"]
    text = program("export", "하나@1").out
    ninth = [program.json(*words).error for words in (("run", "하나@9"), ("diff", "하나", "1", "9" * 30))]

    assert (first, newest, alone) == ({"value": 1}, {"value": 2}, {"value": 1})
    assert "value: 1" in text
    assert [(one["code"], one["message"][:5]) for one in ninth] == [("workflow.unknown_version", "'하나' ")] * 2


def test_a_name_with_an_at_sign_is_a_name(program: Program, tmp_path: Path):
    published(program, tmp_path / "w.yaml", 7, name="news@3")

    assert program.json("run", "news@3").data["nodes"][0]["outputs"] == {"value": 7}
    assert program.json("run", "news@²").error["code"] == "workflow.unknown"

"""`mulle import`: from a file of somebody else's to a run."""

import json
from pathlib import Path

import pytest
from tests.cli.program import mulle_said
from tests.interop.exports import end, export, node, start
from tests.interop.test_legacy import OLD


@pytest.fixture
def dify(tmp_path: Path) -> Path:
    file = tmp_path / "export.yml"
    template = node(
        "t", "llm", prompt_template=[{"role": "user", "text": "{{#start.word#}}"}], model={"provider": "x", "name": "y"}
    )
    file.write_bytes(export([start("word"), template, end(said="t.text")], "start>t t>end"))
    return file


def test_an_export_is_imported_and_runs(tmp_path: Path, dify: Path):
    out, pins = tmp_path / "x.yaml", tmp_path / "pins.json"
    pins.write_text(json.dumps({"t": {"runs": [{"outputs": {"text": "물레"}}]}}))

    made = mulle_said(tmp_path, "import", str(dify), "--from", "dify", "--out", str(out), "--json")
    run = mulle_said(tmp_path, "run", str(out), "-i", "word=5", "--pins", str(pins), "--json")

    assert made.code == 0
    assert made.data["workflow"]["nodes"][0]["id"] == "start"
    assert any("model 'y'" in note for note in made.data["notes"])
    assert run.data["outputs"] == {"said": "물레"}
    assert run.data["nodes"][0]["outputs"] == {"word": "5"}


def test_where_a_file_comes_from_is_seen(tmp_path: Path, dify: Path):
    old = tmp_path / "old.json"
    old.write_text(json.dumps(OLD))

    assert mulle_said(tmp_path, "import", str(dify)).out.startswith("# llm 't'")
    assert [one["type"] for one in mulle_said(tmp_path, "import", str(old), "--json").data["workflow"]["nodes"]][
        1
    ] == "legacy.knowledge"


def test_what_cannot_be_read_is_said(tmp_path: Path):
    (tmp_path / "odd.yml").write_text("a: 1")

    assert mulle_said(tmp_path, "import", "nowhere.yml", "--json").error["code"] == "document.unreadable"
    assert (
        mulle_said(tmp_path, "import", str(tmp_path / "odd.yml"), "--from", "dify", "--json").error["code"]
        == "import.not_dify"
    )


def test_an_error_says_which_file_and_where_in_it(tmp_path: Path):
    broken, other = tmp_path / "broken.json", tmp_path / "other.json"
    broken.write_text('{"nodes": [')
    other.write_text("{}")

    said = [mulle_said(tmp_path, "import", str(file), "--json").error["where"] for file in (broken, other)]

    assert said == [f"{broken}, line 1, column 12", str(other)]

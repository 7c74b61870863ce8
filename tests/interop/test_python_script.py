import json
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from tests.cli.program import environment

from mulle.document.reading import read_workflow
from mulle.interop.python_script import as_script

DOCUMENT = """
    name: NAME
    nodes:
      - {id: start, type: start, ports: {outputs: [{name: word, type: string}]}}
      - {id: end, type: end, data: {outputs: {said: "TEXT {{ start.word }}"}}}
    edges: [{source: start, target: end}]
"""


@pytest.mark.parametrize(("name", "text"), [("인사", "안녕"), (r"'a\\\"\"\"'", r"'\"\"\"'")])
def test_the_program_runs_the_document(tmp_path: Path, name: str, text: str):
    document = read_workflow(
        dedent(DOCUMENT).replace("NAME", name).replace('"TEXT {{ start.word }}"', json.dumps(text + "{{ start.word }}"))
    )
    program = tmp_path / "program.py"
    program.write_text(as_script(document), "utf-8")

    done = subprocess.run(
        [sys.executable, str(program), "word=물레"],
        env=environment(tmp_path / "home"),
        capture_output=True,
        text=True,
        check=False,
    )

    assert json.loads(done.stdout)["outputs"] == {"said": f"{text}물레"}, done.stderr

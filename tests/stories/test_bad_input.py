"""What goes wrong from outside: each a clear error with a code, a place and a hint, nothing lost, no traceback."""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.program import EXAMPLES, Program, Said, environment
from tests.services.site import Site, reply

ANSWER, WAIT = str(EXAMPLES / "answer.yaml"), str(EXAMPLES / "wait.yaml")


def document(nodes: str, edges: str = "[]", more: str = "") -> str:
    return f"mulle: 1\nname: 나쁜 입력\nnodes: {nodes}\nedges: {edges}\n{more}"


FETCH = document(
    """
  - {id: start, type: start, ports: {outputs: [{name: url, type: string, required: true}]}}
  - {id: 가져오기, type: http, data: {url: "{{ start.url }}", parse: json, timeout: 5s}}
  - {id: end, type: end}""",
    """
  - {source: start, target: 가져오기}
  - {source: 가져오기, source_port: json, target: end, target_port: json}""",
)


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


def written(folder: Path, content: str | bytes, name: str = "문서.yaml") -> str:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def refused(said: Said) -> dict[str, str]:
    """The error of a command that was not tried: a code, a message and a hint."""
    assert said.code == 2
    error = said.error
    assert error.keys() == {"code", "message", "where", "hint"}
    assert "." in error["code"]
    assert error["message"]
    assert error["hint"]
    return error


# ---------------------------------------------------------------------- documents


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ("nodes: [1, 2", "line "),
        ('{"mulle": 1, "nodes": [', "line 1, column 24"),
        (bytes(range(256)), ""),
        ("", ""),
        ("그냥 글", ""),
        ("a: " + "x" * 6_000_000, ""),
        ("a: &a [1]\nb: *a\n", "line "),
        ("[" * 20_000, ""),
    ],
    ids=["yaml", "json", "binary", "empty", "text", "huge", "alias", "deep"],
)
def test_a_file_that_is_no_document(program: Program, tmp_path: Path, content: str | bytes, where: str):
    error = refused(program.json("run", written(tmp_path, content)))

    assert error["code"].startswith("document.")
    assert where in error["where"]


def test_what_is_no_document_is_named_by_its_file(program: Program, tmp_path: Path):
    file = written(tmp_path, "- 1")

    assert refused(program.json("run", file))["where"] == file


@pytest.mark.parametrize("name", ["없다.yaml", "없다", "."])
def test_a_file_that_is_not_there(program: Program, name: str):
    assert refused(program.json("run", name))["code"] in {"document.unreadable", "workflow.unknown"}


TWO_STEPS = "[{id: a, type: transform}, {id: b, type: transform}]"
TEXT_INTO_NUMBER = """
  - {id: a, type: template, data: {template: 글}}
  - {id: end, type: end, ports: {inputs: [{name: n, type: number}]}}"""


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (document("[{id: a, type: lllm}]"), "nodes.a.type"),
        (document(TWO_STEPS, "[{source: a, target: b}, {source: b, target: a}]"), "nodes.a"),
        (document(TEXT_INTO_NUMBER, "[{source: a, source_port: text, target: end, target_port: n}]"), "edges[0]"),
        (document("[{id: end, type: end}]", "[{source: 없음, target: end}]"), "edges[0].source"),
        (document('[{id: a, type: transform, data: {value: "{{ 1 + }}"}}]'), "nodes.a.data.value"),
        (document('[{id: a, type: transform, data: {value: "{{ 없음.값 }}"}}]'), "nodes.a.data.value"),
        (document("[{id: end, type: end}]", more='triggers: [{type: cron, cron: "99 9 * * *"}]'), "triggers[0].cron"),
        (document("[{id: end, type: end}]", more="triggers: [{type: at, at: 어제}]"), "triggers[0]"),
    ],
    ids=["type", "cycle", "ports", "edge", "expression", "reference", "cron", "time"],
)  # fmt: skip
def test_a_document_that_is_wrong(program: Program, tmp_path: Path, text: str, where: str):
    file = written(tmp_path, text)

    validated, ran, saved = (
        program.json("validate", file),
        program.json("run", file),
        program.json("workflows", "save", file),
    )

    problem = next(one for one in validated.data["problems"] if one["severity"] == "error")
    assert validated.code == 1
    assert problem["where"].startswith(where)
    assert problem["message"]
    assert refused(ran)["where"] == problem["where"]
    assert refused(saved)["where"] == problem["where"]
    assert program.json("workflows", "list").data == {"workflows": []}


def test_inputs_that_do_not_fit(program: Program, tmp_path: Path):
    map_file, broken = str(EXAMPLES / "map.yaml"), written(tmp_path, "[1", "입력.json")

    assert refused(program.json("run", map_file))["where"] == "amounts"
    assert refused(program.json("run", map_file, "-i", "amounts=셋"))["where"] == "amounts"
    assert refused(program.json("run", map_file, "-i", "amounts={}"))["where"] == "amounts"
    assert broken in refused(program.json("run", map_file, "--inputs", broken))["where"]
    assert refused(program.json("run", map_file, "-i", "amounts=[1]", "--pins", broken))["code"] == "input.unreadable"
    assert refused(program.json("run", ANSWER, "-i", b"name=\xff".decode("utf-8", "surrogateescape")))


# ---------------------------------------------------------------------- the world outside


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (reply('{"error": "서버"}', status=500), "network.http_status"),
        (reply("slow down", status=429), "network.http_status"),
        (reply("<html>점검 중</html>", headers={"Content-Type": "text/html; charset=utf-8"}), "network.not_json"),
        (reply(""), "network.not_json"),
        (reply("[" + "1," * 6_000_000 + "1]"), "network.answer_too_large"),
        (reply('["\\ud800"]'), "step.no_data"),
    ],
    ids=["500", "429", "html", "empty", "huge", "surrogate"],
)
def test_a_server_that_answers_badly(program: Program, tmp_path: Path, site: Site, behaviour: Any, code: str):
    url, file = site.on("/답", behaviour), written(tmp_path, FETCH)

    said = program.json("run", file, "-i", f"url={url}", variables={"MULLE_ALLOW_HOSTS": f"127.0.0.1:{site.port}"})

    assert (said.code, said.data["status"], said.data["error"]["type"]) == (1, "failed", code)
    assert said.data["error"]["node"] == "가져오기"
    assert program.json("runs", "show", said.data["run_id"]).data["error"]["type"] == code


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://127.0.0.1:1/", "network.address_refused"),
        ("http://없는-곳.invalid/", "network.unknown_host"),
        ("주소가 아님", "network.request_unusable"),
    ],
)
def test_a_host_that_cannot_be_reached(program: Program, tmp_path: Path, url: str, code: str):
    said = program.json("run", written(tmp_path, FETCH), "-i", f"url={url}")

    assert (said.code, said.data["error"]["type"]) == (1, code)
    assert said.data["error"]["hint"]


def test_a_secret_that_nobody_stored(program: Program, tmp_path: Path):
    nodes = '[{id: a, type: http, data: {url: "http://example.invalid/?k={{ secret.없는_키 }}"}}, {id: end, type: end}]'

    said = program.json("run", written(tmp_path, document(nodes, "[{source: a, target: end}]")))

    assert (said.code, said.data["error"]["type"]) == (1, "secrets.missing")
    assert "mulle secrets set 없는_키" in said.data["error"]["hint"]


# ---------------------------------------------------------------------- the home


def kept_answer(program: Program) -> str:
    """A run that has ended and has to be there afterwards."""
    return program.json("run", ANSWER, "-i", "name=물레").data["run_id"]


def test_a_full_disk_loses_nothing(program: Program, tmp_path: Path):
    kept = kept_answer(program)
    inputs = written(tmp_path, json.dumps({"name": "가" * 600_000}, ensure_ascii=False), "입력.json")

    def no_room() -> None:
        largest = max(path.stat().st_size for path in program.home.iterdir() if path.is_file())
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest + 4096, largest + 4096))

    said = program.json("run", ANSWER, "--inputs", inputs, before=no_room)

    assert refused(said)["code"] == "store.full"
    assert program.json("runs", "show", kept).data["status"] == "succeeded"
    assert program.json("run", ANSWER, "-i", "name=다시").code == 0


AS_NOBODY = """
import os, sys
import mulle.cli.run, mulle.cli.runs
from mulle.cli import main
from mulle.sdk.catalogue import Catalogue

Catalogue.installed()  # What a later import would read may be closed to others.
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
main(sys.argv[1:])
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.mark.parametrize("arguments", [["run", "답.yaml", "-i", "name=물레"], ["runs", "list"]])
def test_a_home_that_an_ordinary_user_may_only_read(open_folder: Path, arguments: list[str]):
    program = Program(open_folder / "집")
    kept = kept_answer(program)
    written(open_folder, Path(ANSWER).read_bytes(), "답.yaml")
    for path in (program.home, *program.home.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)

    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, *arguments, "--json"],
        env=environment(program.home),
        cwd=open_folder,
        capture_output=True,
        text=True,
        check=False,
    )
    for path in (program.home, *program.home.rglob("*")):
        path.chmod(0o755)

    assert refused(Said(done.returncode, done.stdout, done.stderr))["code"] == "store.unavailable"
    assert program.json("runs", "show", kept).data["status"] == "succeeded"


def test_a_home_that_is_a_file(tmp_path: Path):
    file = Program(Path(written(tmp_path, "글", "파일")))

    assert refused(file.json("run", ANSWER, "-i", "name=물레"))["code"] == "setup.bad_setting"
    assert refused(file.json("secrets", "list"))["code"] == "setup.bad_setting"
    doctor = file.json("doctor")
    assert (doctor.code, [one["state"] for one in doctor.data["findings"] if one["about"] == "home"]) == (1, ["bad"])


def test_a_database_that_is_none(program: Program):
    program.home.mkdir()
    before = "이것은 데이터베이스가 아닙니다. ".encode() * 300
    (program.home / "mulle.db").write_bytes(before)

    assert refused(program.json("runs", "list"))["code"] == "store.damaged"
    assert (program.home / "mulle.db").read_bytes() == before


def test_a_locked_database_is_waited_for(program: Program):
    kept_answer(program)
    lock = (
        "import sqlite3, sys, time\n"
        "db = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "db.execute('BEGIN IMMEDIATE'); print('locked', flush=True); time.sleep(2); db.execute('ROLLBACK')\n"
    )
    locker = subprocess.Popen(
        [sys.executable, "-c", lock, str(program.home / "mulle.db")], stdout=subprocess.PIPE, text=True
    )
    assert locker.stdout is not None
    assert locker.stdout.readline() == "locked\n"

    said = program.json("run", ANSWER, "-i", "name=기다림")
    locker.communicate(timeout=30)

    assert (said.code, said.data["status"]) == (0, "succeeded")


def test_two_processes_on_one_home_do_not_disturb_each_other(program: Program):
    command = [
        sys.executable,
        "-m",
        "mulle.cli",
        "run",
        str(EXAMPLES / "map.yaml"),
        "-i",
        "amounts=[1, 2, 3]",
        "--json",
    ]
    both = [
        subprocess.Popen(command, env=environment(program.home), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    said = [process.communicate(timeout=60) for process in both]

    assert [process.returncode for process in both] == [0, 0, 0], said
    assert {json.loads(out)["status"] for out, _ in said} == {"succeeded"}
    assert len(program.json("runs", "list").data["runs"]) == 3


def test_a_run_that_another_process_drives_can_be_cancelled_from_here(program: Program, tmp_path: Path):
    nodes = "[{id: rest, type: wait, data: {signal: 계속}}, {id: end, type: end}]"
    file = written(tmp_path, document(nodes, "[{source: rest, target: end}]"))
    run = program.json("run", file).data["run_id"]
    worker = subprocess.Popen(
        [sys.executable, "-m", "mulle.cli", "worker"], env=environment(program.home), stdout=subprocess.DEVNULL
    )
    time.sleep(1)

    said = program.json("runs", "cancel", run)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and program.json("runs", "show", run).data["status"] != "cancelled":
        time.sleep(0.2)
    worker.terminate()
    worker.wait(30)

    assert said.code == 0
    assert program.json("runs", "show", run).data["status"] == "cancelled"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MULLE_HOME", "relative"),
        ("MULLE_TIMEZONE", "Mars/Base"),
        ("MULLE_SANDBOX", "열림"),
        ("MULLE_ALLOW_HOSTS", "localhost"),
        ("MULLE_STAND_INS", "naver"),
        ("MULLE_SMTP_URL", "mailto:a@b"),
        ("MULLE_MASTER_KEY", "짧다"),
        ("MULLE_DATABASE_URL", "mysql://mulle:비밀@localhost/mulle"),
    ],
)
def test_a_bad_variable_is_named_and_its_secret_is_not_told(program: Program, name: str, value: str):
    error = refused(program.json("runs", "list", variables={name: value}))

    assert (error["code"], error["where"]) == ("setup.bad_setting", name)
    assert "비밀" not in json.dumps(error, ensure_ascii=False)


def test_a_database_that_is_not_there_is_named_without_its_password(program: Program):
    error = refused(
        program.json("runs", "list", variables={"MULLE_DATABASE_URL": "postgresql://me:비밀@localhost:1/x"})
    )

    assert (error["code"], error["where"]) == ("store.unavailable", "localhost:1/x")
    assert "비밀" not in json.dumps(error, ensure_ascii=False)

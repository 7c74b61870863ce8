"""What honest code does, it can do."""

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.services.sandbox.attack import value

from mulle.services.sandbox import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_function_gets_its_inputs_and_gives_its_outputs(sandbox: Sandbox):
    result = await sandbox.call(
        "def main(item: str, times: int = 2) -> dict:\n    print('안녕', item)\n    return {'text': item * times}",
        "main",
        {"item": "물레"},
    )

    assert (result.value, result.stdout, result.stdout_cut) == ({"text": "물레물레"}, "안녕 물레\n", False)
    assert result.elapsed > 0


@pytest.mark.parametrize(
    "data",
    [
        None,
        True,
        0,
        -(2**63),
        2**80,
        1.5,
        "",
        '한글 ✓ 👩‍🚀 \u0000 \u2028 " \\',
        [],
        {},
        [1, [2, [3, {"이름": [None]}]]],
        {"": {"a.b": [False]}},
    ],
)
async def test_data_goes_in_and_comes_out_unchanged(sandbox: Sandbox, data: Any):
    assert await value(sandbox, "def main(data):\n    return data", data=data) == data


async def test_a_large_result_comes_out_whole(sandbox: Sandbox):
    rows = [{"번호": n, "글": "가나다" * 5} for n in range(10_000)]

    assert await value(sandbox, "def main(rows):\n    return rows", rows=rows) == rows


async def test_tuples_become_lists_and_numbers_as_keys_text(sandbox: Sandbox):
    assert await value(sandbox, "def main():\n    return {1: (1, 2)}") == {"1": [1, 2]}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("import json; return json.loads('[1]')", [1]),
        ("import re; return re.findall('[가-힣]+', 'abc 한글 def 글')", ["한글", "글"]),
        ("import datetime; return datetime.datetime.strptime('2026-03-01', '%Y-%m-%d').strftime('%Y년')", "2026년"),
        ("import zoneinfo, datetime as d; return d.datetime.now(zoneinfo.ZoneInfo('Asia/Seoul')).tzname()", "KST"),
        ("import math, statistics; return [math.isqrt(17), statistics.mean([1, 2, 3])]", [4, 2]),
        ("import decimal; return str(decimal.Decimal('1.1') + 1)", "2.1"),
        ("import csv, io; return list(csv.reader(io.StringIO('가,나')))", [["가", "나"]]),
        ("import html; return html.unescape('&lt;b&gt;')", "<b>"),
        ("import urllib.parse as u; return u.quote('경제')", "%EA%B2%BD%EC%A0%9C"),
        (
            "import base64, hashlib; return [base64.b64encode(b'x').decode(), hashlib.sha256(b'').hexdigest()[:4]]",
            ["eA==", "e3b0"],
        ),
        ("import unicodedata; return len(unicodedata.normalize('NFD', '한'))", 3),
        ("return '한글'.encode('cp949').decode('euc-kr')", "한글"),
        ("import itertools, collections; return collections.Counter('aab').most_common(1)", [["a", 2]]),
        ("import uuid, random, secrets; return len({str(uuid.uuid4()), random.random(), secrets.token_hex()})", 3),
        ("import xml.etree.ElementTree as e; return e.fromstring('<a><b>x</b></a>').find('b').text", "x"),
        ("import sqlite3; return sqlite3.connect(':memory:').execute('select 1+1').fetchone()", [2]),
        ("import zlib, gzip, bz2, lzma; return gzip.decompress(gzip.compress(b'x')).decode()", "x"),
        ("import difflib, textwrap, string; return textwrap.shorten('hello big world', 12)", "hello [...]"),
        ("import email.message; m = email.message.EmailMessage(); m['Subject'] = '제목'; return m['Subject']", "제목"),
        ("import os; return os.path.exists('/nowhere')", False),
        ("print('gone', file=open('/dev/null', 'w')); return 1", 1),
        ("import logging; logging.warning('careful'); return 1", 1),
        ("import time; time.sleep(0.01); return time.localtime().tm_year > 2000", True),
    ],
)
async def test_the_standard_library_is_there(sandbox: Sandbox, body: str, expected: Any):
    assert await value(sandbox, f"def main():\n    {body}") == expected


async def test_files_work_in_the_scratch_folder(sandbox: Sandbox):
    source = """
import os, pathlib, shutil, sqlite3, tempfile, zipfile
def main():
    pathlib.Path('가.txt').write_text('물레')
    shutil.copy('가.txt', 'b.txt')
    shutil.copy2('가.txt', 'c.txt')
    os.makedirs('d/e'); shutil.move('b.txt', 'd/e/b.txt'); shutil.copytree('d', 'f'); os.symlink('c.txt', 'g.txt')
    with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile() as file:
        file.write(b'x'); pathlib.Path(folder, 'x').touch()
    with zipfile.ZipFile('z.zip', 'w') as archive: archive.write('가.txt')
    base = sqlite3.connect('t.db'); base.execute('create table t (a)'); base.commit(); base.close()
    shutil.rmtree('d')
    found = pathlib.Path('f/e/b.txt').read_text(), pathlib.Path('g.txt').read_text()
    return found, sorted(os.listdir('.')), os.getcwd() == os.environ['HOME'] == tempfile.gettempdir()
"""
    assert await value(sandbox, source) == [
        ["물레", "물레"],
        ["c.txt", "f", "g.txt", "t.db", "z.zip", "가.txt"],
        True,
    ]


async def test_a_few_threads_work(sandbox: Sandbox):
    source = """
import threading
from concurrent.futures import ThreadPoolExecutor
def main():
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda n: n * n, range(5)))
"""
    assert await value(sandbox, source) == [0, 1, 4, 9, 16]


async def test_an_async_function_is_run_to_its_end(sandbox: Sandbox):
    source = """
import asyncio
async def one(n):
    await asyncio.sleep(0.001)
    return n
async def main():
    return await asyncio.gather(*[one(n) for n in range(3)])
"""
    assert await value(sandbox, source) == [0, 1, 2]


async def test_classes_find_their_module(sandbox: Sandbox):
    source = """
from __future__ import annotations
import dataclasses, enum, typing
class Kind(enum.Enum):
    A = 'a'
@dataclasses.dataclass
class Point:
    x: int
    kind: Kind = Kind.A
class Out(typing.TypedDict):
    x: int
def main() -> Out:
    return dict(x=Point(3).x, hints=sorted(typing.get_type_hints(Point)))
"""
    assert await value(sandbox, source) == {"x": 3, "hints": ["kind", "x"]}


async def test_korean_names_are_found_however_they_were_typed(sandbox: Sandbox):
    decomposed = "이름"

    assert await value(sandbox, "def main(이름):\n    return 이름", **{decomposed: "철수"}) == "철수"


async def test_the_clock_is_right(sandbox: Sandbox):
    now = await value(
        sandbox, "import datetime\ndef main():\n    return datetime.datetime.now().astimezone().isoformat()"
    )

    assert abs((datetime.now(UTC) - datetime.fromisoformat(now)).total_seconds()) < 60
    assert datetime.fromisoformat(now).utcoffset() == datetime.now().astimezone().utcoffset()


async def test_chance_differs_from_call_to_call(sandbox: Sandbox):
    source = (
        "import random, uuid, tempfile\ndef main():\n    return [random.random(), str(uuid.uuid4()), tempfile.mktemp()]"
    )
    found = [await value(sandbox, source) for _ in range(3)]

    assert all(len(set(column)) == 3 for column in zip(*found, strict=True))

"""Documents written as Python: what is written builds the same document, and nothing in a document becomes code."""

import ast
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mulle
from mulle.agents.written import _literal, python_name, written
from mulle.document.reading import parse_workflow, read_workflow
from mulle.document.versions import graph_text
from mulle.document.workflow import Workflow as Document

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))


def built(text: str) -> mulle.Workflow:
    names: dict[str, Any] = {}
    exec(compile(text, "written.py", "exec"), names)
    return names["workflow"]


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_every_example_comes_back_whole(file: Path):
    document = read_workflow(file.read_bytes())

    assert built(written(document)).document == document


@mulle.step(retry=2)
def fetch(topic: str, count: int = 3) -> list[str]:
    return [topic] * count


@mulle.step
def shorten(article: str) -> str:
    return article[:1]


@mulle.workflow("소식")
def news(topic: str) -> Any:
    articles = fetch(topic)
    with mulle.when(f"length({articles}) > 2") as many:
        texts = mulle.each(articles, shorten)
    with many.otherwise:
        one = shorten(topic)
    return mulle.first(texts, one)


def test_code_becomes_a_document_and_code_again():
    elsewhere = [node.model_copy(update={"ui": None}) for node in news.document.nodes]
    text = written(news.document.model_copy(update={"nodes": tuple(elsewhere)}))

    again = built(text)
    assert graph_text(again.document) == graph_text(news.document)
    assert "def fetch(topic: str, count: float = 3):" in text
    assert written(again.document) == text


def test_functions_are_imported_from_where_they_were_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.syspath_prepend(tmp_path)  # pyright: ignore[reportUnknownMemberType]  # pytest leaves it untyped.
    (tmp_path / "news_steps_42.py").write_text("def count(topic: str) -> int:\n    return len(topic)\n")
    count = __import__("news_steps_42").count

    @mulle.workflow
    def counted(topic: str) -> Any:
        return mulle.step(count)(topic)

    text = written(counted.document)
    assert "from news_steps_42 import count\n" in text
    assert "NotImplementedError" not in text
    assert built(text).execute("물레").output == 2


def test_a_workflow_of_steps_comes_back_with_stubs_for_its_functions():
    class Agent:
        def execute(self, data: int) -> int:
            return data

    def both(a: int, b: int) -> int:
        return a + b

    workflow = mulle.Workflow("사슬").add_step("a", Agent(), timeout=5).add_step("b", Agent(), when="a.output > 1")
    workflow.add_step("c", both, after=["a", "b"], fallback=Agent())

    text = written(workflow.document)

    assert graph_text(built(text).document) == graph_text(workflow.document)
    assert built(text).execute(1).status == "failed"


def test_settings_of_the_whole_come_back():
    document = parse_workflow(
        {
            "name": "전부",
            "description": "모두\n다",
            "tags": ["a"],
            "timeout": "2h",
            "variables": {"environment": {"REGION": {"type": "string", "value": "seoul"}}},
            "triggers": [{"type": "cron", "cron": "0 9 * * *"}],
            "nodes": [
                {"id": "start", "type": "start", "position": {"x": 1, "y": 2}},
                {"id": "빈 것", "type": "subflow", "body": {}},
                {"id": "빈 것!", "type": "loop", "body": {"nodes": [{"id": "end", "type": "end"}]}},
                {"id": "빈-것", "type": "loop", "body": {"nodes": [{"id": "end", "type": "end"}]}},
            ],
            "edges": [{"id": "e1", "source": "start", "target": "빈 것", "data_type": "any"}],
        }
    )

    assert built(written(document)).document == document


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(plain)
def test_every_value_is_a_literal_of_itself(value: Any):
    assert ast.literal_eval(_literal(value)) == value


HOSTILE = [
    '"""\nimport os\nos.system("x")\n"""',
    "a\nb\\\nc\n",
    'a\nb\n"',
    "\\",
    "x'); evil(",
    "def",
    "__import__('os')",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_document_becomes_code(text: str):
    document = Document.model_validate(
        {
            "name": text,
            "description": text,
            "nodes": [
                {"id": "a", "type": "function", "data": {"name": text}, "ui": {"python_module": text}},
                {"id": "b", "type": "code", "data": {"code": text, text: [text, {text: text}]}},
            ],
        }
    )

    tree = ast.parse(written(document))

    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert calls <= {"mulle.Workflow", "workflow.node", "NotImplementedError"}
    assert built(written(document)).document == document


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("fetch", "fetch"),
        ("가져오기", "가져오기"),
        ("A.b", "a_b"),
        ("<lambda>", "lambda_"),
        ("1", "step_1"),
        ("", "step_"),
        ("mulle", "mulle_"),
    ],
)
def test_a_name_of_python_is_made_of_any_text(text: str, name: str):
    assert python_name(text) == name

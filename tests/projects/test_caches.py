from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulle.projects import CacheStore, JSONCache, MarkdownCache, MemoryContext
from mulle.projects.caches import CacheUnreadable, NotKeepable

LINES = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=30)


@pytest.fixture(params=[JSONCache, MarkdownCache])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> CacheStore:
    return request.param(tmp_path / "cache" / "file")


def test_what_is_set_is_there_until_it_is_cleared(cache: CacheStore):
    cache.set("요약", "오늘의 뉴스")
    cache.set("other", "x")

    assert (cache.get("요약"), cache.exists("요약"), cache.exists("nothing")) == ("오늘의 뉴스", True, False)
    cache.clear("요약")
    assert (cache.get("요약", "gone"), cache.get("other")) == ("gone", "x")
    cache.clear()
    assert cache.all() == {}


def test_another_one_sees_the_same_file(cache: CacheStore):
    cache.set("a", "1")

    assert type(cache)(cache.path).get("a") == "1"


@given(st.dictionaries(LINES.filter(lambda key: key.strip() == key != ""), st.lists(LINES, max_size=4).map("\n".join)))
def test_markdown_comes_back_as_it_was_written(values: dict[str, str]):
    cache = MarkdownCache("nowhere")
    kept = {key: text.strip("\n") for key, text in values.items()}

    assert cache._read(cache._written(kept)) == kept


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, object()])
def test_what_is_no_json_cannot_be_kept_as_json(tmp_path: Path, value: Any):
    with pytest.raises(NotKeepable):
        JSONCache(tmp_path / "c.json").set("a", value)


@pytest.mark.parametrize(("key", "value"), [("a", 3), ("two\nlines", "x"), (" ", "x")])
def test_markdown_keeps_text_under_a_line(tmp_path: Path, key: str, value: Any):
    with pytest.raises(NotKeepable):
        MarkdownCache(tmp_path / "c.md").set(key, value)


@pytest.mark.parametrize("text", ["{", "[1]", '"x"'])
def test_a_broken_file_is_an_error_and_stays_as_it_is(tmp_path: Path, text: str):
    (tmp_path / "c.json").write_text(text)

    with pytest.raises(CacheUnreadable):
        JSONCache(tmp_path / "c.json").set("a", 1)

    assert (tmp_path / "c.json").read_text() == text


# ---------------------------------------------------------------------- memory


def test_a_hundred_events_keep_the_bound(tmp_path: Path):
    memory = MemoryContext(MarkdownCache(tmp_path / "m.md"), limit=10)
    for number in range(100):
        memory.update({"event": "수집", "text": f"{number}번째 기사를 모았다. 금리가 {number} 올랐다."})

    assert [entry["text"][:2].strip("번") for entry in memory.short_term] == [str(number) for number in range(90, 100)]
    assert 0 < len(memory.long_term.splitlines()) <= 12
    assert len((tmp_path / "m.md").read_text()) < 5_000


def test_what_is_retrieved_is_the_summary_and_then_the_last_entries(tmp_path: Path):
    memory = MemoryContext(MarkdownCache(tmp_path / "m.md"), limit=2, summarize=lambda text: f"<{text}>")
    for word in ("가", "나", "다"):
        memory.update({"text": word})

    assert memory.retrieve() == "<가>\n나\n다"
    assert MemoryContext(MarkdownCache(tmp_path / "m.md"), limit=2).retrieve() == "<가>\n나\n다"
    memory.clear()
    assert memory.retrieve() == ""


def test_a_line_that_a_person_wrote_is_remembered_too(tmp_path: Path):
    (tmp_path / "m.md").write_text("## short_term\n\n- 고객은 아침을 좋아한다\n")

    assert MemoryContext(MarkdownCache(tmp_path / "m.md")).retrieve() == "고객은 아침을 좋아한다"

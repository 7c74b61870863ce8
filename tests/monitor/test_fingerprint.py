import pytest
from hypothesis import given
from hypothesis import strategies as some

from mulle.monitor.fingerprint import LONGEST, fingerprint, without_particulars


@pytest.mark.parametrize(
    ("message", "bare"),
    [
        ("No answer from 10.0.0.7:8080 after 31.2 s.", "No answer from <n> after <n> s."),
        ("status 503 of https://a.b/c?key=1&x=%20 (try 2)", "status <n> of <url> (try <n>)"),
        ("Order 3f2b8c1d-9a7e-4c3b-8f2d-1a2b3c4d5e6f is gone", "Order <id> is gone"),
        ("commit 9fceb02d0ae598e95dc970b74767f19372d61af8", "commit <id>"),
        ("KeyError: 'name-17' of \"x y\"", "KeyError: <text> of <text>"),
        ("'경제' 기사 12건을 못 찾았습니다: “오늘의 뉴스”", "<text> 기사 <n>건을 못 찾았습니다: <text>"),
        ("mail to kim@example.com was refused at 2026-11-29T10:00:00+09:00", "mail to <mail> was refused at <time>"),
        ("cannot open /home/kim/data.csv", "cannot open <path>"),
        ("don't do that; it's bad", "don't do that; it's bad"),
        ("two\n  lines", "two lines"),
    ],
)
def test_what_varies_is_taken_out(message: str, bare: str):
    assert without_particulars(message) == bare


def test_the_same_cause_has_one_fingerprint_wherever_its_numbers_differ():
    marks = {fingerprint("timeout", "http", "fetch", f"No answer within {n} s from https://x.y/{n}") for n in range(9)}

    assert len(marks) == 1


def test_the_type_the_node_and_the_words_each_make_another_cause():
    marks = [
        fingerprint("timeout", "http", "fetch", "late"),
        fingerprint("refused", "http", "fetch", "late"),
        fingerprint("timeout", "llm", "fetch", "late"),
        fingerprint("timeout", "http", "send", "late"),
        fingerprint("timeout", "http", "fetch", "too late"),
    ]

    assert len(set(marks)) == len(marks)


@given(some.text(max_size=2000))
def test_every_message_has_a_short_bare_form_that_stays_as_it_is(message: str):
    bare = without_particulars(message)

    assert len(bare) <= 3 * LONGEST
    assert fingerprint("e", "t", "n", message) == fingerprint("e", "t", "n", message)


def test_a_hostile_message_is_read_quickly():
    for message in ("'" * 5000, "a@" * 5000, "/" * 5000, "1" * 5000, "“" * 5000, "a." * 5000):
        without_particulars(message)

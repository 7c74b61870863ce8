import unicodedata
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mulle.errors import AmbiguousSchedule, IncompleteSchedule, NotASchedule
from mulle.triggers.phrases import find_schedule
from mulle.triggers.schedule import Schedule

NEW_YEAR = datetime(2026, 1, 1, tzinfo=ZoneInfo("Asia/Seoul"))

FOUND = {
    "매일 아침 9시에 네이버 뉴스에서 경제 기사 3개를 수집해서 요약하고 메일로 보내줘": (
        ["매일 아침 9시에"],
        ["0 9 * * *"],
    ),
    "매일아침9시에네이버뉴스에서경제기사3개를수집해서요약하고메일로보내줘": (["매일아침9시에"], ["0 9 * * *"]),
    "오늘 들어온 문의를 정리해서 매일 오후 6시에 슬랙으로 보내줘": (["매일 오후 6시에"], ["0 18 * * *"]),
    "평일 오후 6시마다 오늘 들어온 문의를 정리해줘": (["평일 오후 6시마다"], ["0 18 * * 1-5"]),
    "매주 월요일 오전 10시에 지난주 매출을 요약해줘": (["매주 월요일 오전 10시에"], ["0 10 * * 1"]),
    "3일치 데이터를 모아서 매일 자정에 저장해줘": (["매일 자정에"], ["0 0 * * *"]),
    "9시 뉴스를 매일 밤 10시에 요약해줘": (["매일 밤 10시에"], ["0 22 * * *"]),
    "매일 아침 8시에 오늘 일정 알려줘": (["매일 아침 8시에"], ["0 8 * * *"]),
    "매일 아침 8시에 오후 3시 회의 자료를 보내줘": (["매일 아침 8시에"], ["0 8 * * *"]),
    "3일 뒤 만료되는 계약을 매일 오전 9시에 알려줘": (["매일 오전 9시에"], ["0 9 * * *"]),
    "최근 24시간 동안 올라온 글을 매일 아침 7시에 모아줘": (["매일 아침 7시에"], ["0 7 * * *"]),
    "매일 뉴스를 모아서 저녁 7시에 보내줘": (["매일", "저녁 7시에"], ["0 19 * * *"]),
    "뉴스 요약을 평일 9시에 보내줘. 공휴일은 빼고": (["평일 9시에", "공휴일은 빼고"], ["0 9 * * 1-5"]),
    "뉴스를 매일 8시 30분에 요약하되 토요일과 일요일은 제외해줘": (
        ["매일 8시 30분에", "토요일과 일요일은 제외해줘"],
        ["30 8 * * 1-5"],
    ),
    "앞으로 일주일 동안 매일 9시에 약 먹으라고 알려줘": (["앞으로 일주일 동안 매일 9시에"], ["0 9 * * *"]),
    "1시간마다 최근 1시간 로그에서 에러 5건 이상이면 알려줘": (["1시간마다"], ["0 * * * *"]),
    "10분마다 사이트가 살아 있는지 확인해줘": (["10분마다"], ["*/10 * * * *"]),
    "매일경제 기사를 매일 아침 9시에 보내줘": (["매일 아침 9시에"], ["0 9 * * *"]),
    "월급날인 매월 25일 오전 9시에 알려줘": (["매월 25일 오전 9시에"], ["0 9 25 * *"]),
    "Every morning at 8, collect the top 3 AI news from the last 24 hours": (["Every morning at 8"], ["0 8 * * *"]),
    "send me the weekly report every Monday at 9am": (["every Monday at 9am"], ["0 9 * * 1"]),
    "Send a summary of today's orders every weekday at 6pm": (["every weekday at 6pm"], ["0 18 * * 1-5"]),
    "Check the site every 5 minutes and alert me": (["every 5 minutes"], ["*/5 * * * *"]),
    "At 7:30am on weekdays, email me the first 5 issues": (["At 7:30am on weekdays"], ["30 7 * * 1-5"]),
}

SILENT = [
    "네이버 뉴스에서 경제 기사 3개를 요약해줘",
    "최근 3일치 데이터를 모아서 보고서를 만들어줘",
    "오늘 들어온 문의를 정리해줘",
    "지난주 매출을 요약해줘",
    "내일 날씨를 알려줘",
    "9시 뉴스를 요약해줘",
    "1분기 실적을 정리해줘",
    "아침 뉴스를 요약해줘",
    "월요일 회의 자료를 만들어줘",
    "다음 주 일정을 정리해줘",
    "summarise the last 7 days of sales",
    "write the weekly report",
    "collect the top 3 articles",
    "자주 묻는 질문을 정리해줘",
    "나중에 더 붙일 수 있게 정리해줘",
    "유튜브 영상 10분짜리를 요약해줘",
    "summarise the 3pm meeting notes",
    "list the frequently asked questions",
]


@pytest.mark.parametrize(("sentence", "expected"), FOUND.items())
def test_the_schedule_is_found_and_the_rest_is_left(sentence: str, expected: tuple[list[str], list[str]]):
    schedule, spans = find_schedule(sentence, now=NEW_YEAR)

    assert [sentence[start:end] for start, end in spans] == expected[0]
    assert isinstance(schedule, Schedule)
    assert list(schedule.crons) == expected[1]


@pytest.mark.parametrize("sentence", SILENT)
def test_what_only_looks_like_a_time_is_left_alone(sentence: str):
    assert find_schedule(sentence, now=NEW_YEAR) == (None, [])


def test_a_schedule_without_a_time_is_an_error_that_asks():
    error, spans = find_schedule("매월 말일에 미수금 목록을 보내줘", now=NEW_YEAR)

    assert isinstance(error, IncompleteSchedule)
    assert error.facts["missing"] == ["time"]
    assert spans == [(0, 6)]


def test_two_schedules_are_an_error_that_names_both():
    error, spans = find_schedule("매일 9시에 수집하고 매주 월요일 10시에 요약해줘", now=NEW_YEAR)

    assert isinstance(error, AmbiguousSchedule)
    assert error.facts["candidates"] == ["매일 9시에", "매주 월요일 10시에"]
    assert len(spans) == 2


@pytest.mark.parametrize(
    "sentence", ["새 주문이 들어오면 알려줘", "메일이 올 때마다 정리해줘", "when a new order arrives, tell me"]
)
def test_an_event_is_told_from_a_schedule(sentence: str):
    error, spans = find_schedule(sentence, now=NEW_YEAR)

    assert isinstance(error, NotASchedule)
    assert error.facts["kind"] == "event"
    assert spans


def test_spans_are_those_of_the_text_as_it_was_typed():
    sentence = unicodedata.normalize("NFD", "뉴스를 매일 아침 ９시에 보내줘")

    _, spans = find_schedule(sentence, now=NEW_YEAR)

    assert [unicodedata.normalize("NFC", sentence[start:end]) for start, end in spans] == ["매일 아침 ９시에"]


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_searched_without_harm(text: str):
    found, spans = find_schedule(text, now=NEW_YEAR)

    assert (found is None) == (spans == [])
    assert all(0 <= start < end <= len(text) for start, end in spans)

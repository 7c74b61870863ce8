"""The page about schedules shows what really comes out."""

import re
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mulle.errors import ScheduleError
from mulle.triggers.phrases import parse_phrase
from mulle.triggers.phrases.reading import language_of
from mulle.triggers.readback import readback
from mulle.triggers.workdays import FILTERS

PAGE = (Path(__file__).parents[2] / "docs" / "schedules.md").read_text(encoding="utf-8")
NEW_YEAR = datetime(2026, 1, 1, tzinfo=ZoneInfo("Asia/Seoul"))


def rows(header: str) -> list[list[str]]:
    table = PAGE.split(header, maxsplit=1)[1].split("\n\n", maxsplit=1)[0]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()[2:]]


@pytest.mark.parametrize(("phrase", "rules", "text"), rows("| phrase | rules | read back |"))
def test_the_table_of_phrases_is_real(phrase: str, rules: str, text: str):
    schedule = parse_phrase(phrase, now=NEW_YEAR)

    said = [*schedule.crons, schedule.rrule or "", schedule.at.isoformat() if schedule.at else ""]
    assert re.findall(r"`([^`]+)`", rules) == [" ".join(rule.split("\n")) for rule in said if rule]
    assert (schedule.filter or "") in rules
    assert text == readback(schedule, language_of(phrase))


@pytest.mark.parametrize(("phrase", "code", "hint"), rows("| phrase | error | hint |"))
def test_the_table_of_questions_is_real(phrase: str, code: str, hint: str):
    with pytest.raises(ScheduleError) as caught:
        parse_phrase(phrase, now=NEW_YEAR)

    assert (f"`{caught.value.code}`", caught.value.advice) == (code, hint)


def test_the_table_of_filters_is_whole():
    assert [row[0].strip("`") for row in rows("| `filter` | lets through |")] == list(FILTERS)


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
def test_the_examples_run(code: str):
    exec(code, {})

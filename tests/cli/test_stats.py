"""`mulle stats`, as people and scripts read it."""

from datetime import date

import pytest
from tests.cli.program import EXAMPLES, Program

from mulle.cli.stats import BadSince, first_day, money, seconds


def test_what_ran_is_told_with_its_causes_of_failure_and_slow_steps(program: Program):
    for name in ("a", "b"):
        program("run", str(EXAMPLES / "answer.yaml"), "-i", f"name={name}")

    said = program.json("stats")
    people = program("stats", "--by", "node").out

    assert said.code == 0
    assert said.data["total"]["executions"] == 2
    assert said.data["total"]["success_rate"] == 100.0
    assert said.data["groups"][0]["executions"] == 2
    assert said.data["now"] == {"running": 0, "waiting": 0, "due": 0, "oldest": None}
    assert "Slowest steps" in people
    assert "100.0%" in people


def test_a_home_without_runs_has_nothing_to_tell(program: Program):
    assert "No run ended in this time." in program("stats").out
    assert "No run of 'nobody' ended" in program("stats", "nobody").out


@pytest.mark.parametrize("text", ["", "0d", "soon", "7", "99999d", "2026-13-01", "7d; drop"])
def test_a_first_day_that_is_none_is_refused_with_a_hint(text: str):
    with pytest.raises(BadSince, match="is no day"):
        first_day(text, date(2026, 11, 29))


def test_days_count_from_today_backwards():
    today = date(2026, 11, 29)

    assert [first_day(text, today) for text in ("1d", "7d", "2026-01-31")] == [
        today,
        date(2026, 11, 23),
        date(2026, 1, 31),
    ]


def test_a_wrong_first_day_is_a_wrong_use(program: Program):
    said = program.json("stats", "--since", "soon")

    assert (said.code, said.error["code"]) == (2, "stats.bad_since")


def test_durations_and_sums_are_written_as_people_read_them():
    told = [seconds(value) for value in (0.0, 0.00024, 0.018, 3.21, 300.0, 9000.0)]
    assert told == ["0 µs", "240 µs", "18 ms", "3.21 s", "5 min", "2.5 h"]
    assert [money(dollars) for dollars in (0, 0.0042, 1234.5, None)] == ["$0.00", "$0.0042", "$1,234.50", "?"]


def test_statistics_stay_when_old_runs_are_deleted(program: Program):
    program("run", str(EXAMPLES / "answer.yaml"), "-i", "name=물레")

    program.json("gc", "--older-than", "0")

    assert program.json("runs", "list").data["runs"] == []
    assert program.json("stats").data["total"]["executions"] == 1

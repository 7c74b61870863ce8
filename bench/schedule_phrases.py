"""How many schedule phrases are understood, and how fast.

    MULLE_DATA=../shared/data python bench/schedule_phrases.py [--list] [--also recurrent_en.jsonl]

Reads `schedules/phrases.jsonl` of the data folder (by default `../shared/data` beside the checkout): phrases with the
cron lines that are right, the plausible wrong one (`trap`), and what is missing. A phrase that cron can say is right if
its next five times are. `--list` prints the phrases that are not; `--also` tries another file of texts for what each
comes to.
"""

import argparse
import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSimError

from mulle.errors import AmbiguousSchedule, IncompleteSchedule, NotASchedule, ScheduleError
from mulle.triggers.cron import cron_firings
from mulle.triggers.phrases import find_schedule, parse_phrase
from mulle.triggers.readback import readback
from mulle.triggers.schedule import Schedule, next_firings

NEXT = "next5_after_2026-01-01T00:00+09:00"
AFTER = datetime(2026, 1, 1, tzinfo=ZoneInfo("Asia/Seoul"))
FAR = 400
"""Firings in which a trap shows itself."""
SENTENCE = "오늘 들어온 문의와 최근 3일치 데이터를 정리해서 {} 네이버 뉴스 경제 기사 3개와 함께 메일로 보내줘"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--also", metavar="FILE")
    arguments = parser.parse_args()
    folder = Path(os.environ.get("MULLE_DATA", "../shared/data")) / "schedules"
    records = list(lines(folder / "phrases.jsonl"))
    judged = [(record, *judge(record)) for record in records]
    table(judged)
    if arguments.list:
        for record, kind, verdict, got in judged:
            if verdict != "right":
                print(f"  {record['id']} {kind} {verdict}: {record['text']} -> {got}")
    readbacks(folder / "schedules.jsonl")
    speed([record["text"] for record in records])
    if arguments.also:
        for record in lines(folder / arguments.also):
            print(f"  {record['text']} -> {said(read(record['text']))}")


def lines(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


def read(text: str) -> Schedule | ScheduleError:
    try:
        return parse_phrase(text, now=AFTER)
    except ScheduleError as error:
        return error


def judge(record: dict[str, Any]) -> tuple[str, str, str]:
    """The kind of phrase, the verdict (right, wrong, trap, asked) and what came out."""
    found = read(record["text"])
    kind = {"recurring": "", "interval": ""}.get(record["kind"], record["kind"]) or f"cron: {record['expressible']}"
    return kind, verdict(record, found), said(found)


def verdict(record: dict[str, Any], found: Schedule | ScheduleError) -> str:
    if record["kind"] == "incomplete":
        right = isinstance(found, IncompleteSchedule) and found.facts["missing"] == record["missing"]
        return "right" if right else "wrong"
    if record["kind"] == "event":
        return "right" if isinstance(found, NotASchedule) and found.facts["kind"] == "event" else "wrong"
    if isinstance(found, IncompleteSchedule | AmbiguousSchedule):
        return "asked"
    if isinstance(found, ScheduleError):
        return "wrong"
    if record.get("trap") and trapped(record["trap"], found):
        return "trap"
    if record["kind"] == "once":
        return "right" if found.at else "wrong"
    if record["expressible"] == "partial":
        return "right" if list(found.crons) == record["crons"] and found.start else "wrong"
    if record.get(NEXT):
        return "right" if [at.isoformat() for at in next_firings(found, AFTER)] == record[NEXT] else "wrong"
    return "right" if found.rrule or found.filter or found.roll else "wrong"


def trapped(trap: str, found: Schedule) -> bool:
    if trap in found.crons and found.filter is None:
        return True
    try:
        wrong = list(islice(cron_firings(trap, ZoneInfo(found.timezone), AFTER), FAR))
    except CronSimError:  # Some traps are no cron lines at all, and nobody falls into them.
        return False
    return next_firings(found, AFTER, FAR) == wrong


def said(found: Schedule | ScheduleError) -> str:
    if isinstance(found, ScheduleError):
        return f"{found.code.removeprefix('schedule.')}: {found.facts.get('names') or found}"
    return f"{readback(found, 'en')} {[note.code for note in found.notes]}"


def table(judged: list[tuple[dict[str, Any], str, str, str]]) -> None:
    counts: dict[str, Counter[str]] = {}
    for _, kind, result, _ in judged:
        counts.setdefault(kind, Counter())[result] += 1
    print(f"{'phrases':<18}{'all':>5}{'right':>7}{'asked':>7}{'wrong':>7}{'trap':>6}")
    for kind, count in sorted(counts.items()):
        shown = f"{count['right']:>7}{count['asked']:>7}{count['wrong']:>7}{count['trap']:>6}"
        print(f"{kind:<18}{count.total():>5}{shown}")
    yes = counts.get("cron: yes", Counter())
    traps = sum(count["trap"] for count in counts.values())
    print(f"what cron can say: {yes['right'] / max(1, yes.total()):.1%} right; traps hit: {traps}")


def readbacks(path: Path) -> None:
    right, total = Counter[str](), 0
    for record in lines(path):
        if record["dialect"] != "standard":
            continue
        total += 1
        schedule = Schedule(crons=(record["cron"],))
        for language in ("ko", "en"):
            again = read(readback(schedule, language))
            same = isinstance(again, Schedule) and next_firings(again, AFTER, 50) == next_firings(schedule, AFTER, 50)
            right[language] += same
    print(f"cron lines whose text reads back as the same times: ko {right['ko']}/{total}, en {right['en']}/{total}")


def speed(texts: list[str]) -> None:
    sentences = [SENTENCE.format(text) for text in texts]
    find_schedule(SENTENCE.format("매월 첫 영업일 9시"), now=AFTER)
    taken: list[float] = []
    for sentence in sentences:
        begin = time.perf_counter()
        find_schedule(sentence, now=AFTER)
        taken.append(1000 * (time.perf_counter() - begin))
    taken.sort()
    median, slow = taken[len(taken) // 2], taken[len(taken) * 95 // 100]
    print(f"find_schedule in a sentence: {median:.2f} ms median, {slow:.2f} ms p95")


if __name__ == "__main__":
    main()

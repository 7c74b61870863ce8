"""How many requests the author without a model gets right: `python bench/author_requests.py [FILE.jsonl …] [-v]`.

Right: the right trigger (same cron line; a rule where cron cannot say it; the question where something is missing), and
either the right steps, or every missing thing asked for, or the piece that cannot be done named.
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from mulle.author.compose import Result, Tools, compose
from mulle.sdk.catalogue import Catalogue

HERE = Path(__file__).parent / "data"
NOW = datetime(2026, 3, 2, 8, tzinfo=ZoneInfo("Asia/Seoul"))
# What the records of automation_ko.jsonl call a missing thing, and the questions that ask for it.
ASKED_BY = {
    "받는 사람": {"to", "channel"},
    "알림 방법": {"channel", "to"},
    "지역": {"region"},
    "확인 주기": {"every"},
    "시각": {"schedule"},
    "문의 저장 위치": {"source"},
    "지식베이스": {"knowledge"},
    "폴더": {"source"},
    "팀 메일 3개": {"to_3"},
    "회사 주소": {"place", "query"},
    "리뷰 출처": {"source"},
    "무엇을": {"what"},
    "확인": {"confirm"},
    "DB 정보": {"source"},
    "종목": {"source"},
    "시트": {"channel"},
    "기준 주": {"schedule"},
}
STEPS = {
    "http:naver.news": "naver.news",
    "http:fx": "market.dollar",
    "http:airkorea": "airkorea.dust",
    "http:kakao.local": "kakao.local",
    "llm:summarize": "summarize",
    "llm:extract": "extract",
    "llm:answer": "answer",
    "llm:sentiment": "sentiment",
    "email": "mail",
    "notify": "notification",
    "file:extract": "event",
    "table": "write",
}
NOT_BUILT = (
    *("아직 없습니다", "언어 모델이 있어야", "도울 수 없습니다"),
    *("there is no piece yet", "needs a language model", "nothing to help"),
)


ANSWERS = {
    "to": "a@example.com",
    "to_2": "b@example.com",
    "to_3": "c@example.com",
    "channel": "슬랙",
    "every": "1시간마다",
    "schedule": "매일 오전 9시",
    "region": "서울",
    "query": "경제",
    "query_2": "경제",
    "place": "판교역",
    "source": "https://example.com/data.json",
    "source_2": "https://example.com/more.json",
    "url": "https://example.com/feed.xml",
    "field": "rates.KRW",
    "knowledge": "규정",
    "confirm": "예",
    "what": "매일 9시에 AI 뉴스 3개를 a@example.com으로 보내줘",
}
"""To every question, to see what comes of the whole conversation."""


def right_trigger(record: dict[str, Any], result: Result) -> bool:
    """Whether the workflow starts when the record says, or the question about it is asked."""
    kinds = [trigger["type"] for trigger in result.triggers]
    crons = [trigger.get("cron") for trigger in result.triggers]
    asked = {question.key for question in result.questions}
    when = record.get("when", record.get("schedule_or_event"))
    match record["trigger"]:
        case "schedule":
            return crons == [when]
        case "schedule-noncron":
            return "rrule" in kinds or any(one.get("filter") for one in result.triggers) or "schedule" in asked
        case "schedule-incomplete":
            return "schedule" in asked
        case "poll":
            return "every" in asked
        case "form" | "event":
            return kinds == ["event"]
        case "unclear":
            return "what" in asked
        case "confirm":
            return "confirm" in asked and (when is None or crons == [when])
        case "refuse":
            return result.status == "not_understood" and bool(result.report.not_done)
        case kind:
            return kinds == [kind]


def made_of(result: Result) -> set[str]:
    """What a document is made of: node types, channels, tasks and connectors."""
    found: set[str] = {"event"} if any(one["type"] == "event" for one in result.triggers) else set()
    for node in result.workflow["nodes"] if result.workflow else ():
        data = node.get("data", {})
        found |= {node["type"], node["id"], str(data.get("task", "")), str(data.get("channel", ""))}
        found |= set(connectors_at(str(data.get("url", ""))))
        found |= {operation["op"] for operation in data.get("operations", ())}
    return found


def connectors_at(url: str) -> Iterator[str]:
    """The connector that a URL belongs to."""
    hosts = {
        "news.json": "naver.news", "blog.json": "naver.blog", "shop.json": "naver.shop", "cafearticle": "naver.cafe",
        "getVilageFcst": "kma.forecast", "dapi.kakao": "kakao.local", "getCtprvn": "airkorea.dust",
        "er-api": "market.dollar", "upbit": "market.bitcoin",
    }  # fmt: skip
    yield from (name for part, name in hosts.items() if part in url)
    if url and not any(part in url for part in hosts):
        yield from ("generic.feed", "generic.json", "generic.page")


def covered(record: dict[str, Any], result: Result) -> tuple[bool, bool, bool]:
    """Whether the steps are there, the missing things are asked for, and what cannot be done is named."""
    asked = {question.key for question in result.questions}
    steps = [STEPS.get(step, step.replace("branch:", "condition:").partition(":")[0]) for step in record["steps"]]
    built = bool(steps) and set(steps) <= made_of(result)
    if "ask" in record:
        missing = all(key in asked for key in record["ask"])
        missing = missing and (bool(record["ask"]) or built)
    else:
        missing = bool(record["missing"]) and all(ASKED_BY.get(name, set()) & asked for name in record["missing"])
    text = " ".join(result.report.not_done).lower()
    return built, missing, any(words in text for words in NOT_BUILT)


def right(record: dict[str, Any], result: Result) -> bool:
    """The measure. Of our own records steps *and* questions are asked for, unless the piece is named."""
    built, missing, named = covered(record, result)
    if "ask" not in record:
        return right_trigger(record, result) and (built or missing or named)
    if record["named"]:
        return right_trigger(record, result) and (named or (built and missing))
    return right_trigger(record, result) and (built or not record["steps"]) and missing


async def measure(name: str, records: list[dict[str, Any]], *, verbose: bool) -> None:
    """Print the share of one set of records."""
    tools = Tools(Catalogue.installed())
    good = 0
    for record in records:
        result = await compose(record["text"], now=NOW, tools=tools)
        fine = right(record, result)
        good += fine
        if verbose and not fine:
            print(f"  {record['id']} {record['text']}")
            print(f"     trigger {record['trigger']}: {right_trigger(record, result)} {result.triggers}")
            print(f"     {result.status}, asked {[one.key for one in result.questions]}")
            print(f"     steps, questions, named: {covered(record, result)}")
            print(f"     made of {sorted(made_of(result))}")
    ends = [await compose(record["text"], answers=ANSWERS, now=NOW, tools=tools) for record in records]
    ready = sum(end.status == "ready" for end in ends)
    broken = sum(not check.ok for end in ends for check in end.checks)
    print(f"{name}: {good} of {len(records)} right ({good / len(records):.0%})")
    print(f"    with every question answered {ready} are ready, {broken} drafts fail on the ladder")


def main() -> None:
    paths = [Path(name) for name in sys.argv[1:] if name != "-v"] or sorted(HERE.glob("a*.jsonl"))
    for path in paths:
        records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        asyncio.run(measure(path.name, records, verbose="-v" in sys.argv))


if __name__ == "__main__":
    main()

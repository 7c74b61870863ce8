"""What author tests work with: every node type that is needed, a fixed morning, and one sentence."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from mulle.author.compose import Result, Tools, compose
from mulle.sdk.catalogue import Catalogue

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=ZoneInfo("Asia/Seoul"))
"""A Monday morning."""
MAIN_JOB = "매일 아침 9시에 네이버 뉴스에서 경제 기사 3개를 수집해서 요약하고 메일로 보내줘"
TOOLS = Tools(Catalogue.installed())


async def made(sentence: str, tools: Tools = TOOLS, *, yes: bool = False, **answers: str) -> Result:
    """The author's result for a sentence and answers to its questions."""
    return await compose(sentence, answers=answers, now=NOW, tools=tools, yes=yes)


def keys(result: Result) -> list[str]:
    """The keys of the open questions."""
    return [question.key for question in result.questions]


def node(result: Result, name: str) -> dict[str, Any]:
    """The settings of a node of the result's document."""
    assert result.workflow is not None
    return next(one["data"] for one in result.workflow["nodes"] if one["id"] == name)


def types(result: Result) -> list[str]:
    """The node types of the result's document, in their order."""
    return [one["type"] for one in result.workflow["nodes"]] if result.workflow else []

"""Every row of the tables in docs/expressions.md holds, and every function is in them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from mulle.document.expressions import FUNCTIONS, evaluate, parse, parse_template, render
from mulle.errors import ExpressionError

PAGE = (Path(__file__).parents[2] / "docs" / "expressions.md").read_text("utf-8")


def rows(first_column: str) -> list[tuple[str, str, str]]:
    tables = re.findall(rf"^\| {first_column} \| data \| result \|\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    found: list[tuple[str, str, str]] = []
    for line in "".join(tables).splitlines():
        expression, data, result = (cell.strip().removeprefix("`").removesuffix("`") for cell in line[1:-1].split("|"))
        found.append((expression, data or "{}", result))
    return found


def outcome(expression: str, data: str, *, template: bool) -> str:
    roots: dict[str, Any] = json.loads(data)
    try:
        value = render(parse_template(expression), roots) if template else evaluate(parse(expression), roots)
    except ExpressionError as error:
        return f"error: {error.code}"
    return json.dumps(value, ensure_ascii=False)


@pytest.mark.parametrize(("expression", "data", "result"), rows("expression"))
def test_an_expression_of_the_manual_gives_what_the_manual_says(expression: str, data: str, result: str):
    assert outcome(expression, data, template=False) == result


@pytest.mark.parametrize(("template", "data", "result"), rows("template"))
def test_a_template_of_the_manual_gives_what_the_manual_says(template: str, data: str, result: str):
    assert outcome(template, data, template=True) == result


def test_every_function_is_described_and_shown():
    described = set(re.findall(r"`(\w+)\(", PAGE.split("## Functions")[1].split("| expression |")[0]))
    shown = {name for expression, _, _ in rows("expression") for name in re.findall(r"(\w+)\(", expression)}

    assert set(FUNCTIONS) <= described
    assert set(FUNCTIONS) <= shown
    assert len(rows("expression")) > 70

"""Amounts of money in words that Koreans read: 1억 2345만 6789원."""

from pydantic import BaseModel

from mulle.sdk import Context, Done, Node, Settings

UNITS = ("", "만", "억", "조", "경", "해")


class Won(Node):
    """Write an amount of money with 만, 억 and 조."""

    type = "won"
    title = {"en": "Korean amount", "ko": "원화 표기"}
    effect = "pure"

    class Config(Settings):
        unit: str = "원"
        """What stands behind the number."""

    class Inputs(BaseModel):
        amount: float
        """Rounded to whole won."""

    class Outputs(BaseModel):
        text: str

    async def run(self, config: Config, inputs: Inputs, ctx: Context) -> Done:
        return Done({"text": written(round(inputs.amount)) + config.unit})


def written(amount: int) -> str:
    """A whole number in groups of four digits, each with its unit."""
    groups: list[str] = []
    digits = abs(amount)
    for unit in UNITS[:-1]:
        digits, group = divmod(digits, 10_000)
        if group:
            groups.append(f"{group}{unit}")
    if digits:
        groups.append(f"{digits}{UNITS[-1]}")
    return ("-" if amount < 0 else "") + (" ".join(reversed(groups)) or "0")

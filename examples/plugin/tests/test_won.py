# pyright: basic, reportMissingImports=false
# The package is installed where its tests run.

import pytest
from mulle_won import Won

from mulle.sdk import Done
from mulle.sdk.testing import try_node


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0원"), (9999, "9999원"), (10_000, "1만원"), (123_456_789, "1억 2345만 6789원"), (-100_000_000, "-1억원")],
)
async def test_an_amount_is_written_in_groups_of_four_digits(amount: int, text: str) -> None:
    assert await try_node(Won(), {}, {"amount": amount}) == Done({"text": text})


async def test_the_unit_can_be_another() -> None:
    assert await try_node(Won(), {"unit": " KRW"}, {"amount": 20_000}) == Done({"text": "2만 KRW"})

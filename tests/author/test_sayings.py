import pytest

from mulle.author.domain import Language
from mulle.author.sayings import say


@pytest.mark.parametrize(
    ("channel", "said"),
    [("메일", "메일로 보냅니다."), ("슬랙", "슬랙으로 보냅니다."), ("Teams", "Teams로 보냅니다.")],
)  # fmt: skip
def test_particles_fit_what_fills_a_gap(channel: str, said: str):
    assert say("report.deliver", "ko", channel=channel, to="") == said


@pytest.mark.parametrize("language", ["ko", "en"])
def test_braces_of_a_person_are_no_gap(language: Language):
    assert "{to}" in say("report.deliver", language, channel="{to}", to="!")

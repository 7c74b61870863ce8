import pytest

from mulle.errors import ResultTooLarge
from mulle.sdk.markdown import markdown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("글", "글"),
        (1.5, "1.5"),
        (True, "True"),
        ([], ""),
        ([1, None, {"x": "a"}], "- 1\n- None\n- {'x': 'a'}"),
        ({}, "{}"),
        ({"키": [1]}, '{\n  "키": [\n    1\n  ]\n}'),
    ],
)
def test_a_value_stands_as_a_chat_shows_it(value: object, text: str):
    assert markdown(value) == text


def test_what_is_too_large_is_refused():
    with pytest.raises(ResultTooLarge):
        markdown(["x" * 400_000] * 3)

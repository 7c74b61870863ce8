"""Templates are filled in the same locked processes as code."""

import pytest

from mulle.errors import CodeOutputTooLarge, CodeRaised, CodeSyntax, CodeTimedOut
from mulle.services.sandbox import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_template_is_filled(sandbox: Sandbox):
    text = await sandbox.render(
        "{% for 기사 in items %}{{ loop.index }}. {{ 기사.제목 }}\n{% endfor %}",
        {"items": [{"제목": "경제"}, {"제목": "날씨"}]},
    )

    assert text == "1. 경제\n2. 날씨\n"


async def test_data_comes_before_the_methods_of_a_dict(sandbox: Sandbox):
    text = await sandbox.render(
        "{{ order.items }} {{ order.values()|length }}", {"order": {"items": "three", "keys": 1}}
    )

    assert text == "three 2"


async def test_null_is_the_empty_text(sandbox: Sandbox):
    assert await sandbox.render("[{{ x }}]", {"x": None}) == "[]"


async def test_a_name_without_a_value_is_an_error_at_its_line(sandbox: Sandbox):
    with pytest.raises(CodeRaised) as error:
        await sandbox.render("a\nb {{ 없음 }}", {})

    assert error.value.facts["line"] == 2
    assert "없음" in error.value.text


async def test_a_broken_template_is_an_error_at_its_line(sandbox: Sandbox):
    with pytest.raises(CodeSyntax) as error:
        await sandbox.render("a\n{% if %}", {})

    assert error.value.facts["line"] == 2
    assert error.value.text.startswith("The template cannot be read on line 2")


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ x.__init__.__globals__ }}",
        "{% include '/etc/passwd' %}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ 'x' * 10**10 }}",
        "{{ 1 / 0 }}",
    ],
)
async def test_a_hostile_template_only_fails(sandbox: Sandbox, template: str):
    with pytest.raises(Exception) as error:  # noqa: PT011  # Which one does not matter, ours it must be.
        await sandbox.render(template, {"x": 1})

    assert type(error.value).__module__ == "mulle.errors"


async def test_a_template_without_end_is_ended(sandbox: Sandbox):
    loops = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"

    with pytest.raises(CodeTimedOut):
        await sandbox.render(loops, {}, timeout=0.3)


async def test_a_huge_text_is_refused(sandbox: Sandbox):
    with pytest.raises(CodeOutputTooLarge):
        await sandbox.render("{{ 'x' * 2000000 }}", {})


async def test_a_lenient_template_is_filled_as_jinja_itself_does(sandbox: Sandbox):
    text = await sandbox.render("{{ x }}{{ missing }}{{ y.z }}\n", {"x": None, "y": {}}, strict=False)

    assert text == "None"

from typing import Any

from tests.nodes.alone import outputs, problems, references

from mulle.nodes.template import Template
from mulle.sdk.context import CodeAnswer, Services


class Recorder:
    """Stands where the sandbox stands and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any], bool]] = []

    async def render(self, template: str, variables: dict[str, Any], *, strict: bool = True) -> str:
        self.asked.append((template, variables, strict))
        return "글"

    async def call(
        self,
        source: str,
        function: str = "main",
        arguments: dict[str, Any] | None = None,
        *,
        timeout: float = 10.0,  # noqa: ASYNC109 - the protocol's.
    ) -> CodeAnswer:
        raise NotImplementedError


async def test_the_sandbox_fills_the_template_with_ports_and_variables():
    sandbox = Recorder()
    settings = {"template": "{% for x in items %}{{ x }}{% endfor %}", "variables": {"items": "{{ a.list }}", "n": 1}}

    made = await outputs(
        Template(), settings, {"n": 2}, names={"a": {"list": ["가"]}}, services=Services(sandbox=sandbox)
    )

    assert made == {"text": "글"}
    assert sandbox.asked == [(settings["template"], {"items": ["가"], "n": 2}, True)]


def test_the_templates_own_braces_are_no_references():
    settings = {"template": "{{ whatever }}", "variables": {"items": "{{ a.list }}"}}

    assert references(Template(), settings) == ["a.list"]
    assert problems(Template(), settings) == []

"""Text by a Jinja2 template, filled in inside the sandbox: loops and conditions included, the host untouched."""

from typing import Any

from pydantic import BaseModel, Field

from mulle.sdk import Context, Done, Node, RawText, Settings


class Template(Node):
    """Write a text by a Jinja2 template. Its variables are the input ports and the settings' `variables`."""

    type = "template"
    title = {"en": "Template", "ko": "템플릿"}
    effect = "pure"

    class Config(Settings):
        template: RawText
        """Jinja2: `{% for item in items %}{{ item.title }}{% endfor %}`."""
        strict: bool = True
        """A name without a value is an error and null is the empty text. Else, as Jinja itself has it, the one is
        empty, the other is `None`, and a line break at the very end falls away."""
        variables: dict[str, Any] = Field(default_factory=dict[str, Any])
        """Values by name, beside what arrives at the ports: `{items: "{{ news.value }}"}`."""

    class Outputs(BaseModel):
        text: str

    async def run(self, config: Config, inputs: dict[str, Any], ctx: Context) -> Done:
        variables = config.variables | inputs
        return Done({"text": await ctx.sandbox.render(config.template, variables, strict=config.strict)})

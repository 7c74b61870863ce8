"""Tell somebody something: the end of many workflows, and the reason for them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field

from mulle.document.expressions import as_text
from mulle.document.ports import is_array
from mulle.sdk import Context, Done, Node, SecretText, Settings


def _listed(value: Any) -> Any:
    """One address is a list of one; none is an empty list."""
    return value if is_array(value) else [] if value in (None, "") else [value]


Addresses = Annotated[list[SecretText] | SecretText, BeforeValidator(_listed)]
Text = Annotated[str, BeforeValidator(as_text, json_schema_input_type=Any)]
"""Lists and objects become JSON text, null becomes empty."""
Told = Annotated[Any, BeforeValidator(as_text)]
"""The same for a port that anything may reach."""


class Attachment(Settings):
    """A file that goes along with a mail: its content as text or as base64."""

    name: str
    type: str = "text/plain; charset=utf-8"
    """MIME type."""
    text: Text | None = None
    base64: str | None = None


class Notification(Node):
    """Send a message by mail, webhook or messenger, to the console or into a file. Never silently sent twice."""

    type = "notification"
    title = {"en": "Notification", "ko": "알림"}
    effect = "once"

    class Config(Settings):
        channel: Literal["mail", "webhook", "slack", "discord", "telegram", "apprise", "console", "file"] = "mail"
        to: Addresses = Field(default_factory=list[str])
        """Mail addresses, webhook URLs, chat ids, or one file name; one or a list."""
        cc: Addresses = Field(default_factory=list[str])
        bcc: Addresses = Field(default_factory=list[str])
        subject: Text = ""
        """One line; the heading where there are no subjects."""
        text: Text = ""
        html: Text | None = None
        """The same for mail readers that show it."""
        data: Any = None
        """webhook: the data to send instead of `{subject, text}`."""
        attachments: list[Attachment] = Field(default_factory=list[Attachment])
        """mail: files that go along."""
        token: SecretText = ""
        """telegram: the bot's token."""
        headers: dict[str, SecretText] = Field(default_factory=dict[str, str])
        """webhook: added to the request."""
        mode: Literal["append", "write"] = "append"
        """file: add at the end, or replace."""

    class Inputs(BaseModel):
        """What arrives here comes before the settings."""

        to: Addresses = Field(default_factory=list[str])
        subject: Told = ""
        text: Told = ""
        html: Told = None

    class Outputs(BaseModel):
        receipt: dict[str, Any]
        delivered: bool

    async def run(self, config: Config, inputs: Inputs, ctx: Context) -> Done:
        settings = config.model_dump(exclude={"channel"}, exclude_defaults=True)
        settings |= inputs.model_dump(exclude_defaults=True)  # An unfed port holds its default.
        receipt = dict(await ctx.notify.send(config.channel, settings, idempotency_key=ctx.idempotency_key()))
        return Done({"receipt": receipt, "delivered": bool(receipt.get("delivered"))})

"""Read what a notification step asks for: the plain data of a document becomes a Message and its Destination."""

import base64
import binascii
from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast, get_args

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from mulle.errors import RequestUnusable
from mulle.services.notify.message import Attachment, Channel, Destination, Message


def _several(value: Any) -> Any:
    """One text, or a list of them, or nothing."""
    if value is None:
        return []
    return [value] if isinstance(value, str | int) else value


Several = Annotated[tuple[str, ...], BeforeValidator(_several)]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    type: str = "application/octet-stream"
    text: str | None = None
    base64: str | None = None


class _Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)
    to: Several = Field(default=(), validation_alias=AliasChoices("to", "url", "path", "chat_id"))
    cc: Several = ()
    bcc: Several = ()
    subject: str = Field(default="", validation_alias=AliasChoices("subject", "title"))
    text: str = Field(default="", validation_alias=AliasChoices("text", "body", "message"))
    html: str | None = None
    data: Any = None
    attachments: tuple[_File, ...] = ()
    token: str = ""
    headers: dict[str, str] | None = None
    mode: Literal["append", "write"] = "append"


def wanted(channel: str, settings: Mapping[str, Any]) -> tuple[Message, Destination]:
    """The message and where it goes. Raises RequestUnusable, which names what is wrong.

    `settings` has, as far as the channel needs it: `to` (or `url`, `path`, `chat_id`; one or a list), `cc`, `bcc`,
    `subject` (or `title`), `text` (or `body`, `message`), `html`, `data` (JSON for a webhook), `attachments`
    (`{name, type, text | base64}`), `token` (telegram), `headers` (webhook), `mode` (file: append or write).
    """
    if channel not in get_args(Channel):
        hint = f"There are: {', '.join(get_args(Channel))}."
        raise RequestUnusable(f"There is no channel {channel!r}.", hint=hint)
    try:
        asked = _Wanted.model_validate(settings)
        files = tuple(Attachment(file.name, _content(file), file.type) for file in asked.attachments)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"])) or "settings"
        raise RequestUnusable(f"The {channel} message cannot be read: {field}: {first['msg']}.", at=field) from None
    except binascii.Error:
        raise RequestUnusable("An attachment's base64 is broken.", at="attachments") from None
    message = Message(asked.text, asked.subject, asked.html, files, asked.data)
    to = Destination(
        cast("Channel", channel),
        asked.to,
        cc=asked.cc,
        bcc=asked.bcc,
        token=asked.token,
        headers=asked.headers,
        mode=asked.mode,
    )
    return message, to


def _content(file: _File) -> bytes:
    if file.base64 is not None:
        return base64.b64decode(file.base64, validate=True)
    return (file.text or "").encode("utf-8", "replace")

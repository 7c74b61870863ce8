"""What an HTML form would send: `application/x-www-form-urlencoded` and `multipart/form-data`. Knows no network."""

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from mulle.document.expressions import as_text
from mulle.document.ports import is_array


def urlencoded(fields: Mapping[str, Any]) -> tuple[str, str]:
    """The content type and the body; a list gives a field several times, null leaves it out."""
    return "application/x-www-form-urlencoded", urlencode(_pairs(fields))


def multipart(fields: Mapping[str, Any]) -> tuple[str, bytes]:
    """The content type and the body. The boundary depends on the fields alone, so a repeated request is the same."""
    pairs = _pairs(fields)
    boundary = uuid.uuid5(uuid.NAMESPACE_OID, repr(pairs)).hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n{value}\r\n'
        for name, value in pairs
    ]
    return f"multipart/form-data; boundary={boundary}", ("".join(parts) + f"--{boundary}--\r\n").encode()


def _pairs(fields: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (name, as_text(item))
        for name, value in fields.items()
        for item in (value if is_array(value) else [value])
        if item is not None
    ]


def _quoted(name: str) -> str:
    """A field's name inside of quotes, as HTML's rules for forms write it."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")

"""Take secrets out of text that is going to be seen: logs, errors, previews."""

import base64
import html
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

SHORTEST = 6
"""Shorter values are left alone: replacing every "1234" would wreck the text and tell that it is a secret."""


class Redactor:
    """Replaces known secrets by `[secret NAME]`, also where they are written in another form.

    The forms: as it is, percent-encoded, in JSON, in HTML, and in base64; there also behind other text (as in a
    `Basic` header), if it has at least 10 bytes.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        forms = {form: name for name, value in secrets.items() if len(value) >= SHORTEST for form in _forms(value)}
        self._names = forms
        # The longest first: one secret may be the beginning of another.
        ordered = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def text(self, text: str) -> str:
        """`text` without the secrets."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda found: f"[secret {self._names[found[0]]}]", text)

    def data(self, value: Any) -> Any:
        """JSON data without the secrets, in its keys too."""
        match value:
            case str():
                return self.text(value)
            case Mapping():
                return {self.text(str(key)): self.data(item) for key, item in value.items()}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]  # JSON
            case list() | tuple():
                return [self.data(item) for item in value]  # pyright: ignore[reportUnknownVariableType]  # JSON
            case _:
                return value


def _forms(value: str) -> Iterator[str]:
    yield value
    for quoted in (quote(value, safe=""), quote(value), quote_plus(value)):
        yield quoted
        yield re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), quoted)
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield repr(value)[1:-1]
    yield html.escape(value)
    raw = value.encode("utf-8", "surrogatepass")
    for offset in range(3):
        # In base64 three bytes become four characters; what stands before shifts them, so only whole
        # groups are sure to be the secret's own.
        encoded = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
        start = 0 if offset == 0 else 4
        end = len(encoded) - (0 if (offset + len(raw)) % 3 == 0 else len(encoded) % 4)
        sure = encoded[start:end]
        if len(sure) >= SHORTEST:
            yield sure
            yield sure.translate({43: 45, 47: 95})

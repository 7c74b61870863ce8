"""Which failures are the same one: an error's message without what differs from one time to the next.

"No answer from 10.0.0.7:8080 after 31.2 s" and the same about another address are one cause, seen twice.
"""

import hashlib
import re

LONGEST = 500
"""Characters of a message that count: where an error quotes a whole page, its beginning says what it is."""

_VARIES = (
    (re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s\"'<>)\]]+", re.IGNORECASE), "<url>"),
    (re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "<mail>"),
    (re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"), "<time>"),
    (re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"(?<!\w)(['\"`])(?:\\.|(?!\1)[^\\\n]){0,200}\1(?!\w)"), "<text>"),
    (re.compile(r"[“‘「『][^”’」』\n]{0,200}[”’」』]"), "<text>"),
    (re.compile(r"(?:/[\w.@-]+){2,}"), "<path>"),
    (re.compile(r"\d+(?:[.,:]\d+)*"), "<n>"),
)
"""What is taken out, in this order: a number within a URL is the URL's."""


def without_particulars(message: str) -> str:
    """A message on one line, with a sign in the place of each number, id, quotation, address and path."""
    text = " ".join(message[:LONGEST].split())
    for pattern, sign in _VARIES:
        text = pattern.sub(sign, text)
    return text


def fingerprint(error: str, node_type: str, node: str, message: str) -> str:
    """12 hexadecimal digits that are the same for the same cause.

    Args:
        error: The failure's type: `timeout`, `net.unreachable`.
        node_type: The type of the node it happened in; empty for the run itself.
        node: Where: its path without numbers.
        message: What was said; only `without_particulars` counts.
    """
    parts = (error, node_type, node, without_particulars(message))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:12]

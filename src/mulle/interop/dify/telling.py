"""Which names say that a secret stands behind them."""

import re

from mulle.interop.dify.reading import DifyVariable

TELLING = re.compile(
    r"(?:^|[_\-.\s])(?:api[_-]?key|apikey|key|token|secret|password|passwd|pwd|authorization|auth|cookie|credential|access[_-]?key)s?$",
    re.IGNORECASE,
)
"""Names of settings that hold a secret."""
HARMLESS = re.compile(r"(?:max_tokens|tokens|token_count|keyword|keywords|storage_key)$", re.IGNORECASE)


def is_telling(name: str) -> bool:
    """Whether a setting of this name holds a secret."""
    return bool(TELLING.search(name)) and not HARMLESS.search(name)


def is_secret(variable: DifyVariable) -> bool:
    """Whether a variable of the environment is secret: by its type, or by its name when it has a value."""
    return variable.type == "secret" or (is_telling(variable.name) and bool(variable.value))

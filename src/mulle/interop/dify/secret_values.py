"""Secrets that stand in an export: they are given names, and only the names go on."""

import re
from collections.abc import Mapping
from typing import Any

from mulle.document.ports import is_array, is_object
from mulle.interop.dify.references import References
from mulle.interop.dify.telling import is_telling

UNMISTAKABLE = re.compile(
    r"\b(?:sk|pk|rk)-[A-Za-z0-9_-]{16,}|\bgh[pousr]_[A-Za-z0-9]{20,}|\bxox[abprs]-[A-Za-z0-9-]{10,}|\bAKIA[0-9A-Z]{16}\b"
    r"|\bAIza[0-9A-Za-z_-]{30,}|\bapp-[A-Za-z0-9]{20,}|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,}"
    r"|(?<=[?&])(?:api_?key|key|token|access_token|secret|password|sig|signature)=[^&#\s\"'\\{}]{6,}"
    r"|(?<=://)[^/\s:@\"'{}]{1,80}:[^/\s:@\"'{}]{3,200}(?=@)"
    r"|\b[Bb]earer\s+[A-Za-z0-9._~+/-]{12,}=*|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
"""Texts that are keys whatever stands beside them."""
REMOVED = "REMOVED-SECRET"
ASSIGNED = re.compile(
    r"""((?:api[_-]?key|access[_-]?key|secret|token|password|passwd)\w{0,20}["']?\s{0,9}[:=]\s{0,9}(["']))"""
    r"""(?=[^"'\s]{0,500}[0-9])(?=[^"'\s]{0,500}[A-Za-z])[^"'\s{}]{12,500}(?=\2)""",
    re.IGNORECASE,
)
"""Texts of letters and digits that a name makes keys, in code and in JSON: `API_KEY = "a1b2c3d4e5f6"`."""

_EMPTY = ("", "none", "null", "undefined")


def secret_name(value: str, wanted: str, refs: References, what: str) -> str:
    """The name under which a secret is to be kept; the same value gets the same name. Says so in a note."""
    if value not in refs.named_secrets:
        base = re.sub(r"\W+", "_", wanted, flags=re.ASCII).strip("_").upper() or "SECRET"
        base = base if not base[0].isdigit() else f"DIFY_{base}"
        taken = {*refs.named_secrets.values(), *(one.name for one in refs.app.environment)}
        name, number = base, 2
        while name in taken:
            name, number = f"{base}_{number}", number + 1
        refs.named_secrets[value] = name
    name = refs.named_secrets[value]
    refs.note(f"{what}: a secret was taken out; keep it with `mulle secrets set {name}`.")
    return name


def without_secrets(data: Any, refs: References, what: str, name: str = "") -> Any:
    """Settings that are kept as they were, every secret in them replaced by `{{ secret.NAME }}` or taken out."""
    if is_object(data):
        # `api_key: {type: constant, value: …}`: what the name says is said of the value inside.
        outer = name if is_telling(name) else ""
        return {
            key: without_secrets(value, refs, what, outer if outer and key == "value" else key)
            for key, value in data.items()
        }
    if is_array(data):
        return [without_secrets(item, refs, what, name) for item in data]
    if isinstance(data, str) and is_telling(name) and data.lower() not in _EMPTY and "{{" not in data:
        return f"{{{{ secret.{secret_name(data, f'{what}_{name}', refs, what)} }}}}"
    return cleaned(data, refs, what) if isinstance(data, str) else data


def cleaned(text: str, refs: References, what: str) -> str:
    """A text without what is unmistakably a key."""
    made, count = UNMISTAKABLE.subn(REMOVED, text)
    made, assigned = ASSIGNED.subn(rf"\1{REMOVED}", made)
    if count + assigned:
        refs.note(f"{what}: what looks like a key was taken out of its text ({REMOVED} stands there).")
    return made


def swept(data: Any, refs: References, what: str, known: Mapping[str, str]) -> Any:
    """Data of a document without any key that is left in it."""
    if is_object(data):
        return {key: swept(value, refs, what, known) for key, value in data.items()}
    if is_array(data):
        return [swept(item, refs, what, known) for item in data]
    if not isinstance(data, str):
        return data
    for value in known:
        if len(value) >= 8 and value in data:
            data = data.replace(value, REMOVED)
    return cleaned(data, refs, what)

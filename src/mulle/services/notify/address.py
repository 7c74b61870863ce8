"""Read mail addresses as people write them. Knows no server."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from mulle.errors import BadAddress, RequestUnusable
from mulle.services.guard import host_name

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


@dataclass(frozen=True)
class Address:
    """Somebody's mail address."""

    email: str
    """ASCII; a Korean domain in its xn-- form."""
    name: str = ""

    @property
    def domain(self) -> str:
        """What stands behind the @."""
        return self.email.rpartition("@")[2]


def mail_addresses(texts: Iterable[str]) -> tuple[Address, ...]:
    """All addresses in `texts`, each once; a text may hold several, parted by commas. Raises BadAddress."""
    found: dict[str, Address] = {}
    for text in texts:
        for single in re.findall(r"""(?:"(?:\\.|[^"\\])*"|<[^>]*>|[^,;"<]|["<])+""", text):
            if single.strip():
                address = mail_address(single)
                found.setdefault(address.email.lower(), address)
    return tuple(found.values())


def mail_address(text: str) -> Address:
    """One address: `hong@example.com` or `홍길동 <hong@example.com>`. Raises BadAddress."""
    whole = text.strip()
    if not whole.isprintable() or len(whole) > 500:
        raise BadAddress(text=text[:60], why="it holds a line break or control character, or is too long")
    match = re.fullmatch(r'("(?P<quoted>(\\.|[^"\\])*)"\s*|(?P<bare>[^<>"]*))<(?P<email>[^<>]*)>', whole)
    name = (match["bare"] or re.sub(r"\\(.)", r"\1", match["quoted"] or "")).strip() if match else ""
    # Korean input methods easily give ＠ and full-width letters.
    email = unicodedata.normalize("NFKC", match["email"] if match else whole).strip()
    local, at, domain = email.rpartition("@")
    if not at:
        raise BadAddress(text=text, why="there is no @")
    if not _LOCAL.fullmatch(local) or len(local) > 64:
        raise BadAddress(text=text, why="before the @ only ASCII letters, digits and a few signs work everywhere")
    try:
        domain = host_name(domain)
    except RequestUnusable:
        domain = ""
    if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)*", domain) or re.fullmatch(r"[0-9.]+", domain):
        raise BadAddress(text=text, why="what stands behind the @ is no domain")
    return Address(f"{local}@{domain}", name)

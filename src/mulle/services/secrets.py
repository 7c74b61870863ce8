"""Keep secrets on this machine: locked in one file, opened at the last moment, never shown.

Each value is sealed with AES-256-GCM under the master key, with the secret's name as associated data: a sealed value
that is moved to another name does not open. The file holds names, sealed values and when they were stored.
"""

import base64
import binascii
import os
import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import BaseModel, ConfigDict, ValidationError

from mulle.errors import SecretMissing, SecretsDamaged, SecretUnusable, StoreError, WrongMasterKey
from mulle.services.files import locked, write_whole
from mulle.services.redact import Redactor

_CHECK = "\0the master key"
"""Under this name, which no secret can have, the file keeps a sealed nothing: whoever opens it has the right key."""


class Secrets:
    """The secrets of one home."""

    def __init__(
        self, home: Path, master_key: bytes | None = None, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Keep them in `home`; without `master_key` (32 bytes) the key is in `home/master.key`, made when needed."""
        self._file = home / "secrets.json"
        self._lock = home / "secrets.lock"
        self._key_file = home / "master.key"
        self._given_key = master_key
        self._now = now

    def __repr__(self) -> str:
        return f"Secrets({str(self._file)!r})"

    def set(self, name: str, value: str) -> None:
        """Store `value` under `name`, in the place of what was there.

        Raises SecretUnusable (name or value), WrongMasterKey, SecretsDamaged, StoreError.
        """
        name = secret_name(name)
        if not value or len(value.encode("utf-8", "surrogatepass")) > 65536:
            raise SecretUnusable(f"The value for {name!r} is empty or longer than 64 KiB.")
        try:
            with locked(self._lock):
                content = self._read()
                box = self._box(make=not content.key_check)
                content.key_check = content.key_check or box.seal(_CHECK, "")
                box.open(_CHECK, content.key_check)
                content.secrets[name] = Sealed(
                    value=box.seal(name, value), stored=self._now().isoformat("T", "seconds")
                )
                write_whole(self._file, content.model_dump_json(indent=1).encode())
        except OSError as error:
            raise _unwritable(self._file, error) from error

    def get(self, name: str) -> str:
        """The value stored under `name`. Raises SecretMissing, WrongMasterKey, SecretsDamaged."""
        name = unicodedata.normalize("NFC", name)
        sealed = self._read().secrets.get(name)
        if sealed is None:
            raise SecretMissing(name=name, at=f"secret.{name}")
        return self._box().open(name, sealed.value)

    def list(self) -> dict[str, datetime]:
        """The names, sorted, and when each was stored; never a value."""
        return {name: sealed.stored_at for name, sealed in sorted(self._read().secrets.items())}

    def remove(self, name: str) -> None:
        """Forget the secret. Raises SecretMissing when there is none."""
        name = unicodedata.normalize("NFC", name)
        try:
            with locked(self._lock):
                content = self._read()
                if content.secrets.pop(name, None) is None:
                    raise SecretMissing(name=name)
                write_whole(self._file, content.model_dump_json(indent=1).encode())
        except OSError as error:
            raise _unwritable(self._file, error) from error

    def redactor(self) -> Redactor:
        """A Redactor of everything stored at this moment."""
        return Redactor(self.values())

    def values(self) -> dict[str, str]:
        """Everything stored at this moment, by name."""
        content = self._read()
        box = self._box() if content.secrets else None
        return {name: box.open(name, sealed.value) for name, sealed in content.secrets.items()} if box else {}

    def _read(self) -> "_Content":
        try:
            return _Content.model_validate_json(self._file.read_bytes())
        except FileNotFoundError:
            return _Content()
        except OSError as error:
            raise StoreError(f"The secrets in {self._file} cannot be read: {error.strerror}.") from error
        except ValidationError as error:
            why = "it does not hold what it should"
            raise SecretsDamaged(path=str(self._file), why=why) from error

    def _box(self, *, make: bool = False) -> "_Box":
        if self._given_key is not None:
            return _Box(self._given_key, "MULLE_MASTER_KEY", self._file)
        if make and not self._key_file.exists():
            # The caller holds the lock: two processes that store a first secret at once must not make two keys.
            write_whole(self._key_file, base64.b64encode(os.urandom(32)) + b"\n")
        try:
            key = base64.b64decode(self._key_file.read_bytes().strip(), validate=True)
        except FileNotFoundError:
            raise WrongMasterKey(source=f"{self._key_file}, which is gone") from None
        except (OSError, binascii.Error) as error:
            raise WrongMasterKey(source=f"{self._key_file}, which cannot be read") from error
        if len(key) != 32:
            raise WrongMasterKey(source=f"{self._key_file}, which holds no key")
        return _Box(key, str(self._key_file), self._file)


def secret_name(name: str) -> str:
    """`name` as it is stored (NFC): a word of letters, digits and _, so that `secret.NAME` can refer to it."""
    name = unicodedata.normalize("NFC", name.strip())
    if not re.fullmatch(r"[^\W\d]\w{0,99}", name):
        raise SecretUnusable(f"{name[:100]!r} is no name for a secret.")
    return name


class Sealed(BaseModel):
    """One secret in the file."""

    model_config = ConfigDict(extra="forbid")
    value: str
    """base64 of nonce (12 bytes), ciphertext and tag."""
    stored: str
    """When, in ISO 8601."""

    @property
    def stored_at(self) -> datetime:
        """When it was stored."""
        return datetime.fromisoformat(self.stored)


class _Content(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid")
    version: Literal[1] = 1
    key_check: str = ""
    secrets: dict[str, Sealed] = {}


class _Box:
    """Seals and opens with one key; knows where the key came from, so that a wrong one can be named."""

    def __init__(self, key: bytes, source: str, file: Path) -> None:
        self._cipher = AESGCM(key)
        self._source = source
        self._file = file

    def seal(self, name: str, value: str) -> str:
        nonce = os.urandom(12)
        raw = value.encode("utf-8", "surrogatepass")
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, raw, name.encode())).decode()

    def open(self, name: str, sealed: str) -> str:
        try:
            raw = base64.b64decode(sealed, validate=True)
            return self._cipher.decrypt(raw[:12], raw[12:], name.encode()).decode("utf-8", "surrogatepass")
        except InvalidTag:
            raise WrongMasterKey(source=self._source) from None
        except ValueError as error:
            raise SecretsDamaged(path=str(self._file), why=f"the value of {name!r} is broken") from error


def _unwritable(file: Path, error: OSError) -> StoreError:
    return StoreError(f"The secrets in {file} cannot be written: {error.strerror}.", hint="Make MULLE_HOME writable.")

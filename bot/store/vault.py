"""Secrets at rest: AES-256-GCM, the secret's name as associated data, so that none can be swapped.

Several keys may be known: the first seals, any of them opens. To rotate: put a new key first,
run `rotate`, drop the old one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.errors import Refused, Unreadable
from bot.store.ours import Ours, rows, run
from bot.store.queries import queries

_NONCE_BYTES = 12
_KEY_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class Sealed:
    """An encrypted secret as it is stored."""

    name: str
    #: Nonce, then text and tag.
    sealed: bytes
    key_id: str

    @classmethod
    def from_row(cls, found: Mapping[str, Any]) -> Sealed:
        """From a row with these three columns."""
        return cls(name=found["name"], sealed=bytes(found["sealed"]), key_id=found["key_id"])


@dataclass(frozen=True, kw_only=True)
class Key:
    """One key of the vault."""

    secret: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """Eight characters that tell keys apart and give nothing of them away."""
        return hashlib.sha256(b"lockkeeper key id" + self.secret).hexdigest()[:8]


class Vault:
    """Seals and opens secrets. Thread-safe."""

    def __init__(self, *keys: Key) -> None:
        """The first key seals."""
        if not keys:
            raise ValueError("a vault without a key")
        self._newest = keys[0]
        self._keys = {key.id: key for key in keys}

    @classmethod
    def from_text(cls, text: str, source: str) -> Vault:
        """Keys in base64, the newest first, separated by commas or white space.

        Raises `Unreadable`, which names the source and never the key.
        """
        keys = []
        for number, part in enumerate(text.replace(",", " ").split(), start=1):
            try:
                secret = base64.b64decode(part.replace("-", "+").replace("_", "/"), validate=True)
            except (binascii.Error, ValueError):
                secret = b""
            if len(secret) != _KEY_BYTES:
                raise Unreadable(
                    f"Key {number} in {source} is not 32 bytes in base64.",
                    "Make one: openssl rand -base64 32",
                )
            keys.append(Key(secret=secret))
        if not keys:
            raise Unreadable(f"{source} holds no key.", "Make one: openssl rand -base64 32")
        return cls(*keys)

    @classmethod
    def from_file(cls, path: Path) -> Vault:
        """The keys in a file, which is made with one new key if it does not exist.

        Raises `Refused` where others may read the file.
        """
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            # Linked into place whole, so that a second process never reads half a key.
            draft = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
            if not path.exists():
                with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                    file.write(new_key() + "\n")
                try:
                    path.hardlink_to(draft)
                finally:
                    draft.unlink()
        except FileExistsError:
            pass  # another process was faster, and its key is the key
        if path.stat().st_mode & 0o077:
            raise Refused.because(f"The key file {path} is open to others.", f"Run: chmod 600 {path}")
        return cls.from_text(path.read_text(), f"the key file {path}")

    def seal(self, name: str, text: str) -> Sealed:
        """The text, encrypted with the newest key; opens under this name only."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + AESGCM(self._newest.secret).encrypt(nonce, text.encode(), name.encode())
        return Sealed(name=name, sealed=sealed, key_id=self._newest.id)

    def open(self, sealed: Sealed) -> str:
        """The text.

        Raises `Unreadable` where the key is not known, or the stored bytes or their name were changed.
        """
        key = self._keys.get(sealed.key_id)
        if key is None:
            raise Unreadable(
                f"The secret {sealed.name} was encrypted with key {sealed.key_id}, which is not given.",
                "Add that key to LOCKKEEPER_KEY after the new one, separated by a comma.",
            )
        nonce, text = sealed.sealed[:_NONCE_BYTES], sealed.sealed[_NONCE_BYTES:]
        try:
            return AESGCM(key.secret).decrypt(nonce, text, sealed.name.encode()).decode()
        except InvalidTag:
            raise Unreadable(
                f"The secret {sealed.name} was changed after it was stored, or has another's name.",
                "Store it again.",
            ) from None

    def resealed(self, sealed: Sealed) -> Sealed | None:
        """The same secret under the newest key; None where it is."""
        return None if sealed.key_id == self._newest.id else self.seal(sealed.name, self.open(sealed))


def new_key() -> str:
    """A key in base64."""
    return base64.b64encode(os.urandom(_KEY_BYTES)).decode()


def rotate(ours: Ours, vault: Vault) -> int:
    """Seals everything stored with the newest key; gives how many secrets were sealed anew."""
    query = queries("databases")
    count = 0
    for listing, put in (("lock_databases", "put_database"), ("lock_secrets", "put_secret")):
        for found in rows(ours, query[listing]):
            if (anew := vault.resealed(Sealed.from_row(found))) is not None:
                run(ours, query[put], name=anew.name, sealed=anew.sealed, key_id=anew.key_id)
                count += 1
    return count


def put_secret(ours: Ours, vault: Vault, name: str, text: str) -> None:
    """Stores a secret under a name, or a new one in its place."""
    sealed = vault.seal(name, text)
    run(ours, queries("databases")["put_secret"], name=name, sealed=sealed.sealed, key_id=sealed.key_id)


def get_secret(ours: Ours, vault: Vault, name: str) -> str | None:
    """The secret; None where there is none."""
    found = rows(ours, queries("databases")["read_secret"], name=name)
    return vault.open(Sealed.from_row(found[0])) if found else None

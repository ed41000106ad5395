"""The App's credentials, sealed, as the registration by manifest gave them."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field

from bot.store import vault as vaults
from bot.store.ours import Ours, run
from bot.store.queries import queries
from bot.store.vault import Vault

_APP = "app/credentials"
_MARKER = "marker/key"


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What it takes to be the App."""

    app_id: int
    #: PEM.
    private_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)


def stored(ours: Ours, vault: Vault) -> Credentials | None:
    """The credentials of the registration; None before it."""
    text = vaults.get_secret(ours, vault, _APP)
    return None if text is None else Credentials(**json.loads(text))


def store(ours: Ours, vault: Vault, credentials: Credentials) -> None:
    """Keeps them, instead of those before."""
    # Not `asdict`: what is stored is named here, once.
    text = json.dumps(
        {
            "app_id": credentials.app_id,
            "private_key": credentials.private_key,
            "webhook_secret": credentials.webhook_secret,
        }
    )
    vaults.put_secret(ours, vault, _APP, text)


def marker_key(ours: Ours, vault: Vault) -> bytes:
    """The key under which our texts on GitHub are marked: made at the first call, and the same for ever."""
    sealed = vault.seal(_MARKER, secrets.token_hex(32))
    run(
        ours, queries("databases")["put_secret_once"],
        name=sealed.name, sealed=sealed.sealed, key_id=sealed.key_id,
    )  # fmt: skip
    text = vaults.get_secret(ours, vault, _MARKER)
    assert text is not None
    return bytes.fromhex(text)

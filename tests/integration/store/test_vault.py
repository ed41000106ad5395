from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest

from bot.errors import Refused, Unreadable
from bot.store import databases, vault
from bot.store.ours import Ours
from bot.store.vault import Vault

DSN = "postgresql://app:hunter2@db.example/shop"
SHOP = databases.BoundRepository(id=77, full_name="acme/shop")


def of(*keys: str) -> Vault:
    return Vault.from_text(",".join(keys), "LOCKKEEPER_KEY")


def test_a_bound_target_gives_back_its_connection_string(ours: Ours) -> None:
    keys = of(vault.new_key())
    databases.bind(ours, keys, "shop-production", DSN, [SHOP])

    assert databases.connection_string(ours, keys, "shop-production") == DSN
    assert databases.names_of(ours, 77) == ("shop-production",)
    assert databases.names_of(ours, 78) == ()
    assert databases.every(ours)[0].repositories == (SHOP,)


def test_nothing_of_the_secret_is_stored_readably(ours: Ours) -> None:
    databases.bind(ours, of(vault.new_key()), "shop-production", DSN, [])

    stored = ours.execute("SELECT sealed FROM databases").fetchone()

    assert stored is not None
    assert b"hunter2" not in bytes(stored[0])


def test_an_unbound_name_is_refused_with_the_command(ours: Ours) -> None:
    with pytest.raises(Refused, match="lockkeeper database add shop URL"):
        databases.connection_string(ours, of(vault.new_key()), "shop")


def test_another_key_is_named_as_missing(ours: Ours) -> None:
    databases.bind(ours, of(vault.new_key()), "shop-production", DSN, [])

    with pytest.raises(Unreadable, match="LOCKKEEPER_KEY"):
        databases.connection_string(ours, of(vault.new_key()), "shop-production")


def test_a_secret_under_anothers_name_does_not_open(ours: Ours) -> None:
    keys = of(vault.new_key())
    databases.bind(ours, keys, "shop-staging", DSN, [])
    ours.execute("UPDATE databases SET name = 'shop-production'")

    with pytest.raises(Unreadable, match="another's name"):
        databases.connection_string(ours, keys, "shop-production")


def test_a_changed_secret_does_not_open() -> None:
    keys = of(vault.new_key())
    sealed = keys.seal("shop", DSN)
    changed = replace(sealed, sealed=sealed.sealed[:-1] + bytes([sealed.sealed[-1] ^ 1]))

    with pytest.raises(Unreadable, match="changed"):
        keys.open(changed)


def test_the_same_secret_is_never_sealed_alike() -> None:
    keys = of(vault.new_key())

    assert keys.seal("shop", DSN).sealed != keys.seal("shop", DSN).sealed


def test_after_a_rotation_the_old_key_is_not_needed(ours: Ours) -> None:
    old, new = vault.new_key(), vault.new_key()
    databases.bind(ours, of(old), "shop-production", DSN, [])
    vault.put_secret(ours, of(old), "app/credentials", "pem")

    assert vault.rotate(ours, of(new, old)) == 2
    assert vault.rotate(ours, of(new, old)) == 0

    assert databases.connection_string(ours, of(new), "shop-production") == DSN
    assert vault.get_secret(ours, of(new), "app/credentials") == "pem"
    with pytest.raises(Unreadable):
        databases.connection_string(ours, of(old), "shop-production")


@pytest.mark.parametrize("text", ["", "  ", "hunter2", base64.b64encode(b"sixteen letters.").decode()])
def test_what_is_no_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(Unreadable) as raised:
        Vault.from_text(text, "LOCKKEEPER_KEY")

    assert "LOCKKEEPER_KEY" in str(raised.value)
    assert not text.strip() or text not in str(raised.value)


def test_the_key_file_is_made_once_and_only_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "home" / "key"

    sealed = Vault.from_file(path).seal("shop", DSN)

    assert Vault.from_file(path).open(sealed) == DSN
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["key"]


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    Vault.from_file(path)
    path.chmod(0o640)

    with pytest.raises(Refused, match="chmod 600"):
        Vault.from_file(path)

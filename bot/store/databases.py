"""Targets by name: which repositories may use them, and their sealed connection strings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.errors import Refused
from bot.store.ours import Ours, row, rows, run
from bot.store.queries import queries
from bot.store.vault import Sealed, Vault

_QUERY = queries("databases")


@dataclass(frozen=True, kw_only=True)
class BoundRepository:
    """A repository that may name a target."""

    id: int
    full_name: str


@dataclass(frozen=True, kw_only=True)
class BoundTarget:
    """A target without its secret."""

    name: str
    repositories: tuple[BoundRepository, ...]
    #: Which key sealed its connection string.
    key_id: str


def bind(ours: Ours, vault: Vault, name: str, dsn: str, repositories: Iterable[BoundRepository]) -> None:
    """Keeps the connection string, or a new one for a known name, and adds the repositories."""
    sealed = vault.seal(name, dsn)
    run(ours, _QUERY["put_database"], name=name, sealed=sealed.sealed, key_id=sealed.key_id)
    for each in repositories:
        run(
            ours, _QUERY["put_database_repository"],
            database=name, repository_id=each.id, full_name=each.full_name,
        )  # fmt: skip


def connection_string(ours: Ours, vault: Vault, name: str) -> str:
    """The target's DSN.

    Raises `Refused` where no target has the name, `Unreadable` where no key opens it.
    """
    found = row(ours, _QUERY["read_database"], name=name)
    if found is None:
        raise Refused.because(
            f"No database is bound to the name {name}.",
            f"Run: lockkeeper database add {name} URL --repository OWNER/NAME",
        )
    return vault.open(Sealed.from_row(found))


def names_of(ours: Ours, repository_id: int) -> tuple[str, ...]:
    """The targets that the repository's orders may name, by name."""
    return tuple(each["name"] for each in rows(ours, _QUERY["databases_of"], repository_id=repository_id))


def every(ours: Ours) -> tuple[BoundTarget, ...]:
    """All targets, by name."""
    return tuple(
        BoundTarget(
            name=each["name"],
            key_id=each["key_id"],
            repositories=tuple(
                BoundRepository(id=id_, full_name=full_name)
                for id_, full_name in zip(each["repository_ids"], each["full_names"], strict=True)
            ),
        )
        for each in rows(ours, _QUERY["all_databases"])
    )


def forget(ours: Ours, name: str) -> bool:
    """Whether there was such a target."""
    return row(ours, _QUERY["delete_database"], name=name) is not None

"""A target is bound by its operator, tried before it is kept, and shown without its URL."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from bot.services import Services
from bot.store import databases
from tests.integration.terminal.conftest import Lockkeeper
from tests.plugins.sandbox import REPO
from workorders.order import Repository


def test_a_database_is_bound_listed_and_forgotten(
    lockkeeper: Lockkeeper, services: Services, shop: Repository, database: str
) -> None:
    added = lockkeeper("database", "add", "shop-staging", "-", "--repository", REPO, given=f"{database}\n")

    assert (added.status, added.err) == (0, "")
    with services.pool.transaction() as ours:
        assert databases.names_of(ours, shop.id) == ("shop-staging",)
        assert databases.connection_string(ours, services.vault, "shop-staging") == database
    assert lockkeeper("database", "list").out == f"shop-staging  {REPO}\n"
    assert lockkeeper("database", "remove", "shop-staging").status == 0
    assert "No database is bound" in lockkeeper("database", "list").out
    assert lockkeeper("database", "remove", "shop-staging").status == 3


def test_a_superuser_is_warned_of(
    lockkeeper: Lockkeeper, database: str, superuser_dsn: Callable[[str], str]
) -> None:
    added = lockkeeper("database", "add", "shop", superuser_dsn(database), "--repository", REPO)

    assert added.status == 0
    assert "superuser" in added.err


def test_what_cannot_be_reached_is_not_kept_and_its_password_not_shown(lockkeeper: Lockkeeper) -> None:
    url = "postgresql://ana:hunter2@127.0.0.1:1/shop"
    added = lockkeeper("database", "add", "shop", url, "--repository", REPO)

    assert added.status == 4
    assert "hunter2" not in added.out + added.err
    assert "No database is bound" in lockkeeper("database", "list").out


def test_a_repository_without_the_app_is_refused(lockkeeper: Lockkeeper, database: str) -> None:
    added = lockkeeper("database", "add", "shop", database, "--repository", "acme/other")

    assert added.status == 3
    assert "not installed on acme/other" in added.err
    assert str(urlsplit(database).password) not in added.out + added.err


def test_names_are_those_that_a_policy_can_name(lockkeeper: Lockkeeper, database: str) -> None:
    assert lockkeeper("database", "add", "Shop!", database, "--repository", REPO).status == 2
    assert lockkeeper("database", "add", "shop", database, "--repository", "shop").status == 2

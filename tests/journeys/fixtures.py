"""One installation for the tests of a module, and shops with databases of their own."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from bot.embedded import Server
from bot.services import Services
from bot.settings import Settings
from bot.store import databases
from bot.store.databases import BoundRepository
from tests.integration.store.migrated import ours_template
from tests.journeys.installation import PACE, Installation
from tests.journeys.shop import SCHEMA, Shop
from tests.plugins.postgres import count_statements
from tests.plugins.sandbox import REPO, KeyPair, served_sandbox

__all__ = ["fresh_installation", "installation", "make_shop", "ours_template", "owner_url"]

OWNER = "shop_owner"
_PASSWORD = "shop-owner-of-throw-away-databases"
_NUMBERS = itertools.count(2_000_000)

#: `make(name)`: a shop whose target has the schema; with `policy=False` without a policy file.
MakeShop = Callable[..., Shop]


@pytest.fixture(scope="session")
def owner_url(postgres_server: Server) -> Callable[[str], str]:
    """`owner_url(database)`: as a role that owns its databases, sees all statements, and is no superuser."""
    with psycopg.connect(postgres_server.dsn(), autocommit=True) as superuser, superuser.transaction():
        superuser.execute("SELECT pg_advisory_xact_lock(hashtext('shop_owner'))")
        create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE pg_read_all_stats")
        with suppress(psycopg.errors.DuplicateObject), superuser.transaction():
            superuser.execute(create.format(sql.Identifier(OWNER), sql.Literal(_PASSWORD)))

    def url(database: str) -> str:
        given = urlsplit(postgres_server.dsn(database))
        return given._replace(netloc=f"{OWNER}:{_PASSWORD}@{given.hostname}:{given.port}").geturl()

    return url


@pytest.fixture(scope="module")
def fresh_installation(
    postgres_server: Server, shadow_server: Server, ours_template: str, app_key: KeyPair,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Installation]:  # fmt: skip
    """Nothing of it runs yet."""
    name = f"t_{os.getpid()}_{next(_NUMBERS)}"
    home: Path = tmp_path_factory.mktemp("lockkeeper")
    with ExitStack() as resources:
        ours = postgres_server.create_database(name, template=ours_template)
        resources.callback(postgres_server.drop_database, name)
        sandbox = resources.enter_context(served_sandbox(app_key))
        settings = Settings(
            home=home, database_url=ours, shadow_url=shadow_server.dsn(), github_api_url=sandbox.api_url,
            github_url=sandbox.url, app_id=sandbox.app_id, private_key=sandbox.private_key_pem,
            webhook_secret=sandbox.webhook_secret, port=0, pace=PACE,
        )  # fmt: skip
        services = resources.enter_context(Services.open(settings))
        installation = Installation(settings=settings, services=services, sandbox=sandbox)
        resources.callback(installation.close)
        yield installation


@pytest.fixture(scope="module")
def installation(fresh_installation: Installation) -> Installation:
    """With its web and one worker."""
    fresh_installation.start_web()
    fresh_installation.start_worker()
    return fresh_installation


@pytest.fixture(scope="module")
def make_shop(
    postgres_server: Server, fresh_installation: Installation, owner_url: Callable[[str], str]
) -> Iterator[MakeShop]:
    """See MakeShop."""
    made: list[str] = []

    def make(name: str, *, schema: str = SCHEMA, policy: bool = True, is_bound: bool = True) -> Shop:
        database = f"t_{os.getpid()}_{next(_NUMBERS)}"
        made.append(database)
        superuser = postgres_server.create_database(database)
        with psycopg.connect(superuser, autocommit=True) as connection:
            count_statements(connection)
            connection.execute(
                sql.SQL("ALTER DATABASE {} OWNER TO {}").format(
                    sql.Identifier(database), sql.Identifier(OWNER)
                )
            )
        with psycopg.connect(owner_url(database), autocommit=True) as owner:
            owner.execute(schema.encode())
        with psycopg.connect(superuser, autocommit=True) as connection:
            # What made the schema is not what the application runs.
            connection.execute(
                "SELECT pg_stat_statements_reset(0, (SELECT oid FROM pg_database"
                " WHERE datname = current_database()))"
            )
        shop = Shop(installation=fresh_installation, name=name, url=owner_url(database))
        _furnish(shop)
        if policy:
            shop.put_policy()
        if is_bound:
            _bind(shop)
        return shop

    yield make
    fresh_installation.close()
    for database in made:
        postgres_server.drop_database(database)


def _furnish(shop: Shop) -> None:
    """The repository with its people and the App, as the sandbox's own one."""
    state = shop.installation.sandbox.state
    is_new = shop.repository != REPO
    if is_new:
        state.add_repository(shop.repository)
    for login, role in {"ana": "write", "dba": "maintain", "mallory": "read", "root-bot": "write"}.items():
        state.grant(shop.repository, login, role)
    if is_new:
        state.install(shop.repository)


def _bind(shop: Shop) -> None:
    """As `lockkeeper database add` does, without its process."""
    services = shop.installation.services
    repository = shop.installation.sandbox.state.repository(shop.repository)
    with services.pool.transaction() as ours:
        bound = [BoundRepository(id=repository.id, full_name=shop.repository)]
        databases.bind(ours, services.vault, shop.name, shop.url, bound)

"""The sample shop: a database on a cluster of its own, with an owner, an application's role and rows."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from bot.embedded import OURS_SETTINGS, STATISTICS_SETTINGS, Cluster, Server

#: Under which name the database is bound, and what the policy calls it.
TARGET = "shop"

#: The cluster that it is on.
CLUSTER = "shop"

OWNER, APPLICATION = "shop_owner", "shop_app"

_SQL = files("bot.demo")

POLICY = f"""\
version: 1
migrations: ["db/migrations/**/*.sql"]
targets:
  {TARGET}:
    supervisors: ["dba"]
    stall_budget_ms: 100
"""

#: The scripts of the two orders, by their paths in the repository.
TIDY_ORDERS = "db/migrations/0042_tidy_orders.sql"
CUSTOMER_TIERS = "db/migrations/0043_customer_tiers.sql"


def script(path: str) -> str:
    """The text of one of the repository's migrations."""
    return (_SQL / "migrations" / path.rpartition("/")[2]).read_text(encoding="utf-8")


@dataclass(frozen=True, kw_only=True)
class Shop:
    """A running shop. Its connection strings hold passwords."""

    #: The owner's: what is bound as the target. No superuser.
    owner_dsn: str = field(repr=False)
    #: What the traffic connects as.
    application_dsn: str = field(repr=False)
    #: What the play looks with: its statements are not counted as the application's.
    onlooker_dsn: str = field(repr=False)
    rows: int


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """Orders up to an id, as a rollback has to leave them."""

    orders: int
    total_cents: int
    #: Of `legacy_reference`; None while the column is gone.
    checksum: str | None


@dataclass(frozen=True, kw_only=True)
class Tiers:
    """Customers by tier."""

    gold: int
    standard: int
    #: Without a tier, or with one that their purchases do not fit.
    misplaced: int


@contextmanager
def opened(home: Path) -> Iterator[Shop]:
    """Makes the shop and holds its Postgres for the length of the block."""
    settings = {**OURS_SETTINGS, **STATISTICS_SETTINGS}
    with Server(Cluster(home=home, name=CLUSTER, settings=settings)) as server:
        yield _made(server)


def _made(server: Server) -> Shop:
    passwords = {role: secrets.token_urlsafe(24) for role in (OWNER, APPLICATION)}
    with psycopg.connect(server.dsn(), autocommit=True) as superuser:
        for role, password in passwords.items():
            superuser.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                    sql.Identifier(role), sql.Literal(password)
                )
            )
        superuser.execute(sql.SQL("CREATE DATABASE shop OWNER {}").format(sql.Identifier(OWNER)))
        superuser.execute(sql.SQL("GRANT pg_monitor TO {}").format(sql.Identifier(OWNER)))
        # Rows that a rollback brings back must not be rewritten by the shop's own triggers.
        superuser.execute(
            sql.SQL("GRANT SET ON PARAMETER session_replication_role TO {}").format(sql.Identifier(OWNER))
        )
    with psycopg.connect(server.dsn("shop"), autocommit=True) as superuser:
        superuser.execute("CREATE EXTENSION pg_stat_statements")
    dsns = {role: _as(server.dsn("shop"), role, password) for role, password in passwords.items()}
    with psycopg.connect(dsns[OWNER], autocommit=True) as owner:
        with owner.transaction():
            owner.execute((_SQL / "shop.sql").read_text(encoding="utf-8"))
        owner.execute("VACUUM (ANALYZE)")
        rows = _count(owner)
    with psycopg.connect(server.dsn("shop"), autocommit=True) as superuser:
        superuser.execute("CHECKPOINT")
        superuser.execute("SELECT pg_stat_statements_reset()")
    unseen = "-c pg_stat_statements.track=none"
    return Shop(
        owner_dsn=dsns[OWNER],
        application_dsn=dsns[APPLICATION],
        onlooker_dsn=make_conninfo(server.dsn("shop"), options=unseen),
        rows=rows,
    )


def _as(dsn: str, role: str, password: str) -> str:
    return make_conninfo(dsn, user=role, password=password)


def _count(owner: psycopg.Connection) -> int:
    tables = ("customers", "products", "orders", "order_items")
    counts = sql.SQL(" + ").join(
        sql.SQL("(SELECT count(*) FROM {})").format(sql.Identifier(table)) for table in tables
    )
    row = owner.execute(sql.SQL("SELECT {}").format(counts)).fetchone()
    return 0 if row is None else int(row[0])


def newest_order(shop: Shop) -> int:
    """The highest id of an order that is committed now."""
    return int(_one(shop, sql.SQL("SELECT max(id) FROM orders")))


def has_legacy_column(shop: Shop) -> bool:
    """Whether the first order's column is there."""
    query = sql.SQL(
        "SELECT count(*) FROM information_schema.columns"
        " WHERE table_name = 'orders' AND column_name = 'legacy_reference'"
    )
    return bool(_one(shop, query))


def ledger(shop: Shop, above: int, until: int) -> Ledger:
    """The orders with ids above one and up to another."""
    which = sql.SQL("FROM orders WHERE id > {} AND id <= {}").format(above, until)
    checksum = sql.SQL("SELECT md5(string_agg(coalesce(legacy_reference, '-'), ',' ORDER BY id)) {}")
    total = sql.SQL("SELECT coalesce(sum(total_cents), 0)::bigint {}").format(which)
    return Ledger(
        orders=int(_one(shop, sql.SQL("SELECT count(*) {}").format(which))),
        total_cents=int(_one(shop, total)),
        checksum=str(_one(shop, checksum.format(which))) if has_legacy_column(shop) else None,
    )


def tiers(shop: Shop) -> Tiers:
    """How the second order has sorted the customers; needs its column."""
    return Tiers(
        gold=int(_one(shop, sql.SQL("SELECT count(*) FROM customers WHERE tier = 'gold'"))),
        standard=int(_one(shop, sql.SQL("SELECT count(*) FROM customers WHERE tier = 'standard'"))),
        # The traffic only ever adds, and a hundred cents at a time: some have come over the line since.
        misplaced=int(
            _one(
                shop,
                sql.SQL(
                    "SELECT count(*) FROM customers WHERE tier IS NULL"
                    " OR tier = 'gold' AND lifetime_cents < 300000"
                    " OR tier = 'standard' AND lifetime_cents >= 310000"
                ),
            )
        ),
    )


def _one(shop: Shop, query: sql.SQL | sql.Composed) -> int | str:
    with psycopg.connect(shop.onlooker_dsn, autocommit=True) as onlooker:
        row = onlooker.execute(query).fetchone()
    if row is None:
        raise LookupError("the query gave no row")
    value: int | str = row[0]
    return value

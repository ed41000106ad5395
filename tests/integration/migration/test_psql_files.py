"""Plan, rollback and purge as files: plain psql runs them, without Lockkeeper."""

from __future__ import annotations

import subprocess
from contextlib import closing

import psycopg
import pytest

from bot.embedded import binaries
from tests.plugins.bench import MakeTarget
from workorders.migration import engine, render, sessions
from workorders.migration.catalog import diff, fingerprint
from workorders.migration.catalog.fingerprint import Fingerprint
from workorders.migration.connections import Target
from workorders.migration.plan import Plan

SETUP = """
CREATE TABLE customers (id int PRIMARY KEY, name text);
CREATE TABLE orders (
    a int, b text, customer_id int REFERENCES customers ON DELETE CASCADE,
    email text, note text DEFAULT 'n', total numeric CHECK (total >= 0), PRIMARY KEY (a, b)
);
CREATE SEQUENCE lone;
CREATE VIEW names AS SELECT name FROM customers;
CREATE INDEX orders_note_idx ON orders (note);
INSERT INTO customers SELECT g, 'c' || g FROM generate_series(1, 50) g;
INSERT INTO orders SELECT g, 'k' || g, g % 50 + 1, 'e' || g, 'n' || g, g FROM generate_series(1, 2500) g;
"""

SCRIPTS = [
    "ALTER TABLE orders DROP COLUMN note; CREATE UNIQUE INDEX ON orders (lower(email));",
    "ALTER TABLE orders ALTER email SET NOT NULL, ADD CHECK (a > 0), ADD COLUMN extra int DEFAULT 3;",
    "UPDATE orders SET total = total + 1 WHERE a % 3 = 0;",
    "DELETE FROM customers WHERE id <= 10; ALTER TABLE orders DROP CONSTRAINT orders_total_check;",
    "DROP TABLE customers CASCADE; CREATE TABLE customers (id serial, name text); DROP SEQUENCE lone;",
    # The tables end up with each other's names.
    "ALTER TABLE orders DROP COLUMN note; ALTER TABLE orders RENAME total TO amount;"
    " ALTER TABLE customers RENAME TO aside; ALTER TABLE orders RENAME TO customers;"
    " ALTER INDEX orders_pkey RENAME TO first_pkey; ALTER TABLE aside RENAME TO orders;",
]


def _plan(url: str, script: str) -> Plan:
    with closing(sessions.connect(url)) as target:
        return engine.prepare(target, script, binaries=binaries()).plan


def sent_with_psql(url: str, text: str) -> None:
    """Fails with what psql said, and the file that it was given."""
    command = [str(binaries() / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-f", "-"]
    done = subprocess.run(command, input=text, text=True, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, f"{done.stderr}\n{text}"


def _schema(url: str) -> Fingerprint:
    with psycopg.connect(url, autocommit=True) as connection:
        return fingerprint.read(Target(connection))


def _rows(url: str) -> list[tuple[object, ...]]:
    """Every row as text, without what was put out of sight."""
    found: list[tuple[object, ...]] = []
    with psycopg.connect(url) as connection:
        for table in ("customers", "orders"):
            columns = connection.execute(
                "SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
                " AND NOT attisdropped AND NOT starts_with(attname, 'lockkeeper_') ORDER BY 1",
                (table,),
            ).fetchall()
            names = ", ".join(row[0] for row in columns)
            found += connection.execute(f"SELECT {names} FROM {table} ORDER BY 1, 2".encode()).fetchall()
    return found


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_plans_file_and_then_the_rollbacks_leave_all_as_it_was(
    make_target: MakeTarget, script: str
) -> None:
    url = make_target(SETUP)
    schema, rows = _schema(url), _rows(url)
    plan = _plan(url, script)

    sent_with_psql(url, render.plan_file(plan))
    changed = diff.compare(schema, _schema(url)) or _rows(url) != rows
    sent_with_psql(url, render.rollback_file(plan))

    assert changed
    assert diff.compare(schema, _schema(url)) == ()
    assert _rows(url) == rows


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_plans_file_and_then_the_purges_leave_what_the_plain_sql_leaves(
    make_target: MakeTarget, script: str
) -> None:
    url, plain = make_target(SETUP), make_target(SETUP)
    plan = _plan(url, script)

    sent_with_psql(url, render.plan_file(plan))
    sent_with_psql(url, render.purge_file(plan))
    sent_with_psql(plain, script)

    assert diff.compare(_schema(plain), _schema(url)) == ()
    assert _rows(url) == _rows(plain)

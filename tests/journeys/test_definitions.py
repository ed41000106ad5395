"""An order of definitions, from its approval to its rollback."""

# ruff: noqa: E501 - SQL reads as SQL when a statement has one line

from __future__ import annotations

import psycopg

from tests.journeys.fixtures import MakeShop
from tests.journeys.installation import Installation
from tests.journeys.shop import SCHEMA, Shop
from workorders.migration.catalog import fingerprint
from workorders.migration.connections import Target

_DEFINED = """
CREATE TYPE state AS ENUM ('new', 'paid');
ALTER TABLE customers ADD COLUMN state state DEFAULT 'new';
CREATE VIEW recent AS SELECT id, total FROM orders WHERE made_at > '2024-01-01';
CREATE VIEW recent_count AS SELECT count(*) AS n FROM recent;
COMMENT ON VIEW recent IS 'of this year'; GRANT SELECT ON recent TO pg_monitor;
CREATE MATERIALIZED VIEW totals AS SELECT customer_id, sum(total) AS total FROM orders GROUP BY customer_id;
CREATE FUNCTION taxed(amount numeric) RETURNS numeric LANGUAGE sql AS 'SELECT amount * 1.2';
"""

_SQL = """CREATE OR REPLACE FUNCTION taxed(amount numeric) RETURNS numeric LANGUAGE sql AS 'SELECT amount * 1.25';
CREATE OR REPLACE VIEW recent AS SELECT id, total, taxed(total) AS taxed FROM orders WHERE made_at > '2024-01-01';
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER stamping BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE POLICY everybody ON customers USING (true);
GRANT SELECT ON customers TO pg_monitor;
COMMENT ON TABLE customers IS 'who buys';
DROP MATERIALIZED VIEW totals;
CREATE MATERIALIZED VIEW totals AS SELECT customer_id, count(*) AS orders FROM orders GROUP BY customer_id;
DROP VIEW recent CASCADE;
ALTER TYPE state ADD VALUE 'returned';"""


def schema_of(shop: Shop) -> str:
    """The target's fingerprint."""
    with psycopg.connect(shop.url, autocommit=True) as target:
        return fingerprint.read(Target(target)).hash


def test_an_order_of_definitions_is_executed_and_rolled_back_to_the_same_schema(
    installation: Installation, make_shop: MakeShop
) -> None:
    shop = make_shop("definitions", schema=SCHEMA + _DEFINED)
    before = schema_of(shop)

    thread = shop.executed(_SQL)
    ((orders,),) = shop.query("SELECT sum(orders) FROM totals")
    labels = shop.query("SELECT enum_range(NULL::state)::text, to_regclass('recent') IS NULL")
    shop.query("INSERT INTO customers (id, state) VALUES (51, 'paid')")
    thread.say("dba", "/wo rollback")
    thread.wait_for("rolled_back")

    assert orders == 1000
    assert labels == [("{new,paid,returned}", True)]
    assert schema_of(shop) == before
    assert shop.query("SELECT state::text FROM customers WHERE id = 51") == [("paid",)]
    assert shop.query("SELECT count(*), sum(total) FROM totals") == [(50, 500500)]

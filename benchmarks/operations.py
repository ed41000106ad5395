"""What is migrated under traffic: one script for each modelled operation, on the bank's own tables."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One script, with what a check has to know of it."""

    name: str
    sql: str
    #: What it stands on, where it is run by itself: what operations before it would have made.
    needs: str = ""
    #: What the application writes between the migration and its rollback, beside pgbench's traffic.
    between: str = ""
    #: `table.column` whose values differ from run to run.
    loose: frozenset[str] = frozenset()
    #: Tables that a block writes, as a rehearsal finds them.
    also_written: tuple[str, ...] = ()
    #: What has to be accepted expressly.
    accepted: tuple[str, ...] = ()


#: In this order they can be run one after the other in one database, each made final.
OPERATIONS = (
    Operation(
        name="add column",
        sql="ALTER TABLE pgbench_accounts ADD COLUMN remark text",
        between="UPDATE pgbench_accounts SET remark = 'seen' WHERE aid <= 100",
    ),
    Operation(
        name="add column, constant default",
        sql="ALTER TABLE pgbench_accounts ADD COLUMN currency text NOT NULL DEFAULT 'EUR'",
        between="UPDATE pgbench_accounts SET currency = 'CHF' WHERE aid <= 100",
    ),
    Operation(
        name="add column, stable default",
        sql="ALTER TABLE pgbench_accounts ADD COLUMN opened_at timestamptz NOT NULL DEFAULT now()",
        loose=frozenset({"pgbench_accounts.opened_at"}),
    ),
    Operation(
        name="set not null",
        sql="ALTER TABLE pgbench_accounts ALTER COLUMN abalance SET NOT NULL",
    ),
    Operation(
        name="drop not null",
        sql="ALTER TABLE pgbench_accounts ALTER COLUMN bid DROP NOT NULL",
    ),
    Operation(
        name="set default",
        sql="ALTER TABLE pgbench_accounts ALTER COLUMN abalance SET DEFAULT 0",
    ),
    Operation(
        name="drop default",
        sql="ALTER TABLE pgbench_history ALTER COLUMN filler DROP DEFAULT",
    ),
    Operation(
        name="add check",
        sql="ALTER TABLE pgbench_accounts"
        " ADD CONSTRAINT abalance_is_sane CHECK (abalance BETWEEN -2000000000 AND 2000000000)",
    ),
    Operation(
        name="drop check",
        sql="ALTER TABLE pgbench_accounts DROP CONSTRAINT bid_is_positive",
    ),
    Operation(
        name="create index",
        sql="CREATE INDEX accounts_by_balance ON pgbench_accounts (abalance)",
    ),
    Operation(
        name="create index, unique",
        sql="CREATE UNIQUE INDEX accounts_of_branch ON pgbench_accounts (bid, aid)",
    ),
    Operation(
        name="create index, partial",
        sql="CREATE INDEX accounts_overdrawn ON pgbench_accounts (aid) WHERE abalance < 0",
    ),
    Operation(
        name="create index, expression",
        sql="CREATE INDEX accounts_by_filler ON pgbench_accounts (lower(filler))",
    ),
    Operation(
        name="drop index",
        sql="DROP INDEX accounts_by_branch",
    ),
    Operation(
        name="add foreign key",
        sql="ALTER TABLE pgbench_history ADD FOREIGN KEY (aid) REFERENCES pgbench_accounts",
    ),
    Operation(
        name="drop foreign key",
        sql="ALTER TABLE account_notes DROP CONSTRAINT account_notes_aid_fkey",
    ),
    Operation(
        name="add unique",
        sql="ALTER TABLE pgbench_accounts ADD CONSTRAINT account_is_of_branch UNIQUE (aid, bid)",
    ),
    Operation(
        name="add unique using index",
        sql="ALTER TABLE account_notes ADD CONSTRAINT note_is_of_account UNIQUE USING INDEX notes_of_account",
    ),
    Operation(
        name="validate constraint",
        sql="ALTER TABLE pgbench_accounts VALIDATE CONSTRAINT branch_is_there",
    ),
    Operation(
        name="alter constraint",
        sql="ALTER TABLE note_tags ALTER CONSTRAINT note_tags_note_id_fkey DEFERRABLE INITIALLY DEFERRED",
    ),
    Operation(
        name="create table",
        sql="CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
        " aid int NOT NULL REFERENCES pgbench_accounts, bid int REFERENCES pgbench_branches,"
        " placed_at timestamptz NOT NULL DEFAULT now())",
        between="INSERT INTO orders (aid, bid) SELECT g, 1 FROM generate_series(1, 100) g",
    ),
    Operation(
        name="rename column",
        needs="ALTER TABLE pgbench_accounts ADD COLUMN remark text",
        sql="ALTER TABLE pgbench_accounts RENAME COLUMN remark TO comment",
    ),
    Operation(
        name="rename constraint",
        needs="ALTER TABLE pgbench_accounts ADD CONSTRAINT abalance_is_sane CHECK (abalance < 2000000000)",
        sql="ALTER TABLE pgbench_accounts RENAME CONSTRAINT abalance_is_sane TO balance_is_sane",
    ),
    Operation(
        name="rename index",
        needs="CREATE INDEX accounts_by_balance ON pgbench_accounts (abalance)",
        sql="ALTER INDEX accounts_by_balance RENAME TO accounts_sorted_by_balance",
    ),
    Operation(
        name="rename table",
        needs="CREATE TABLE orders (id int PRIMARY KEY)",
        sql="ALTER TABLE orders RENAME TO purchases",
    ),
    Operation(
        name="update",
        sql="UPDATE pgbench_accounts SET filler = upper(filler) WHERE aid % 10 = 0",
    ),
    Operation(
        name="delete",
        sql="DELETE FROM account_notes WHERE written_on < DATE '2010-01-01'",
    ),
    Operation(
        name="insert",
        sql="INSERT INTO account_notes (aid, written_on, note)"
        " SELECT aid, DATE '2021-01-01', 'welcome' FROM pgbench_accounts WHERE aid % 100 = 1",
        between="UPDATE account_notes SET note = 'read' WHERE note = 'welcome' AND aid = 101",
    ),
    Operation(
        name="merge",
        sql="MERGE INTO pgbench_tellers t USING pgbench_branches b ON t.bid = b.bid"
        " WHEN MATCHED THEN UPDATE SET filler = upper(t.filler)",
    ),
    # Behind the merge: once its key is gone, a row that was written since cannot be told from others.
    Operation(
        name="drop primary key",
        sql="ALTER TABLE pgbench_tellers DROP CONSTRAINT pgbench_tellers_pkey",
    ),
    Operation(
        name="add primary key",
        needs="ALTER TABLE pgbench_tellers DROP CONSTRAINT pgbench_tellers_pkey",
        sql="ALTER TABLE pgbench_tellers ADD PRIMARY KEY (tid)",
    ),
    Operation(
        name="add column, volatile default",
        sql="ALTER TABLE account_notes ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid()",
        loose=frozenset({"account_notes.token"}),
    ),
    Operation(
        name="add column, identity",
        sql="ALTER TABLE pgbench_tellers ADD COLUMN number int GENERATED ALWAYS AS IDENTITY",
        loose=frozenset({"pgbench_tellers.number"}),
    ),
    Operation(
        name="drop identity",
        sql="ALTER TABLE pgbench_tellers ALTER number DROP IDENTITY",
    ),
    Operation(
        name="alter type, in place",
        sql="ALTER TABLE note_tags ALTER COLUMN tag TYPE varchar",
    ),
    Operation(
        name="alter type, by a twin",
        sql="ALTER TABLE account_notes ALTER COLUMN aid TYPE bigint",
        accepted=("positional",),
    ),
    Operation(
        name="definitions",
        sql="CREATE OR REPLACE VIEW overdrawn AS"
        " SELECT aid, abalance FROM pgbench_accounts WHERE abalance < -1;"
        " CREATE FUNCTION untouched() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;"
        " CREATE TRIGGER untouched BEFORE UPDATE ON pgbench_tellers"
        " FOR EACH ROW EXECUTE FUNCTION untouched();"
        " COMMENT ON TABLE account_notes IS 'what was said'; GRANT SELECT ON overdrawn TO PUBLIC",
    ),
    Operation(
        name="refresh",
        sql="REFRESH MATERIALIZED VIEW fee_totals",
    ),
    Operation(
        name="add value",
        sql="ALTER TYPE fee_kind ADD VALUE 'free'",
    ),
    Operation(
        name="exchange type",
        sql="CREATE TYPE fee_kind_new AS ENUM ('flat', 'rate', 'free', 'late');"
        " ALTER TABLE fees ALTER kind DROP DEFAULT,"
        " ALTER kind TYPE fee_kind_new USING (kind::text::fee_kind_new);"
        " ALTER TYPE fee_kind RENAME TO fee_kind_old; ALTER TYPE fee_kind_new RENAME TO fee_kind;"
        " DROP TYPE fee_kind_old",
    ),
    Operation(
        name="create table as",
        sql="CREATE TABLE fee_history AS SELECT * FROM fees; ALTER TABLE fee_history ADD PRIMARY KEY (id)",
    ),
    Operation(
        name="maintenance",
        sql="ANALYZE fees; REINDEX TABLE fees",
    ),
    Operation(
        name="set sequence",
        sql="SELECT setval('spare', 50)",
    ),
    Operation(
        name="partitions",
        sql="CREATE TABLE ledger (aid int REFERENCES pgbench_accounts, at int NOT NULL)"
        " PARTITION BY RANGE (at);"
        " CREATE TABLE ledger_0 PARTITION OF ledger FOR VALUES FROM (0) TO (10);"
        " CREATE TABLE ledger_1 (LIKE ledger);"
        " ALTER TABLE ledger ATTACH PARTITION ledger_1 FOR VALUES FROM (10) TO (20);"
        " ALTER TABLE ledger DETACH PARTITION ledger_0; CREATE INDEX by_aid ON ONLY ledger (aid);"
        " CREATE INDEX by_aid_1 ON ledger_1 (aid); ALTER INDEX by_aid ATTACH PARTITION by_aid_1",
        between="INSERT INTO ledger VALUES (1, 11)",
    ),
    Operation(
        name="drop sequence",
        sql="DROP SEQUENCE spare",
    ),
    Operation(
        name="drop extension",
        sql="CREATE EXTENSION hstore; DROP EXTENSION hstore",
    ),
    Operation(
        name="call",
        sql="CALL waive()",
        also_written=("fees",),
    ),
    Operation(
        name="functions",
        sql="SELECT raise_fees()",
        also_written=("fees",),
    ),
    Operation(
        name="truncate",
        sql="TRUNCATE fees",
    ),
    Operation(
        name="block",
        sql="DO $$BEGIN UPDATE pgbench_branches SET filler = upper(filler); END$$",
        also_written=("pgbench_branches",),
    ),
    Operation(
        name="drop table",
        sql="DROP TABLE account_limits CASCADE",
    ),
    Operation(
        name="drop column",
        sql="ALTER TABLE pgbench_accounts DROP COLUMN filler",
        accepted=("positional",),
    ),
)

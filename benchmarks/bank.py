"""The bank: pgbench's tables with something in each column, a side table, and what always holds of them."""

from __future__ import annotations

import secrets
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from bot.embedded import Server, binaries

OWNER = "bank_owner"

#: pgbench leaves most columns empty and has no constraint but its keys.
_FURNISH = """
ALTER TABLE pgbench_accounts
    ALTER COLUMN filler TYPE char(84) USING md5(aid::text), ALTER COLUMN bid SET NOT NULL,
    ADD CONSTRAINT bid_is_positive CHECK (bid > 0),
    ADD CONSTRAINT branch_is_there FOREIGN KEY (bid) REFERENCES pgbench_branches NOT VALID;
UPDATE pgbench_branches SET filler = md5(bid::text);
UPDATE pgbench_tellers SET filler = md5(tid::text);
ALTER TABLE pgbench_history ALTER COLUMN filler SET DEFAULT 'h';
CREATE INDEX accounts_by_branch ON pgbench_accounts (bid);
CREATE TABLE account_notes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    aid int NOT NULL REFERENCES pgbench_accounts, written_on date NOT NULL, note text NOT NULL);
CREATE TABLE note_tags (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    note_id bigint NOT NULL REFERENCES account_notes ON DELETE CASCADE, tag text NOT NULL);
CREATE TABLE account_limits (
    aid int PRIMARY KEY REFERENCES pgbench_accounts ON DELETE CASCADE,
    allowed int NOT NULL CHECK (allowed > 0));
INSERT INTO account_limits SELECT g, g FROM generate_series(1, 20000 * {scale}) g;
CREATE INDEX ON account_limits (allowed);
CREATE VIEW limited AS SELECT aid FROM account_limits WHERE allowed < 100;
INSERT INTO account_notes (aid, written_on, note)
    SELECT g * 10, DATE '2000-01-01' + g % 7300, 'note ' || g FROM generate_series(1, 10000 * {scale}) g;
INSERT INTO note_tags (note_id, tag) SELECT n.id, 'old' FROM account_notes n, generate_series(1, 2);
CREATE INDEX ON account_notes (aid);
CREATE UNIQUE INDEX notes_of_account ON account_notes (aid, id);
CREATE INDEX ON note_tags (note_id);
CREATE TYPE fee_kind AS ENUM ('flat', 'rate');
CREATE TABLE fees (id int PRIMARY KEY, amount numeric NOT NULL, kind fee_kind NOT NULL DEFAULT 'flat');
INSERT INTO fees SELECT g, g * 1.5, CASE WHEN g % 3 = 0 THEN 'rate' ELSE 'flat' END::fee_kind
    FROM generate_series(1, 200) g;
CREATE MATERIALIZED VIEW fee_totals AS SELECT id % 7 AS week, sum(amount) AS total FROM fees GROUP BY 1;
CREATE UNIQUE INDEX ON fee_totals (week);
CREATE VIEW overdrawn AS SELECT aid, abalance FROM pgbench_accounts WHERE abalance < 0;
CREATE SEQUENCE spare;
CREATE PROCEDURE waive() LANGUAGE sql AS 'UPDATE fees SET amount = 0 WHERE id = 3';
CREATE FUNCTION raise_fees() RETURNS void LANGUAGE sql AS 'UPDATE fees SET amount = amount + 1';
"""

#: Of each table with a key: the key, and the condition under which a row was there before the traffic.
_TABLES = {
    "pgbench_accounts": ("aid", "true"),
    "pgbench_branches": ("bid", "true"),
    "pgbench_tellers": ("tid", "true"),
    "account_notes": ("id", "written_on < DATE '2020-01-01'"),
    "note_tags": ("id", "tag = 'old'"),
    "account_limits": ("aid", "true"),
    "fees": ("id", "true"),
}

#: The columns that the traffic writes.
_WRITTEN = {"pgbench_accounts.abalance", "pgbench_branches.bbalance", "pgbench_tellers.tbalance"}

_BOOKS = """
SELECT (SELECT sum(abalance) FROM pgbench_accounts), (SELECT sum(tbalance) FROM pgbench_tellers),
       (SELECT sum(bbalance) FROM pgbench_branches), (SELECT coalesce(sum(delta), 0) FROM pgbench_history),
       (SELECT count(*) FROM pgbench_history), (SELECT count(*) FROM account_notes WHERE note = 'new'),
       (SELECT count(*) FROM note_tags WHERE tag = 'new')
"""


@dataclass(frozen=True, kw_only=True)
class Books:
    """The bank's sums at one moment."""

    accounts: int
    tellers: int
    branches: int
    history: int
    #: Rows of pgbench_history: one for each of pgbench's own transactions.
    transactions: int
    #: Notes of the traffic, each with one tag.
    notes: int
    tags: int

    def faults(self) -> list[str]:
        """What is out of balance, in words."""
        sums = {self.accounts, self.tellers, self.branches, self.history}
        found = []
        if len(sums) > 1:
            found.append(f"the sums of abalance, tbalance, bbalance and delta are {sorted(sums)}")
        if self.notes != self.tags:
            found.append(f"{self.notes} notes of the traffic have {self.tags} tags")
        return found


@dataclass(frozen=True, kw_only=True)
class Checksums:
    """One for each column that the traffic does not write, by `table.column`."""

    columns: Mapping[str, str] = field(default_factory=dict)

    def differences(self, other: Checksums, loose: frozenset[str] = frozenset()) -> list[str]:
        """The columns whose values, or whose rows, are not the same."""
        return [
            f"the values of {column} differ"
            for column in sorted(self.columns.keys() | other.columns.keys())
            if column not in loose and self.columns.get(column) != other.columns.get(column)
        ]


def books(dsn: str) -> Books:
    """All sums out of one snapshot."""
    with psycopg.connect(dsn, autocommit=True) as bank:
        row = bank.execute(_BOOKS).fetchone()
    assert row is not None
    accounts, tellers, branches, history, transactions, notes, tags = row
    return Books(
        accounts=accounts,
        tellers=tellers,
        branches=branches,
        history=history,
        transactions=transactions,
        notes=notes,
        tags=tags,
    )


def checksums(dsn: str) -> Checksums:
    """Over the rows that the traffic found there. Reads every table once."""
    found: dict[str, str] = {}
    with psycopg.connect(dsn, autocommit=True) as bank:
        for table, (key, condition) in _TABLES.items():
            names = [
                str(row[0])
                for row in bank.execute(
                    "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0"
                    " AND NOT attisdropped ORDER BY attname",
                    (table,),
                )
                if f"{table}.{row[0]}" not in _WRITTEN
            ]
            if not names:
                continue  # it was dropped
            # The key is the hash's seed: values that changed places are found, too.
            sums = ", ".join(
                f"sum(hashtextextended(coalesce(\"{name}\"::text, E'\\x01'), {key}::bigint))::text"
                for name in names
            )
            row = bank.execute(f"SELECT {sums} FROM {table} WHERE {condition}".encode()).fetchone()
            assert row is not None
            found |= {f"{table}.{name}": str(value) for name, value in zip(names, row, strict=True)}
    return Checksums(columns=found)


def make_owner(server: Server) -> str:
    """An ordinary role that may have databases; gives its password. An existing one gets a new one."""
    password = secrets.token_urlsafe(16)
    with psycopg.connect(server.dsn(), autocommit=True) as superuser:
        known = superuser.execute("SELECT FROM pg_roles WHERE rolname = %s", (OWNER,)).fetchone()
        verb = sql.SQL("ALTER" if known else "CREATE")
        superuser.execute(
            sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(verb, sql.Identifier(OWNER), sql.Literal(password))
        )
    return password


def owner_dsn(server: Server, password: str, database: str) -> str:
    """The owner's URL of a database."""
    place = urlsplit(server.dsn(database))
    user = f"{OWNER}:{quote(password)}"
    return place._replace(netloc=f"{user}@{place.hostname}:{place.port}").geturl()


def make(server: Server, password: str, name: str, *, scale: int) -> str:
    """A bank in a database of its own; its owner's URL."""
    dsn = make_database(server, password, name)
    fill(dsn, scale=scale)
    return dsn


def make_database(server: Server, password: str, name: str) -> str:
    """An empty database; its owner's URL."""
    with psycopg.connect(server.dsn(), autocommit=True) as superuser:
        superuser.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(OWNER))
        )
    return owner_dsn(server, password, name)


def fill(dsn: str, *, scale: int) -> None:
    """Makes the tables in an empty database: 100,000 accounts for each unit of scale."""
    subprocess.run(
        [str(binaries() / "pgbench"), "--initialize", "--quiet", f"--scale={scale}"],
        env=environment(dsn),
        check=True,
        capture_output=True,
    )
    with psycopg.connect(dsn, autocommit=True) as bank:
        with bank.transaction():
            bank.execute(_FURNISH.format(scale=scale).encode())
        bank.execute("VACUUM ANALYZE")


def copy(server: Server, template: str, name: str) -> None:
    """A further database, file by file; nobody may be connected to the template."""
    with psycopg.connect(server.dsn(), autocommit=True) as superuser:
        superuser.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template)
            )
        )


def end_like_ctrl_c() -> None:
    """A benchmark that is told to end by SIGTERM, too, first ends what it has started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def environment(dsn: str) -> dict[str, str]:
    """What libpq's programs need to reach a database, and nothing else of ours."""
    parts = conninfo_to_dict(dsn)
    return {
        "PATH": "/usr/bin:/bin",
        "PGHOST": str(parts["host"]),
        "PGPORT": str(parts["port"]),
        "PGUSER": str(parts["user"]),
        "PGPASSWORD": str(parts["password"]),
        "PGDATABASE": str(parts["dbname"]),
    }

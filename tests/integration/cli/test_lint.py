from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import psycopg

from tests.integration.cli.conftest import Lockkeeper, Query

MakeDatabase = Callable[..., str]

SCHEMA = """
CREATE TABLE full_one (id int PRIMARY KEY, name varchar(20), age text);
INSERT INTO full_one VALUES (1, 'a', 'b');
CREATE INDEX full_one_age ON full_one (age);
CREATE TABLE empty_one (LIKE full_one);
CREATE TABLE "Hostile "" one" (LIKE full_one);
"""

SCRIPT = """ALTER TABLE full_one ALTER name TYPE varchar(40);
ALTER TABLE full_one ALTER age TYPE varchar(40);
ALTER TABLE empty_one ALTER name SET NOT NULL;
ALTER TABLE "Hostile "" one" ALTER name SET NOT NULL;
CREATE INDEX ON full_one (name);
CREATE INDEX ON empty_one (name);
DROP TABLE nowhere;
CREATE INDEX IF NOT EXISTS full_one_age ON full_one (age);
DROP INDEX CONCURRENTLY full_one_age;
CREATE INDEX IF NOT EXISTS full_one_age ON full_one (age);
ALTER TABLE full_one RENAME COLUMN age TO years;
ALTER TABLE full_one ALTER years TYPE int USING years::int;
"""


def test_database_tells_what_is_harmless(
    lockkeeper: Lockkeeper, make_database: MakeDatabase, one: Query
) -> None:
    url = make_database(SCHEMA)

    alone = lockkeeper("lint", "-", "--format", "json", script=SCRIPT)
    told = lockkeeper("lint", "-", "--format", "json", "--database", url, script=SCRIPT)

    assert (alone.status, told.status) == (1, 1)
    assert _hazards(alone.out) == [
        ("alter-type", 1),
        ("alter-type", 2),
        ("set-not-null", 3),
        ("set-not-null", 4),
        ("create-index", 5),
        ("create-index", 6),
        ("drop-table", 7),
        ("create-index", 8),
        ("create-index", 10),
        ("rename-column", 11),
        ("alter-type", 12),
    ]
    assert _hazards(told.out) == [
        ("alter-type", 2),
        ("create-index", 5),
        ("create-index", 10),
        ("rename-column", 11),
        ("alter-type", 12),
    ]
    assert "if it holds rows" in alone.out
    assert "if it holds rows" not in told.out
    assert one(url, "SELECT to_regnamespace('lockkeeper') IS NULL")


def _hazards(out: str) -> list[tuple[str, int]]:
    found = json.loads(out)["findings"]
    return [(each["hazard"], each["line"]) for each in found if not each["is_note"]]


def test_status_tells_none_hazards_and_not_readable(lockkeeper: Lockkeeper, tmp_path: Path) -> None:
    good, bad, broken = (tmp_path / name for name in ("good.sql", "bad.sql", "broken.sql"))
    good.write_text("CREATE TABLE t (id int);\nCREATE INDEX ON t (id);\n")
    bad.write_text("DROP TABLE t;\n")
    broken.write_bytes(b"SELECT 1;\n\xff")

    none = lockkeeper("lint", str(good))
    hazards = lockkeeper("lint", str(good), str(bad))
    unreadable = lockkeeper("lint", str(broken), str(bad), str(tmp_path / "missing.sql"))

    assert (none.status, none.out) == (0, "1 file, no hazards.\n")
    assert hazards.status == 1
    assert f"{bad}:1: drop-table: t: " in hazards.out
    assert unreadable.status == 2
    assert f"{bad}:1: drop-table: t: " in unreadable.out
    assert "not UTF-8" in unreadable.out
    assert "missing.sql" in unreadable.out


def test_database_that_cannot_be_reached_is_not_readable_and_its_password_is_not_shown(
    lockkeeper: Lockkeeper, database: str
) -> None:
    wrong = psycopg.conninfo.make_conninfo(database, password="geheim")

    for url in (wrong, "postgresql://u:geheim@127.0.0.1:1/x"):
        ran = lockkeeper("lint", "-", "--database", url, script="SELECT 1;")

        assert ran.status == 2
        assert "geheim" not in ran.out + ran.err
        assert "Traceback" not in ran.err

"""What is read from pg_dump's archive is what pg_restore reads from it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.embedded import binaries
from tests.integration.catalog.changes import SETUP
from tests.integration.catalog.test_dump_and_restore import MORE
from workorders.migration.catalog import archive
from workorders.migration.errors import Broken

#: Names that a line or a list would be cut at, and what only some entries have.
_ODD = """
CREATE SCHEMA "Odd; schéma";
CREATE TABLE "Odd; schéma"."t; Type: x" ("c "" c" int, "ö" text DEFAULT 'a; b');
COMMENT ON TABLE "Odd; schéma"."t; Type: x" IS E'two\\nlines; it''s {}';
CREATE VIEW "Odd; schéma".grouped AS SELECT id, count(*) FROM p GROUP BY id;
CREATE MATERIALIZED VIEW filled AS SELECT 1 AS one;
CREATE INDEX filled_one ON filled (one);
ALTER MATERIALIZED VIEW filled ALTER one SET STATISTICS 7;
"""

_HEAD = re.compile(
    r"^--\n-- TOC entry (?P<number>\d+) \(class \d+ OID \d+\)\n(?:-- Dependencies:(?P<needs>[ \d]+)\n)?"
    r"-- Name: (?P<tag>.*); Type: (?P<kind>[A-Z ]+); Schema: (?P<schema>.*); Owner: (?P<owner>.*)\n"
    r"(?:-- Data Pos: \d+\n)?--\n",
    re.MULTILINE,
)


@pytest.fixture
def dumped(make_database: Callable[..., str], tmp_path: Path) -> Path:
    """An archive of a database with an object of every kind."""
    path = tmp_path / "archive"
    url = make_database(SETUP + MORE + _ODD)
    subprocess.run([binaries() / "pg_dump", "--schema-only", "-Fc", "-f", path, url], check=True)
    return path


def test_entries_are_those_that_pg_restore_writes(dumped: Path) -> None:
    read = archive.read(dumped.read_bytes())
    known = {entry.number: entry for entry in read.entries}

    script = _restored(dumped, "--verbose")
    cleaning = _restored(dumped, "--clean")
    lines = _restored(dumped, "--list").splitlines()
    heads = list(_HEAD.finditer(script))
    ends = [head.start() for head in heads[1:]] + [len(script)]

    made = [entry for entry in read.entries if entry.definition]
    assert [entry.number for entry in made] == [int(line.split(";")[0]) for line in lines if line[0] != ";"]
    assert {entry.number for entry in made} == {int(head["number"]) for head in heads}
    for head, end in zip(heads, ends, strict=True):
        entry = known[int(head["number"])]
        assert (entry.kind, entry.tag) == (head["kind"], head["tag"])
        assert (entry.schema, entry.owner) == (
            head["schema"].removeprefix("-"),
            head["owner"].removeprefix("-"),
        )
        assert set(entry.needs) == {int(number) for number in (head["needs"] or "").split()}
        assert script[head.end() : end].strip().startswith(entry.definition)
        assert entry.drop in cleaning
    assert {entry.kind for entry in made} >= {
        *("TABLE", "VIEW", "MATERIALIZED VIEW", "FUNCTION", "PROCEDURE", "AGGREGATE", "TRIGGER", "POLICY"),
        *("RULE", "TYPE", "DOMAIN", "SEQUENCE", "INDEX", "STATISTICS", "CONSTRAINT", "FK CONSTRAINT", "ACL"),
        *("CHECK CONSTRAINT", "COMMENT", "DEFAULT ACL", "EXTENSION", "SCHEMA", "PUBLICATION"),
    }


def test_an_archive_that_ends_early_or_is_of_another_format_is_told(dumped: Path) -> None:
    content = dumped.read_bytes()

    for broken in (content[:5], content[: len(content) // 2], b"PGDMP\x01\x7f" + content[7:], b"CREATE"):
        with pytest.raises(Broken):
            archive.read(broken)


def _restored(dumped: Path, *options: str) -> str:
    given = options if "--list" in options else (*options, "-f", "-")
    done = subprocess.run([binaries() / "pg_restore", *given, dumped], capture_output=True, check=True)
    return done.stdout.decode()

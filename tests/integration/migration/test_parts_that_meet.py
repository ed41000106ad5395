"""Statements of one script that meet each other's leftovers: every proof of the rehearsal holds."""

# ruff: noqa: E501 - SQL reads as SQL when a statement has one line

from __future__ import annotations

from contextlib import closing

import pytest

from bot.embedded import Server, binaries
from tests.plugins.bench import MakeTarget
from workorders.migration import sessions
from workorders.migration.rehearsal.proofs import rehearse

MADE_ANEW = """
CREATE TABLE bag (a int, b text);
CREATE TABLE keyed (id int PRIMARY KEY, b int, c text, d text);
CREATE TABLE gone (id int PRIMARY KEY, v text);
CREATE TABLE joined (k int NOT NULL REFERENCES keyed ON DELETE CASCADE ON UPDATE CASCADE, n int);
INSERT INTO bag SELECT g, 'x' || g FROM generate_series(1, 9) g;
INSERT INTO keyed SELECT g, g, 'c' || g, 'd' || g FROM generate_series(1, 9) g;
INSERT INTO gone SELECT g, 'v' || g FROM generate_series(1, 9) g;
INSERT INTO joined SELECT id, id FROM keyed;
"""

TWINS = """
CREATE TABLE parent (id char(6) PRIMARY KEY, v int UNIQUE, w int, z int);
CREATE UNIQUE INDEX parent_w ON parent (w, z);
CREATE TABLE child (id int PRIMARY KEY, p char(6) NOT NULL REFERENCES parent ON DELETE CASCADE);
CREATE TABLE other (p char(6) REFERENCES parent, n int, PRIMARY KEY (p, n));
INSERT INTO parent SELECT 'k' || g, g, g, g FROM generate_series(1, 9) g;
INSERT INTO child SELECT v, id FROM parent;
INSERT INTO other SELECT id, v FROM parent;
"""


@pytest.mark.parametrize(
    ("setup", "script"),
    [
        pytest.param(
            MADE_ANEW,
            "DROP TABLE bag; CREATE TABLE bag (id bigint GENERATED ALWAYS AS IDENTITY, c text NOT NULL DEFAULT 'z');"
            " CREATE TABLE made AS SELECT k, n FROM joined; ALTER TABLE made ADD id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY, ADD FOREIGN KEY (k) REFERENCES keyed;"
            " DROP TABLE joined; DROP TABLE gone; CREATE TABLE gone (id int PRIMARY KEY, v text, w text);"
            " ALTER TABLE keyed DROP COLUMN b; ALTER TABLE keyed ADD COLUMN b int DEFAULT 0;"
            " ALTER TABLE keyed RENAME c TO e; ALTER TABLE keyed DROP COLUMN e; ALTER TABLE keyed RENAME d TO c",
            id="what is dropped is made anew",
        ),
        pytest.param(
            TWINS,
            "ALTER TABLE child ALTER p TYPE varchar(9); ALTER TABLE parent ALTER v TYPE bigint, ALTER w TYPE bigint;"
            " ALTER TABLE child DROP CONSTRAINT child_p_fkey; ALTER TABLE parent DROP CONSTRAINT parent_v_key; DROP INDEX parent_w",
            id="what a twin left is dropped in sight",
        ),
        pytest.param(
            TWINS,
            "ALTER TABLE child ALTER p TYPE varchar(9); DROP TABLE parent CASCADE",
            id="what a twin left points at is dropped",
        ),
        pytest.param(
            TWINS,
            "ALTER TABLE child ALTER p TYPE varchar(9); ALTER TABLE parent ALTER w TYPE bigint, DROP COLUMN z;"
            " ALTER TABLE parent ALTER id TYPE varchar(9)",
            id="a twin on both sides of a foreign key",
        ),
    ],
)
def test_every_proof_holds(make_target: MakeTarget, shadow_server: Server, setup: str, script: str) -> None:
    dsn = make_target(setup)
    with closing(sessions.connect(dsn)) as target:
        found = rehearse(target, dsn, script, shadow_server, binaries())

    assert found.holds, found.problems

"""A target of one small schema, and a rehearsal on it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import pytest

from bot.embedded import Server, binaries
from tests.plugins.bench import MakeTarget
from workorders.migration import sessions
from workorders.migration.plan import Plan
from workorders.migration.rehearsal.proofs import Rehearsal, rehearse

SETUP = """
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, a int, b int NOT NULL, c text DEFAULT 'x',
    k int REFERENCES p ON DELETE CASCADE,
    CONSTRAINT positive CHECK (b > 0));
CREATE INDEX tb ON t (b);
INSERT INTO p SELECT g FROM generate_series(1, 5) g;
INSERT INTO t SELECT g, g, g, 'c' || g, g % 5 + 1 FROM generate_series(1, 30) g;
CREATE TABLE log (n int PRIMARY KEY, what text);
CREATE TABLE w (id int PRIMARY KEY, v int);
INSERT INTO w SELECT g, g FROM generate_series(1, 9) g;
CREATE VIEW seen AS SELECT id, v FROM w;
CREATE SEQUENCE lone;
CREATE FUNCTION logging() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN INSERT INTO log VALUES (OLD.id, 'was ' || OLD.v); RETURN NULL; END$$;
CREATE TRIGGER logging AFTER UPDATE ON w FOR EACH ROW EXECUTE FUNCTION logging();
"""

Rehearse = Callable[..., Rehearsal]


@pytest.fixture
def rehearsed(make_target: MakeTarget, shadow_server: Server) -> Rehearse:
    """`rehearsed(sql, alter=..., before=...)` on a target of SETUP, to which `before` is told first."""

    def run(
        sql: str,
        alter: Callable[[Plan], Plan] = lambda plan: plan,
        before: Callable[[str], None] = lambda _: None,
    ) -> Rehearsal:
        dsn = make_target(SETUP)
        before(dsn)
        with closing(sessions.connect(dsn)) as target:
            return rehearse(target, dsn, sql, shadow_server, binaries(), alter=alter)

    return run

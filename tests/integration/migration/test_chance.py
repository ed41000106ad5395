"""What the plain SQL leaves to chance does not count against a plan; everything else does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.embedded import Server, binaries
from tests.plugins.bench import MakeTarget
from workorders.migration import sessions
from workorders.migration.plan import Plan
from workorders.migration.rehearsal.proofs import Rehearsal, rehearse

#: Rows that do not lie in the order of their keys.
SETUP = """
CREATE TABLE t (id int PRIMARY KEY, v int);
INSERT INTO t SELECT (g * 7) % 23 + 1, g FROM generate_series(1, 22) g;
CREATE MATERIALIZED VIEW aged AS SELECT id, extract(epoch FROM now()) * id AS score FROM t;
CREATE TABLE broken AS SELECT * FROM t;
ALTER TABLE broken ADD CHECK (v > 30) NOT VALID;
CREATE TABLE keyless (v int); INSERT INTO keyless VALUES (1), (2);
CREATE TABLE partly (id int PRIMARY KEY, v int); INSERT INTO partly VALUES (1), (2);
CREATE PUBLICATION told FOR TABLE keyless, partly WHERE (v > 1);
"""


def _rehearsed(make_target: MakeTarget, server: Server, sql: str) -> Rehearsal:
    dsn = make_target(SETUP)
    target = sessions.connect(dsn)
    try:
        return rehearse(target, dsn, sql, server, binaries())
    finally:
        target.close()


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE t ADD n serial, ADD i int GENERATED ALWAYS AS IDENTITY, ADD r float8 DEFAULT random()",
        "UPDATE t SET v = 0 WHERE id = (SELECT id FROM t LIMIT 1)",
        "CREATE TABLE made AS SELECT id, random() AS r FROM broken",
        "ALTER TABLE t ADD b int; DROP MATERIALIZED VIEW aged",
        "CREATE VIEW made AS SELECT 'now'::timestamp AS at; ALTER TABLE t ADD at timestamp DEFAULT 'now'",
    ],
)
def test_which_row_gets_what_may_differ_where_the_plain_sql_says_nothing(
    sql: str, make_target: MakeTarget, shadow_server: Server
) -> None:
    rehearsal = _rehearsed(make_target, shadow_server, sql)

    assert rehearsal.problems == ()
    assert rehearsal.holds


def test_a_row_without_its_value_still_counts(make_target: MakeTarget, shadow_server: Server) -> None:
    dsn = make_target(SETUP)
    target = sessions.connect(dsn)

    def forgetful(plan: Plan) -> Plan:
        fill = plan.steps[1]
        assert fill.action.batches is not None
        batches = replace(fill.action.batches, rest=("SELECT 1",))
        steps = (plan.steps[0], replace(fill, action=replace(fill.action, batches=batches)))
        return replace(plan, steps=steps)

    rehearsal = rehearse(
        target, dsn, "ALTER TABLE t ADD r float8 DEFAULT random()", shadow_server, binaries(), alter=forgetful
    )
    target.close()

    assert [proof.name for proof in rehearsal.proofs if proof.holds is False] == ["equivalence"]

"""Constraints that no online form or no way back could be promised for, each with what to do instead."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.plugins.bench import MakeTarget
from workorders.migration import engine, sessions
from workorders.migration.connections import Target
from workorders.migration.errors import Refused

_SETUP = """
CREATE TABLE p (id int PRIMARY KEY, u int UNIQUE DEFERRABLE, w int);
CREATE UNIQUE INDEX p_w ON p (w);
CREATE UNIQUE INDEX p_some ON p (w) WHERE w > 0;
CREATE TABLE c (id int, pid int REFERENCES p, w int REFERENCES p (w), at int4range,
    CONSTRAINT apart EXCLUDE USING gist (at WITH &&), CONSTRAINT small CHECK (id < 9) NOT ENFORCED);
ALTER TABLE c ADD CONSTRAINT filled NOT NULL id NOT VALID;
CREATE TABLE big (id int, at int4range, CONSTRAINT far EXCLUDE USING gist (at WITH &&));
INSERT INTO big SELECT generate_series(1, 15000);
CREATE VIEW seen AS SELECT 1 AS a;
CREATE TABLE halves (k int PRIMARY KEY, v int) PARTITION BY RANGE (k);
"""


@pytest.fixture
def target(make_target: MakeTarget) -> Iterator[Target]:
    connection = sessions.connect(make_target(_SETUP))
    yield connection
    connection.close()


_REFUSED = (
    ("ALTER TABLE c ADD FOREIGN KEY (id) REFERENCES nowhere", "no table nowhere", "name"),
    ("ALTER TABLE c ADD FOREIGN KEY (nothing) REFERENCES p", "no column nothing", "name"),
    ("ALTER TABLE c ADD FOREIGN KEY (id) REFERENCES p (nothing)", "no column nothing", "name"),
    ("ALTER TABLE c ADD FOREIGN KEY (id) REFERENCES c", "no primary key", "unique"),
    ("ALTER TABLE c ADD FOREIGN KEY (id, w) REFERENCES p", "2 columns of public.c for 1", "both sides"),
    ("ALTER TABLE c ADD FOREIGN KEY (id) REFERENCES p (u)", r"No unique constraint of public.p", "UNIQUE"),
    ("ALTER TABLE c ADD CONSTRAINT c_pid_fkey FOREIGN KEY (id) REFERENCES p", "already has", "name"),
    ("ALTER TABLE p ADD PRIMARY KEY (w)", "already has a primary key", "Drop"),
    ("ALTER TABLE c ADD PRIMARY KEY (id)", "filled of public.c is NOT VALID", "VALIDATE CONSTRAINT"),
    ("ALTER TABLE c ADD CONSTRAINT p_w UNIQUE (w)", "already a relation public.p_w", "name"),
    ("ALTER TABLE big ADD EXCLUDE USING gist (at WITH =)", "no online form", "new table"),
    ("ALTER TABLE big ADD UNIQUE (id, at WITHOUT OVERLAPS)", "no online form", "new table"),
    ("ALTER TABLE halves ADD UNIQUE USING INDEX halves_pkey", "without a", "CONCURRENTLY one"),
    ("ALTER TABLE p ADD UNIQUE USING INDEX nothing", "no index nothing", "name"),
    ("ALTER TABLE p ADD UNIQUE USING INDEX p_some", "not a unique, valid index", "CONCURRENTLY"),
    ("ALTER TABLE p ADD UNIQUE USING INDEX p_pkey", "not a unique, valid index", "CONCURRENTLY"),
    ("ALTER TABLE p ADD UNIQUE USING INDEX p_w", "c_w_fkey of public.c points at p_w", "c_w_fkey"),
    ("ALTER TABLE p DROP CONSTRAINT p_pkey", "c_pid_fkey of public.c needs p_pkey", "CASCADE"),
    ("ALTER TABLE big DROP CONSTRAINT far", "overlapping", "by hand"),
    ("ALTER TABLE c DROP CONSTRAINT nothing", "no constraint nothing", "name"),
    ("ALTER TABLE c VALIDATE CONSTRAINT nothing", "no constraint nothing", "name"),
    ("ALTER TABLE c VALIDATE CONSTRAINT small", "NOT ENFORCED", "out of this script"),
    ("ALTER TABLE c VALIDATE CONSTRAINT apart", "no CHECK and no foreign key", "out of this script"),
    ("ALTER TABLE p ALTER CONSTRAINT p_u_key NOT DEFERRABLE", "no foreign key", "Drop it and add it"),
)


@pytest.mark.parametrize(("statement", "reason", "move"), _REFUSED, ids=lambda value: str(value)[12:60])
def test_a_key_that_cannot_be_promised_is_refused_with_the_next_move(
    target: Target, statement: str, reason: str, move: str
) -> None:
    with pytest.raises(Refused, match=reason) as refused:
        engine.prepare(target, f"ALTER TABLE c ADD z int;\n{statement};")

    (problem,) = refused.value.problems
    assert problem.line == 2
    assert move in problem.next_move


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE c DROP CONSTRAINT IF EXISTS nothing",
        "ALTER TABLE c VALIDATE CONSTRAINT c_pid_fkey",
        "ALTER TABLE c ALTER CONSTRAINT c_pid_fkey NOT DEFERRABLE",
        "ALTER TABLE c ALTER CONSTRAINT c_pid_fkey ENFORCED",
    ],
)
def test_what_is_as_it_should_be_is_a_plan_without_steps(target: Target, statement: str) -> None:
    assert engine.prepare(target, statement).plan.steps == ()


def test_the_hazard_names_a_foreign_key_that_no_index_serves(target: Target) -> None:
    bare = engine.prepare(target, "ALTER TABLE c ADD FOREIGN KEY (id) REFERENCES p").plan
    served = engine.prepare(
        target, "CREATE INDEX ON c (id, w); ALTER TABLE c ADD FOREIGN KEY (id) REFERENCES p"
    ).plan

    assert "no index of public.c begins with (id)" in bare.statements[0].hazards[0]
    assert "no index" not in served.statements[1].hazards[0]
    # Nor is one added that the SQL does not give.
    assert not any("INDEX" in sql for step in bare.steps for sql in step.action.sql)


def test_rows_that_break_a_new_key_are_counted_beforehand(target: Target) -> None:
    target.execute("INSERT INTO p VALUES (1, 1, 1), (2, 2, 2)")
    target.execute("INSERT INTO c (id, w, pid) VALUES (7, 1, 1), (8, 1, 1), (2, NULL, NULL)")

    def problems(sql: str) -> list[str]:
        return [each.reason for each in engine.run_checks(target, engine.prepare(target, sql).plan)]

    assert problems("ALTER TABLE c ADD FOREIGN KEY (id) REFERENCES p") == [
        "2 rows of public.c have values in (id) that public.p does not have."
    ]
    assert problems("ALTER TABLE c ADD FOREIGN KEY (id) REFERENCES p NOT VALID") == []
    assert problems("ALTER TABLE c ADD UNIQUE (w), ADD UNIQUE (id)") == [
        "1 values of (w) occur more than once in public.c."
    ]
    assert problems("ALTER TABLE c ADD UNIQUE (w, pid)") == [
        "1 values of (w, pid) occur more than once in public.c."
    ]
    # What the script itself changes before decides, on either side.
    assert problems("UPDATE p SET w = w + 1; ALTER TABLE c ADD FOREIGN KEY (id) REFERENCES p (w)") == []
    assert (
        problems("CREATE TABLE q (id int PRIMARY KEY); ALTER TABLE c ADD FOREIGN KEY (id) REFERENCES q") == []
    )

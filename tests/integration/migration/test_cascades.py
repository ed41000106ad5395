"""What CASCADE takes comes back among what was written since, or is refused by its name beforehand."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from bot.embedded import Server
from tests.integration.migration.application import refused_otherwise, selected, sent
from tests.laws import runs
from tests.plugins.bench import MakeTarget
from workorders.migration.settle import Decision, Undecided

SETUP = """
CREATE SCHEMA s; CREATE SCHEMA r;
CREATE FUNCTION r.f(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + 1';
CREATE TABLE s.p (id int PRIMARY KEY, n int);
CREATE TABLE out (id int PRIMARY KEY, p int CONSTRAINT to_p REFERENCES s.p,
    n int CONSTRAINT of_f CHECK (r.f(n) > 1));
INSERT INTO s.p SELECT g, g FROM generate_series(1, 5) g;
INSERT INTO out SELECT g, g, g FROM generate_series(1, 5) g;
"""

#: Each with what is said of it.
_REFUSED = {
    "DROP SCHEMA s": r"table s\.p needs schema s, so the server would refuse",
    "DROP SCHEMA public CASCADE": r"public came with the database",
    "DROP SCHEMA held CASCADE": r"extension hstore",
    "DROP SCHEMA typed CASCADE": r"table public\.holder needs typed\.row",
    "DROP SCHEMA within CASCADE": r"function within\.b, which is called by its name",
    "DROP SCHEMA published": r"names the tables of a schema, and to give that back takes a superuser",
    "DROP SCHEMA owned CASCADE": r"default privileges for what .* makes",
    "DROP FUNCTION divides CASCADE": r"divided, which is partitioned by what is dropped",
    "DROP FUNCTION two(int) CASCADE; CREATE FUNCTION two(int) RETURNS int LANGUAGE sql AS 'SELECT 1'": (
        r"public\.two that this script has dropped stays in its place"
    ),
    "DROP SEQUENCE drawn": r"view public\.of_drawn needs the sequence public\.drawn",
    "DROP SEQUENCE checked CASCADE": r"table public\.of_checked needs the sequence",
    "DROP EXTENSION pg_trgm": r"table public\.alike needs extension pg_trgm, so the server would refuse",
    "DROP EXTENSION pg_trgm CASCADE": r"take along table public\.alike, or a part of it",
    "DROP EXTENSION btree_gist CASCADE": r"take along constraint public\.excludes no_two",
    "DROP EXTENSION citext; CREATE EXTENSION citext": r"citext that this script has dropped stays",
}

_HARD = """
CREATE SCHEMA held CREATE TABLE x (id int); CREATE EXTENSION hstore SCHEMA held; CREATE EXTENSION citext;
CREATE SCHEMA typed CREATE TABLE row (id int); CREATE TABLE holder (r typed.row);
CREATE SCHEMA within; CREATE FUNCTION within.b(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION within.a(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT within.b($1)';
CREATE TABLE calling (n int CHECK (within.a(n) > 0));
CREATE FUNCTION divides(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1';
CREATE TABLE divided (n int) PARTITION BY LIST (divides(n));
CREATE FUNCTION two(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION two(text) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
CREATE TABLE of_two (n int CHECK (two(n) > 0));
CREATE SEQUENCE drawn; CREATE VIEW of_drawn AS SELECT nextval('drawn');
CREATE SEQUENCE checked; CREATE TABLE of_checked (n int CHECK (nextval('checked') > n));
CREATE EXTENSION pg_trgm; CREATE TABLE alike (v text CHECK (v % 'x'));
CREATE EXTENSION btree_gist; CREATE TABLE excludes (id int, CONSTRAINT no_two EXCLUDE USING gist (id WITH =));
CREATE SCHEMA owned; CREATE SCHEMA published;
"""


def _counted(dsn: str, run: str) -> list[tuple[str, int]]:
    with pytest.raises(Undecided) as caught:
        runs.rolled_back(dsn, run)
    return [(count.misfit.reason, count.rows) for count in caught.value.counts]


def test_what_could_not_come_back_is_refused_by_its_name(
    make_target: MakeTarget, postgres_server: Server
) -> None:
    dsn = make_target(SETUP + _HARD)
    sent(
        postgres_server.dsn(urlsplit(dsn).path[1:]),
        "ALTER DEFAULT PRIVILEGES IN SCHEMA owned GRANT SELECT ON TABLES TO PUBLIC;"
        " CREATE PUBLICATION whole FOR TABLES IN SCHEMA published",
    )

    assert refused_otherwise(dsn, _REFUSED) == {}


def test_rows_written_after_a_schema_went_stay_and_those_without_a_parent_are_named(
    make_target: MakeTarget,
) -> None:
    dsn = make_target(SETUP)
    before = runs.state(dsn)
    plan = runs.planned(dsn, "DROP SCHEMA s CASCADE; CREATE SCHEMA s; CREATE TABLE s.p (id int)")
    runs.executed(dsn, plan)
    sent(dsn, "INSERT INTO out VALUES (6, 5, 6), (7, 99, 7); DELETE FROM out WHERE id = 1")

    assert _counted(dsn, plan.run) == [("public.out had the constraint to_p", 1)]
    outcome = runs.rolled_back(dsn, plan.run, Decision(set_aside=True))

    assert outcome.state == "rolled_back"
    assert before.schema == runs.state(dsn).schema
    assert selected(dsn, "SELECT id, p FROM out ORDER BY id") == [(2, 2), (3, 3), (4, 4), (5, 5), (6, 5)]
    assert selected(dsn, "SELECT count(*) FROM s.p") == [(5,)]


def test_rows_are_counted_with_a_function_that_is_gone_and_made_otherwise(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    before = runs.state(dsn)
    plan = runs.planned(
        dsn,
        "DROP FUNCTION r.f CASCADE; CREATE FUNCTION r.f(int) RETURNS int LANGUAGE sql AS 'SELECT 100'",
    )
    runs.executed(dsn, plan)
    sent(dsn, "INSERT INTO out VALUES (6, 5, 0), (7, 5, 7)")

    assert _counted(dsn, plan.run) == [("public.out had the constraint of_f", 1)]
    sent(dsn, "DELETE FROM out WHERE id > 5")
    runs.rolled_back(dsn, plan.run)

    assert before.differences(runs.state(dsn)) == []


def test_a_function_that_stayed_in_its_place_is_not_purged_after_a_rollback(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP + _HARD)
    before = runs.state(dsn)
    plan = runs.planned(dsn, "DROP FUNCTION two(int) CASCADE; DROP EXTENSION citext")
    runs.executed(dsn, plan)

    runs.rolled_back(dsn, plan.run)
    sent(dsn, "ALTER TABLE of_two DROP CONSTRAINT of_two_n_check")
    runs.purged(dsn, plan.run)

    assert [str(each) for each in before.differences(runs.state(dsn))] == [
        "constraint public.of_two.of_two_n_check is missing"
    ]

"""Partitions that come and go with rows written meanwhile, and what is refused of them by name."""

# ruff: noqa: E501 - SQL reads as SQL when a statement has one line

from __future__ import annotations

import psycopg
import pytest

from tests.integration.migration.application import run_of, selected, sent
from tests.laws import runs
from tests.plugins.bench import MakeTarget
from workorders.migration.errors import Refused
from workorders.migration.settle import Decision, Undecided

SETUP = """
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.v := upper(NEW.v) || '!'; RETURN NEW; END$$;
CREATE TABLE day (id int PRIMARY KEY, k int); CREATE TABLE elsewhere (id int, k int);
CREATE TABLE a (k int NOT NULL, v text, day int REFERENCES day) PARTITION BY RANGE (k);
CREATE TRIGGER shouting BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION shout(); CREATE INDEX ON a (v);
CREATE TABLE a_0 PARTITION OF a FOR VALUES FROM (0) TO (10); CREATE TABLE a_rest PARTITION OF a DEFAULT;
CREATE TABLE b (k int NOT NULL, v text) PARTITION BY RANGE (k); CREATE TABLE b_0 PARTITION OF b FOR VALUES FROM (0) TO (10);
CREATE TABLE n (id int GENERATED ALWAYS AS IDENTITY, k int) PARTITION BY LIST (k);
CREATE TABLE n_1 PARTITION OF n FOR VALUES IN (1) PARTITION BY LIST (k); CREATE TABLE n_1_1 PARTITION OF n_1 FOR VALUES IN (1);
CREATE INDEX of_b ON ONLY b (v); CREATE INDEX of_b_0 ON b_0 (v);
CREATE TABLE goal (k int PRIMARY KEY) PARTITION BY LIST (k); CREATE TABLE goal_1 PARTITION OF goal FOR VALUES IN (1);
CREATE TABLE points (k int CONSTRAINT to_goal REFERENCES goal); CREATE TABLE heir () INHERITS (day);
INSERT INTO a SELECT g, 'a' FROM generate_series(1, 25, 4) g; INSERT INTO b SELECT g, 'b' FROM generate_series(1, 9) g;
"""


def test_rows_of_a_new_partition_go_where_they_would_have_gone(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    before = runs.state(dsn).schema
    # Made beside a DEFAULT partition that holds rows of other bounds.
    run = run_of(dsn, "CREATE TABLE a_3 PARTITION OF a FOR VALUES FROM (30) TO (40)")
    sent(dsn, "INSERT INTO a VALUES (31, 'later'), (50, 'other')")
    assert selected(dsn, "SELECT v FROM a_3") == [("LATER!",)]

    runs.rolled_back(dsn, run)

    assert selected(dsn, "SELECT k, v FROM a_rest WHERE k > 30 ORDER BY k") == [
        (31, "LATER!"),
        (50, "OTHER!"),
    ]
    assert before == runs.state(dsn).schema

    # Without a DEFAULT partition the old schema has no place for them.
    run = run_of(dsn, "CREATE TABLE b_1 PARTITION OF b FOR VALUES FROM (10) TO (20)")
    sent(dsn, "INSERT INTO b VALUES (11, 'later'), (12, 'later')")
    with pytest.raises(Undecided, match=r"2 rows of public.b cannot go back: public.b had no partition"):
        runs.rolled_back(dsn, run)
    assert selected(dsn, "SELECT count(*) FROM b_1") == [(2,)]
    runs.rolled_back(dsn, run, Decision(fill={"k": "t.k - 10"}))
    assert selected(dsn, "SELECT k FROM b_0 WHERE v = 'later' ORDER BY k") == [(1,), (2,)]
    assert before == runs.state(dsn).schema


def test_a_former_partition_takes_its_rows_back(make_target: MakeTarget) -> None:
    for sql, is_there in (("ALTER TABLE a DETACH PARTITION a_0", True), ("DROP TABLE a_0", False)):
        dsn = make_target(SETUP)
        before = runs.state(dsn).schema
        held = selected(dsn, "SELECT * FROM a_0 ORDER BY k")
        run = run_of(dsn, sql)
        assert selected(dsn, "SELECT count(*) FROM a WHERE k < 10") == [(0,)]
        sent(dsn, "INSERT INTO a VALUES (3, 'later'), (70, 'other')")
        if is_there:
            sent(dsn, "INSERT INTO a_0 VALUES (77, 'alone')")
            with pytest.raises(Undecided, match=r"1 row of public.a_0 .* was the partition FOR VALUES FROM"):
                runs.rolled_back(dsn, run)

        runs.rolled_back(dsn, run, Decision(set_aside=True))

        assert selected(dsn, "SELECT * FROM a_0 ORDER BY k") == sorted([*held, (3, "LATER!", None)])
        assert selected(dsn, "SELECT k FROM a_rest WHERE k NOT BETWEEN 10 AND 30") == [(70,)]
        assert before == runs.state(dsn).schema


def test_attaching_reads_no_row_under_its_lock(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    sent(
        dsn,
        "CREATE TABLE a_4 (LIKE a); INSERT INTO a_4 SELECT 40 + g % 10, 'x' FROM generate_series(1, 100) g",
    )
    plan = runs.planned(dsn, "ALTER TABLE a ATTACH PARTITION a_4 FOR VALUES FROM (40) TO (50)")
    told: list[str] = []
    with psycopg.connect(dsn, autocommit=True) as app:
        app.add_notice_handler(lambda notice: told.append(str(notice.message_primary)))
        app.execute("SET client_min_messages = debug1")
        for step in plan.steps:
            told.append(step.action.title)
            for statement in step.action.sql:
                app.execute(statement.encode())

    attached = told[told.index("attach public.a_4 to public.a") :]
    assert [each for each in attached if each.startswith("partition constraint for table")] == [
        'partition constraint for table "a_4" is implied by existing constraints'
    ]
    assert any(each.startswith("updated partition constraint for default partition") for each in attached)
    assert not any(each.startswith(("verifying", "building index")) for each in attached)


_REFUSED = {
    "CREATE TABLE x () INHERITS (a)": "is partitioned: no table can inherit",
    "CREATE TABLE x () INHERITS (a_0)": "is a partition: no table can inherit",
    "ALTER TABLE a_0 INHERIT day": "is a partition and inherits nothing else",
    "ALTER TABLE a DETACH PARTITION a_0 FINALIZE": "never left half done",
    "ALTER TABLE n DETACH PARTITION n_1": "id is an identity column",
    "DROP TABLE goal_1": "to_goal of public.points points at public.goal",
    "ALTER TABLE a_0 ADD COLUMN c int": "is for its parent to say",
    "ALTER TABLE ONLY a ADD COLUMN c int": "would leave its partitions otherwise",
    "CREATE INDEX CONCURRENTLY ON a (k)": "the server refuses it",
    "ALTER INDEX of_b ATTACH PARTITION of_b_0": "no server detaches an index again",
    "DROP INDEX a_0_v_idx": "is a part of public.a_v_idx",
    "ALTER TABLE a DROP COLUMN k": "is part of the partition key",
    "ALTER TABLE a ATTACH PARTITION elsewhere FOR VALUES FROM (50) TO (60)": "of public.a may not",
    "CREATE TABLE x PARTITION OF day FOR VALUES IN (1)": "public.day is not partitioned",
    "CREATE TABLE x PARTITION OF a FOR VALUES FROM (now()::text::int) TO (90)": "plain values",
}


def test_what_has_no_way_back_is_refused_by_name(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    for sql, why in _REFUSED.items():
        with pytest.raises(Refused, match=why):
            runs.planned(dsn, sql)

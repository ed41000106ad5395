from __future__ import annotations

import pytest

from workorders.migration.hazards import HAZARDS
from workorders.migration.hazards.examples import SCHEMA
from workorders.migration.hazards.hazard import Hazard
from workorders.migration.hazards.linting import Linted, lint
from workorders.migration.hazards.types import Cost, cost

#: True of a new or an empty table as well.
_OF_ANY_TABLE = {
    *("foreign-key-without-index", "concurrently-in-transaction", "enum-label-used-at-once"),
    *("session-setting", "lock-timeout-off"),
}


def _ids(linted: Linted) -> list[str]:
    return [finding.hazard.id for finding in linted.findings if not finding.hazard.is_note]


@pytest.mark.parametrize("hazard", HAZARDS, ids=lambda hazard: hazard.id)
def test_nothing_is_said_of_what_the_script_makes_itself(hazard: Hazard) -> None:
    made = lint(f"{SCHEMA}\n{hazard.prepare}\n{hazard.bad}")

    assert hazard.id not in _ids(made) or hazard.id in _OF_ANY_TABLE


def test_ids_are_unique_and_every_record_says_everything() -> None:
    assert len({hazard.id for hazard in HAZARDS}) == len(HAZARDS)
    assert all(hazard.effect.words for hazard in HAZARDS)
    assert all(text.endswith(".") for hazard in HAZARDS for text in (hazard.condition, hazard.consequence))


def test_a_table_renamed_by_the_script_stays_what_it_was() -> None:
    linted = lint(
        "CREATE TABLE a (id int);\nALTER TABLE a RENAME TO b;\nDROP TABLE b;\n"
        "ALTER TABLE old RENAME TO kept;\nDROP TABLE kept;"
    )

    assert [(each.hazard.id, each.line) for each in linted.findings if not each.hazard.is_note] == [
        ("rename-table", 4),
        ("drop-table", 5),
    ]


def test_name_with_its_schema_is_told_from_another() -> None:
    assert _ids(lint("CREATE TABLE a.t (id int); DROP TABLE b.t;")) == ["drop-table"]
    assert (
        _ids(lint("CREATE TABLE a.t (id int); DROP TABLE a.t; CREATE TABLE u (id int); DROP TABLE p.u;"))
        == []
    )


def test_check_that_is_validated_in_time_proves_not_null() -> None:
    proof = "ALTER TABLE t ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID;"
    validate, end = "ALTER TABLE t VALIDATE CONSTRAINT c;", "ALTER TABLE t ALTER a SET NOT NULL;"

    assert _ids(lint(proof + validate + end)) == []
    assert _ids(lint(proof + end)) == ["set-not-null"]
    assert _ids(lint(proof + validate + end.replace("ALTER a", "ALTER b"))) == ["set-not-null"]
    assert _ids(lint(proof + validate + "ALTER TABLE t DROP CONSTRAINT c;" + end)) == ["set-not-null"]


def test_function_of_the_script_is_volatile_unless_it_says_otherwise() -> None:
    function = "CREATE FUNCTION f() RETURNS int LANGUAGE sql {} AS 'SELECT 1';"
    column = "ALTER TABLE t ADD a int DEFAULT f();"

    assert _ids(lint(function.format("") + column)) == ["add-column-volatile-default"]
    assert _ids(lint(function.format("STABLE") + column)) == []
    assert _ids(lint(column)) == []  # nobody can tell


def test_label_of_an_enum_of_the_same_transaction_may_be_used() -> None:
    create, add = "CREATE TYPE size AS ENUM ('s');", "ALTER TYPE size ADD VALUE 'm';"
    use = "UPDATE t SET a = 'm' WHERE id = 1;"

    assert _ids(lint(f"BEGIN; {create} {add} {use} COMMIT;")) == []
    assert _ids(lint(f"{create} BEGIN; {add} {use} COMMIT;")) == ["enum-label-used-at-once"]
    assert _ids(lint(f"{create} {add} {use}")) == []


def test_statements_of_a_block_are_judged_on_its_line() -> None:
    linted = lint(
        "\nDO $$ BEGIN\n  UPDATE customers SET points = 0;\n  CREATE INDEX ON orders (id);\nEND $$;"
    )

    assert [(each.hazard.id, each.line) for each in linted.findings] == [
        ("write-all-rows", 2),
        ("create-index", 2),
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("character varying(20)", "character varying(40)", Cost.NOTHING),
        ("character varying(40)", "character varying(20)", Cost.WRITTEN),
        ("character varying(40)", "text", Cost.NOTHING),
        ("text", "character varying(40)", Cost.WRITTEN),
        ("text", "character varying", Cost.NOTHING),
        ("character(10)", "text", Cost.WRITTEN),
        ("numeric(10,2)", "numeric(12,2)", Cost.NOTHING),
        ("numeric(10,2)", "numeric(12,4)", Cost.WRITTEN),
        ("numeric(10,2)", "numeric", Cost.NOTHING),
        ("numeric", "numeric(10,2)", Cost.WRITTEN),
        ("timestamp(3) without time zone", "timestamp(6) without time zone", Cost.NOTHING),
        ("timestamp without time zone", "timestamp(3) without time zone", Cost.WRITTEN),
        ("timestamp without time zone", "timestamp with time zone", Cost.BY_TIME_ZONE),
        ("timestamp without time zone", "timestamp(3) with time zone", Cost.WRITTEN),
        ("bit varying(10)", "bit varying(20)", Cost.NOTHING),
        ("cidr", "inet", Cost.NOTHING),
        ("integer", "bigint", Cost.WRITTEN),
        ("text", "jsonb", Cost.WRITTEN),
    ],
)
def test_change_of_type_costs_what_was_measured(old: str, new: str, expected: Cost) -> None:
    assert cost(old, new) is expected


def test_allowance_is_for_the_one_statement_that_follows() -> None:
    linted = lint(
        "-- lockkeeper: allow drop-table because it was copied\nDROP TABLE a; DROP TABLE b;\nDROP TABLE c;"
    )

    assert [each.allowed_because for each in linted.findings if not each.hazard.is_note] == [
        "it was copied",
        "",
        "",
    ]
    assert len(linted.hazards) == 2
    assert linted.unused == ()


def test_allowance_is_for_its_hazard_alone_and_several_may_stand_together() -> None:
    script = "ALTER TABLE t DROP COLUMN a, ALTER b SET NOT NULL;"
    one, two = "-- lockkeeper: allow drop-column because x\n", "-- lockkeeper: allow set-not-null because y\n"

    assert [each.hazard.id for each in lint(one + script).hazards] == ["set-not-null"]
    assert lint(one + two + script).hazards == ()


def test_allowance_that_allows_nothing_is_reported() -> None:
    linted = lint(
        "-- lockkeeper: allow drop-table because x\nSELECT 1;\n"
        "DROP TABLE a;\n-- lockkeeper: allow drop-table because too late"
    )

    assert [each.line for each in linted.unused] == [1, 4]
    assert len(linted.hazards) == 1


@pytest.mark.parametrize(
    "comment",
    [
        "allow drop-table",
        "allow drop-table because",
        "allow because x",
        "drop-table because x",
        "allow drop-tabel because x",
    ],
)
def test_comment_that_is_no_allowance_is_a_problem_with_its_place(comment: str) -> None:
    linted = lint(f"SELECT 1;\n  -- lockkeeper: {comment}\nDROP TABLE a;")

    (problem,) = linted.problems
    assert (problem.line, problem.column) == (2, 3)
    assert len(linted.hazards) == 1


def test_unknown_hazard_is_answered_with_the_nearest() -> None:
    (problem,) = lint("-- lockkeeper: allow drop-tabel because x\nDROP TABLE a;").problems

    assert "Did you mean drop-table?" in str(problem)


def test_comment_inside_a_string_or_a_block_comment_allows_nothing() -> None:
    comment = "-- lockkeeper: allow drop-table because x"

    assert len(lint(f"SELECT '\n{comment}\n';\nDROP TABLE a;").hazards) == 1
    assert len(lint(f"/*\n{comment}\n*/ DROP TABLE a;").hazards) == 1


def test_places_count_characters_after_a_byte_order_mark_and_beyond_ascii() -> None:
    linted = lint("\ufeffSELECT 'ä€'; -- lockkeeper: nonsense\nDROP TABLE ä;")

    assert (linted.problems[0].line, linted.problems[0].column) == (1, 14)
    assert linted.hazards[0].line == 2


def test_psql_command_is_called_what_it_is() -> None:
    (problem,) = lint("SELECT 1;\n  \\connect shop\nDROP TABLE a;").problems

    assert problem.line == 2
    assert str(problem).startswith("line 2, column 3: \\connect is a command of psql's")


def test_sql_that_cannot_be_read_is_a_problem_with_line_and_column() -> None:
    (problem,) = lint("SELECT 1;\nALTER TABEL t;").problems

    assert (problem.line, problem.column) == (2, 7)


def test_note_is_said_once_and_not_where_a_timeout_is_set() -> None:
    script = "ALTER TABLE a ADD x int; ALTER TABLE b ADD x int;"

    assert [each.hazard.id for each in lint(script).findings] == ["no-lock-timeout"]
    assert lint(script).hazards == ()
    assert lint(f"SET lock_timeout = '1s'; {script}").findings == ()


#: One of each, so that none of them is read wrongly.
_STATEMENTS = """
REINDEX DATABASE x
REINDEX SCHEMA s
REINDEX INDEX i
CLUSTER
CLUSTER t
VACUUM
VACUUM FULL
VACUUM (FULL, ANALYZE) t, u
VACUUM (FULL false) t
ANALYZE t
DROP FUNCTION f(int) CASCADE
DROP TYPE ty CASCADE
DROP SCHEMA a CASCADE
DROP SCHEMA a, b
DROP TRIGGER g ON t
DROP VIEW v CASCADE
DROP EXTENSION e CASCADE
DROP CAST (int AS text) CASCADE
DROP OPERATOR + (int,int)
DROP POLICY p ON t
DROP AGGREGATE a(*)
DROP TABLE a.b.c
DROP OWNED BY x
ALTER TABLE ALL IN TABLESPACE a SET TABLESPACE b
CREATE INDEX ON t (a)
CREATE INDEX ON t ((a+1))
COMMENT ON COLUMN t.a IS 'x'
ALTER INDEX i ATTACH PARTITION j
CREATE TABLE x AS SELECT 1
SELECT 1 INTO y
CREATE FOREIGN TABLE ft (a int) SERVER s
ALTER VIEW v RENAME COLUMN a TO b
ALTER TYPE ct RENAME ATTRIBUTE a TO b
ALTER TABLE t RENAME CONSTRAINT a TO b
ALTER DOMAIN d RENAME CONSTRAINT a TO b
SET TIME ZONE INTERVAL '1' HOUR TO MINUTE
SET TIME ZONE LOCAL
SET LOCAL TIME ZONE DEFAULT
RESET ALL
SET search_path TO DEFAULT
SET lock_timeout TO DEFAULT
SET lock_timeout = '0'
SET lock_timeout = 0
SET lock_timeout='5s'
SET TRANSACTION READ ONLY
BEGIN
SAVEPOINT a
ROLLBACK TO a
COMMIT
ROLLBACK
PREPARE TRANSACTION 'x'
ALTER DOMAIN d SET NOT NULL
ALTER DOMAIN d DROP NOT NULL
ALTER DOMAIN d SET DEFAULT 1
ALTER DOMAIN d DROP CONSTRAINT c
ALTER DOMAIN d VALIDATE CONSTRAINT c
CREATE DOMAIN d AS int
CREATE TABLE t2 (LIKE t)
CREATE TABLE t3 OF ty
CREATE TABLE t4 (a int) INHERITS (t)
CREATE TEMP TABLE tt (a int)
UPDATE ONLY t SET a=1
UPDATE t SET a=1 WHERE true
DELETE FROM t USING u WHERE t.a=u.a
MERGE INTO t USING u ON true WHEN MATCHED THEN DELETE
WITH x AS (DELETE FROM t RETURNING *) INSERT INTO u SELECT * FROM x
TRUNCATE ONLY t
LOCK TABLE t IN ACCESS SHARE MODE
ALTER MATERIALIZED VIEW m RENAME TO n
ALTER MATERIALIZED VIEW m SET SCHEMA z
ALTER SEQUENCE s RENAME TO z
ALTER FOREIGN TABLE f DROP COLUMN a
ALTER TABLE t ALTER a ADD GENERATED ALWAYS AS IDENTITY
ALTER TABLE t ADD CONSTRAINT x NOT NULL a
ALTER TABLE t ADD CONSTRAINT x NOT NULL a NOT VALID
ALTER TABLE t ADD a int NOT NULL GENERATED ALWAYS AS (1) VIRTUAL
ALTER TABLE t ADD PRIMARY KEY (a, b)
ALTER TABLE t ADD UNIQUE NULLS NOT DISTINCT (a)
ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u
ALTER TABLE t ADD CHECK (a>0) NOT ENFORCED
ALTER TABLE t ALTER a TYPE mytype
ALTER TABLE t ALTER a TYPE int[]
ALTER TABLE t ALTER a TYPE s.ty(1,2) USING f(a)
ALTER TABLE t ALTER a TYPE interval(3)
ALTER TABLE t ALTER a TYPE interval year to month
ALTER TABLE t ALTER a TYPE timestamptz(3)
ALTER TABLE t ALTER a TYPE timestamp(6) without time zone
DO LANGUAGE plpython3u $$ x $$
CREATE FUNCTION f() RETURNS int LANGUAGE sql IMMUTABLE RETURN 1
CREATE PROCEDURE p() LANGUAGE sql AS ''
ALTER TABLE IF EXISTS t DROP COLUMN IF EXISTS a CASCADE
ALTER TABLE t DETACH PARTITION p FINALIZE
ALTER TABLE t ATTACH PARTITION p DEFAULT
CREATE TABLE p2 PARTITION OF t FOR VALUES IN (1)
CREATE TABLE p3 PARTITION OF t DEFAULT
ALTER INDEX i RENAME TO j
ALTER TYPE m ADD VALUE 'x' BEFORE 'y'
EXPLAIN ANALYZE DELETE FROM t
COPY t FROM STDIN
GRANT SELECT ON t TO x
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON ONLY t (a)
CREATE SCHEMA z CREATE TABLE q (a int) CREATE INDEX ON q (a)
CREATE RULE r AS ON DELETE TO t DO INSTEAD NOTHING
ALTER TABLE t ADD EXCLUDE USING gist (a WITH =)
ALTER TABLE t SET ACCESS METHOD heap
ALTER TABLE t SET TABLESPACE x
ALTER TABLE t ALTER a SET STORAGE plain
ALTER TABLE t INHERIT u
ALTER TABLE t OF ty
ALTER TABLE t ADD a int DEFAULT nextval('s'::regclass) UNIQUE
SELECT setval('s', 1)
"""


@pytest.mark.parametrize("before", ["", "BEGIN; ALTER TABLE t ADD z int; ALTER TYPE m ADD VALUE 'z'; "])
def test_every_kind_of_statement_can_be_judged(before: str) -> None:
    for statement in _STATEMENTS.strip().splitlines():
        assert lint(before + statement).problems == (), statement


def test_not_null_as_a_constraint_is_read_as_set_not_null() -> None:
    assert _ids(lint("ALTER TABLE t ADD CONSTRAINT c NOT NULL a;")) == ["set-not-null"]
    assert _ids(lint("ALTER TABLE t ADD CONSTRAINT c NOT NULL a NOT VALID;")) == []


def test_index_that_any_column_of_a_foreign_key_leads_serves_it() -> None:
    tables = "CREATE TABLE t (id int, of int, a int, b int); CREATE INDEX ON t (of, id);"

    assert _ids(lint(f"{tables} ALTER TABLE t ADD FOREIGN KEY (id, of) REFERENCES u (id, of);")) == []
    renamed = "ALTER TABLE t RENAME TO v; ALTER TABLE v RENAME of TO at;"
    assert _ids(lint(f"{tables} {renamed} ALTER TABLE v ADD FOREIGN KEY (at) REFERENCES u;")) == []
    assert _ids(lint(f"{tables} ALTER TABLE t ADD FOREIGN KEY (a, b) REFERENCES u (a, b);")) == [
        "foreign-key-without-index"
    ]


def test_table_that_the_script_fills_is_looked_up_under_a_lock_of_the_one_it_points_at() -> None:
    made, key = "CREATE TABLE t (id int PRIMARY KEY);", "ALTER TABLE t ADD FOREIGN KEY (id) REFERENCES u;"

    assert _ids(lint(f"{made} {key}")) == []
    assert _ids(lint(f"{made} INSERT INTO t VALUES (1); {key}")) == []
    assert _ids(lint(f"{made} INSERT INTO t SELECT id FROM u; {key}")) == ["add-foreign-key"]
    assert _ids(lint(f"{made} INSERT INTO t SELECT id FROM u; CREATE TABLE u (id int); {key}")) == []


def test_column_that_the_script_added_is_written_anew_by_its_next_type() -> None:
    assert _ids(lint("ALTER TABLE t ADD a int; ALTER TABLE t ALTER a TYPE text;")) == ["alter-type"]
    assert _ids(lint("ALTER TABLE t ADD a varchar(9); ALTER TABLE t ALTER a TYPE text;")) == []
    assert _ids(lint("CREATE TABLE t (); ALTER TABLE t ADD a int; ALTER TABLE t ALTER a TYPE text;")) == []


def test_condition_of_an_update_that_is_joined_is_told() -> None:
    plain, joined = lint("UPDATE t SET a = 1;"), lint("UPDATE t SET a = u.a FROM u;")

    assert "gives a row" not in plain.hazards[0].sentence
    assert "if what FROM names gives a row" in joined.hazards[0].sentence


def test_column_renamed_is_no_hazard_where_another_gets_its_name() -> None:
    rename = "ALTER TABLE t RENAME a TO old;"

    assert _ids(lint(rename)) == ["rename-column"]
    assert _ids(lint(f"{rename} ALTER TABLE t ADD b int, ADD a text;")) == []
    assert _ids(lint(f"{rename} ALTER TABLE u ADD a text;")) == ["rename-column"]
    assert _ids(lint(f"{rename} ALTER TABLE t RENAME b TO a;")) == ["rename-column"]  # b's own
    dropped, again = lint("ALTER TABLE t DROP a;"), lint("ALTER TABLE t DROP a, ADD a text;")
    assert "running application fails" in dropped.hazards[0].sentence
    assert "begins without them" in again.hazards[0].sentence


def test_lock_table_and_a_rename_hold_their_table_like_an_alter_table() -> None:
    of = "two-tables-in-one-transaction"

    locked = [
        (each.hazard.id, each.line)
        for each in lint(
            "BEGIN;\nLOCK TABLE a;\nLOCK TABLE b;\nDROP TABLE a;\nALTER TABLE b RENAME TO a;\n"
            "ALTER TABLE a DROP CONSTRAINT c;\nCOMMIT;"
        ).findings
    ]
    renamed = lint("BEGIN; ALTER TABLE a RENAME x TO y; UPDATE a SET y = 1 WHERE z; COMMIT;")

    assert [place for place in locked if place[0] == of] == [(of, 3)]
    assert ("no-lock-timeout", 2) in locked
    assert "write-under-lock" in _ids(renamed)

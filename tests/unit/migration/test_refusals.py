"""What is never run, and what is said instead."""

from __future__ import annotations

import pytest

from workorders.migration.errors import Refused, Unreadable
from workorders.migration.sql import script

NEVER = (
    "COPY t FROM PROGRAM 'id'",
    "COPY t TO '/tmp/t'",
    "COPY t FROM '/etc/passwd'",
    "COPY t FROM STDIN",
    "COMMIT",
    "END",
    "ROLLBACK",
    "SAVEPOINT a",
    "PREPARE TRANSACTION 'a'",
    "COMMIT PREPARED 'a'",
    "SET ROLE postgres",
    "RESET ROLE",
    "SET SESSION AUTHORIZATION a",
    "SET TIME ZONE INTERVAL '1' HOUR TO MINUTE",
    "SET LOCAL session_replication_role = replica",
    "RESET ALL",
    "RESET lock_timeout",
    "DISCARD ALL",
    "ALTER SYSTEM SET fsync = off",
    "LOAD 'auto_explain'",
    "CREATE ROLE a",
    "ALTER ROLE a SUPERUSER",
    "ALTER ROLE a SET lock_timeout = 0",
    "DROP ROLE a",
    "GRANT a TO b",
    "DROP OWNED BY a",
    "REASSIGN OWNED BY a TO b",
    "CREATE DATABASE a",
    "DROP DATABASE a",
    "ALTER DATABASE a SET work_mem = '1MB'",
    "CREATE TABLESPACE a LOCATION '/a'",
    "DROP TABLESPACE a",
    "CREATE EVENT TRIGGER a ON ddl_command_end EXECUTE FUNCTION f()",
    "DROP EVENT TRIGGER a",
    "CREATE FOREIGN TABLE a (b int) SERVER s",
    "DROP FOREIGN TABLE a",
    "IMPORT FOREIGN SCHEMA a FROM SERVER s INTO b",
    "CHECKPOINT",
    "LISTEN a",
    "NOTIFY a",
    "PREPARE a AS SELECT 1",
    "EXECUTE a",
    "DECLARE c CURSOR FOR SELECT 1",
    "SET CONSTRAINTS ALL DEFERRED",
    "SELECT pg_advisory_unlock_all()",
    "UPDATE t SET a = 1 WHERE pg_advisory_unlock(1)",
    "UPDATE t SET a = set_config('role', 'x', false)",
    "DELETE FROM t WHERE pg_catalog.pg_terminate_backend(a)",
    "UPDATE t SET a = lo_import('/etc/passwd')",
    "UPDATE t SET a = dblink_exec('x')",
    "SELECT pg_sleep(1)",
    "CALL p(pg_sleep(1))",
    "DO LANGUAGE plpython3u $$pass$$",
    "DO $$BEGIN COMMIT; END$$",
    "DO $$BEGIN PERFORM set_config('role', 'x', false); END$$",
    "DO $$BEGIN EXECUTE 'SELECT \"pg_terminate_backend\" (1)'; END$$",
    "DO $$BEGIN EXECUTE $q$SELECT dblink_exec ('x')$q$; END$$",
)


@pytest.mark.parametrize("statement", NEVER)
def test_a_statement_that_is_never_run_is_refused_with_its_line_and_the_next_move(statement: str) -> None:
    with pytest.raises(Refused) as refused:
        script.read(f"-- a comment; with a semicolon\n/* ünïcode ☃ */\n\n  {statement};\n")

    (problem,) = refused.value.problems
    assert problem.line == 4
    assert problem.reason.endswith((".", ":"))
    assert problem.next_move


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(Refused) as refused:
        script.read("ALTER TABLE t ADD a int;\nLOAD 'x';\nALTER TABLE t ADD b int;\nCREATE ROLE r;\nCOMMIT;")

    assert [problem.line for problem in refused.value.problems] == [2, 4, 5]


def test_a_block_may_hold_an_empty_constant() -> None:
    read = script.read("DO $$BEGIN UPDATE t SET a = ''; END$$; ALTER TABLE t RENAME a TO b")

    assert [each.statement_class.value for each in read.statements] == ["data", "modelled"]


def test_words_in_a_blocks_comments_are_no_calls() -> None:
    read = script.read("DO $$BEGIN -- set_config() is not called\nUPDATE t SET a = 'set_config'; END$$")

    assert len(read.statements) == 1


def test_block_with_an_empty_string_in_it_is_read() -> None:
    read = script.read("DO $$BEGIN UPDATE t SET a = ''; END$$")

    assert len(read.statements) == 1


@pytest.mark.parametrize("end", ["COMMIT", "END", "COMMIT WORK"])
@pytest.mark.parametrize("begin", ["BEGIN", "START TRANSACTION", "BEGIN ISOLATION LEVEL SERIALIZABLE"])
def test_a_balanced_transaction_is_only_a_grouping(begin: str, end: str) -> None:
    read = script.read(f"{begin};\nALTER TABLE t ADD a int;\n{end};\nBEGIN; ALTER TABLE t ADD b int; {end};")

    assert [statement.line for statement in read.statements] == [2, 4]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("BEGIN; ALTER TABLE t ADD a int", [1]),
        ("BEGIN; BEGIN; COMMIT", [1]),
        ("BEGIN;\nROLLBACK;\nCOMMIT", [2]),
        ("BEGIN;\nCOMMIT AND CHAIN;\nCOMMIT", [2]),
        ("BEGIN; COMMIT;\nCOMMIT", [2]),
    ],
)
def test_an_unbalanced_transaction_is_refused(text: str, lines: list[int]) -> None:
    with pytest.raises(Refused) as refused:
        script.read(text)

    assert [problem.line for problem in refused.value.problems] == lines


def test_timeouts_that_a_script_sets_are_left_out_and_noted() -> None:
    read = script.read(
        "SET lock_timeout = '2s';\nSET LOCAL statement_timeout TO 5;\nALTER TABLE t ADD a int;"
    )

    assert len(read.statements) == 1
    assert [note.split(":")[0] for note in read.notes] == ["line 1", "line 2"]


def test_a_setting_of_one_transaction_must_not_outlive_it() -> None:
    with pytest.raises(Refused, match="end with the COMMIT of line 2"):
        script.read("BEGIN; SET LOCAL timezone = 'utc';\nCOMMIT; UPDATE t SET a = now()")


@pytest.mark.parametrize("text", ["", "  \n", "-- only words\n", "/* a */;;", "BEGIN; COMMIT;", "\ufeff"])
def test_a_script_without_statements_is_read(text: str) -> None:
    assert script.read(text).statements == ()


def test_a_statement_stands_where_its_first_word_stands() -> None:
    text = (
        "\ufeff-- ä\nALTER TABLE t ADD a int; /* ; */ -- x\n\n/* ☃\n */ UPDATE t SET a = 1\n; DELETE FROM t"
    )

    read = script.read(text)

    assert [statement.line for statement in read.statements] == [2, 5, 6]
    assert [statement.text.split()[0] for statement in read.statements] == ["ALTER", "UPDATE", "DELETE"]
    assert read.text == text


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("ALTER TABLE t\n  ADDD a int", 2, 3),
        ("-- ü☃\nSELECT 'ü' FROM FROM", 2, 13),
        ("SELECT 1;\nSELECT \0", 2, 8),
        ("\\d t", 1, 1),
        ("SELECT 'open", 1, 8),
    ],
)
def test_what_cannot_be_read_is_told_with_line_and_column(text: str, line: int, column: int) -> None:
    with pytest.raises(Unreadable) as unreadable:
        script.read(text)

    assert (unreadable.value.line, unreadable.value.column) == (line, column)


def test_a_lone_surrogate_is_no_script() -> None:
    with pytest.raises(Unreadable, match="not valid Unicode"):
        script.read("SELECT '\udc80'")


@pytest.mark.parametrize(
    "text", ["1) FROM t WHERE (true", "1, 2", "1); DELETE FROM t; SELECT (1", "a AS b", "", "1 --"]
)
def test_a_fill_is_one_expression(text: str) -> None:
    from workorders.migration import settle

    if text in ("1, 2", "1 --"):  # a row, and a comment that ends with its line
        assert settle.checked({"a": text})
    else:
        with pytest.raises(Unreadable):
            settle.checked({"a": text})

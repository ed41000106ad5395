"""A pull request's files become one script."""

from __future__ import annotations

from handlers.script import joined
from workorders.order import SqlFile

HEAD = "c0ffee" * 6 + "c0ff"


def test_one_file_is_left_as_it_is() -> None:
    script = joined({"db/1.sql": "select 1"}, HEAD)

    assert script is not None
    assert (script.sql, script.origin) == ("select 1", f"db/1.sql@{HEAD}")


def test_files_follow_each_other_in_path_order_each_from_a_line_of_its_own() -> None:
    script = joined({"db/2.sql": "b;\nc;\n", "db/1.sql": "a;", "db/3.sql": "d;"}, HEAD)

    assert script is not None
    assert script.sql == "a;\nb;\nc;\nd;"
    assert script.files == tuple(
        SqlFile(path=path, first_line=line)
        for path, line in (("db/1.sql", 1), ("db/2.sql", 2), ("db/3.sql", 4))
    )


def test_a_statement_without_its_semicolon_ends_with_its_file() -> None:
    script = joined({"db/1.sql": "select 1 -- one", "db/2.sql": "union select 2"}, HEAD)

    assert script is not None
    assert script.sql == "select 1 -- one\n;\nunion select 2"
    assert script.files[1].first_line == 3


def test_many_files_are_counted() -> None:
    script = joined({f"db/{number}.sql": "x;" for number in range(5)}, HEAD)

    assert script is not None
    assert script.origin == f"db/0.sql, db/1.sql, db/2.sql and 2 more@{HEAD}"


def test_no_files_are_no_script() -> None:
    assert joined({}, HEAD) is None

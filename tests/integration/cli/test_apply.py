from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.integration.cli.conftest import AsRole, Lockkeeper, Query
from tests.integration.cli.schema import FAILS_ON_THE_TARGET, KEYS, ROWS, SCHEMA
from tests.processes import wait_until

MakeDatabase = Callable[..., str]
Start = Callable[..., "subprocess.Popen[bytes]"]

INDEX = "CREATE INDEX visits_of ON visits (customer_id);"
NO_INDEX = "SELECT to_regclass('visits_of') IS NULL"


def test_applied_script_is_rolled_back_to_the_same_schema_and_rows(
    lockkeeper: Lockkeeper, make_database: MakeDatabase, one: Query, tmp_path: Path
) -> None:
    url = make_database(SCHEMA)
    script = tmp_path / "change.sql"
    script.write_text(
        "ALTER TABLE customers DROP COLUMN email;\nUPDATE customers SET points = 0 WHERE id > 5;"
    )
    schema, rows = lockkeeper("fingerprint", "--database", url).out, one(url, ROWS)

    applied = lockkeeper("apply", str(script), "--database", url, "--yes", "--accept", "positional", "--json")
    assert applied.status == 0, applied.err
    run = applied.object["run"]
    assert one(url, "SELECT count(*) FROM customers WHERE points = 0") == 295
    undone = lockkeeper("rollback", run, "--database", url)

    assert applied.object.keys() == KEYS | {"validation"}
    assert applied.object["state"] == "executed"
    assert [each["agrees"] for each in applied.object["validation"] if each["query"]["kind"] == "rows"] == [
        True
    ]
    assert all(step["milliseconds"] is not None for step in applied.object["steps"])
    assert undone.status == 0, undone.err
    assert lockkeeper("fingerprint", "--database", url).out == schema
    assert one(url, ROWS) == rows


def test_what_can_be_done_next_is_said_with_whole_commands_but_no_password(
    lockkeeper: Lockkeeper, make_database: MakeDatabase, one: Query
) -> None:
    url = make_database(SCHEMA)

    ran = lockkeeper("apply", "-", "--database", url, "--yes", script=INDEX)

    run = one(url, "SELECT run FROM lockkeeper.runs")
    assert ran.status == 0, ran.err
    for verb in ("rollback", "finish"):
        assert f"lockkeeper {verb} {run} --database postgresql://" in ran.out
    assert "--purge" in ran.out
    assert str(urlsplit(url).password) not in ran.out + ran.err


def test_nobody_to_ask_is_a_usage_error(
    lockkeeper: Lockkeeper, make_database: MakeDatabase, one: Query
) -> None:
    url = make_database(SCHEMA)

    ran = lockkeeper("apply", "-", "--database", url, script=INDEX)

    assert ran.status == 2
    assert "--yes" in ran.err
    assert one(url, NO_INDEX)


def test_hidden_column_has_to_be_accepted(
    lockkeeper: Lockkeeper, make_database: MakeDatabase, one: Query
) -> None:
    url = make_database(SCHEMA)
    script = "ALTER TABLE customers DROP COLUMN email;"

    ran = lockkeeper("apply", "-", "--database", url, "--yes", "--json", script=script)

    assert ran.status == 3
    assert "--accept positional" in ran.object["problems"][0]["next_move"]
    assert one(url, "SELECT count(email) FROM customers") == 300
    assert one(url, "SELECT to_regnamespace('lockkeeper') IS NULL")


def test_lock_table_is_left_out_and_has_to_be_accepted_where_rows_are_written_after_it(
    lockkeeper: Lockkeeper, make_database: MakeDatabase, one: Query
) -> None:
    url = make_database(SCHEMA)
    lock = "BEGIN;\nLOCK TABLE customers IN EXCLUSIVE MODE;\n"
    script = f"{lock}UPDATE customers SET email = NULL WHERE id = 1;\nCOMMIT;"

    alone = lockkeeper("apply", "-", "--database", url, "--yes", "--json", script=f"{lock}COMMIT;")
    ran = lockkeeper("apply", "-", "--database", url, "--yes", "--json", script=script)
    count = one(url, "SELECT count(email) FROM customers")
    applied = lockkeeper(
        "apply", "-", "--database", url, "--yes", "--json", "--accept", "unlocked", script=script
    )
    missing = lockkeeper("plan", "-", "--database", url, "--json", script="LOCK TABLE nowhere;")

    assert alone.status == 0
    assert (ran.status, count) == (3, 300)
    (problem,) = ran.object["problems"]
    assert "LOCK TABLE of line 2 is left out" in problem["reason"]
    assert "--accept unlocked" in problem["next_move"]
    assert applied.status == 0
    assert one(url, "SELECT count(email) FROM customers") == 299
    assert "There is no table nowhere" in missing.object["problems"][0]["reason"]


def test_rows_that_break_the_script_refuse_it(
    lockkeeper: Lockkeeper, make_database: MakeDatabase, one: Query
) -> None:
    url = make_database(SCHEMA + "UPDATE customers SET points = NULL WHERE id = 299;")
    script = "ALTER TABLE customers ALTER points SET NOT NULL;"

    ran = lockkeeper("apply", "-", "--database", url, "--yes", script=script)

    assert ran.status == 3
    assert "1" in ran.err
    assert one(url, "SELECT to_regnamespace('lockkeeper') IS NULL")


def test_superuser_has_to_be_allowed(
    lockkeeper: Lockkeeper, make_database: MakeDatabase, as_role: AsRole, one: Query
) -> None:
    url = as_role(make_database(SCHEMA), "app_chief")

    refused = lockkeeper("apply", "-", "--database", url, "--yes", script=INDEX)
    was_changed = not one(url, NO_INDEX)
    allowed = lockkeeper("apply", "-", "--database", url, "--yes", "--allow-superuser", script=INDEX)

    assert (refused.status, was_changed) == (3, False)
    assert "--allow-superuser" in refused.err
    assert allowed.status == 0, allowed.err


def test_failing_step_undoes_what_was_done(
    lockkeeper: Lockkeeper, make_database: MakeDatabase, one: Query
) -> None:
    url = make_database(SCHEMA)
    schema, rows = lockkeeper("fingerprint", "--database", url).out, one(url, ROWS)

    ran = lockkeeper("apply", "-", "--database", url, "--yes", "--json", script=FAILS_ON_THE_TARGET)

    assert (ran.status, ran.object["state"]) == (1, "rolled_back"), ran.err
    assert [problem["sqlstate"] for problem in ran.object["problems"]] == ["22012"]
    assert "update rows of public.customers" in ran.object["problems"][0]["reason"]
    assert "division" not in ran.out + ran.err
    assert lockkeeper("fingerprint", "--database", url).out == schema
    assert one(url, ROWS) == rows
    assert one(url, "SELECT state FROM lockkeeper.runs") == "rolled_back"


@contextmanager
def reader_of(url: str, table: str) -> Iterator[None]:
    """A transaction that has read a table and stays open."""
    with psycopg.connect(url) as app:
        app.execute(f"SELECT FROM {table} LIMIT 1".encode())
        yield


def test_lock_that_is_not_let_go_blocks_and_what_was_done_is_undone(
    lockkeeper: Lockkeeper, make_database: MakeDatabase, one: Query
) -> None:
    url = make_database(SCHEMA)
    schema = lockkeeper("fingerprint", "--database", url).out
    script = "ALTER TABLE visits ADD COLUMN at timestamptz;\nALTER TABLE customers ADD COLUMN at timestamptz;"

    with reader_of(url, "customers"):
        ran = lockkeeper("apply", "-", "--database", url, "--yes", "--max-wait", "2", "--json", script=script)

    assert (ran.status, ran.object["state"]) == (4, "rolled_back"), ran.err
    assert "public.customers" in ran.object["problems"][0]["reason"]
    assert lockkeeper("fingerprint", "--database", url).out == schema


@pytest.fixture
def start(
    environment: dict[str, str], pytestconfig: pytest.Config, tmp_path: Path
) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """`start(*arguments)`: the command under way; what it writes is in the files `out` and `err`."""
    begun: list[subprocess.Popen[bytes]] = []

    def run(*arguments: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        with (tmp_path / "out").open("wb") as out, (tmp_path / "err").open("wb") as err:
            process = subprocess.Popen(
                [sys.executable, "-m", "bot", *arguments],
                stdin=stdin,
                stdout=out,
                stderr=err,
                env=environment,
                cwd=pytestconfig.rootpath,
            )
        begun.append(process)
        return process

    yield run
    for process in begun:
        if process.poll() is None:
            process.kill()
        process.wait()


def test_interrupted_run_is_undone(
    lockkeeper: Lockkeeper, start: Start, make_database: MakeDatabase, one: Query, tmp_path: Path
) -> None:
    url = make_database(SCHEMA)
    schema = lockkeeper("fingerprint", "--database", url).out
    script = tmp_path / "change.sql"
    script.write_text("ALTER TABLE visits ADD COLUMN at date;\nALTER TABLE customers ADD COLUMN at date;")

    with reader_of(url, "customers"):
        process = start("apply", str(script), "--database", url, "--yes", "--json")
        wait_until(
            lambda: (
                one(url, "SELECT to_regclass('lockkeeper.journal') IS NOT NULL")
                and one(url, "SELECT count(*) FROM lockkeeper.journal WHERE is_done") == 1
            )
        )
        process.send_signal(signal.SIGINT)
        status = process.wait(60)

    assert status == 1, (tmp_path / "err").read_text()
    assert '"state": "rolled_back"' in (tmp_path / "out").read_text()
    assert lockkeeper("fingerprint", "--database", url).out == schema


@pytest.fixture
def terminal() -> Iterator[Callable[[], tuple[int, int]]]:
    """`terminal()`: our end and the command's end of a terminal."""
    ends: list[int] = []

    def make() -> tuple[int, int]:
        pair = pty.openpty()
        ends.extend(pair)
        return pair

    yield make
    for end in ends:
        os.close(end)


def answered(
    start: Start,
    terminal: Callable[[], tuple[int, int]],
    folder: Path,
    url: str,
    word: str,
    before: Callable[[], object] = lambda: None,
) -> int:
    """Applies INDEX at a terminal and answers the question; the exit status."""
    script = folder / "change.sql"
    script.write_text(INDEX)
    own, its = terminal()
    process = start("apply", str(script), "--database", url, stdin=its)
    wait_until(lambda: "[y/N]" in (folder / "err").read_text())
    before()
    os.write(own, f"{word}\n".encode())
    return process.wait(60)


def test_whoever_is_asked_and_agrees_sees_the_plan_before(
    start: Start,
    terminal: Callable[[], tuple[int, int]],
    make_database: MakeDatabase,
    one: Query,
    tmp_path: Path,
) -> None:
    url = make_database(SCHEMA)

    def must_be_shown() -> None:
        shown = (tmp_path / "out").read_text()
        assert "CREATE INDEX CONCURRENTLY" in shown
        assert "reversal" in shown
        assert one(url, NO_INDEX)

    assert answered(start, terminal, tmp_path, url, "y", must_be_shown) == 0
    assert not one(url, NO_INDEX)


@pytest.mark.parametrize("word", ["n", "", "\x04"], ids=["no", "nothing", "end of input"])
def test_no_means_that_nothing_is_changed(
    word: str,
    start: Start,
    terminal: Callable[[], tuple[int, int]],
    make_database: MakeDatabase,
    one: Query,
    tmp_path: Path,
) -> None:
    url = make_database(SCHEMA)

    assert answered(start, terminal, tmp_path, url, word) == 3
    assert one(url, "SELECT to_regnamespace('lockkeeper') IS NULL")


def test_schema_that_moved_since_the_rehearsal_is_refused_and_named(
    start: Start,
    terminal: Callable[[], tuple[int, int]],
    make_database: MakeDatabase,
    one: Query,
    tmp_path: Path,
) -> None:
    url = make_database(SCHEMA)

    def move() -> None:
        one(url, "ALTER TABLE visits ADD COLUMN lost text")

    assert answered(start, terminal, tmp_path, url, "y", move) == 3
    assert "column public.visits.lost is new" in (tmp_path / "err").read_text()
    assert one(url, NO_INDEX)
    assert one(url, "SELECT to_regnamespace('lockkeeper') IS NULL")

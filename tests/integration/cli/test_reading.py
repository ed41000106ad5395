from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from bot.cli import COMMANDS
from bot.cli import lockkeeper as group
from tests.integration.cli.conftest import Lockkeeper, Query
from tests.integration.cli.schema import KEYS, SCHEMA
from workorders.migration.rehearsal.proof import CLAIMS

MakeDatabase = Callable[..., str]


def test_plan_shows_statements_and_the_way_back_and_changes_nothing(
    lockkeeper: Lockkeeper, make_database: MakeDatabase, one: Query
) -> None:
    url = make_database(SCHEMA)

    ran = lockkeeper(
        "plan", "-", "--database", url, script="ALTER TABLE customers ALTER points SET NOT NULL;"
    )

    assert ran.status == 0, ran.err
    assert 'ALTER TABLE "public"."customers" VALIDATE CONSTRAINT' in ran.out
    assert "Rollback" in ran.out
    assert "public.customers  300" in ran.out
    assert "line 1: ACCESS EXCLUSIVE on public.customers, reads all of public.customers" in ran.out
    assert one(url, "SELECT to_regnamespace('lockkeeper') IS NULL")


def test_plan_as_json_is_one_object_with_every_key(
    lockkeeper: Lockkeeper, make_database: MakeDatabase, tmp_path: Path
) -> None:
    script = tmp_path / "change.sql"
    script.write_text("-- more\n\nDELETE FROM visits WHERE id > 10;\n")

    ran = lockkeeper("plan", str(script), "--database", make_database(SCHEMA), "--json")

    assert (ran.status, ran.err) == (0, "")
    assert ran.object.keys() == KEYS | {"impact"}
    assert ran.object["state"] == "planned"
    assert ran.object["statements"] == [
        {"text": "DELETE FROM visits WHERE id > 10", "class": "data", "operations": ["delete"], "line": 3}
    ]
    assert {"title", "sql", "lock", "scans", "rewrites", "transactional", "milliseconds", "undo"} == set(
        ran.object["steps"][0]
    )
    assert ran.object["impact"]["writes"][0]["rows"] == 10
    assert ran.object["impact"]["plain"][0]["locks"][0]["mode"] == "ROW EXCLUSIVE"


def test_rehearsal_gives_the_proofs_and_changes_nothing(
    lockkeeper: Lockkeeper, make_database: MakeDatabase, one: Query
) -> None:
    url = make_database(SCHEMA)

    ran = lockkeeper(
        "rehearse", "-", "--database", url, "--json", script="ALTER TABLE customers DROP COLUMN email;"
    )

    assert ran.status == 0, ran.err
    assert ran.object["state"] == "proven"
    assert {proof["name"]: proof["holds"] for proof in ran.object["proofs"]} == {
        **dict.fromkeys(CLAIMS, True),
        "workload": None,
    }
    assert ran.object["steps"][0]["milliseconds"] > 0
    assert one(url, "SELECT to_regnamespace('lockkeeper') IS NULL")


def test_sql_that_fails_in_rehearsal_is_refused(lockkeeper: Lockkeeper, make_database: MakeDatabase) -> None:
    script = "UPDATE customers SET points = 1 / (points - points);"

    ran = lockkeeper("rehearse", "-", "--database", make_database(SCHEMA), "--json", script=script)

    assert (ran.status, ran.object["state"]) == (3, "refused")
    assert "22012" in ran.object["problems"][0]["reason"]


def test_every_refused_statement_is_named_with_its_line(
    lockkeeper: Lockkeeper, make_database: MakeDatabase
) -> None:
    script = "SET ROLE postgres;\nALTER SYSTEM SET fsync = off;\nCOPY visits TO '/tmp/x';\nROLLBACK;\n"

    ran = lockkeeper("plan", "-", "--database", make_database(SCHEMA), "--json", script=script)

    assert ran.status == 3
    assert [problem["line"] for problem in ran.object["problems"]] == [1, 2, 3, 4]
    assert all(problem["next_move"] for problem in ran.object["problems"])


def test_text_that_is_no_sql_is_refused_with_its_line(
    lockkeeper: Lockkeeper, make_database: MakeDatabase
) -> None:
    ran = lockkeeper("plan", "-", "--database", make_database(), "--json", script="\nALTER TABEL t;")

    assert ran.status == 3
    assert ran.object["problems"][0]["line"] == 2
    assert ran.object.keys() == KEYS


def test_fingerprint_is_the_same_for_the_same_schema_and_another_for_another(
    lockkeeper: Lockkeeper, make_database: MakeDatabase, one: Query
) -> None:
    first, second = make_database(SCHEMA), make_database(SCHEMA)

    same = [lockkeeper("fingerprint", "--database", url, "--json").object["hash"] for url in (first, second)]
    one(second, "COMMENT ON TABLE visits IS 'who came'")
    changed = lockkeeper("fingerprint", "--database", second, "--json").object

    assert same[0] == same[1]
    assert changed["hash"] != same[0]
    assert changed["objects"]["table public.visits"]["comment"] == "who came"


@pytest.mark.parametrize("kind", ["missing", "a folder", "not UTF-8", "with a NUL"])
def test_file_that_cannot_be_read_is_a_usage_error(lockkeeper: Lockkeeper, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "change.sql"
    if kind == "a folder":
        path.mkdir()
    elif kind != "missing":
        path.write_bytes(b"SELECT 1;\n\xff" if kind == "not UTF-8" else b"SELECT '\0'")

    ran = lockkeeper("plan", str(path), "--database", "postgresql://u:secret@127.0.0.1:1/x", "--json")

    assert ran.status == 2
    assert "change.sql" in ran.err
    assert "Traceback" not in ran.err
    assert ran.object.keys() == KEYS
    assert ran.object["problems"][0]["reason"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "postgresql://u:secret@x@127.0.0.1/x",
        "postgresql://u:sec/ret@127.0.0.1/x",
        "postgresql://u:secret@127.0.0.1:port/x",
        "postgresql://u:secret@127.0.0.1/x?secret",
    ],
)
def test_url_that_is_none_is_a_usage_error_that_quotes_nothing_of_it(
    lockkeeper: Lockkeeper, url: str
) -> None:
    ran = lockkeeper("plan", "-", "--database", url, script="SELECT 1;")

    assert ran.status == 2
    assert "postgresql://user:password@host:5432/database" in ran.err
    assert "sec" not in ran.err.replace("seconds", "")
    assert "Traceback" not in ran.err


def test_database_that_cannot_be_reached_blocks_and_its_password_is_not_shown(lockkeeper: Lockkeeper) -> None:
    ran = lockkeeper("fingerprint", "--database", "postgresql://u:geheim@127.0.0.1:1/x", "--json")

    assert (ran.status, ran.object["state"]) == (4, "blocked")
    assert "geheim" not in ran.out + ran.err
    assert "Traceback" not in ran.err


def test_wrong_password_blocks(lockkeeper: Lockkeeper, database: str) -> None:
    url = psycopg.conninfo.make_conninfo(database, password="geheim")

    ran = lockkeeper("fingerprint", "--database", url)

    assert ran.status == 4
    assert "geheim" not in ran.err


def test_password_may_come_from_the_environment(lockkeeper: Lockkeeper, make_database: MakeDatabase) -> None:
    parts = psycopg.conninfo.conninfo_to_dict(make_database(SCHEMA))
    password = str(parts.pop("password"))
    url = psycopg.conninfo.make_conninfo("", **parts)

    proven = lockkeeper(
        "rehearse", "-", "--database", url, script="CREATE INDEX ON visits (customer_id)", PGPASSWORD=password
    )

    assert proven.status == 0, proven.err


def test_wrong_command_line_with_json_is_one_object(lockkeeper: Lockkeeper) -> None:
    for arguments in (["plan", "--json"], ["plan", "--jsn", "--json"], ["plam", "--json"]):
        ran = lockkeeper(*arguments)

        assert (ran.status, ran.object["state"]) == (2, "unreadable")


def test_help_loads_no_engine() -> None:
    asked = (
        "import sys, bot.cli; assert bot.cli.run(['--help']) == 0;"
        " assert not {'psycopg', 'postgast'} & set(sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_list_of_commands_says_what_the_command_says(name: str) -> None:
    import click

    command = group.get_command(click.Context(group), name)

    assert command is not None
    assert (command.help or "").split("\n\n")[0] == COMMANDS[name].summary

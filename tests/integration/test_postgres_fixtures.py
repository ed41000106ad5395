"""The fixtures that give each test a database: what a test gets, and what a run leaves behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from bot.embedded import TESTS_SETTINGS, Cluster, Server
from tests.plugins.postgres import count_statements
from tests.processes import postgres_of, processes_of, wait_until

ROOT = Path(__file__).parents[2]

#: One test fails, and one leaves a connection open.
RUN = """
import atexit, psycopg, pytest

@pytest.mark.parametrize("turn", range(4))
def test_it_has_a_database(database, turn):
    with psycopg.connect(database) as app:
        app.execute("CREATE TABLE ship (id int)")

def test_it_fails(database):
    raise AssertionError

def test_it_leaves_a_connection_open(database):
    app = psycopg.connect(database)
    atexit.register(app.close)
    app.execute("SELECT 1")
"""

#: Makes a database and is killed before it can drop it.
KILLED_RUN = """
import os, signal

def test_it_is_killed(database):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """The cluster `tests` of a home of its own that any account can pass through."""
    home = Path(tempfile.mkdtemp(prefix="lk", dir="/var/tmp"))
    home.chmod(0o711)
    yield Cluster(home=home, name="tests", settings=TESTS_SETTINGS)
    shutil.rmtree(home)


def test_a_database_belongs_to_an_ordinary_role(database: str) -> None:
    with psycopg.connect(database) as app:
        app.execute("CREATE TABLE public.berth (id int)")
        app.execute("CREATE SCHEMA quay")

        row = app.execute(
            "SELECT rolname, rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        ).fetchone()

    assert row == ("app_owner", False, False, False)


def test_make_database_runs_the_script_in_a_database_of_its_own(make_database: Callable[..., str]) -> None:
    first = make_database("CREATE TABLE one (id int); INSERT INTO one VALUES (1)")
    second = make_database()

    with psycopg.connect(first) as app:
        assert app.execute("SELECT id FROM one").fetchall() == [(1,)]
    with psycopg.connect(second) as app, pytest.raises(psycopg.errors.UndefinedTable):
        app.execute("SELECT id FROM one")


def test_superuser_dsn_names_the_same_database(database: str, superuser_dsn: Callable[[str], str]) -> None:
    query = "SELECT current_database(), current_setting('is_superuser')"
    with psycopg.connect(database) as app, psycopg.connect(superuser_dsn(database)) as superuser:
        app_sees = app.execute(query).fetchone()
        superuser_sees = superuser.execute(query).fetchone()

    name = database.rpartition("/")[2]
    assert app_sees == (name, "off")
    assert superuser_sees == (name, "on")


def test_statements_are_counted_on_demand(database: str, superuser_dsn: Callable[[str], str]) -> None:
    with psycopg.connect(superuser_dsn(database), autocommit=True) as superuser:
        count_statements(superuser)
    with psycopg.connect(database) as app:
        app.execute("SELECT 41 + 1")
        query = "SELECT count(*) FROM pg_stat_statements WHERE query LIKE 'SELECT $1 +%'"
        said = app.execute(query).fetchone()

    assert said == (1,)


def test_a_run_leaves_no_process_and_no_database(cluster: Cluster) -> None:
    shown = run(RUN, cluster, workers=2)

    assert "1 failed, 5 passed" in shown
    assert not postgres_of(cluster)
    wait_until(lambda: not processes_of(cluster))
    assert databases_of_tests(cluster) == []


def test_the_next_run_drops_the_databases_of_a_killed_one(cluster: Cluster) -> None:
    run(KILLED_RUN, cluster)
    assert len(databases_of_tests(cluster)) == 1

    run(RUN, cluster)

    assert databases_of_tests(cluster) == []


def run(tests: str, cluster: Cluster, *, workers: int = 0) -> str:
    """What a pytest of its own says about the tests, with a server of its own."""
    file = cluster.home / "test_run.py"
    file.write_text(tests)
    options = ["-c", str(ROOT / "pyproject.toml"), "-p", "tests.plugins.postgres", "-p", "no:cacheprovider"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", str(workers), *options, str(file)],
        cwd=ROOT,
        env={**os.environ, "LOCKKEEPER_TESTS_HOME": str(cluster.home)},
        capture_output=True,
        text=True,
        check=False,
    ).stdout


def databases_of_tests(cluster: Cluster) -> list[str]:
    with Server(cluster) as server, psycopg.connect(server.dsn()) as superuser:
        rows = superuser.execute("SELECT datname FROM pg_database WHERE datname LIKE 't\\_%'").fetchall()
    return [name for (name,) in rows]

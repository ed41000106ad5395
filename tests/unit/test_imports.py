"""Imports only go down, and each thing is done in its one place. The tables are in `architecture`."""

from __future__ import annotations

import graphlib
import subprocess
import sys

import pytest

from tests.unit.architecture import (
    HOMELESS,
    LIBRARIES,
    LONGEST_FILE,
    ROOT,
    STOREYS,
    WRITERS,
    Module,
    imports,
    modules,
    wrong,
)

MODULES = {module.name: module for module in modules()}


def test_every_module_agrees_with_the_tables() -> None:
    assert [sentence for module in MODULES.values() for sentence in wrong(module)] == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("handlers.start", "from bot.services import Services"),
        ("workorders.policy", "from handlers import Task"),
        ("workorders.migration.plan", "from workorders.order import Order"),
        ("workorders.migration.plan", "def late():\n    import workorders.order"),
        ("handlers.start", "import psycopg"),
        ("handlers.start", "from flask import Flask"),
        ("workorders.roles.automation", "from psycopg import sql"),
        ("bot.gather", "from github import Github"),
        ("bot.gather", "import psycopg.errors"),
        ("bot.conducting.desk", "import psycopg"),
        ("workorders.migration.plan", "from postgast import parse"),
        ("workorders.migration.operations.add_column", "from google.protobuf import message"),
        ("workorders.migration.rehearsal.oracle", "from workorders.migration.plan import Plan"),
        ("workorders.migration.rehearsal.oracle", "from workorders.migration.sql import script"),
        ("bot.services", "from bot.conducting.migration import MigrationConductor"),
        ("workorders.migration.monitor", "target.execute('DROP TABLE t')"),
        ("workorders.migration.monitor", "_Q = 'update t set a = 1'\ntarget.execute(_Q)"),
        ("workorders.migration.engine", "self._target.execute(sql.SQL('LOCK TABLE {}').format(name))"),
        ("workorders.roles.automation", "target.cursor().copy('DELETE FROM t')"),
        *((f"workorders.{name}", "") for name in sorted(HOMELESS)),
    ],
)
def test_what_does_not_agree_is_found(name: str, source: str) -> None:
    assert list(wrong(Module.from_source(name, source)))


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("handlers.start", "from workorders.order import Order"),
        ("workorders.migration.journal", "target.execute('CREATE SCHEMA lockkeeper')"),
        ("workorders.migration.monitor", "target.execute('SELECT 1', ('DROP TABLE t',))"),
        ("workorders.migration.operations.add_column", "statement = 'ALTER TABLE t ADD c int'"),
        ("bot.assembly", "from bot.conducting.migration import MigrationConductor"),
    ],
)
def test_what_agrees_is_let_be(name: str, source: str) -> None:
    assert not list(wrong(Module.from_source(name, source)))


def test_the_tables_speak_of_modules_that_there_are() -> None:
    named = {*STOREYS, *WRITERS, *(each for users in LIBRARIES.values() for each in users)}
    # Not all of the plan is built yet, or where it stands has changed its name.
    assert sorted(named - set(MODULES)) == []


def test_no_module_needs_itself() -> None:
    graph: dict[str, set[str]] = {name: set() for name in MODULES}
    for name, module in MODULES.items():
        for imported in imports(module, at_top_only=True):
            for used in (imported, imported.rpartition(".")[0]):
                if used in MODULES and used != name:
                    graph[name].add(used)
                    break

    graphlib.TopologicalSorter(graph).prepare()


def test_what_an_event_means_is_decided_without_a_database_a_web_or_a_parser() -> None:
    asked = (
        "import sys, handlers;"
        "print(*({'psycopg', 'flask', 'github', 'postgast', 'procrastinate'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.split() == []


def test_only_the_journal_s_file_changes_a_target() -> None:
    from workorders.migration.named_queries import parsed

    changing = set()
    for path in (ROOT / "workorders").rglob("*.sql"):
        for query in parsed(path.read_text(), path.name).values():
            if list(wrong(Module.from_source("workorders.x", f"target.execute({query!r})"))):
                changing.add(str(path.relative_to(ROOT)))

    assert changing == {"workorders/migration/journal.sql"}


def test_no_file_is_too_long_to_be_read() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for folder in ("bot", "handlers", "workorders", "tests", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
    }

    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}

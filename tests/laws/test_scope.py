"""A plan made of the part of the catalog that concerns it is the plan made of all of it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest

from bot.embedded import binaries
from tests.laws.cases import CASES, Case
from tests.plugins.bench import MakeTarget
from workorders.migration import dumping, plan, sessions
from workorders.migration.catalog import fingerprint
from workorders.migration.catalog import read as catalogs
from workorders.migration.decisions import Asked
from workorders.migration.names import RelationName
from workorders.migration.sql import script, translate

#: What nobody names and nothing ties to the cases' tables.
_ELSEWHERE = """
CREATE SCHEMA elsewhere;
CREATE TABLE elsewhere.other_parent (other_id int PRIMARY KEY, other_text text);
CREATE TABLE elsewhere.other_child (other_id int REFERENCES elsewhere.other_parent ON DELETE CASCADE);
CREATE VIEW elsewhere.other_view AS SELECT * FROM elsewhere.other_child;
"""

SETUPS = sorted({case.setup for case in CASES})


@pytest.mark.parametrize("setup", SETUPS, ids=range(len(SETUPS)))
def test_what_a_script_does_not_concern_makes_no_difference(setup: str, make_target: MakeTarget) -> None:
    cases = [case for case in CASES if case.setup == setup]
    dsn = make_target(f"{setup};{_ELSEWHERE}")
    with closing(sessions.connect(dsn)) as target:
        whole = catalogs.read(target)
        complete = fingerprint.read(target)
        archive = dumping.archive_of(target, binaries())
        seen = set()
        for case in cases:
            parsed = script.read(case.sql)
            if any(translate.needs_archive(statement, whole) for statement in parsed.statements):
                continue  # planned on all of the catalog
            around = catalogs.read(target, parsed.words | set(case.also_written))
            seen |= set(around.tables)
            # A relation beside them may point at, or be needed by, what is further away.
            assert around.tables == {name: whole.tables[name] for name in around.tables}

            made, narrow = (
                plan.make(
                    parsed,
                    replace(each, archive=archive),
                    run="r",
                    also_written=_written(case),
                    questions=Asked(target),
                )
                for each in (whole, around)
            )
            assert narrow.steps == made.steps, case.name
            assert narrow.digest == made.digest
            assert narrow.tables == made.tables
            part = fingerprint.read(target, made.tables)
            assert part == complete.of(made.tables)

    assert not any(name.schema == "elsewhere" for name in seen)


def _written(case: Case) -> dict[int, tuple[RelationName, ...]]:
    return {0: tuple(RelationName(schema="public", name=name) for name in case.also_written)}

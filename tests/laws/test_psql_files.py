"""Every operation's plan and purge are plain psql files, of use without Lockkeeper."""

from __future__ import annotations

import psycopg
import pytest

from tests.integration.migration.test_psql_files import sent_with_psql
from tests.laws import runs
from tests.laws.cases import CASES, Case
from tests.laws.test_operations import loose, planned
from tests.plugins.bench import MakeTarget
from workorders.migration import render


def _differences(case: Case, make_target: MakeTarget, met: set[str]) -> list[str]:
    """How the files differ from the plain SQL in what they leave; nothing for a case of known operations."""
    target = make_target(case.setup)
    plan = planned(target, case)
    names = {name for each in plan.statements for name in each.operations}
    if names <= met:
        return []
    met |= names
    plain = make_target(case.setup)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(case.sql.encode())
    sent_with_psql(target, render.plan_file(plan))
    sent_with_psql(target, render.purge_file(plan))
    found = runs.moved(runs.state(plain), plan).differences(runs.state(target), loose(case))
    return [f"{case.name}: {each}" for each in found]


@pytest.mark.timeout(400)  # a case for each operation, each planned and run by hand
def test_each_operation_is_run_and_purged_with_psql_alone(make_target: MakeTarget) -> None:
    met: set[str] = set()
    wrong: list[str] = []

    for case in CASES:
        wrong += _differences(case, make_target, met)
        if runs.operation_names() <= met:
            break

    assert wrong == []
    assert runs.operation_names() - met == set()

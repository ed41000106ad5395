from __future__ import annotations

from typing import Any

import pytest

from workorders.migration.catalog.fingerprint import Fingerprint
from workorders.migration.catalog.snapshot import Catalog, Identity
from workorders.migration.engine import Prepared
from workorders.migration.plan import Plan
from workorders.migration.sql import script
from workorders.roles import automation, red_flags


def _kept(**holds: bool | None) -> dict[str, Any]:
    return {
        "proofs": [
            {"name": name.replace("_", " "), "holds": value, "flags": []} for name, value in holds.items()
        ]
    }


@pytest.mark.parametrize(
    ("kept", "leads_back"),
    [
        (_kept(reversal=True, reversal_under_writes=True), True),
        (_kept(reversal=True, reversal_under_writes=False), False),
        (_kept(reversal=True), False),
        (_kept(reversal=False), False),
        ({}, False),
    ],
)
def test_a_way_back_is_tried_once_it_was_tried_after_writes(kept: dict[str, Any], leads_back: bool) -> None:
    assert automation.leads_back(kept) is leads_back


def test_a_statement_that_the_script_breaks_is_a_red_flag() -> None:
    identity = Identity(system_identifier="1", database="shop")
    plan = Plan(
        run="run-1", identity=identity, script=script.read(""), statements=(), steps=(), checks=(), tables=()
    )
    prepared = Prepared(
        plan=plan,
        catalog=Catalog(identity=identity, server_version=180000, search_path=(), role="owner"),
        fingerprint=Fingerprint(),
        positional_writers=(),
    )
    flag = "no longer plans (SQLSTATE 42703): SELECT note FROM t"

    found = red_flags.found(prepared, {"workload": {"flags": [flag]}, "locks": {}})

    assert len(found) == 1
    assert flag in found[0]
    assert red_flags.found(prepared, {"workload": {"holds": None}}) == []

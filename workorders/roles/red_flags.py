"""What whoever approves a plan has to know, though it stops nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workorders.migration.engine import Prepared
from workorders.report import named


def found(prepared: Prepared, proofs: Mapping[str, Any]) -> list[str]:
    """Sentences; `proofs` is what automation kept of each proof, by its name."""
    plan, catalog = prepared.plan, prepared.catalog
    flags = []
    if catalog.role_is_superuser:
        flags.append(f"The role {named(catalog.role)} is a superuser.")
    for name in plan.tables:
        table = catalog.tables[name]
        if table.publications:
            flags.append(
                f"{named(name)} is published by {', '.join(map(named, table.publications))}: subscribers need"
                " the same change first or last, as it adds or takes away."
            )
        if table.forces_row_security:
            flags.append(f"{named(name)} forces row security on its owner.")
    if plan.acceptances:
        flags.append(f"It has to be accepted expressly: {', '.join(map(named, plan.acceptances))}.")
    flags += [f"{named(str(move))}." for move in plan.moved]
    if any(planned.statement.statement_class.value == "data" for planned in plan.statements):
        flags.append("Rows are changed: the rollback brings them back one by one, from their images.")
    flags += [
        f"Seen in the proof of {name}: {named(flag)}."
        for name, proof in proofs.items()
        for flag in proof.get("flags", ())
    ]
    return flags

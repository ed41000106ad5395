"""Every hazard that is known, in the order in which a person would look for it."""

from __future__ import annotations

from collections.abc import Mapping

from workorders.migration.hazards import (
    columns,
    constraints,
    indexes,
    losses,
    partitions,
    publications,
    rows,
    sessions,
    types,
)
from workorders.migration.hazards.hazard import Hazard

HAZARDS: tuple[Hazard, ...] = (
    *columns.HAZARDS,
    *constraints.HAZARDS,
    *indexes.HAZARDS,
    *types.HAZARDS,
    *losses.HAZARDS,
    *rows.HAZARDS,
    *partitions.HAZARDS,
    *publications.HAZARDS,
    *sessions.HAZARDS,
)

BY_ID: Mapping[str, Hazard] = {hazard.id: hazard for hazard in HAZARDS}

"""The cases that every law is held against: one module for each family of operations."""

from tests.laws.cases import (
    blocks,
    cascades,
    columns,
    counting,
    definitions,
    drops,
    enums,
    inherits,
    keys,
    matviews,
    partitions,
    publications,
    renames,
    rows,
    standing,
    types,
)
from tests.laws.cases.case import Case
from tests.laws.cases.schema import SETUP

__all__ = ["CASES", "SETUP", "Case"]

CASES: tuple[Case, ...] = (
    *standing.CASES,
    *blocks.CASES,
    *cascades.CASES,
    *columns.CASES,
    *counting.CASES,
    *definitions.CASES,
    *drops.CASES,
    *enums.CASES,
    *inherits.CASES,
    *keys.CASES,
    *matviews.CASES,
    *partitions.CASES,
    *publications.CASES,
    *renames.CASES,
    *rows.CASES,
    *types.CASES,
)

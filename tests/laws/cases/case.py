"""A script with what a law has to know of it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.laws.cases.schema import SETUP


@dataclass(frozen=True, kw_only=True)
class Case:
    """A script, and the schema that it is for."""

    name: str
    sql: str
    setup: str = SETUP
    #: Tables that its triggers write, as a rehearsal would find them, for statement 0.
    also_written: tuple[str, ...] = ()
    #: `table.column` whose values differ from run to run.
    loose: tuple[str, ...] = ()

"""What an application, and whoever executes a script, do to a target in these tests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import psycopg

from bot.embedded import binaries
from tests.laws import runs
from workorders.migration import engine, sessions
from workorders.migration.errors import Refused


def selected(dsn: str, query: str) -> list[tuple[Any, ...]]:
    """What the application reads."""
    with psycopg.connect(dsn, autocommit=True) as application:
        return application.execute(query.encode()).fetchall()


def sent(dsn: str, *statements: str) -> None:
    """What the application writes, each statement in a transaction of its own."""
    with psycopg.connect(dsn, autocommit=True) as application:
        for statement in statements:
            application.execute(statement.encode())


def run_of(dsn: str, sql: str, *also_written: str) -> str:
    """The run of a script, executed; the triggers of its first statement write `also_written`."""
    plan = runs.planned(dsn, sql, also_written)
    runs.executed(dsn, plan)
    return plan.run


def refused_otherwise(dsn: str, wanted: Mapping[str, str]) -> dict[str, str | None]:
    """The scripts, each given with a pattern, that are not refused in such words; what they are told."""
    said = {}
    with closing(sessions.connect(dsn)) as target:
        for sql in wanted:
            try:
                engine.prepare(target, sql, binaries=binaries())
            except Refused as refusal:
                said[sql] = str(refusal)
    return {sql: said.get(sql) for sql, words in wanted.items() if not re.search(words, said.get(sql, ""))}

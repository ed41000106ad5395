"""What an application, and whoever executes a script, do to a target in these tests."""

from __future__ import annotations

from typing import Any

import psycopg

from tests.laws import runs


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

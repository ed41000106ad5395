from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from bot.errors import Broken, Refused
from bot.store import schema


def test_a_second_migration_applies_nothing(database: str) -> None:
    first = schema.migrate(database)

    second = schema.migrate(database)

    assert "0001_ours.sql" in first
    assert second == ()


def test_two_at_once_apply_each_file_once(database: str) -> None:
    with ThreadPoolExecutor(2) as both:
        results = list(both.map(schema.migrate, [database, database]))

    assert sorted(map(bool, results)) == [False, True]


def test_an_empty_database_is_refused_with_the_command(database: str) -> None:
    with pytest.raises(Refused, match="Run: lockkeeper migrate"):
        schema.check(database)


def test_an_upgrade_of_the_queue_is_applied_once_it_is_there(database: str) -> None:
    schema.migrate(database)
    upgrade = "03.04.00_50_post_add_retry_failed_job_procedure.sql"
    changed = "DROP TRIGGER procrastinate_trigger_status_events_update_v1 ON procrastinate_jobs"
    with psycopg.connect(database) as ours:
        ours.execute(changed.encode())
        ours.execute("DELETE FROM schema_files WHERE name = %s", [upgrade])

    applied = schema.migrate(database)

    assert applied == (upgrade,)
    with psycopg.connect(database) as ours:
        ours.execute(changed.encode())  # it is there again


def test_an_applied_file_that_was_changed_is_found(database: str) -> None:
    schema.migrate(database)
    with psycopg.connect(database) as ours:
        ours.execute("UPDATE schema_files SET sha256 = 'other' WHERE name = '0001_ours.sql'")

    with pytest.raises(Broken, match=r"0001_ours\.sql"):
        schema.pending(database)


def test_the_version_of_the_queue_is_kept(database: str) -> None:
    schema.migrate(database)

    with psycopg.connect(database) as ours:
        found = ours.execute("SELECT version FROM schema_files WHERE name = 'schema.sql'").fetchone()

    assert found is not None
    assert found[0].startswith("3.")

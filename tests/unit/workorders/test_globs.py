"""Which files the policy's globs mean."""

from __future__ import annotations

import pytest

from workorders.globs import matches

DEFAULT = "db/migrations/**/*.sql"


@pytest.mark.parametrize(
    ("glob", "path", "is_meant"),
    [
        (DEFAULT, "db/migrations/0042.sql", True),
        (DEFAULT, "db/migrations/2026/05/0042.sql", True),
        (DEFAULT, "db/migrations/.hidden/.0042.sql", True),
        (DEFAULT, "db/migrations.sql", False),
        (DEFAULT, "db/migrations/0042.sql.bak", False),
        (DEFAULT, "db/migrations/0042.SQL", False),
        (DEFAULT, "other/db/migrations/0042.sql", False),
        (DEFAULT, "db/migrations/0042.sql/README", False),
        ("db/*.sql", "db/a/b.sql", False),
        ("db/*.sql", "db/.sql", True),
        ("**/*.sql", "a.sql", True),
        ("**/*.sql", "a/b/c.sql", True),
        ("db/**", "db/a/b.sql", True),
        ("db/**", "db", False),
        ("a/**/b/**/*.sql", "a/b/c.sql", True),
        ("a/**/b/**/*.sql", "a/x/b/y/z/c.sql", True),
        ("a/**/b/**/*.sql", "a/x/y/c.sql", False),
        ("a/**/**/*.sql", "a/c.sql", True),
        ("db/00?[0-4].sql", "db/0042.sql", True),
        ("db/00?[!0-4].sql", "db/0042.sql", False),
        ("db/a+(b).sql", "db/a+(b).sql", True),
        ("db/a.sql", "db/aXsql", False),
        ("db/**.sql", "db/a/b.sql", False),
    ],
)
def test_a_glob_means_whole_paths_name_by_name(glob: str, path: str, is_meant: bool) -> None:
    assert matches(path, (glob,)) is is_meant


def test_one_glob_of_several_is_enough() -> None:
    assert matches("b.sql", ("a.sql", "b.sql"))
    assert not matches("c.sql", ("a.sql", "b.sql"))

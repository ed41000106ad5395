from __future__ import annotations

import pytest

from workorders.migration.rehearsal.shadow import _portable


@pytest.mark.parametrize(
    ("dumped", "restored"),
    [
        ("ALTER TABLE ONLY public.t ALTER COLUMN a SET (pg_attver=26500792);\n", ""),
        (
            "ALTER TABLE ONLY public.t ALTER COLUMN a SET (pg_attver=26500792, n_distinct=5);\n",
            "ALTER TABLE ONLY public.t ALTER COLUMN a SET (n_distinct=5);\n",
        ),
        (
            "ALTER TABLE ONLY public.t ALTER COLUMN a SET (n_distinct=5);\n",
            "ALTER TABLE ONLY public.t ALTER COLUMN a SET (n_distinct=5);\n",
        ),
        ("CREATE SCHEMA public;\n", "CREATE SCHEMA IF NOT EXISTS public;\n"),
    ],
)
def test_what_another_server_would_refuse_is_left_out(dumped: str, restored: str) -> None:
    assert _portable(dumped.encode()) == restored.encode()

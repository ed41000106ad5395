from __future__ import annotations

import pytest

from workorders.migration.catalog.queries import for_server, queries

FILES = (
    "reading.sql",
    "read.sql",
    "tables.sql",
    "dependants.sql",
    "fingerprint.sql",
    "fingerprint_programs.sql",
)


def test_a_marked_line_is_sent_to_its_servers_only() -> None:
    query = "SELECT 1, -- from 15\nSELECT 2, -- before 15\n3"

    assert for_server(query, 14) == "SELECT 2, -- before 15\n3"
    assert for_server(query, 15) == "SELECT 1, -- from 15\n3"


@pytest.mark.parametrize("file_name", FILES)
def test_every_catalog_is_named_with_its_schema(file_name: str) -> None:
    for name, query in queries(file_name).items():
        for line in query.splitlines():
            if not line.lstrip().startswith("--"):
                words = line.replace("(", " ").split()
                assert not [word for word in words if word.startswith("pg_") and "." not in word], (
                    name,
                    line,
                )

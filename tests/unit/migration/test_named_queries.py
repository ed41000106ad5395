"""Every query of ours has a name and a sentence, wherever it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from workorders.migration.errors import Broken
from workorders.migration.named_queries import named_queries, parsed

ROOT = Path(__file__).parents[3]
#: The schema's own files are statements to be run whole.
FILES = sorted(
    str(path.relative_to(ROOT))
    for storey in ("bot", "workorders")
    for path in (ROOT / storey).rglob("*.sql")
    if path.parent.name != "migrations" and "-- name" in path.read_text()
)


@pytest.mark.parametrize("path", FILES)
def test_every_file_of_ours_can_be_read(path: str) -> None:
    found = parsed((ROOT / path).read_text(), path)

    assert found
    assert not [query for query in found.values() if query.startswith("--")]


def test_files_of_all_storeys_are_held_to_it() -> None:
    folders = {str(Path(path).parent) for path in FILES}

    assert {"bot/github", "bot/store/sql", "workorders/migration", "workorders/migration/catalog"} <= folders


def test_a_query_is_had_by_name_without_its_sentence() -> None:
    found = parsed(
        "-- Of all.\n\n-- name: one\n-- Says it.\nSELECT 1;\n\n-- name: two_2\n-- Says more.\n"
        "-- Much more.\nSELECT 2; SELECT 3;\n",
        "f.sql",
    )

    assert list(found) == ["one", "two_2"]
    assert found["one"] == "SELECT 1"
    assert found["two_2"] == "SELECT 2; SELECT 3"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SELECT 1;\n-- name: one\n-- Says it.\nSELECT 1;",
        "-- name: one\nSELECT 1;",
        "-- name: one\n-- Says it.\n",
        "-- name: one\n-- Says it.\n-- And more.\n",
        "-- name: one\n-- Says it.\nSELECT 1;\n-- name: one\n-- Again.\nSELECT 2;",
    ],
)
def test_a_file_that_is_not_in_order_is_our_fault(text: str) -> None:
    with pytest.raises(Broken):
        parsed(text, "f.sql")


def test_a_file_is_read_once() -> None:
    first = named_queries("workorders.migration", "journal.sql")

    assert first is named_queries("workorders.migration", "journal.sql")
    assert "install" in first

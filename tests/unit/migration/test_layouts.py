"""A folder of migrations is read as the tool that it was written for reads it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from workorders.migration.corpus import layouts
from workorders.migration.errors import Unreadable

_GOOSE = """-- +goose Up
-- +goose StatementBegin
CREATE TABLE a (id int);
-- +goose StatementEnd
-- +goose Down
DROP TABLE a;
"""
_GOOSE_ALONE = "-- +goose NO TRANSACTION\n-- +goose Up\nSELECT 1;\n"
_DBMATE = "-- a comment\n-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n"
_DBMATE_ALONE = "-- migrate:up transaction:false\nSELECT 1;\n"


def _history(folder: Path, files: Mapping[str, str], pattern: str | None = None) -> layouts.History:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return layouts.read(folder, pattern)


@pytest.mark.parametrize(
    ("layout", "files", "order", "in_one_transaction"),
    [
        ("plain", {"b.sql": "", "a/z.sql": "", "a/y.down.sql": ""}, ["a/z.sql", "b.sql"], [False, False]),
        (
            "goose",
            {"10_b.sql": _GOOSE_ALONE, "9_a.sql": _GOOSE},
            ["9_a.sql", "10_b.sql"],
            [True, False],
        ),
        (
            "dbmate",
            {"10_b.sql": _DBMATE_ALONE, "9_a.sql": _DBMATE},
            ["9_a.sql", "10_b.sql"],
            [True, False],
        ),
        (
            "sqlx",
            {"10_b.sql": "-- no-transaction\n", "9_a.sql": "", "9_a.down.sql": ""},
            ["9_a.sql", "10_b.sql"],
            [True, False],
        ),
        (
            "golang-migrate",
            {"10_b.up.sql": "", "9_a.up.sql": "", "9_a.down.sql": "", "10_b.down.sql": ""},
            ["9_a.up.sql", "10_b.up.sql"],
            [True, True],
        ),
        (
            "diesel",
            {
                "20200101_a/up.sql": "",
                "20200101_a/down.sql": "",
                "2020-01-02_b/up.sql": "",
                "2020-01-02_b/metadata.toml": "run_in_transaction = false\n",
                "schema.sql": "",
            },
            ["20200101_a/up.sql", "2020-01-02_b/up.sql"],
            [True, False],
        ),
        (
            "prisma",
            {"2020_a/migration.sql": "", "2021_b/migration.sql": "", "seed.sql": ""},
            ["2020_a/migration.sql", "2021_b/migration.sql"],
            [False, False],
        ),
        (
            "flyway",
            {"V10__c.sql": "", "V2_1__b.sql": "", "V2__a.sql": "", "U2__a.sql": ""},
            ["V2__a.sql", "V2_1__b.sql", "V10__c.sql"],
            [True, True, True],
        ),
    ],
)
def test_each_layout_is_known_by_its_files_and_read_in_its_order(
    tmp_path: Path, layout: str, files: Mapping[str, str], order: list[str], in_one_transaction: list[bool]
) -> None:
    history = _history(tmp_path, files)

    assert history.layout == layout
    assert [migration.name for migration in history.migrations] == order
    assert [migration.is_in_one_transaction for migration in history.migrations] == in_one_transaction


@pytest.mark.parametrize("text", [_GOOSE, _DBMATE])
def test_only_the_way_up_is_read_and_its_lines_keep_their_numbers(tmp_path: Path, text: str) -> None:
    (migration,) = _history(tmp_path, {"1_a.sql": text}).migrations

    lines = migration.text.split("\n")
    wanted = text.split("\n")
    last = next(place for place, line in enumerate(wanted) if "down" in line.lower())
    assert len(lines) == last
    assert all(have in (want, "") for have, want in zip(lines, wanted, strict=False))
    assert any(line.endswith(";") for line in lines)


def test_a_pattern_leaves_the_other_files_out(tmp_path: Path) -> None:
    history = _history(tmp_path, {"a.sql": "", "b.pgsql": ""}, "*.pgsql")

    assert [migration.name for migration in history.migrations] == ["b.pgsql"]


def test_a_folder_without_migrations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="no migrations"):
        layouts.read(tmp_path)
    (tmp_path / "a.sql").write_bytes(b"\xff")
    with pytest.raises(Unreadable, match=r"a\.sql is not UTF-8"):
        layouts.read(tmp_path)

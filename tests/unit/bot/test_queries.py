from __future__ import annotations

from importlib.resources import files

import pytest

from bot.errors import Broken
from bot.store.queries import parsed, queries

FILES = sorted(each.name for each in (files("bot.store") / "sql").iterdir())


@pytest.mark.parametrize("name", FILES)
def test_every_file_of_ours_can_be_read(name: str) -> None:
    assert queries(name.removesuffix(".sql"))


def test_a_query_is_had_by_name_without_its_sentence() -> None:
    found = parsed(
        "-- one --\n-- Says it.\nSELECT 1;\n\n-- two --\n-- Says more.\n-- Much more.\nSELECT 2;\n", "f"
    )

    assert found["one"] == b"SELECT 1"
    assert found["two"].endswith(b"SELECT 2")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SELECT 1;\n-- one --\n-- Says it.\nSELECT 1;",
        "-- one --\nSELECT 1;",
        "-- one --\n-- Says it.\n",
        "-- one --\n-- Says it.\nSELECT 1;\n-- one --\n-- Again.\nSELECT 2;",
    ],
)
def test_a_file_that_is_not_in_order_is_our_fault(text: str) -> None:
    with pytest.raises(Broken):
        parsed(text, "f.sql")

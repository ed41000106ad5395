"""What a rollback after writes has to leave, judged from four moments of a table."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from workorders.migration.catalog.fingerprint import Fingerprint, column_key
from workorders.migration.catalog.snapshot import Catalog, Column, Constraint, Identity, Table
from workorders.migration.names import RelationName
from workorders.migration.rehearsal import kept
from workorders.migration.rehearsal.moments import Allowed, Moments
from workorders.migration.rehearsal.rows import TableRows
from workorders.migration.rehearsal.state import State

T = RelationName(schema="public", name="t")

Rows = list[tuple[str | None, ...]]

#: Before the plan: id, hidden by it, kept by it.
BEFORE: Rows = [("1", "h1", "k1"), ("2", "h2", "k2"), ("3", "h3", "k3")]
#: The plan drops the second column; then 1 is changed, 2 deleted, 9 inserted.
PLANNED: Rows = [("1", "k1"), ("2", "k2"), ("3", "k3")]
WRITTEN: Rows = [("1", "new"), ("3", "k3"), ("9", "k9")]
RIGHT: Rows = [("1", "h1", "new"), ("3", "h3", "k3"), ("9", None, "k9")]

KEY = Constraint(name="t_pkey", kind="p", definition="PRIMARY KEY (id)", columns=("id",))


def _state(rows: Rows, columns: tuple[str, ...], types: Mapping[str, str]) -> State:
    objects = {column_key(T, column): {"type": types.get(column, "text")} for column in columns}
    table = TableRows(columns=columns, rows=tuple(rows))
    return State(schema=Fingerprint(objects=objects), rows={T: table})


def _said(
    reverted: Rows,
    *,
    has_key: bool = True,
    aside: int = 0,
    left: int = 0,
    was: Mapping[str, str] | None = None,
    planned: Rows = PLANNED,
    written: Rows = WRITTEN,
) -> list[str]:
    columns = ("id", "hidden", "kept")
    table = Table(
        name=T,
        columns=tuple(Column(name=name, type="text") for name in columns),
        constraints=(KEY,) if has_key else (),
    )
    catalog = Catalog(
        identity=Identity(system_identifier="1", database="shop"),
        server_version=180000,
        search_path=("public",),
        role="owner",
        tables={T: table},
    )
    moments = Moments(
        before=_state(BEFORE, columns, was or {}),
        planned=_state(planned, ("id", "kept"), {}),
        written=_state(written, ("id", "kept"), {}),
        reverted=_state(reverted, columns, was or {}),
    )
    captured = {T} if left else set()
    allowed = Allowed(aside={T: aside}, left=left, captured=captured)
    return [each.removeprefix("table public.t: ") for each in kept.differences(catalog, moments, allowed)]


@pytest.mark.parametrize("has_key", [True, False])
def test_what_was_written_stays_and_the_rest_is_as_before(has_key: bool) -> None:
    assert _said(RIGHT, has_key=has_key) == []


@pytest.mark.parametrize(
    ("reverted", "says"),
    [
        (RIGHT[:2], "1 rows that were written since are not there"),
        ([("1", "h1", "k1"), *RIGHT[1:]], "1 rows have lost a value that was written since"),
        ([("1", None, "new"), *RIGHT[1:]], "1 rows that nobody wrote since are not as before"),
        ([RIGHT[0], ("3", None, "k3"), RIGHT[2]], "1 rows that nobody wrote since are not as before"),
        ([*RIGHT, BEFORE[1]], "1 rows are there that should not be"),
    ],
)
def test_what_is_wrong_is_counted(reverted: Rows, says: str) -> None:
    assert _said(reverted) == [says]


@pytest.mark.parametrize(
    ("reverted", "says"),
    [
        ([*RIGHT[:2], ("9", None, "odd")], "1 rows that were written since are not there"),
        ([("8", "h8", "k8"), RIGHT[2]], "3 rows that nobody wrote since are not as before"),
        ([*RIGHT, BEFORE[1]], "1 rows are too many or too few"),
    ],
)
def test_without_a_key_whole_rows_are_counted(reverted: Rows, says: str) -> None:
    assert says in _said(reverted, has_key=False)


def test_a_row_that_was_set_aside_is_not_lost_and_a_second_one_is() -> None:
    assert _said(RIGHT[:2], aside=1) == []
    assert _said(RIGHT[:1], aside=1) == ["2 rows that were written since are not there"]


def test_without_a_key_an_old_row_may_have_been_set_aside_and_no_second_one() -> None:
    assert _said([RIGHT[0], RIGHT[2]], has_key=False, aside=1) == []
    assert _said([RIGHT[2]], has_key=False, aside=1) != []


def test_a_value_of_another_type_meanwhile_may_read_otherwise() -> None:
    assert _said([("1", "h1", "NEW"), *RIGHT[1:]], was={"kept": "citext"}) == []
    assert _said([RIGHT[0], ("3", "h3", "K3"), RIGHT[2]], was={"kept": "citext"}) == [
        "1 rows that nobody wrote since are not as before"
    ]


def test_rows_that_the_rollback_says_it_left_are_allowed_and_no_more() -> None:
    odd: Rows = [RIGHT[0], ("3", "h3", "odd"), RIGHT[2]]

    assert _said(odd, left=1) == []
    assert _said([("1", None, "new"), *odd[1:]], left=1) == [
        "2 rows that nobody wrote since are not as before"
    ]


def test_an_old_row_in_the_place_of_one_that_was_set_aside_is_right() -> None:
    gone: Rows = [("1", "k1"), ("2", "k2")]
    again: Rows = [*gone, ("3", "written")]

    assert _said(BEFORE, planned=gone, written=again, aside=1) == []
    assert _said(BEFORE, planned=gone, written=again) == ["1 rows that were written since are not there"]


def test_without_a_key_a_value_of_another_type_is_written_all_the_same() -> None:
    reverted: Rows = [("1", "h1", "NEW"), *RIGHT[1:]]

    assert _said(reverted, has_key=False, was={"kept": "citext"}) == []

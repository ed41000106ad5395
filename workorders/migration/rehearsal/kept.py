"""Whether a rollback after writes kept what was written and gave back what was not.

Judged from four moments of one copy alone: before the plan, after it, after the writes, after the
rollback. What a row should be in the end follows column by column: where the writes left what
the plan left, what was there before the plan; else what was written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from workorders.migration.catalog import diff
from workorders.migration.catalog.fingerprint import Fingerprint, column_key
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.names import RelationName
from workorders.migration.plan import Plan
from workorders.migration.rehearsal.moments import Allowed, Moments
from workorders.migration.rehearsal.rows import Rows, TableRows
from workorders.migration.rehearsal.state import State
from workorders.migration.rehearsal.trees import trees


def called_before(state: State, plan: Plan) -> State:
    """The state after a plan with its tables and columns as they were called before it.

    What the plan itself made was not there before, though it may have the name of what it dropped or renamed.
    """
    names, gone, gone_columns = plan.names(), plan.gone, plan.gone_columns
    back = names.reversed
    rows: dict[RelationName, TableRows] = {}
    objects = dict(state.schema.objects)
    for name, held in state.rows.items():
        was = back.table(name)
        if names.table(was) != name or was in gone:
            continue
        formers = {column: back.column(name, column) for column in held.columns}
        columns = {column: former for column, former in formers.items() if (was, former) not in gone_columns}
        for column, former in columns.items():
            objects[column_key(was, former)] = state.schema.objects.get(column_key(name, column), {})
        order = sorted(columns, key=columns.__getitem__)
        places = [held.columns.index(column) for column in order]
        rows[was] = TableRows(
            columns=tuple(columns[column] for column in order),
            rows=tuple(tuple(row[place] for place in places) for row in held.rows),
            moments=frozenset(columns[column] for column in held.moments if column in columns),
        )
    return State(schema=Fingerprint(objects=objects), rows=rows)


_Row = Mapping[str, str | None]
_Keyed = Mapping[tuple[str | None, ...], _Row]


def differences(catalog: Catalog, moments: Moments, allowed: Allowed) -> tuple[str, ...]:
    """What is not as it should be, in words; `catalog` is that from before the plan.

    A partitioned table is judged as one: on the way back rows may move to the partition that takes them.
    """
    found = [str(difference) for difference in diff.compare(moments.before.schema, moments.reverted.schema)]
    for tree in trees(catalog):
        moments, allowed = tree.judged_as_one(moments, allowed)
    for name in sorted(set(moments.before.rows) & set(moments.reverted.rows)):
        table = catalog.tables.get(name)
        if table is not None and table.kind == "m":
            continue  # nobody writes it: it shows what its query gave when it was filled
        found += _Table(catalog, name, moments, allowed).differences()
    return tuple(found)


class _Table:
    """One table's rows at the four moments."""

    def __init__(self, catalog: Catalog, name: RelationName, moments: Moments, allowed: Allowed) -> None:
        self._name = name
        self._before, self._reverted = moments.before.rows[name], moments.reverted.rows[name]
        self._planned, self._written = (
            _held(state.rows, name, self._before) for state in (moments.planned, moments.written)
        )
        self._aside = allowed.aside.get(name, 0)
        self._is_captured = name in allowed.captured
        self._left = allowed.left if self._is_captured else 0
        table = catalog.tables.get(name)
        self._key = table.key if table else ()
        generated = {column.name for column in table.columns if column.generated} if table else set()
        self._common = [
            column
            for column in self._before.columns
            if column in self._planned.columns
            and column not in generated
            and _is_of_same_type(moments.before, moments.planned, name, column)
        ]
        #: Columns that follow from others, or that are of another type meanwhile.
        self._derived = [
            c
            for c in self._before.columns
            if c in generated or (c in self._planned.columns and c not in self._common)
        ]

    def differences(self) -> list[str]:
        tables = (self._before, self._planned, self._written, self._reverted)
        keyed = [_by_key(each, self._key) for each in tables]
        before, planned, written, reverted = keyed
        if before is None or planned is None or written is None or reverted is None:
            return list(self._without_key())
        if self._is_captured and set(before) - set(planned) and set(planned) - set(before):
            return list(self._without_key())  # rows may have got other keys
        return list(self._with_key(before, planned, written, reverted))

    def _with_key(self, before: _Keyed, planned: _Keyed, written: _Keyed, reverted: _Keyed) -> Iterator[str]:
        lost = unrestored = overwritten = 0
        should_go = {key for key, row in written.items() if key not in before and planned.get(key) == row}
        for key in set(written) - should_go:
            first, then, now, end = (each.get(key) for each in (before, planned, written, reverted))
            assert now is not None
            if end is None or (then is None and end == first):
                # Where the plan had taken a row of that key away, the old one may be there again instead.
                lost += end is None or any(end[column] != now[column] for column in self._common)
                continue
            overwritten += not self._is_kept(first, then, now, end)
            unrestored += first is not None and then is not None and not self._is_given(first, then, now, end)
        missing = sum(
            reverted.get(key) != row
            for key, row in before.items()
            if key not in planned and key not in written
        )
        many = sum(key not in written and (key not in before or key in planned) for key in reverted)
        many += sum(key in reverted for key in should_go)
        yield from self._said(lost, self._aside, "rows that were written since are not there")
        yield from self._said(overwritten, self._left, "rows have lost a value that was written since")
        yield from self._said(
            unrestored + missing, self._left, "rows that nobody wrote since are not as before"
        )
        yield from self._said(many, self._left, "rows are there that should not be")

    def _is_kept(self, first: _Row | None, then: _Row | None, now: _Row, end: _Row) -> bool:
        """What was written since is there; all of it where the row was not there before."""
        return all(
            end[column] == now[column]
            for column in self._common
            if first is None or then is None or then[column] != now[column]
        )

    def _is_given(self, first: _Row, then: _Row, now: _Row, end: _Row) -> bool:
        """What was not written since is as before."""
        return all(
            end[column] == first[column]
            for column in self._before.columns
            if then.get(column) == now.get(column) and not (column in self._derived and then != now)
        )

    def _without_key(self) -> Iterator[str]:
        touched = Counter(self._planned.rows) - Counter(self._written.rows)
        written = _multiset(self._written, self._common) - _multiset(self._planned, self._common)
        gone = Counter(self._before.rows) - Counter(self._reverted.rows)
        lost = written - _multiset(self._reverted, self._common)
        loosely = self._left + (touched.total() if self._is_captured else 0)
        yield from self._said(
            lost.total(), self._aside + loosely, "rows that were written since are not there"
        )
        yield from self._said(
            gone.total(),
            # A row that was set aside is one of those or of these.
            touched.total() + self._left + max(0, self._aside - lost.total()),
            "rows that nobody wrote since are not as before",
        )
        expected = len(self._before.rows) + len(self._written.rows) - len(self._planned.rows) - self._aside
        yield from self._said(
            abs(len(self._reverted.rows) - expected), loosely, "rows are too many or too few"
        )

    def _said(self, rows: int, allowed: int, what: str) -> Iterator[str]:
        if rows > allowed:
            yield f"table {self._name}: {rows} {what}"


def _held(rows: Rows, name: RelationName, otherwise: TableRows) -> TableRows:
    """The table's rows; those from before where it is not to be seen meanwhile, and so not written."""
    return rows.get(name, otherwise)


def _is_of_same_type(before: State, planned: State, table: RelationName, column: str) -> bool:
    """Whether a column's values mean the same: another enum may have the name of the former one by then."""
    key = column_key(table, column)
    was, now = (state.schema.objects.get(key, {}).get("type") for state in (before, planned))
    former, latter = (_labels(state, was) for state in (before, planned))
    return was == now and former <= latter


def _labels(state: State, type_name: object) -> frozenset[str]:
    key = f"type {str(type_name).removesuffix('[]')}"
    found = state.schema.objects.get(key, {}).get("labels")
    return frozenset(found) if isinstance(found, list) else frozenset()


def _by_key(table: TableRows, key: tuple[str, ...]) -> _Keyed | None:
    """Its rows by their key; None where that does not tell them apart."""
    if not key or not set(key) <= set(table.columns):
        return None
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    found = {tuple(row[column] for column in key): row for row in rows}
    return found if len(found) == len(rows) else None


def _multiset(table: TableRows, columns: list[str]) -> Counter[tuple[str | None, ...]]:
    places = [table.columns.index(column) for column in columns]
    return Counter(tuple(row[place] for place in places) for row in table.rows)

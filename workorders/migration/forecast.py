"""What a plan will take on its target: time, write-ahead log and disk, step by step, as intervals.

Foretold from what was measured: the target's sizes and how long its rows take to be counted, what the
steps cost on the sample in rehearsal, and what earlier orders on the same tables really took. An estimate
names its measurement; without one it says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.estimate import NO_EXPERIENCE, UNMEASURED, Amount, Estimate, Experience, Work, total
from workorders.migration.names import RelationName
from workorders.migration.plan import Plan
from workorders.migration.rehearsal.metering import Built, Cost
from workorders.migration.steps import Step
from workorders.migration.validation import Measured

#: How far a catalog change's time on the target may be from its time in rehearsal; and that of ANALYZE,
#: which reads 30,000 rows at most where its target stands at 100.
_CATALOG_SPREAD, _SAMPLE_SPREAD = 10.0, 150.0

#: A validation reads what a count reads, and compares; an index build also sorts; a rewriting writes.
_SCAN_SPREAD, _BUILD_SPREAD = 4.0, 20.0

#: Rows on the target may be in memory and in large batches, or on a slow disk with pauses between.
_ROWS_FASTER, _ROWS_SLOWER = 5.0, 7.5

#: What the same target did before it does about as fast again.
_REMEMBERED_SPREAD = 2.0

#: The sample's log is without whole pages; a page that is written after a checkpoint is logged whole.
_LOG_SPREAD = 2.0
_PAGE_BYTES = 8192
#: So many pages of the catalog and of our journal one change writes, at most.
_CATALOG_PAGES = 60

#: How much larger than the former versions the new ones may be.
_GROWN = 1.5

#: Of a B-tree's entry beside its key: header and line pointer; what alignment adds; how full pages are.
_ENTRY_BYTES, _ALIGNED, _FULL = 12, 8, 0.9
#: Equal keys of an index that is not unique are kept as a list of row addresses.
_ADDRESS_BYTES = 6


@dataclass(frozen=True, kw_only=True)
class Grounds:
    """What there is to foretell from."""

    catalog: Catalog
    measured: Measured
    #: Rows that a statement of the script writes, by its position; None where they could not be counted.
    counted: Mapping[int, int | None] = field(default_factory=dict)
    #: What the steps took in rehearsal.
    costs: Mapping[int, Cost] = field(default_factory=dict)
    experience: Experience = NO_EXPERIENCE
    #: Reading rows for the first time may write pages, which are logged (data_checksums, wal_log_hints).
    logs_hints: bool = False


def estimates(plan: Plan, grounds: Grounds) -> tuple[Estimate, ...]:
    """One estimate a step."""
    return tuple(
        _Foretold(plan=plan, number=number, step=step, grounds=grounds).estimate
        for number, step in enumerate(plan.steps)
    )


def kept_bytes(plan: Plan, catalog: Catalog) -> int:
    """What the tables that go, and stay out of sight until the purge, take up so long."""
    gone = {
        plan.names(step.statement).reversed.table(move.relation) for step in plan.steps for move in step.moves
    }
    return sum(catalog.tables[name].size_bytes for name in gone if name in catalog.tables)


@dataclass(frozen=True, kw_only=True)
class _Foretold:
    """One step with what there is to foretell it from."""

    plan: Plan
    number: int
    step: Step
    grounds: Grounds

    @property
    def estimate(self) -> Estimate:
        """All three figures."""
        basis = self._rows or 0 if self._work is Work.ROWS else self._count_ms or 0
        return Estimate(
            step=self.step.action.title,
            work=self._work,
            locks=self.step.action.locks,
            milliseconds=self._milliseconds,
            wal_bytes=self._wal_bytes,
            disk_bytes=self._disk_bytes,
            basis=float(basis),
        )

    @property
    def _work(self) -> Work:
        action = self.step.action
        if action.batches is not None or action.captured:
            return Work.ROWS
        if action.rewrites or (action.scans and not action.is_transactional) or self._built:
            return Work.BUILD
        return Work.SCAN if action.scans else Work.CATALOG

    @property
    def _cost(self) -> Cost | None:
        return self.grounds.costs.get(self.number)

    @property
    def _built(self) -> tuple[Built, ...]:
        """Indexes of tables that have rows on the target."""
        built = self._cost.built if self._cost else ()
        return tuple(each for each in built if self._table(each.table) is not None)

    @property
    def _read_before(self) -> tuple[RelationName, ...]:
        """The tables that it reads, or writes anew, as they are called before the plan."""
        names = dict.fromkeys((*self.step.action.scans, *self.step.action.rewrites))
        return tuple(self._before(name) for name in names)

    @property
    def _read(self) -> tuple[Table, ...]:
        """The same as they are on the target."""
        tables = self.grounds.catalog.tables
        return tuple(tables[name] for name in self._read_before if name in tables)

    @property
    def _written(self) -> Table | None:
        """The table that it writes most rows of."""
        rows = dict(self._cost.written) if self._cost else {}
        tables = sorted(((n, name) for name, n in rows.items()), key=lambda each: (-each[0], each[1]))
        named = [name for _, name in tables] or list(self.step.action.captured)
        return next((table for name in named if (table := self._table(name)) is not None), None)

    @property
    def _rows(self) -> int | None:
        """How many rows it will write there."""
        if self.step.statement in self.grounds.counted:
            return self.grounds.counted[self.step.statement]
        if self.step.action.batches is None or self._written is None:
            return None
        return _rows_of(self._written, self.grounds.measured)

    @property
    def _count_ms(self) -> float | None:
        """How long the rows that it reads took to be counted."""
        times = [self.grounds.measured.milliseconds(name) for name in self._read_before]
        return None if None in times or not times else sum(each for each in times if each is not None)

    def _before(self, name: RelationName) -> RelationName:
        """What a table is called before the plan."""
        return self.plan.names(self.step.statement).reversed.table(name)

    def _table(self, name: RelationName) -> Table | None:
        return self.grounds.catalog.tables.get(self._before(name))

    @property
    def _milliseconds(self) -> Amount:
        if self._work is Work.CATALOG:
            return self._as_rehearsed
        if self._work is Work.ROWS:
            return self._time_of_rows
        count_ms, seen = self._count_ms, self.grounds.experience
        if count_ms is None:
            return UNMEASURED
        names = ", ".join(map(str, self._read_before))
        because = f"counting the rows of {names} took {count_ms:.0f} ms on the target"
        is_scan = self._work is Work.SCAN
        ratio = seen.scan_to_count if is_scan else seen.build_to_count
        if ratio is not None:
            likely = count_ms * ratio
            return Amount(
                low=likely / _REMEMBERED_SPREAD,
                high=likely * _REMEMBERED_SPREAD,
                because=f"{because}, and the last time this took {ratio:g} times as long",
            )
        spread = _SCAN_SPREAD if is_scan else _BUILD_SPREAD
        return Amount(low=count_ms, high=max(count_ms * spread, 1.0), because=because)

    @property
    def _as_rehearsed(self) -> Amount:
        if self._cost is None:
            return UNMEASURED
        took = self._cost.milliseconds
        is_sampling = any(each.startswith("ANALYZE ") for each in self.step.action.sql)
        depends = "reads a sample of the rows, however many" if is_sampling else "does not depend on the rows"
        return Amount(
            low=took / _CATALOG_SPREAD,
            high=took * (_SAMPLE_SPREAD if is_sampling else _CATALOG_SPREAD),
            because=f"it took {took:.1f} ms in rehearsal, and {depends}",
        )

    @property
    def _time_of_rows(self) -> Amount:
        rows, rate, cost = self._rows, self.grounds.experience.rows_per_second, self._cost
        if rows is None:
            return UNMEASURED
        if rate is not None:
            likely = rows / rate * 1000
            return Amount(
                low=likely / _REMEMBERED_SPREAD,
                high=max(likely * _REMEMBERED_SPREAD, 1.0),
                because=f"{rows:,} rows, of which {rate:,.0f} a second were written the last time",
            )
        if cost is None or not cost.rows:
            return UNMEASURED
        likely = cost.milliseconds / cost.rows * rows
        return Amount(
            low=likely / _ROWS_FASTER,
            high=max(likely * _ROWS_SLOWER, cost.milliseconds),
            because=f"{cost.rows:,} rows took {cost.milliseconds:.1f} ms in rehearsal;"
            f" {rows:,} are to be written",
        )

    @property
    def _wal_bytes(self) -> Amount:
        match self._work:
            case Work.CATALOG:
                return self._catalogs_wal
            case Work.SCAN:
                return self._scans_wal
            case Work.BUILD:
                return self._new_bytes
            case Work.ROWS:
                return self._wal_of_rows

    @property
    def _catalogs_wal(self) -> Amount:
        if self._cost is None:
            return UNMEASURED
        wal = self._cost.wal_bytes
        return Amount(
            low=wal,
            high=wal * _LOG_SPREAD + _CATALOG_PAGES * _PAGE_BYTES,
            because=f"{wal:,.0f} bytes in rehearsal, without whole pages of the catalog",
        )

    @property
    def _scans_wal(self) -> Amount:
        if self._cost is None:
            return UNMEASURED
        wal, heap = self._cost.wal_bytes, sum(_heap_bytes(table) for table in self._read)
        if not self.grounds.logs_hints:
            return Amount(low=0.0, high=wal * _LOG_SPREAD, because="reading is not logged")
        return Amount(
            low=0.0,
            high=wal * _LOG_SPREAD + heap,
            because="a page that nobody has read since it was written is logged whole (data_checksums)",
        )

    @property
    def _wal_of_rows(self) -> Amount:
        rows, table, cost = self._rows, self._written, self._cost
        if rows is None or table is None or cost is None or not cost.rows:
            return UNMEASURED
        each = cost.wal_bytes / cost.rows
        return Amount(
            low=each * rows / _LOG_SPREAD,
            high=each * rows * _LOG_SPREAD + table.size_bytes,
            because=f"{each:,.0f} bytes a row in rehearsal; each page of {table.name} may be logged whole",
        )

    @property
    def _disk_bytes(self) -> Amount:
        match self._work:
            case Work.CATALOG | Work.SCAN:
                return Amount(low=0.0, high=0.0, because="nothing is stored anew")
            case Work.BUILD:
                return self._new_bytes
            case Work.ROWS:
                return self._disk_of_rows

    @property
    def _new_bytes(self) -> Amount:
        """Of indexes and tables that are written from their beginning."""
        if self.step.action.rewrites:
            size = sum(table.size_bytes for table in self._read)
            return Amount(
                low=size / _LOG_SPREAD, high=size * _LOG_SPREAD, because="the sizes of what is written anew"
            )
        if not self._built:
            return UNMEASURED
        parts = [self._index_bytes(each) for each in self._built]
        whole, unknown = total(parts)
        return next(part for part in parts if not part.is_known) if unknown else whole

    def _index_bytes(self, built: Built) -> Amount:
        table = self._table(built.table)
        rows = None if table is None else _rows_of(table, self.grounds.measured)
        if built.method != "btree":
            return Amount(low=None, high=None, because=f"nothing tells the size of a {built.method} index")
        if rows is None or not built.rows:
            return UNMEASURED
        entries = rows * built.entries / built.rows
        one = _ENTRY_BYTES + (built.key_bytes + _ALIGNED - 1) // _ALIGNED * _ALIGNED
        likely = entries * one / _FULL
        return Amount(
            low=min(likely, entries * _ADDRESS_BYTES) if not built.is_unique else likely / 1.25,
            high=likely * 1.25 + 2 * _PAGE_BYTES,
            because=f"{built.entries} of {built.rows} sample rows are in it, with keys of"
            f" {built.key_bytes:.0f} bytes; {rows:,} rows on the target",
        )

    @property
    def _disk_of_rows(self) -> Amount:
        rows, table = self._rows, self._written
        all_rows = None if table is None else _rows_of(table, self.grounds.measured)
        if rows is None or table is None or not all_rows:
            return UNMEASURED
        part = min(rows / all_rows, 1.0)
        heap = _heap_bytes(table) * part
        images = 2 * heap if self.step.action.captured else 0.0
        return Amount(
            low=images / 4,
            high=images + table.size_bytes * part * _GROWN + _PAGE_BYTES,
            because=f"{rows:,} of {all_rows:,} rows of {table.name} leave a former version until they are"
            " vacuumed" + (", and images until the purge" if images else ""),
        )


def _rows_of(table: Table, measured: Measured) -> int | None:
    """Counted, or else as the server itself estimates them."""
    counted = next(
        (a.value for a in measured.answers if a.query.kind == "rows" and a.query.table == table.name), None
    )
    if counted is not None:
        return counted
    return table.estimated_rows if table.estimated_rows >= 0 else None


def _heap_bytes(table: Table) -> int:
    """With its TOAST, without its indexes."""
    return max(table.size_bytes - sum(index.size_bytes for index in table.indexes), 0)

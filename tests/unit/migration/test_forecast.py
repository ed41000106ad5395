"""An estimate is made of measurements that it names; without them it is unknown, never a guess."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from workorders.migration import forecast, scoring
from workorders.migration.catalog.snapshot import Catalog, Identity, Index, Table
from workorders.migration.estimate import Amount, Estimate, Experience, total
from workorders.migration.forecast import Grounds
from workorders.migration.names import RelationName
from workorders.migration.plan import Plan
from workorders.migration.rehearsal.metering import Built, Cost
from workorders.migration.scoring import Expected
from workorders.migration.sql import script
from workorders.migration.steps import Action, Batches, Move, Step
from workorders.migration.validation import Answer, Measured, Query
from workorders.roles import words

ORDERS = RelationName(schema="public", name="orders")
IDENTITY = Identity(system_identifier="1", database="shop")
MB = 1024 * 1024

BATCHES = Batches(first="SELECT 1", next="SELECT 1", between=("SELECT 1",), rest=("SELECT 1",), key_columns=1)
CATALOG = Action(title="a change of definitions", sql=("ALTER TABLE orders ADD note text",))
ANALYZE = Action(title="analyse", sql=("ANALYZE orders (note)",))
SCAN = Action(title="validate", scans=(ORDERS,))
BUILD = Action(title="build", scans=(ORDERS,), is_transactional=False)
REWRITE = Action(title="rewrite", scans=(ORDERS,), rewrites=(ORDERS,))
BACKFILL = Action(title="backfill", batches=BATCHES)
UPDATE = Action(title="update", batches=BATCHES, captured=(ORDERS,))
INSERT = Action(title="insert", captured=(ORDERS,))


def grounds(cost: Cost | None = None, **others: object) -> Grounds:
    """A table of 1,000 rows in 10 MB, 2 of them in an index, that took 40 ms to be counted."""
    index = Index(name="orders_pkey", definition="", size_bytes=2 * MB)
    table = Table(name=ORDERS, size_bytes=10 * MB, indexes=(index,), estimated_rows=900)
    query = Query(kind="rows", table=ORDERS, subject="", sql="SELECT count(*)")
    plain = Grounds(
        catalog=Catalog(
            identity=IDENTITY, server_version=180000, search_path=(), role="o", tables={ORDERS: table}
        ),
        measured=Measured(answers=(Answer(query=query, value=1000, milliseconds=40.0),), traffic={}),
        costs={} if cost is None else {0: cost},
    )
    return replace(plain, **others)  # type: ignore[arg-type]  # fields by name


def foretold(action: Action, given: Grounds) -> Estimate:
    """Of a plan of this one step."""
    (found,) = forecast.estimates(_plan(Step(statement=0, operation="any", action=action)), given)
    return found


def _plan(step: Step) -> Plan:
    return Plan(
        run="r", identity=IDENTITY, script=script.read("SELECT 1"), statements=(), steps=(step,), checks=(),
        tables=(ORDERS,),
    )  # fmt: skip


def ends(amount: Amount) -> tuple[float | None, float | None]:
    return (amount.low, amount.high)


NOTHING = Measured(answers=(), traffic={})
UNKNOWN = (None, None)
WRITTEN = Cost(milliseconds=20.0, wal_bytes=4000.0, written={ORDERS: 40})


@pytest.mark.parametrize(
    ("action", "given"),
    [
        (CATALOG, grounds()),
        (SCAN, grounds(measured=NOTHING)),
        # The sample's time says nothing about a step that depends on the rows.
        (SCAN, grounds(WRITTEN, measured=NOTHING)),
        (BUILD, grounds(WRITTEN, measured=NOTHING)),
        (BACKFILL, grounds()),
        (BACKFILL, grounds(Cost(milliseconds=5.0))),
        # How many rows it will write could not be counted.
        (UPDATE, grounds(WRITTEN, counted={0: None})),
        (INSERT, grounds(WRITTEN)),
    ],
)
def test_a_time_without_a_measurement_is_unknown(action: Action, given: Grounds) -> None:
    found = foretold(action, given).milliseconds

    assert ends(found) == UNKNOWN
    assert (words.interval(found), found.because) == ("unknown", "nothing measured yet")


def test_definitions_take_what_they_took_in_rehearsal() -> None:
    found = foretold(CATALOG, grounds(Cost(milliseconds=5.0, wal_bytes=2000.0)))

    assert ends(found.milliseconds) == (0.5, 50.0)
    assert "5.0 ms in rehearsal" in found.milliseconds.because
    assert found.wal_bytes.low == 2000.0
    assert found.wal_bytes.high is not None
    assert 2000 < found.wal_bytes.high < MB
    assert ends(found.disk_bytes) == (0.0, 0.0)
    assert foretold(ANALYZE, grounds(Cost(milliseconds=5.0))).milliseconds.high == 750.0


def test_reading_takes_a_count_or_what_it_took_the_last_time() -> None:
    found = foretold(SCAN, grounds(Cost(wal_bytes=100.0)))
    again = foretold(SCAN, grounds(Cost(wal_bytes=100.0), experience=Experience(scan_to_count=3.0)))

    assert ends(found.milliseconds) == (40.0, 160.0)
    assert "public.orders took 40 ms" in found.milliseconds.because
    assert ends(again.milliseconds) == (60.0, 240.0)
    assert "the last time this took 3 times as long" in again.milliseconds.because
    assert ends(found.wal_bytes) == (0.0, 200.0)
    # Then a page that is read for the first time is logged whole; indexes are not read.
    logged = foretold(SCAN, grounds(Cost(wal_bytes=100.0), logs_hints=True))
    assert ends(logged.wal_bytes) == (0.0, 200.0 + 8 * MB)


def test_an_index_needs_room_for_the_keys_that_the_sample_had() -> None:
    built = Built(table=ORDERS, method="btree", is_unique=True, rows=200, entries=100, key_bytes=17.0)
    found = foretold(BUILD, grounds(Cost(built=(built,))))
    # 500 entries of 12 + 24 bytes on pages that are nine tenths full.
    likely = 500 * 36 / 0.9

    assert ends(found.disk_bytes) == (likely / 1.25, likely * 1.25 + 16384)
    assert ends(found.wal_bytes) == ends(found.disk_bytes)
    assert "100 of 200 sample rows" in found.disk_bytes.because
    doubled = foretold(BUILD, grounds(Cost(built=(replace(built, is_unique=False),))))
    assert doubled.disk_bytes.low == 500 * 6
    gin = foretold(BUILD, grounds(Cost(built=(built, replace(built, method="gin")))))
    assert ends(gin.disk_bytes) == UNKNOWN
    assert gin.disk_bytes.because == "nothing tells the size of a gin index"
    assert ends(foretold(BUILD, grounds()).disk_bytes) == UNKNOWN


def test_what_is_written_anew_needs_its_size_again() -> None:
    found = foretold(REWRITE, grounds())

    assert ends(found.disk_bytes) == ends(found.wal_bytes) == (5 * MB, 20 * MB)
    assert ends(found.milliseconds) == (40.0, 800.0)


def test_rows_cost_what_they_cost_in_rehearsal_times_their_number() -> None:
    found = foretold(BACKFILL, grounds(WRITTEN))

    # 0.5 ms and 100 bytes a row, 1,000 rows.
    assert ends(found.milliseconds) == (100.0, 3750.0)
    assert ends(found.wal_bytes) == (50_000.0, 200_000.0 + 10 * MB)
    assert found.disk_bytes.low == 0.0
    assert found.disk_bytes.high is not None
    assert found.disk_bytes.high > 10 * MB
    # The script's own statement writes those that it finds, and their images are kept.
    counted = foretold(UPDATE, grounds(WRITTEN, counted={0: 10}))
    assert ends(counted.milliseconds) == (1.0, 37.5)
    assert counted.disk_bytes.low is not None
    assert 0 < counted.disk_bytes.low < MB
    assert "images until the purge" in counted.disk_bytes.because
    # Nobody counted them here: the server's own number.
    assert foretold(BACKFILL, grounds(WRITTEN, measured=NOTHING)).basis == 900
    again = foretold(BACKFILL, grounds(WRITTEN, experience=Experience(rows_per_second=500.0)))
    assert ends(again.milliseconds) == (1000.0, 4000.0)


def test_a_dropped_table_keeps_its_room_until_the_purge() -> None:
    move = Move(relation=ORDERS, there=RelationName(schema="lockkeeper", name="kept"))
    plan = _plan(Step(statement=0, operation="drop_table", action=CATALOG, moves=(move,)))

    assert forecast.kept_bytes(plan, grounds().catalog) == 10 * MB
    assert "keep their 10 MB until the purge" in str(words.costs((), 10 * MB))
    assert "purge" not in str(words.costs((), 0))


def test_a_sum_says_of_how_many_it_is_not() -> None:
    known, unknown = Amount(low=1.0, high=4.0, because="a"), Amount(low=None, high=None, because="b")

    assert total((known, unknown, known)) == (Amount(low=2.0, high=8.0, because="a"), 1)
    assert words.summed((known, unknown)) == "1 ms to 4 ms; unknown for 1 step"
    assert words.summed((unknown,)) == "unknown"


def _expected(work: str, basis: float, low: float | None, high: float | None) -> Expected:
    return Expected(title="a step", work=work, basis=basis, low_ms=low, high_ms=high)


@pytest.mark.parametrize(
    ("real", "facts"),
    [
        ({}, {}),
        (
            {0: 2.0, 1: 200.0, 2: 400.0, 3: 9.0},
            {
                "predicted_at_least_ms": 111.0, "predicted_at_most_ms": 1310.0,
                "predicted_steps_took_ms": 602.0, "predictions_held": "3 of 3",
                "scan_to_count": 4.0, "rows_per_second": 5000.0,
            },
        ),
        # What is over at once teaches nothing; one that took longer is told.
        (
            {0: 20.0, 1: 20.0},
            {
                "predicted_at_least_ms": 11.0, "predicted_at_most_ms": 310.0, "predicted_steps_took_ms": 40.0,
                "predictions_held": "1 of 2",
            },
        ),
    ],
)  # fmt: skip
def test_real_times_score_the_forecast_and_teach_the_next(
    real: Mapping[int, float], facts: Mapping[str, object]
) -> None:
    expected = (
        _expected("catalog", 0.0, 1.0, 10.0),
        _expected("scan", 50.0, 10.0, 300.0),
        _expected("rows", 2000.0, 100.0, 1000.0),
        _expected("rows", 0.0, None, None),
    )
    kept = scoring.from_json(scoring.to_json(expected))

    assert kept == expected
    assert scoring.score(kept, real) == facts
    learnt = Experience.of([facts, {"rows_per_second": 1.0, "build_to_count": "odd"}])
    assert learnt.scan_to_count == facts.get("scan_to_count")
    # The newest is believed.
    assert learnt.rows_per_second == facts.get("rows_per_second", 1.0)
    assert learnt.build_to_count is None

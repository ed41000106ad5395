"""How a backfill's speed becomes pauses and longer batches, within the stall budget."""

from __future__ import annotations

import pytest

from workorders.migration.backfill import Pace
from workorders.migration.limits import Limits

#: A pause of half of the batch's time, batches of 50 ms, a budget of 100 ms.
LIMITS = Limits()


def pace(speed: float, limits: Limits = LIMITS) -> Pace:
    return Pace(limits, speed=lambda: speed)


@pytest.mark.parametrize(
    ("speed", "pause"), [(1.0, 0.025), (0.5, 0.1), (0.1, 0.7), (1.5, 0.0), (4.0, 0.0), (0.75, 0.05)]
)
def test_from_batch_to_batch_it_takes_the_speeds_part_of_the_usual_time(speed: float, pause: float) -> None:
    assert pace(speed).pause_seconds(50) == pytest.approx(pause)


def test_where_nobody_else_is_there_half_the_speed_is_a_pause_of_the_batchs_length() -> None:
    assert pace(0.5, Limits(batch_pause=0.0)).pause_seconds(50) == pytest.approx(0.05)


def test_no_pause_is_so_long_that_the_lease_could_run_out() -> None:
    assert pace(0.1).pause_seconds(60_000) == 5.0


@pytest.mark.parametrize(("speed", "aim"), [(0.1, 50), (1.0, 50), (1.5, 50), (1.8, 60), (4.0, 70)])
def test_a_batch_grows_with_the_speed_and_stays_within_the_stall_budget(speed: float, aim: float) -> None:
    assert pace(speed).aim_ms == pytest.approx(aim)


def test_a_budget_below_the_usual_aim_makes_no_batch_longer() -> None:
    assert pace(4.0, Limits(stall_budget_ms=40)).aim_ms == 50


def test_who_stops_the_run_is_heard_in_a_long_pause() -> None:
    class Heard(Exception):
        pass

    def checkpoint() -> None:
        raise Heard

    slow = Pace(Limits(batch_is_fixed=True), speed=lambda: 0.1, checkpoint=checkpoint)

    with pytest.raises(Heard):
        slow.took(100)


def test_a_speed_that_is_changed_in_a_pause_ends_it() -> None:
    asked: list[float] = []

    def speed() -> float:
        asked.append(1.0)
        return 0.1 if len(asked) == 1 else 4.0

    Pace(Limits(batch_is_fixed=True), speed=speed).took(300)

    # The first answer would have been a pause of 4.2 seconds: the second look ends it.
    assert len(asked) == 2

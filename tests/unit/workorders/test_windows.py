"""When an execution may begin."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workorders.migration.errors import Unreadable
from workorders.windows import from_text


@pytest.mark.parametrize(
    ("window", "moment", "inside"),
    [
        # 2024-05-13 is a Monday; Berlin is two hours ahead of UTC in summer, one in winter.
        ("Mon-Thu 09:00-16:00 Europe/Berlin", datetime(2024, 5, 13, 7, 0, tzinfo=UTC), True),
        ("Mon-Thu 09:00-16:00 Europe/Berlin", datetime(2024, 5, 13, 6, 59, tzinfo=UTC), False),
        ("Mon-Thu 09:00-16:00 Europe/Berlin", datetime(2024, 5, 13, 14, 0, tzinfo=UTC), False),
        ("Mon-Thu 09:00-16:00 Europe/Berlin", datetime(2024, 1, 15, 7, 30, tzinfo=UTC), False),
        ("Mon-Thu 09:00-16:00 Europe/Berlin", datetime(2024, 5, 17, 10, 0, tzinfo=UTC), False),
        ("Mon 22:00-02:00 UTC", datetime(2024, 5, 14, 1, 0, tzinfo=UTC), True),
        ("Mon 22:00-02:00 UTC", datetime(2024, 5, 13, 1, 0, tzinfo=UTC), False),
        ("Fri-Mon 00:00-24:00 UTC", datetime(2024, 5, 12, 23, 59, tzinfo=UTC), True),
        ("Fri-Mon 00:00-24:00 UTC", datetime(2024, 5, 14, 0, 0, tzinfo=UTC), False),
        ("Mon,Wed 10:00-11:00 UTC", datetime(2024, 5, 15, 10, 30, tzinfo=UTC), True),
        ("10:00-11:00 UTC", datetime(2024, 5, 19, 10, 30, tzinfo=UTC), True),
    ],
)
def test_the_wall_clock_of_the_zone_decides(window: str, moment: datetime, inside: bool) -> None:
    assert from_text(window).holds(moment) is inside


@given(
    st.integers(min_value=0, max_value=2 * 366 * 24 * 60 * 60),
    st.sampled_from(
        ["Mon-Thu 09:00-16:00 Europe/Berlin", "Sun 22:00-02:00 UTC", "Sat 03:00-04:00 Asia/Tokyo"]
    ),
)
def test_the_next_opening_lies_within_and_none_is_skipped(seconds: int, text: str) -> None:
    window, now = from_text(text), datetime(2023, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)

    opens = window.opens_at(now)

    assert window.holds(opens)
    assert now <= opens <= now + timedelta(days=8)
    assert opens.astimezone(UTC) == now or not window.holds(opens - timedelta(minutes=1))


@pytest.mark.parametrize(
    "text",
    [
        *("", "Mon", "Mon 09:00-16:00", "Foo 09:00-16:00 UTC", "Mon 09:00-09:00 UTC", "Mon 9:00-16:00 UTC"),
        *("Mon 09:00-16:00 ../../etc/passwd", "Mon 09:00-16:00 Europe", "mon 09:00-16:00 UTC"),
        *("Mon 25:00-26:00 UTC", "Mon 09:00-16:60 UTC", "Mon 09:00-16:00 Nowhere/Land"),
    ],
)
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        from_text(text)

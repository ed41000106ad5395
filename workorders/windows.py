"""Windows in which an execution may begin: `Mon-Thu 09:00-16:00 Europe/Berlin`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from workorders.migration.errors import Unreadable
from workorders.report import named

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_DAY = "|".join(DAYS)
_WINDOW = re.compile(
    rf"(?:(?P<days>(?:{_DAY})(?:-(?:{_DAY}))?(?:,(?:{_DAY})(?:-(?:{_DAY}))?)*)\s+)?"
    r"(?P<from>\d{2}:\d{2})-(?P<to>\d{2}:\d{2})\s+(?P<zone>[A-Za-z][A-Za-z0-9_+/-]{0,60})"
)


@dataclass(frozen=True, kw_only=True)
class Window:
    """A stretch of the clock on some days of the week, in one time zone."""

    #: As it is written in the policy.
    text: str
    #: 0 is Monday; never empty.
    days: frozenset[int]
    begins: time
    #: Not included. At or before `begins`, it is on the following day.
    ends: time
    zone: ZoneInfo

    def holds(self, now: datetime) -> bool:
        """Whether an aware time lies within. The wall clock counts, summer time included."""
        local = now.astimezone(self.zone)
        clock = local.time().replace(tzinfo=None)
        today = local.weekday()
        if self.begins < self.ends:
            return today in self.days and self.begins <= clock < self.ends
        yesterday = (today - 1) % 7
        return (today in self.days and clock >= self.begins) or (yesterday in self.days and clock < self.ends)

    def opens_at(self, now: datetime) -> datetime:
        """The next time at or after `now` that lies within, in the window's own zone, to the minute."""
        if self.holds(now):
            return now.astimezone(self.zone)
        local = now.astimezone(self.zone)
        for days in range(8):
            day = local.date() + timedelta(days=days)
            opens = datetime.combine(day, self.begins, tzinfo=self.zone)
            if day.weekday() in self.days and opens > local:
                return opens
        raise AssertionError("a window without a day")


def from_text(text: str) -> Window:
    """The window that is written so. Raises `Unreadable` without a line."""
    match = _WINDOW.fullmatch(text.strip())
    if match is None:
        raise Unreadable(
            "This is not a window.",
            f"Write days, hours and time zone: {named('Mon-Thu 09:00-16:00 Europe/Berlin')}.",
        )
    try:
        begins, ends = (
            time.fromisoformat(match["from"]),
            time.fromisoformat(match["to"].replace("24:00", "00:00")),
        )
    except ValueError as error:
        raise Unreadable("This is not a time of day.", "Hours go from 00:00 to 24:00.") from error
    if begins == ends and match["to"] != "24:00":
        raise Unreadable("The window has no length.", "Let it end after it begins, or write 00:00-24:00.")
    try:
        zone = ZoneInfo(match["zone"])
    # ZoneInfo raises OSError for a name that is a directory of the time zone database.
    except (KeyError, ValueError, OSError) as error:
        raise Unreadable("There is no such time zone.", "Write one such as Europe/Berlin or UTC.") from error
    return Window(text=text.strip(), days=_days(match["days"]), begins=begins, ends=ends, zone=zone)


def _days(text: str | None) -> frozenset[int]:
    if text is None:
        return frozenset(range(7))
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        begin, end = DAYS.index(first), DAYS.index(last or first)
        # Fri-Mon goes over the week's end.
        found.update(day % 7 for day in range(begin, end + 1 if begin <= end else end + 8))
    return frozenset(found)

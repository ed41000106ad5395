"""What was said on an order's issue, told apart."""

from __future__ import annotations

from collections import Counter

from tests.journeys.shop import Thread


def nothing_is_said_twice(thread: Thread) -> bool:
    """Each of our marks stands on one comment only, and so does each text."""
    marks = Counter(text.splitlines()[0] for text in thread.said)
    bodies = Counter("\n".join(text.splitlines()[1:]) for text in thread.said)
    return max(marks.values()) == 1 and max(bodies.values()) == 1

"""A program of its own that runs a plan and prints where it is; it is killed from outside.

python -m tests.chaos.executing DSN SCRIPT
"""

from __future__ import annotations

import os
import sys
import time

from workorders.migration import engine, sessions
from workorders.migration.errors import LockkeeperError
from workorders.migration.executor import Executor, Silence
from workorders.migration.limits import Limits

LIMITS = Limits(max_wait_seconds=60.0, batch_rows=10, batch_is_fixed=True, batch_pause=0.0)


class Saying(Silence):
    """Prints a line at each moment, and lingers there so that a kill may find it."""

    def began(self, title: str, number: int, total: int) -> None:
        _say(f"began {number}/{total} {title}")

    def batch_ended(self, title: str, batches: int) -> None:
        _say(f"batch {batches} {title}")

    def ended(self, title: str, milliseconds: float) -> None:
        del milliseconds
        _say(f"ended {title}")


def _say(words: str) -> None:
    os.write(1, f"{words}\n".encode())
    time.sleep(0.005)


def main(dsn: str, sql: str) -> int:
    """Executes the script's plan; 0 when it came to its end, 3 when it was stopped by an error of ours."""
    target = sessions.connect(dsn)
    plan = engine.prepare(target, sql).plan
    target.close()
    try:
        with Executor(dsn, plan.run, LIMITS, progress=Saying()) as executor:
            executor.execute(plan)
    except LockkeeperError as error:
        _say(f"error {type(error).__name__} {error}")
        return 3
    _say("end")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))

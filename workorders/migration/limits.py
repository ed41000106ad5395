"""The limits within which a plan is run."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long the application may be held up, and how long we try."""

    #: What the application may ever wait for us, lock wait and work together.
    stall_budget_ms: int = 100
    #: After this, a step that could not get its lock gives up and says who held it.
    max_wait_seconds: float = 600.0
    #: The aim for one batch of a backfill; one that reaches the stall budget is cancelled, and made smaller.
    batch_ms: int = 50
    #: Rows in the first batch; with `batch_is_fixed`, in every batch.
    batch_rows: int = 500
    batch_is_fixed: bool = False
    #: Between two batches, as a part of the batch's own time.
    batch_pause: float = 0.5


#: In a rehearsal nobody waits, and batches are small so that their seams are met.
REHEARSAL = Limits(
    stall_budget_ms=60_000, max_wait_seconds=60.0, batch_rows=7, batch_is_fixed=True, batch_pause=0.0
)

#: The second time: what is right in small batches has to be right in one, whose time tells of large ones.
IN_ONE_BATCH = replace(REHEARSAL, batch_rows=100_000)

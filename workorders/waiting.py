"""What an order waits for, in each state."""

from __future__ import annotations

from workorders import people
from workorders.order import Order, State
from workorders.report import named

_AWAITED = {
    State.ANALYSING: "data-science is looking at the change and what depends on it.",
    State.CHANGES_REQUESTED: "An author or a supervisor has to give new SQL, in a block under "
    f"{named('/wo revise')}.",
    State.PREPARING: "automation is writing and rehearsing the plan and its rollback.",
    State.REVIEWING: "postgres is reviewing what was found.",
    State.AWAITING_APPROVAL: f"A supervisor who is not an author has to comment {named('/wo approve')}.",
    State.APPROVED: "It is approved, and begins when its turn comes.",
    State.EXECUTING: "The plan is running on the target.",
    State.PAUSED: "The plan is paused on the target. An author or a supervisor can let it go on, "
    f"{named('/wo resume')}, or take it back, {named('/wo abort')}.",
    State.VALIDATING: "The validation queries are running on the target.",
    State.SOAKING: f"The application proves itself. {named('/wo done')} ends it well; "
    f"{named('/wo rollback')} takes it back.",
    State.FAILED: f"It is neither finished nor undone. A supervisor can undo it: {named('/wo rollback')}.",
    State.ROLLING_BACK: "The target is being brought back to where it was.",
    State.ROLLED_BACK: f"The target is as it was. New SQL goes in a block under {named('/wo revise')}.",
    State.DONE: f"Nothing. Until it is purged, a supervisor can take it back: {named('/wo rollback')}.",
    State.CANCELLED: "Nothing: it left nothing in the target, and ends here. A new order begins with "
    f"{named('/wo start <definition>')}.",
}


def awaited(order: Order) -> str:
    """In a sentence or two, who or what has the next move."""
    return people.awaited(order) if order.is_by_people else _AWAITED[order.state]

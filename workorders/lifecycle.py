"""An order's life: the states, what may happen in each, and where that leads.

The table below is the only place that knows. Whoever wants to move an order asks `moved`
and gets the next state, or a refusal that names what the order would accept instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from workorders.migration.errors import Refused
from workorders.order import State


class Event(Enum):
    """What may happen to an order. The value is what the event log keeps, and may not change."""

    ANALYSED = "analysed"  # data-science has reported
    PREPARED = "prepared"  # automation has a plan, a rollback and a proof
    REVIEWED = "reviewed"  # postgres has a verdict and a digest
    MEND = "mend"  # no SQL, refused SQL, or no proof: nobody asked, the author has to act
    APPROVED = "approved"  # the last approval that was needed
    UNAPPROVED = "unapproved"  # read again before execution, the approvals are not enough
    OUTDATED = "outdated"  # what the digest covers has changed: all of it is looked at again
    TURN_CAME = "turn_came"  # lease, window, `after` and freeze let it begin
    EXECUTED = "executed"  # every step has ended well
    VALIDATED = "validated"  # the validation queries agree
    PAUSED = "paused"  # by command, or because a limit was breached and policy says pause
    RESUMED = "resumed"
    STEP_FAILED = "step_failed"  # a step, the validation or a limit: undone at once, uncommanded
    ABORTED = "aborted"  # by command, in the middle
    ROLLBACK = "rollback"  # by command, or because a limit was breached while it soaked
    ROLLED_BACK = "rolled_back"  # the target is as it was, later rows included
    STANDS = "stands"  # a rollback of a whole execution was refused and has changed nothing
    BROKE = "broke"  # neither finished nor undone
    EXECUTE = "execute"  # a failed order is carried on
    CHANGES_REQUESTED = "changes_requested"  # by a supervisor
    REVISED = "revised"  # there is new SQL
    CANCELLED = "cancelled"
    DONE = "done"
    COMMANDED = "commanded"  # by a supervisor, where the policy waits for it
    PURGE = "purge"  # by a supervisor: what was kept for the way back is given up before its time
    PURGED = "purged"  # it is gone
    REPORTED = "reported"  # a phase by people is done or blocked, and the next one is done in the same state
    NOTHING_TO_RUN = "nothing_to_run"  # people have done the work: only the criteria are left


#: The target has not been changed for these, so that they may be cancelled or revised at will.
NOT_RUN = frozenset(
    {
        State.ANALYSING,
        State.CHANGES_REQUESTED,
        State.PREPARING,
        State.REVIEWING,
        State.AWAITING_APPROVAL,
        State.APPROVED,
    }
)

#: Those that may be given up or begun anew, in the order of `State`.
_LOOSE = tuple(state for state in State if state in NOT_RUN or state is State.ROLLED_BACK)

#: Their plan is under way in the target: no other order may begin there.
ON_TARGET = frozenset({State.EXECUTING, State.PAUSED, State.VALIDATING, State.ROLLING_BACK, State.FAILED})

#: What was dropped may still be kept.
_KEPT = (State.SOAKING, State.DONE, State.ROLLED_BACK)

#: Nothing is left to do. Only a rollback leads out of one of them.
CLOSED = frozenset({State.DONE, State.CANCELLED})

_TABLE: dict[tuple[State, Event], State] = {
    # Towards an approval.
    (State.ANALYSING, Event.ANALYSED): State.PREPARING,
    (State.PREPARING, Event.PREPARED): State.REVIEWING,
    (State.REVIEWING, Event.REVIEWED): State.AWAITING_APPROVAL,
    (State.AWAITING_APPROVAL, Event.APPROVED): State.APPROVED,
    (State.APPROVED, Event.UNAPPROVED): State.AWAITING_APPROVAL,
    (State.AWAITING_APPROVAL, Event.OUTDATED): State.ANALYSING,
    (State.APPROVED, Event.OUTDATED): State.ANALYSING,
    # On the target.
    (State.APPROVED, Event.TURN_CAME): State.EXECUTING,
    (State.EXECUTING, Event.EXECUTED): State.VALIDATING,
    (State.VALIDATING, Event.VALIDATED): State.SOAKING,
    (State.SOAKING, Event.DONE): State.DONE,
    (State.EXECUTING, Event.PAUSED): State.PAUSED,
    (State.PAUSED, Event.RESUMED): State.EXECUTING,
    (State.FAILED, Event.EXECUTE): State.EXECUTING,
    # Where there is no target.
    (State.APPROVED, Event.NOTHING_TO_RUN): State.SOAKING,
    # And back.
    (State.EXECUTING, Event.STEP_FAILED): State.ROLLING_BACK,
    (State.PAUSED, Event.STEP_FAILED): State.ROLLING_BACK,
    (State.VALIDATING, Event.STEP_FAILED): State.ROLLING_BACK,
    (State.EXECUTING, Event.ABORTED): State.ROLLING_BACK,
    (State.PAUSED, Event.ABORTED): State.ROLLING_BACK,
    (State.VALIDATING, Event.ABORTED): State.ROLLING_BACK,
    (State.SOAKING, Event.ROLLBACK): State.ROLLING_BACK,
    (State.DONE, Event.ROLLBACK): State.ROLLING_BACK,
    (State.FAILED, Event.ROLLBACK): State.ROLLING_BACK,
    (State.ROLLING_BACK, Event.ROLLED_BACK): State.ROLLED_BACK,
    (State.ROLLING_BACK, Event.STANDS): State.SOAKING,
    (State.EXECUTING, Event.BROKE): State.FAILED,
    (State.PAUSED, Event.BROKE): State.FAILED,
    (State.VALIDATING, Event.BROKE): State.FAILED,
    (State.ROLLING_BACK, Event.BROKE): State.FAILED,
    # Back to the author; a rolled back order has left nothing in the target.
    (State.ANALYSING, Event.MEND): State.CHANGES_REQUESTED,
    (State.PREPARING, Event.MEND): State.CHANGES_REQUESTED,
    (State.REVIEWING, Event.MEND): State.CHANGES_REQUESTED,
    (State.APPROVED, Event.MEND): State.CHANGES_REQUESTED,
    **{
        (state, Event.CHANGES_REQUESTED): State.CHANGES_REQUESTED
        for state in State
        if state in NOT_RUN and state is not State.CHANGES_REQUESTED
    },
    **{(state, Event.REVISED): State.ANALYSING for state in _LOOSE},
    **{(state, Event.CANCELLED): State.CANCELLED for state in _LOOSE},
    # What is recorded, and leads nowhere else.
    (State.APPROVED, Event.COMMANDED): State.APPROVED,
    **{
        (state, Event.REPORTED): state
        for state in (State.ANALYSING, State.PREPARING, State.REVIEWING, State.CHANGES_REQUESTED)
    },
    **{(state, event): state for state in _KEPT for event in (Event.PURGE, Event.PURGED)},
}

#: Every transition there is.
TRANSITIONS: Mapping[tuple[State, Event], State] = MappingProxyType(_TABLE)


def moved(state: State, event: Event) -> State:
    """The state after the event.

    Raises `Refused` with the events that the state does hold.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        held = accepted(state)
        raise Refused.because(
            f"An order that is {state.value} does not accept {event.value}.",
            f"It accepts {', '.join(each.value for each in held)}." if held else "Nothing can happen to it.",
        ) from None


def accepted(state: State) -> tuple[Event, ...]:
    """The events that the state holds, in the order of `Event`."""
    return tuple(event for event in Event if (state, event) in TRANSITIONS)


def accepts(state: State, event: Event) -> bool:
    """Whether `moved` would give a state."""
    return (state, event) in TRANSITIONS


def states_that_accept(event: Event) -> tuple[State, ...]:
    """Where the event may happen, in the order of `State`."""
    return tuple(state for state in State if (state, event) in TRANSITIONS)


def opening(sql: str, *, is_by_people: bool = False) -> State:
    """The state in which an order opens: where SQL is needed and missing, its author has to act first."""
    return State.ANALYSING if is_by_people or sql.strip() else State.CHANGES_REQUESTED

"""The labels that show an order's state on its issue. The bot owns them, and repairs them."""

from __future__ import annotations

from types import MappingProxyType

from workorders.order import State

_WORKING, _WAITING, _ACTING, _GOOD, _BAD, _OVER = "bfd4f2", "fbca04", "1d76db", "0e8a16", "b60205", "cccccc"

#: Six hexadecimal digits, as GitHub wants them.
COLOURS = MappingProxyType(
    {
        State.ANALYSING: _WORKING,
        State.CHANGES_REQUESTED: _WAITING,
        State.PREPARING: _WORKING,
        State.REVIEWING: _WORKING,
        State.AWAITING_APPROVAL: _WAITING,
        State.APPROVED: _WORKING,
        State.EXECUTING: _ACTING,
        State.PAUSED: _WAITING,
        State.VALIDATING: _ACTING,
        State.SOAKING: _GOOD,
        State.FAILED: _BAD,
        State.ROLLING_BACK: _BAD,
        State.ROLLED_BACK: _OVER,
        State.DONE: _GOOD,
        State.CANCELLED: _OVER,
    }
)


def label_of(state: State) -> str:
    """The label's name."""
    return f"wo:{state.value}"


#: All labels of states. `wo:database-migration` is a request, and none of them.
STATE_LABELS = frozenset(map(label_of, State))

"""Which decisions raise an alert: the one place that knows.

An alert is raised by what becomes of the order, so that whoever decides cannot forget it; its
sentence and its people are those of the report that goes with the decision. What leaves the order
as it is raises one only where its report says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from bot.render import escape
from bot.store.alerts import Raised
from workorders.intents import Intent, Move, Say
from workorders.lifecycle import Event
from workorders.order import Order, State
from workorders.report import AlertKind, Report

#: Trouble, whoever or whatever brought it.
_TROUBLE = frozenset({Event.MEND, Event.STEP_FAILED, Event.BROKE, Event.STANDS})

#: Trouble where nobody has asked for it: a limit was breached.
_TROUBLE_UNASKED = frozenset({Event.PAUSED, Event.ABORTED, Event.ROLLBACK})


def raised(intents: Iterable[Intent], read: Callable[[int], Order]) -> Iterator[Raised]:
    """What a decision raises. `read` gives an order as the decision has left it."""
    by_order: dict[int, list[Move | Say]] = {}
    for intent in intents:
        if isinstance(intent, Move | Say) and intent.order_id is not None:
            by_order.setdefault(intent.order_id, []).append(intent)
    for order_id, concerned in by_order.items():
        moves = tuple(each for each in concerned if isinstance(each, Move))
        # An answer is said elsewhere, or to one person.
        says = tuple(each for each in concerned if isinstance(each, Say) and each.number is None)
        if moves or any(_kind_of(each) for each in says):
            yield from _of_order(read(order_id), moves, says)


def _of_order(order: Order, moves: tuple[Move, ...], says: tuple[Say, ...]) -> Iterator[Raised]:
    kinds = (*_kinds(order, moves), *(_kind_of(each) for each in says))
    for kind in dict.fromkeys(each for each in kinds if each):
        marked = [each for each in says if _kind_of(each) is kind]
        reports = marked or [each for each in says if isinstance(each.content, Report)]
        said = reports[-1] if reports else None
        report = said.content if said is not None and isinstance(said.content, Report) else None
        yield Raised(
            order_id=order.id,
            # An order's version is the decision's; without one the comment that is said is what is new.
            key=f"{kind.value}:{order.version}" if moves or said is None else said.key,
            kind=kind,
            order_state=order.state,
            # A character that no text of ours may hold is written out here.
            summary=escape.terminal(report.summary if report else _reason(order, moves)),
            people=tuple(escape.visible(each) for each in report.mentions) if report else (),
        )


def _kinds(order: Order, moves: tuple[Move, ...]) -> Iterator[AlertKind]:
    for move in moves:
        if move.event in _TROUBLE or (move.event in _TROUBLE_UNASKED and move.by is None):
            yield AlertKind.ESCALATION
    if moves and order.state is State.AWAITING_APPROVAL:
        yield AlertKind.APPROVAL_WANTED


def _kind_of(say: Say) -> AlertKind | None:
    return say.content.alert if isinstance(say.content, Report) else None


def _reason(order: Order, moves: tuple[Move, ...]) -> str:
    reasons = [move.detail.get("reason") or move.detail.get("root_cause") for move in reversed(moves)]
    found = next((each for each in reasons if each), None)
    return str(found) if found else f"The order is {order.state.value.replace('_', ' ')} now."

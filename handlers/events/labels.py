"""Labels: one that names a definition asks for an order, one that names a state is ours."""

from __future__ import annotations

from handlers.command import Command
from handlers.commands import KINDS, start
from handlers.events import Labeled
from handlers.facts import Context, Facts, Need, Wanted
from handlers.gate import carried_out, wanted
from handlers.tasks import Task
from workorders.intents import Intent, ShowOrder
from workorders.order import State

PREFIX = "wo:"

_STATES = frozenset(state.value for state in State)


def tasks(event: Labeled) -> tuple[Task, ...]:
    """The task that it is; labels of others and labels set by bots are none."""
    if event.sender.is_bot or not event.label.casefold().startswith(PREFIX):
        return ()
    context = Context(
        repository=event.repository,
        person=event.sender,
        number=event.number,
        is_pull_request=event.is_pull_request,
        spoken_at=event.received_at,
    )
    if _is_state(event):
        needed = Wanted(needs=frozenset({Need.ORDER}), order_number=event.number)
    elif event.is_added:
        needed = wanted(_command(event), start.KIND, context)
    else:
        # Taking a definition's label away changes nothing.
        return ()
    # Two hooks tell of one label, but somebody may set a state's label again within the same second.
    at = event.received_at if _is_state(event) else event.labeled_at
    key = f"label:{event.repository.id}:{event.number}:{event.label}:{at.isoformat()}"
    return (Task(key=key, context=context, act=event, wanted=needed),)


def handle(event: Labeled, context: Context, facts: Facts) -> tuple[Intent, ...]:
    """Opens the order, as its command would, or puts the state's label right."""
    if _is_state(event):
        return () if facts.order is None else (ShowOrder(order_id=facts.order.id),)
    return carried_out(_command(event), start.KIND, KINDS, context, facts)


def _is_state(event: Labeled) -> bool:
    return event.label[len(PREFIX) :].casefold() in _STATES


def _command(event: Labeled) -> Command:
    return Command(verb=start.KIND.verb, line=1, words=(event.label[len(PREFIX) :].strip(),))

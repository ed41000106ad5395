"""`freeze` and `unfreeze`: nothing new begins on a target until somebody says so."""

from __future__ import annotations

from handlers import answers
from handlers.command import About, Command, Kind
from handlers.facts import Context, Facts, Need
from handlers.spoken import spoken
from workorders.authority import Who
from workorders.intents import FreezeTarget, Intent, Reaction, UnfreezeTarget
from workorders.migration.errors import Refused
from workorders.order import State
from workorders.report import named

_NEEDS = frozenset({Need.ORDER, Need.RIGHTS, Need.POLICY, Need.STANDING})
_MOST_REASON = 300


def freeze(command: Command, context: Context, facts: Facts) -> tuple[Intent, ...]:
    """Holds back whatever has not begun; what runs goes on, and a rollback is never held up."""
    order = facts.order
    assert order is not None
    target = _target(command, order.target)
    frozen = facts.standing.freeze
    if frozen is not None:
        raise Refused.because(
            f"{named(target)} is frozen already, by {named(frozen.login)} since "
            f"{frozen.frozen_at:%Y-%m-%d %H:%M} UTC.",
            f"A supervisor can end that: {named('/wo unfreeze ' + target)}.",
        )
    said = f"{named(target)} is frozen: no order begins there until {named('/wo unfreeze ' + target)}."
    asked = FreezeTarget(
        order_id=order.id,
        target=target,
        by=context.person,
        reason=" ".join(command.words[1:])[:_MOST_REASON],
        detail=spoken(command, context),
    )
    told = answers.told(context, said, f"{command.line}", order)
    return (*answers.reacted(context, Reaction.DONE), asked, *told)


def unfreeze(command: Command, context: Context, facts: Facts) -> tuple[Intent, ...]:
    """What waited begins when its turn comes."""
    order = facts.order
    assert order is not None
    target = _target(command, order.target)
    if facts.standing.freeze is None:
        raise Refused.because(
            f"{named(target)} is not frozen.", f"A supervisor can freeze it: {named('/wo freeze ' + target)}."
        )
    asked = UnfreezeTarget(
        order_id=order.id, target=target, by=context.person, detail=spoken(command, context)
    )
    told = answers.told(context, f"{named(target)} is frozen no more.", f"{command.line}", order)
    return (*answers.reacted(context, Reaction.DONE), asked, *told)


def _target(command: Command, target: str) -> str:
    """The order's own: whoever supervises one target has no word about another."""
    said = command.words[0] if command.words else target
    if said.casefold() != target.casefold():
        raise Refused.because(
            f"This order is about {named(target)}, not {named(said[:60])}.",
            f"On an order for that target its supervisors can write {named('/wo ' + command.verb)}.",
        )
    return target


FREEZE = Kind(
    verb="freeze",
    usage='freeze [T] ["why"]',
    help="Lets nothing new begin on the order's target; what runs goes on.",
    who=Who.SUPERVISOR,
    needs=_NEEDS,
    handle=freeze,
    most_words=None,
    states=frozenset(State),
    about=About.MIGRATION,
)

UNFREEZE = Kind(
    verb="unfreeze",
    usage="unfreeze [T]",
    help="Ends a freeze of the order's target.",
    who=Who.SUPERVISOR,
    needs=_NEEDS,
    handle=unfreeze,
    most_words=1,
    states=frozenset(State),
    about=About.MIGRATION,
)

"""What every command has to pass before it is carried out: an order, a state, a person."""

from __future__ import annotations

from collections.abc import Iterable

from handlers import answers
from handlers.command import Command, Kind
from handlers.facts import Context, Facts, Need, Wanted
from handlers.script import is_path
from workorders.authority import Who, may
from workorders.intents import Intent
from workorders.migration.errors import Blocked, Refused, Unreadable
from workorders.order import Order, State
from workorders.report import named
from workorders.waiting import awaited


def wanted(command: Command, kind: Kind, context: Context) -> Wanted:
    """What has to be gathered for a command; nothing that it cannot use."""
    number = context.number if kind.order_number is None else kind.order_number(command, context)
    path = command.option("sql")
    login = "" if kind.login is None else kind.login(command)
    needs = set(kind.needs)
    if not is_path(path):
        path = ""
        needs.discard(Need.SQL_FILE)
    if not context.is_pull_request:
        needs.discard(Need.OPEN_ORDERS)
    return Wanted(needs=frozenset(needs), order_number=number, sql_path=path, login=login)


def carried_out(
    command: Command, kind: Kind, kinds: Iterable[Kind], context: Context, facts: Facts
) -> tuple[Intent, ...]:
    """The command's intents, or the answer that says why not.

    Raises `Blocked` where something that decides is not known yet; the same is asked again
    later. The state is looked at before the person: who may not do it now need not hear
    that somebody else might.
    """
    key = f"{command.line}"
    order = facts.order if kind.states is not None else None
    try:
        if kind.states is not None:
            if order is None:
                raise _no_order(kind, context)
            if not kind.is_about(order):
                raise _wrong_order(kind, order, kinds)
            if order.state not in kind.states:
                raise _wrong_state(kind, order, kinds)
        if kind.who is Who.ROLE and context.person.is_bot:
            # The one thing that bots may do: the command knows whom the policy names.
            return kind.handle(command, context, facts)
        decision = may(context.person, kind.who, order, facts.policy, facts.rights)
        if decision.is_wait:
            raise Blocked(decision.because, decision.next_move)
        if not decision.is_yes:
            return answers.declined(context, decision, key, order)
        return kind.handle(command, context, facts)
    except Refused as refusal:
        return answers.refused(context, refusal.problems, key, order)
    except Unreadable as error:
        return answers.refused(context, (error.problem,), key, order)


def possible_now(order: Order, kinds: Iterable[Kind]) -> str:
    """What may be done to an order in its state, and by whom; anyone may always ask."""
    acts = [
        f"{named('/wo ' + kind.usage)} ({kind.who.value})"
        for kind in kinds
        if (kind.who is Who.READER if kind.states is None else order.state in kind.states)
        and kind.is_about(order)
    ]
    return f"{awaited(order)} Possible now: {'; '.join(acts)}."


def in_words(state: State) -> str:
    """A state as people say it."""
    return state.value.replace("_", " ")


def _no_order(kind: Kind, context: Context) -> Refused:
    where = "" if context.number is None else f" on #{context.number}"
    return Refused.because(
        f"There is no work order{where} that {named('/wo ' + kind.verb)} could be about.",
        f"Write it on the order's issue ({kind.who.value} can), or open an order with "
        f"{named('/wo start <definition>')} (anyone with write permission can).",
    )


def _wrong_order(kind: Kind, order: Order, kinds: Iterable[Kind]) -> Refused:
    why = "people report its phases" if order.is_by_people else "no phase of it is done by people"
    return Refused.because(
        f"{named('/wo ' + kind.verb)} is not for this order: {why}.", possible_now(order, kinds)
    )


def _wrong_state(kind: Kind, order: Order, kinds: Iterable[Kind]) -> Refused:
    assert kind.states is not None
    able = [in_words(each) for each in State if each in kind.states]
    return Refused.because(
        f"The order is {in_words(order.state)}; {named('/wo ' + kind.verb)} is for one that is "
        f"{_either(able)}.",
        possible_now(order, kinds),
    )


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"

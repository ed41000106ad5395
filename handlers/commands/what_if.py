"""`what-if`: what an approval by somebody would come to."""

from __future__ import annotations

from dataclasses import replace

from handlers import answers
from handlers.command import Command, Kind
from handlers.commands.why import tree
from handlers.facts import Context, Facts, Need
from workorders.authority import Who, enough, may
from workorders.decision import Decision, all_of
from workorders.intents import Intent, Reaction
from workorders.migration.errors import Refused
from workorders.order import Approval, Person, State
from workorders.policy import Policy
from workorders.report import named
from workorders.turn import held_back


def login(command: Command) -> str:
    """Whom it is about."""
    return command.words[0].removeprefix("@") if command.words else ""


def handle(command: Command, context: Context, facts: Facts) -> tuple[Intent, ...]:
    """Decides as if they had approved; nothing is changed."""
    order = facts.order
    assert order is not None
    if command.words[1:] not in ((), ("approves",)):
        raise Refused.because(
            f"{named(' '.join(command.words[1:])[:60])} is nothing that could be tried.",
            f"Anyone can ask {named('/wo ' + KIND.usage)}.",
        )
    colleague = facts.other
    if colleague is None:
        raise Refused.because(
            f"There is no account {named(login(command)[:60])}.", f"Anyone can ask {named('/wo who')}."
        )
    person = _known(colleague.person, order.authors)
    own = may(person, Who.APPROVER, order, facts.policy, colleague.rights)
    approval = Approval(person=person, digest=order.digest, approved_at=facts.now)
    others = tuple(each for each in order.approvals if each.person.id != person.id)
    rights = {**facts.approvers, person.id: colleague.rights}
    count = enough(replace(order, approvals=(*others, approval)), facts.policy, rights)
    parts: list[Decision] = [own, count]
    if not order.is_by_people:
        rules = facts.policy.targets.get(order.target) if isinstance(facts.policy, Policy) else None
        parts.append(held_back(order, rules, facts.standing, facts.now))
    decision = all_of(parts, because="It would begin at once.")
    report = tree(f"If {person.login} approved {order.digest[:12]}", decision)
    told = answers.told(context, report, f"{command.line}", order)
    return (*answers.reacted(context, Reaction.DONE), *told)


def _known(person: Person, authors: tuple[Person, ...]) -> Person:
    """By the account that the order knows, where it does."""
    return next((each for each in authors if each.login.casefold() == person.login.casefold()), person)


KIND = Kind(
    verb="what-if",
    usage="what-if @login [approves]",
    help="Shows what an approval by somebody would come to; changes nothing.",
    who=Who.READER,
    needs=frozenset({Need.ORDER, Need.POLICY, Need.APPROVERS, Need.STANDING, Need.OTHER}),
    handle=handle,
    least_words=1,
    most_words=None,
    states=frozenset({State.AWAITING_APPROVAL}),
    login=login,
)

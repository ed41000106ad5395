"""`start`: opens a work order."""

from __future__ import annotations

import re

from handlers import answers
from handlers.command import Command, Kind
from handlers.facts import Context, Facts, Need
from handlers.replan import reading
from handlers.script import given_script
from workorders import people
from workorders.authority import Who
from workorders.definition import Definition
from workorders.intents import Intent, OpenOrder, Reaction
from workorders.migration.errors import Blocked, Problem, Refused
from workorders.nearest import did_you_mean
from workorders.policy import Policy, UnknownPolicy
from workorders.report import issue, named

#: What an origin ends in: which version of the file it was.
_VERSION = re.compile("@[0-9a-f]{40}$")


def handle(command: Command, context: Context, facts: Facts) -> tuple[Intent, ...]:
    """Opens the order; without SQL it opens all the same, and says how to give it."""
    definition = _definition(command.words[0], facts)
    by_people = people.is_by_people(definition)
    target = _no_target(command) if by_people else _target(command.option("target"), context, facts)
    already = next(
        (each for each in facts.open_orders if (each.definition, each.target) == (definition.name, target)),
        None,
    )
    if context.is_pull_request and already is not None:
        number = already.issue_number
        where = "its issue is being opened" if number is None else f"it is {issue(number)}"
        raise Refused.because(
            f"This pull request has an open {named(definition.name)} order"
            f"{f' on {named(target)}' if target else ''}: {where}.",
            f"{named('/wo revise')} there takes new SQL (its authors and supervisors can); "
            f"{named('--target')} chooses another target.",
        )
    script = None if by_people else given_script(command, facts)
    # What people do does not change with a pull request's head.
    pull_request = None if by_people else facts.pull_request
    order = OpenOrder(
        repository=context.repository,
        definition=definition.name,
        definition_text=definition.text,
        target=target,
        sql="" if script is None else script.sql,
        sql_origin="" if script is None else script.origin,
        title=title(definition, target, "" if script is None else script.origin),
        starter=context.person,
        authors=() if pull_request is None else pull_request.people,
        criteria=definition.open_criteria(),
        asked_on=context.number,
        pull_request=None if pull_request is None else pull_request.number,
        reading=reading(script, pull_request),
    )
    return (*answers.reacted(context, Reaction.STARTED), order)


def _definition(name: str, facts: Facts) -> Definition:
    found = facts.definitions.get(name.casefold())
    if found is not None:
        return found
    broken = facts.broken_definitions.get(name.casefold())
    if broken is not None:
        first = f"The definition {named(name)} cannot be read."
        raise Refused(Problem(line=None, reason=first, next_move="Correct it on the default branch:"), broken)
    raise Refused.because(
        f"There is no definition {named(name)}.",
        f"{did_you_mean(name, facts.definitions)} Your own go to {named('.github/work-orders/')} on the "
        "default branch; anyone with write permission can start them.",
    )


def _no_target(command: Command) -> str:
    """People do this one's work."""
    if command.sql or command.option("sql") or command.option("target"):
        raise Refused.because(
            f"The phases of {named(command.words[0])} are done by people: it has no target and runs no SQL.",
            f"Anyone with write permission can write {named('/wo start ' + command.words[0])} alone.",
        )
    return ""


def _target(name: str, context: Context, facts: Facts) -> str:
    bound = facts.targets
    if not bound:
        command = f"lockkeeper database add NAME URL --repository {context.repository.full_name}"
        raise Refused.because(
            "No database is bound to this repository.",
            f"Who operates Lockkeeper can bind one: {named(command)}.",
        )
    if name:
        known = {each.casefold(): each for each in bound}
        if name.casefold() in known:
            return known[name.casefold()]
        raise Refused.because(
            f"No database {named(name)} is bound to this repository.",
            f"{did_you_mean(name, bound)} Anyone with write permission can start an order on it.",
        )
    if len(bound) == 1:
        return bound[0]
    if isinstance(facts.policy, Policy):
        for each in facts.policy.targets.values():
            if each.name in bound and not each.after:
                return each.name
    if isinstance(facts.policy, UnknownPolicy):
        raise Blocked(
            "GitHub has not answered which target comes first.",
            "It is asked again; nothing needs to be repeated.",
        )
    raise Refused.because(
        "Several databases are bound to this repository, and the policy does not say which comes first.",
        f"Add {named('--target ' + bound[0])}, or another of {', '.join(named(each) for each in bound)}.",
    )


def title(definition: Definition, target: str, sql_origin: str) -> str:
    """An order's title: what is done, where, and by which script."""
    what = definition.title or definition.name
    # The version stands in the order's text, beside the script itself.
    origin = "" if sql_origin in ("", "comment") else f": {_VERSION.sub('', sql_origin)}"
    return (f"{what} on {target}{origin}" if target else what)[:200]


KIND = Kind(
    verb="start",
    usage="start <definition> [--target T] [--sql PATH]",
    help="Opens a work order for the SQL in a block below, in a file, or in this pull request.",
    who=Who.WRITER,
    needs=frozenset(
        {
            *(Need.RIGHTS, Need.POLICY, Need.DEFINITIONS, Need.TARGETS),
            *(Need.SQL_FILE, Need.PULL_REQUEST, Need.OPEN_ORDERS),
        }
    ),
    handle=handle,
    least_words=1,
    most_words=1,
    options=("target", "sql"),
    takes_sql=True,
)

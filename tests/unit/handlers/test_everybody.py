"""The whole of the documentation's table: every command, in every state, by everybody."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import pytest

import handlers
from handlers.command import About, Kind
from handlers.commands import KINDS
from handlers.facts import Colleague, Facts
from handlers.people import OBEYED
from handlers.people import Kind as People
from tests.unit.handlers.test_asking import PLAN
from tests.unit.handlers.test_commands import spoken
from tests.unit.handlers.values import FACTS, comment, incident, task
from tests.unit.workorders.values import (
    AUTHOR,
    BOT,
    MEMBER,
    NOW,
    OPERATOR,
    POLICY,
    READS,
    SECOND,
    STRANGER,
    SUPERVISOR,
    UNKNOWN,
    WRITES,
    order,
    policy,
)
from workorders.authority import Permission, Rights, Who
from workorders.intents import React, Reaction, Say
from workorders.migration.errors import Blocked
from workorders.order import Criterion, Order, Person, State
from workorders.policy import Execute, Supervisor
from workorders.turn import Freeze, Standing


@dataclass(frozen=True, kw_only=True)
class Somebody:
    person: Person
    rights: Rights


BOTH = Person(id=20, login="bea")
SOMEBODY = {
    People.STRANGER: Somebody(person=STRANGER, rights=Rights(permission=Permission.NONE)),
    People.READER: Somebody(person=STRANGER, rights=READS),
    People.WRITER: Somebody(person=MEMBER, rights=WRITES),
    People.AUTHOR: Somebody(person=AUTHOR, rights=WRITES),
    People.SUPERVISOR: Somebody(person=SUPERVISOR, rights=WRITES),
    People.BOTH: Somebody(person=BOTH, rights=WRITES),
    People.WITHOUT_WRITE: Somebody(person=SECOND, rights=READS),
    People.OPERATOR: Somebody(person=OPERATOR, rights=UNKNOWN),
    People.BOT: Somebody(person=BOT, rights=WRITES),
}
SUPERVISORS = tuple(Supervisor(name=name) for name in ("sue", "sid", "bea"))


def facts_for(kind: Kind, state: State) -> Facts:
    """Such that nothing but the state and the person could stand in the way of the command."""
    rules = policy(
        supervisors=SUPERVISORS,
        execute=Execute.ON_COMMAND if kind.verb == "execute" else Execute.ON_APPROVAL,
        terminate_blockers=kind.verb == "terminate",
    )
    rules = replace(rules, roles={"commander": SUPERVISORS} if kind.about is About.PEOPLE else {})
    freeze = Freeze(target="shop", login="Sid", reason="", frozen_at=NOW)
    return replace(
        FACTS,
        order=order_for(kind, state),
        policy=rules,
        plan=PLAN,
        standing=Standing(freeze=freeze if kind.verb == "unfreeze" else None),
        other=Colleague(person=SUPERVISOR, rights=WRITES),
    )


def order_for(kind: Kind, state: State) -> Order:
    authors = (AUTHOR, BOTH)
    if kind.about is About.PEOPLE:
        return incident(state, authors=authors)
    open_one = Criterion(number=1, text="It works")
    criteria = (open_one,) if kind.verb == "confirm" else (replace(open_one, holds=True, evidence="seen"),)
    return order(state, authors=authors, run="run-1", criteria=criteria)


def outcome(kind: Kind, somebody: Somebody, facts: Facts) -> str:
    """yes, no, wait, or silence."""
    if somebody.person.is_operator:
        context = replace(task("/wo help", AUTHOR).context, person=OPERATOR, comment_id=None, body_hash="")
        words = {"done": ["#42", "all is well"], "start": ["database-migration"], "confirm": ["1", "seen"],
                 "request-changes": ["why"], "report": ["1", "done", "x"], "what-if": ["@sue"],
                 "speed": ["50%"], "terminate": ["4711"]}  # fmt: skip
        asked = handlers.task_from_words(
            kind.verb, words.get(kind.verb, []), context, sql="select 1;" if kind.takes_sql else ""
        )
    else:
        found = handlers.tasks(comment(spoken(kind), somebody.person))
        if not found:
            return "silence"
        (asked,) = found
    try:
        intents = handlers.handle(asked, replace(facts, rights=somebody.rights))
    except Blocked:
        return "wait"
    if not intents:
        return "silence"
    if somebody.person.is_operator:
        changes = {type(each) for each in intents} - {React, Say}
        said = [each.content for each in intents if isinstance(each, Say)]
        is_told = bool(said) and not isinstance(said[0], str)
        return "yes" if changes or (kind.who is Who.READER and is_told) else "no"
    reactions = [each.reaction for each in intents if isinstance(each, React)]
    return "no" if reactions == [Reaction.REFUSED] else "yes"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.verb)
def test_a_command_obeys_those_whom_the_table_names_in_the_states_that_it_names(kind: Kind) -> None:
    for state, (who, somebody) in product(State, SOMEBODY.items()):
        found = outcome(kind, somebody, facts_for(kind, state))
        is_taken = kind.states is None or state in kind.states

        expected = "yes" if is_taken and who in OBEYED[kind.who] else "no"
        if who is People.BOT:
            # A bot that nobody has named is not even answered, unless the order would not take it anyway.
            assert found == "silence" or (kind.who is Who.ROLE and not is_taken and found == "no")
        else:
            assert found == expected, f"{kind.verb}, {state.value}, {who.value}"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.verb)
def test_where_github_has_not_answered_nobody_is_obeyed_and_whom_it_depends_on_waits(kind: Kind) -> None:
    if kind.who is Who.READER:
        return
    for state, (who, somebody) in product(State, SOMEBODY.items()):
        if who in (People.OPERATOR, People.BOT):
            continue
        found = outcome(kind, replace(somebody, rights=UNKNOWN), facts_for(kind, state))

        is_taken = kind.states is None or state in kind.states
        assert found in ("no", "wait")
        if is_taken and who in OBEYED[kind.who]:
            assert found == "wait"


def test_everybody_is_in_the_table() -> None:
    assert set(SOMEBODY) == set(People)
    assert set(OBEYED) == set(Who)
    assert POLICY.roles == {}

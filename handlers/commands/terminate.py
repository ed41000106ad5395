"""`terminate`: a session of the target that blocks the run is ended, where the policy lets us."""

from __future__ import annotations

import re

from handlers import answers
from handlers.command import About, Command, Kind
from handlers.facts import Context, Facts, Need
from handlers.spoken import spoken
from workorders.authority import Who
from workorders.intents import EndSession, Intent, Reaction
from workorders.migration.errors import Blocked, Refused
from workorders.order import Order, State
from workorders.policy import PATH, Policy, PolicyAnswer, UnknownPolicy
from workorders.report import named

_PID = re.compile(r"[1-9][0-9]{0,9}")

#: Of a server's process, as Postgres keeps it.
_HIGHEST_PID = 2**31 - 1


def handle(command: Command, context: Context, facts: Facts) -> tuple[Intent, ...]:
    """Asks for it; a worker ends the session if it blocks the run just then, and says what came of it."""
    order = facts.order
    assert order is not None
    pid = _pid(command)
    _must_be_let(order, facts.policy, pid)
    place = context.comment_id or f"{context.number}:{context.spoken_at.isoformat()}"
    asked = EndSession(
        order_id=order.id,
        pid=pid,
        by=context.person,
        key=f"terminate:{place}:{command.line}",
        detail=spoken(command, context),
    )
    return (*answers.reacted(context, Reaction.SEEN), asked)


def _pid(command: Command) -> int:
    said = command.words[0]
    pid = int(said) if _PID.fullmatch(said) else 0
    if not 0 < pid <= _HIGHEST_PID:
        raise Refused.because(
            f"{named(said[:60])} is not the number of a process.",
            f"A supervisor can name one that blocks the run, as its server counts them: "
            f"{named('/wo ' + KIND.usage)}.",
        )
    return pid


def _must_be_let(order: Order, policy: PolicyAnswer, pid: int) -> None:
    if isinstance(policy, UnknownPolicy):
        raise Blocked("GitHub has not said what the policy is.", "It is asked again.")
    rules = policy.targets.get(order.target) if isinstance(policy, Policy) else None
    if rules is None or not rules.terminate_blockers:
        raise Refused.because(
            f"{PATH} does not let anybody end sessions of {named(order.target)} from here.",
            f"A supervisor can commit {named('terminate_blockers: true')} under {named(order.target)} on the "
            f"default branch; or end it in the database: {named(f'SELECT pg_terminate_backend({pid});')}",
        )


KIND = Kind(
    verb="terminate",
    usage="terminate PID",
    help="Ends a session of the target that blocks the run, where the policy says terminate_blockers: true.",
    who=Who.SUPERVISOR,
    needs=frozenset({Need.ORDER, Need.RIGHTS, Need.POLICY}),
    handle=handle,
    least_words=1,
    most_words=1,
    states=frozenset({State.EXECUTING, State.ROLLING_BACK}),
    about=About.MIGRATION,
)

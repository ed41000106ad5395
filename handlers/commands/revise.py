"""`revise`: new SQL; everything is looked at again."""

from __future__ import annotations

from handlers import answers
from handlers.command import About, Command, Kind
from handlers.facts import Context, Facts, Need
from handlers.replan import replanned
from handlers.script import given_script
from handlers.spoken import spoken
from workorders.authority import Who
from workorders.intents import Intent, Reaction
from workorders.lifecycle import Event, states_that_accept
from workorders.migration.errors import Refused
from workorders.report import named


def handle(command: Command, context: Context, facts: Facts) -> tuple[Intent, ...]:
    """Replaces the script; who gives it becomes an author. Approvals were of the old one."""
    order = facts.order
    assert order is not None
    script = given_script(command, facts)
    if script is None or not script.sql.strip():
        raise Refused.because(
            "There is no new SQL.",
            f"An author or a supervisor can put a sql block under {named('/wo revise')} or name a file: "
            f"{named('/wo revise --sql PATH')}.",
        )
    return (
        *answers.reacted(context, Reaction.STARTED),
        *replanned(order, script, context.person, spoken(command, context), facts.pull_request),
    )


KIND = Kind(
    verb="revise",
    usage="revise [--sql PATH]",
    help="Replaces the script by the sql block below, a file, or the pull request's head.",
    who=Who.AUTHOR_OR_SUPERVISOR,
    needs=frozenset({Need.ORDER, Need.RIGHTS, Need.POLICY, Need.SQL_FILE, Need.PULL_REQUEST}),
    handle=handle,
    options=("sql",),
    takes_sql=True,
    about=About.MIGRATION,
    states=frozenset(states_that_accept(Event.REVISED)),
)

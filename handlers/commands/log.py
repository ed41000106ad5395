"""`log`: what has happened to an order, and who did it."""

from __future__ import annotations

from handlers import answers
from handlers.command import Command, Kind
from handlers.facts import Context, Facts, Need
from workorders.authority import Who
from workorders.intents import Intent, Reaction
from workorders.order import State
from workorders.report import Finding, Grid, Report, Section, named

#: More would not fit one comment.
MOST_EVENTS = 200


def handle(command: Command, context: Context, facts: Facts) -> tuple[Intent, ...]:
    """Shows the events, the newest last."""
    order = facts.order
    assert order is not None
    shown = facts.history[-MOST_EVENTS:]
    left_out = len(facts.history) - len(shown)
    rows = tuple(
        (
            str(each.number),
            f"{each.at:%Y-%m-%d %H:%M:%S}",
            each.kind.replace("_", " "),
            named(each.by),
            each.state.replace("_", " "),
            named(each.reason) if each.reason else "",
            named(each.hash[:16]),
        )
        for each in shown
    )
    verify = f"lockkeeper log {order.issue_number} --verify"
    report = Report(
        role="conductor",
        title="Log",
        summary=f"{len(facts.history)} events; times are UTC. Who operates Lockkeeper can check their chain: "
        f"{named(verify)}." + (f" The oldest {left_out} are left out here." if left_out else ""),
        finding=Finding.NOTE,
        sections=(
            Section(
                title="What happened",
                blocks=(Grid(header=("", "When", "What", "Who", "Then", "Why", "History"), rows=rows),),
            ),
        ),
    )
    told = answers.told(context, report, f"{command.line}", order)
    return (*answers.reacted(context, Reaction.DONE), *told)


KIND = Kind(
    verb="log",
    usage="log",
    help="Shows what has happened to the order, when, and who did it.",
    who=Who.READER,
    needs=frozenset({Need.ORDER, Need.HISTORY}),
    handle=handle,
    states=frozenset(State),
)

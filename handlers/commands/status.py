"""`status`: where an order stands, and what it waits for."""

from __future__ import annotations

from handlers import answers
from handlers.command import Command, Kind
from handlers.facts import Context, Facts, Need
from handlers.gate import in_words
from workorders.authority import Who
from workorders.intents import Intent, Reaction
from workorders.migration.errors import Refused
from workorders.order import Order, State
from workorders.report import Answer, Answers, Finding, Grid, Report, Section, issue, named
from workorders.waiting import awaited


def handle(command: Command, context: Context, facts: Facts) -> tuple[Intent, ...]:
    """Says it."""
    key = f"{command.line}"
    if facts.order is not None:
        content: Report | str = _report(facts.order)
    elif facts.open_orders:
        content = "Open work orders: " + "; ".join(
            f"{named(each.definition)} on {named(each.target)}, "
            + ("whose issue is being opened" if each.issue_number is None else issue(each.issue_number))
            for each in facts.open_orders
        )
    else:
        raise Refused.because(
            "There is no work order here.",
            f"Anyone with write permission can open one: {named('/wo start <definition>')}.",
        )
    return (*answers.reacted(context, Reaction.DONE), *answers.told(context, content, key, facts.order))


def _report(order: Order) -> Report:
    approvals = ", ".join(named(each.person.login) for each in order.approvals) or "nobody yet"
    rows = (
        *(() if order.is_by_people else _migrated(order)),
        ("Digest", named(order.digest[:12]) if order.digest else "none yet"),
        ("Approved by", approvals),
    )
    criteria = tuple(
        Answer(
            task=each.text,
            finding=Finding.HOLDS if each.holds else Finding.OPEN,
            found=each.evidence,
        )
        for each in order.criteria
    )
    return Report(
        role="conductor",
        title=f"Status: {in_words(order.state)}",
        summary=awaited(order),
        finding=Finding.FAILS if order.state is State.FAILED else Finding.NOTE,
        sections=(
            Section(title="Order", blocks=(Grid(header=("", ""), rows=rows),)),
            Section(title="Success criteria", blocks=(Answers(answers=criteria),)),
        ),
    )


def _migrated(order: Order) -> tuple[tuple[str, str], ...]:
    return (
        ("Target", named(order.target)),
        ("SQL", named(order.sql_origin) if order.sql else "none yet"),
        *((("Speed", f"{order.speed_percent} % of the usual"),) if order.speed_percent != 100 else ()),
    )


KIND = Kind(
    verb="status",
    usage="status",
    help="Shows where the order stands and what it waits for.",
    who=Who.READER,
    needs=frozenset({Need.ORDER, Need.OPEN_ORDERS}),
    handle=handle,
)

"""What happens to a pull request that has orders: a push, its closing, its reopening.

A push is no command: whoever may write to the branch has made it, and what it changes is read
anew. That its SQL is rehearsed unasked takes write permission in the repository, which the
author of a fork's pull request need not have.
"""

from __future__ import annotations

from handlers import answers
from handlers.commands import KINDS
from handlers.events import PullRequestClosed, PullRequestEvent, PullRequestPushed, PullRequestReopened
from handlers.facts import Context, Facts, Need, PullRequest, Script, Wanted
from handlers.gate import in_words, possible_now
from handlers.replan import reading, replanned
from handlers.script import readable
from handlers.tasks import Task
from workorders.authority import Who, may
from workorders.decision import Decision
from workorders.intents import (
    CloseIssue,
    Intent,
    Move,
    NotePush,
    Revise,
    SameScript,
    Say,
    VoidApprovals,
)
from workorders.lifecycle import CLOSED, NOT_RUN, Event, accepts
from workorders.migration.errors import Blocked, Refused
from workorders.order import Order, Person, State
from workorders.policy import Policy, UnknownPolicy
from workorders.report import AlertKind, Finding, Paragraph, Report, Section, issue, named

_NEEDS = {
    PullRequestPushed: frozenset({Need.PULL_REQUEST_ORDERS, Need.PULL_REQUEST, Need.POLICY, Need.RIGHTS}),
    PullRequestClosed: frozenset({Need.PULL_REQUEST_ORDERS, Need.POLICY}),
    PullRequestReopened: frozenset({Need.PULL_REQUEST_ORDERS}),
}


def tasks(event: PullRequestEvent) -> tuple[Task, ...]:
    """The task that it is, whoever has done it: a bot's push changes the SQL as well."""
    what = event.head if isinstance(event, PullRequestPushed) else event.received_at.isoformat()
    return (
        Task(
            key=f"{type(event).__name__}:{event.repository.id}:{event.number}:{what}",
            context=Context(
                repository=event.repository,
                person=event.sender,
                number=event.number,
                is_pull_request=True,
                spoken_at=event.received_at,
            ),
            act=event,
            wanted=Wanted(needs=_NEEDS[type(event)]),
        ),
    )


def pushed(event: PullRequestPushed, context: Context, facts: Facts) -> tuple[Intent, ...]:
    """Orders that have not run are replanned where the SQL has changed; the others are told.

    Raises Blocked where GitHub has not said what the pusher may do.
    """
    pull_request = facts.pull_request
    # Another head is another push, and that one's pusher decides. A fork may be pushed to by strangers.
    if pull_request is None or pull_request.head != event.head:
        return ()
    allowed = may(context.person, Who.WRITER, None, facts.policy, facts.rights)
    return tuple(
        intent
        for order in facts.pull_request_orders
        if order.state not in CLOSED
        for intent in _pushed(order, pull_request, allowed, context, facts)
    )


def closed(event: PullRequestClosed, context: Context, facts: Facts) -> tuple[Intent, ...]:
    """Merged: nothing. Unmerged: what has not run is cancelled, what has run is escalated.

    Raises Blocked where there are supervisors to call and GitHub has not said who.
    """
    if event.is_merged:
        return ()
    left = [order for order in facts.pull_request_orders if order.state not in CLOSED]
    return tuple(intent for order in left for intent in _closed(order, context, facts))


def reopened(context: Context, facts: Facts) -> tuple[Intent, ...]:
    """Nothing comes back by itself; how to begin again is said."""
    if not facts.pull_request_orders:
        return ()
    newest = facts.pull_request_orders[-1]
    if newest.state is not State.CANCELLED:
        return ()
    said = (
        f"Reopening brings back no work order: {_issue(newest)} stays cancelled. Anyone with write "
        f"permission can open a new one: {named(f'/wo start {newest.definition} --target {newest.target}')}."
    )
    return answers.told(context, said, "reopened")


def _pushed(
    order: Order, pull_request: PullRequest, allowed: Decision, context: Context, facts: Facts
) -> tuple[Intent, ...]:
    script, by = pull_request.script, context.person
    head = named(pull_request.head[:12])
    if script is not None and script.sql == order.sql and _is_of_files(order):
        return (_noted(order, pull_request, by, script),)
    noted = _noted(order, pull_request, by, None)
    if not _is_of_files(order):
        given = "in a comment" if order.sql_origin == "comment" else f"as {named(order.sql_origin)}"
        kept = f"This order's script was given {given}, and stays as it is."
        said = f"{named(by.login)} pushed {head}. {kept} {_revise(order, facts)}"
        return (noted, _said(order, "push", said))
    if order.state not in NOT_RUN:
        said = (
            f"{named(by.login)} pushed {head}, whose SQL is another. The order is {in_words(order.state)}, "
            "so the push is noted and changes nothing: later SQL takes another order, or, once this one is "
            f"rolled back, {named('/wo revise')}."
        )
        return (noted, _said(order, "push", said))
    if script is None and not order.sql.strip():
        return (noted,)
    if allowed.is_wait:
        raise Blocked(allowed.because, allowed.next_move)
    if not allowed.is_yes:
        said = (
            f"{named(by.login)} pushed {head}, whose SQL is another. It is not rehearsed: {allowed.because} "
            f"The order goes on with what it was given. {_revise(order, facts)}"
        )
        return (noted, _said(order, "push", said))
    try:
        found = None if script is None else readable(script)
    except Refused as refusal:
        return (noted, *_without(order, pull_request, by, str(refusal)))
    if found is None or not found.sql.strip():
        gone = f"{named(by.login)} pushed {head}, and the pull request adds no migration any more."
        return (noted, *_without(order, pull_request, by, gone))
    said = f"{named(by.login)} pushed {head}, whose SQL is another. It is analysed and rehearsed anew."
    detail = {"verb": "push", "head": pull_request.head}
    return (
        noted,
        *replanned(order, found, by, detail, pull_request),
        _said(order, f"replanned:{pull_request.head}", said),
    )


def _is_of_files(order: Order) -> bool:
    """Whether the order's script is what the pull request adds; so it is where there is none yet."""
    return not order.sql.strip() or (order.reading is not None and bool(order.reading.files))


def _noted(order: Order, pull_request: PullRequest, by: Person, same: Script | None) -> NotePush:
    found = reading(same, pull_request)
    return NotePush(
        order_id=order.id,
        by=by,
        head=pull_request.head,
        authors=pull_request.people,
        script=SameScript(origin=same.origin, reading=found) if same and found else None,
    )


def _without(order: Order, pull_request: PullRequest, by: Person, reason: str) -> tuple[Intent, ...]:
    """The order has no script any more: its author has to act."""
    moved = Move(
        order_id=order.id,
        event=Event.CHANGES_REQUESTED,
        by=by,
        detail={"verb": "push", "head": pull_request.head, "reason": reason},
    )
    report = Report(
        role="conductor",
        title="Changes requested",
        summary=reason,
        finding=Finding.FAILS,
        sections=(
            Section(
                title="What now",
                blocks=(
                    Paragraph(
                        text="A push that adds a migration again is taken up by itself. A sql block under "
                        f"{named('/wo revise')} gives the script, too; authors and supervisors can."
                    ),
                ),
            ),
        ),
        mentions=tuple(each.login for each in order.authors if not (each.is_operator or each.is_bot)),
    )
    return (
        Revise(order_id=order.id, sql="", sql_origin="", by=by, reading=reading(None, pull_request)),
        VoidApprovals(order_id=order.id, reason="the script is gone"),
        *((moved,) if accepts(order.state, Event.CHANGES_REQUESTED) else ()),
        _said(order, f"without-script:{pull_request.head}", report),
    )


def _closed(order: Order, context: Context, facts: Facts) -> tuple[Intent, ...]:
    who = f"{named(context.person.login)} closed {issue(context.number or 0)} without merging it"
    if accepts(order.state, Event.CANCELLED):
        return (
            Move(
                order_id=order.id,
                event=Event.CANCELLED,
                by=context.person,
                detail={"verb": "close", "pull_request": context.number or 0},
            ),
            CloseIssue(order_id=order.id, is_completed=False),
            _said(order, "pull-request-closed", f"{who}, so the order is cancelled."),
        )
    if isinstance(facts.policy, UnknownPolicy):
        raise Blocked("GitHub has not said who supervises the target.", "It is asked again.")
    report = Report(
        role="conductor",
        title="Escalation",
        summary=f"{who}, and this order is {in_words(order.state)}: the target holds a change that the "
        "repository will not have.",
        finding=Finding.FAILS,
        sections=(
            Section(title="What now", blocks=(Paragraph(text=_settle(order)),)),
        ),
        mentions=_supervisors(order, facts),
        alert=AlertKind.ESCALATION,
    )  # fmt: skip
    return (_said(order, f"pull-request-closed:{order.version}", report),)


def _settle(order: Order) -> str:
    return (
        "Nothing is undone by itself. Either the change goes: a supervisor rolls it back. Or it stays: merge "
        f"the same SQL by another pull request, and end this order. {possible_now(order, KINDS)}"
    )


def _supervisors(order: Order, facts: Facts) -> tuple[str, ...]:
    rules = facts.policy.targets.get(order.target) if isinstance(facts.policy, Policy) else None
    return () if rules is None else tuple(each.name for each in rules.supervisors)


def _revise(order: Order, facts: Facts) -> str:
    authors = tuple(each.login for each in order.authors if not (each.is_operator or each.is_bot))
    people = ", ".join(named(each) for each in dict.fromkeys((*authors, *_supervisors(order, facts))))
    return f"With write permission they can take it up by {named('/wo revise')}: {people}."


def _issue(order: Order) -> str:
    return "the order" if order.issue_number is None else issue(order.issue_number)


def _said(order: Order, key: str, content: Report | str) -> Say:
    return Say(
        repository=order.repository,
        number=None,
        order_id=order.id,
        content=content,
        key=f"{key}:{order.id}",
    )

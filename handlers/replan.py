"""New SQL for an order: everything is looked at again, and no approval of the old one counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from handlers.facts import PullRequest, Script
from workorders.intents import Intent, Move, Revise, SetCriteria, VoidApprovals, Work
from workorders.lifecycle import Event
from workorders.order import Order, Person, Reading


def replanned(
    order: Order,
    script: Script,
    by: Person,
    detail: Mapping[str, str | int | float | bool],
    pull_request: PullRequest | None,
) -> tuple[Intent, ...]:
    """Replaces the script and begins anew; who gives it becomes an author."""
    is_of_pull_request = pull_request is not None and bool(script.files)
    return (
        Revise(
            order_id=order.id,
            sql=script.sql,
            sql_origin=script.origin,
            by=by,
            authors=pull_request.people if pull_request is not None and is_of_pull_request else (),
            reading=reading(script, pull_request),
        ),
        *reopened_criteria(order),
        VoidApprovals(order_id=order.id, reason="the script was revised"),
        Move(
            order_id=order.id, event=Event.REVISED, by=by, detail={**detail, "origin": script.origin}
        ),
        Work(order_id=order.id),
    )  # fmt: skip


def reopened_criteria(order: Order) -> tuple[Intent, ...]:
    """What was measured or seen of an execution that has been rolled back says nothing of the next one."""
    opened = tuple(replace(each, holds=False, fails=False, evidence="") for each in order.criteria)
    return () if opened == order.criteria else (SetCriteria(order_id=order.id, criteria=opened),)


def reading(script: Script | None, pull_request: PullRequest | None) -> Reading | None:
    """Where in the pull request a script was read; None where there is no pull request."""
    if pull_request is None:
        return None
    files = () if script is None else script.files
    return Reading(head=pull_request.head, files=files, changed=pull_request.changed)

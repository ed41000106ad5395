"""The whole journey, played by itself: ana asks, mallory tries, dba decides, and the shop sells on."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from bot.demo import shop as shops
from bot.demo.hub import Issue, Post
from bot.demo.seen import Seen
from bot.demo.stage import Stage
from bot.demo.traffic import Figures
from bot.errors import Blocked

#: From comment to answer; from one state to the next.
_ANSWER_SECONDS, _STATE_SECONDS = 20.0, 90.0
_LOOK_SECONDS = 0.1

#: So long a supervisor reads a review before approving.
_READING_SECONDS = 2.0

#: So long the shop sells between an execution and its rollback.
_SOAK_SECONDS = 5.0

OPENED = "a comment opens an order, and its issue is linked where it was asked for"
ANALYSED = "data-science reports what is touched"
REHEARSED = "automation has rehearsed plan and rollback: every proof holds"
REVIEWED = "postgres has a verdict and a digest to approve"
AUTHOR_REFUSED = "ana, the author, approves: refused, and told who can"
READER_REFUSED = "mallory, who may only read, approves: refused"
UNTOUCHED = "until it is approved the shop's schema is as it was"
EXECUTED = "dba approves: the plan runs on the shop under its traffic"
UNBLOCKED = "no transaction of the shop failed or waited long while it ran"
CRITERIA = "every criterion is ticked, with its evidence"
ROLLED_BACK = "dba says rollback: the schema is back"
LOST_COLUMN = "the dropped column is back with every value"
KEPT = "every order written since the execution is kept, and unchanged"
UNDISTURBED = "no transaction of the shop failed or waited long during the rollback"
SECOND = "a second order, with rows to change, runs under traffic"
SECOND_ROWS = "its rows are as the plain SQL would have left them"
DONE = "ana says done: the issue is closed, with a closing report"
NO_ERROR = "the shop never saw an error"

EXPECTED = (
    *(OPENED, ANALYSED, REHEARSED, REVIEWED, AUTHOR_REFUSED, READER_REFUSED, UNTOUCHED, EXECUTED, UNBLOCKED),
    *(CRITERIA, ROLLED_BACK, LOST_COLUMN, KEPT, UNDISTURBED, SECOND, SECOND_ROWS, DONE, NO_ERROR),
)

#: The stall budget bounds a wait for a lock; a loaded machine adds its own.
_LONG_MS = 500.0


class Stopped(Blocked):
    """The play cannot go on: something did not come."""

    def __init__(self, waited_for: str, issue: Issue) -> None:
        where = f"#{issue.number} is {issue.order_state or 'without a state'}"
        super().__init__(f"Waited in vain for {waited_for}: {where}.", "The logs tell more.")


@dataclass(frozen=True, kw_only=True)
class Spent:
    """How long something took, and what the traffic did meanwhile."""

    seconds: float
    traffic: Figures


class Play:
    """Plays on a stage; notes what it sees."""

    def __init__(self, stage: Stage, say: Callable[[str], None]) -> None:
        self._stage = stage
        self._hub = stage.hub
        self._say = say
        self._first_order = 0
        self.seen = Seen(expected=EXPECTED)

    def run(self) -> None:
        """Both orders. Raises Stopped where something does not come."""
        try:
            self._first()
            self._second()
        finally:
            self._stage.traffic.take()
            total = self._stage.traffic.total
            self.seen.note(NO_ERROR, total.errors == 0 and total.transactions > 0, told(total))

    def _first(self) -> None:
        shop, hub = self._stage.shop, self._hub
        asked_on = hub.open_issue("ana", "The old checkout is gone", "Its column can go, too.")
        order = self._first_order = start(self._stage, asked_on, shops.TIDY_ORDERS, self._say)
        link = self._comment_with(asked_on, rf"#{order}\b", "the link to the order")
        self.seen.note(OPENED, True, f"#{asked_on} by {link.author} links #{order}")
        self._until_approvable(order)

        words = self._refused("ana", order)
        self.seen.note(AUTHOR_REFUSED, "do not approve" in words and "dba" in words, words)
        words = self._refused("mallory", order)
        self.seen.note(READER_REFUSED, "not a supervisor" in words, words)
        is_untouched = shops.has_legacy_column(shop)
        self.seen.note(UNTOUCHED, is_untouched and hub.issue(order).order_state == "awaiting_approval")

        before = shops.newest_order(shop)
        old = shops.ledger(shop, 0, before)
        spent = self._executed(order)
        self.seen.note(EXECUTED, not shops.has_legacy_column(shop), f"{spent.seconds:.1f} s in all")
        self.seen.note(UNBLOCKED, _is_calm(spent.traffic), told(spent.traffic))
        self._criteria(order)

        executed_until = shops.newest_order(shop)
        self._say(f"The shop sells on for {_SOAK_SECONDS:.0f} s.")
        time.sleep(_SOAK_SECONDS)
        after = shops.newest_order(shop)
        new = shops.ledger(shop, executed_until, after)
        spent = self._rolled_back(order)
        self.seen.note(
            ROLLED_BACK, True, f"{spent.seconds:.1f} s in all; {self._report_of(order, 'Rollback')}"
        )
        self.seen.note(UNDISTURBED, _is_calm(spent.traffic), told(spent.traffic))
        again = shops.ledger(shop, 0, before)
        self.seen.note(
            LOST_COLUMN, again == old, f"{again.orders:,} orders, checksum {again.checksum or 'none'}"
        )
        kept = shops.ledger(shop, executed_until, after)
        is_kept = (kept.orders, kept.total_cents) == (new.orders, new.total_cents) and new.orders > 0
        self.seen.note(KEPT, is_kept, f"{kept.orders:,} of {new.orders:,} orders")

    def _second(self) -> None:
        hub = self._hub
        asked_on = hub.open_issue("ana", "Customers get a tier", "Standard, and gold for the faithful.")
        order = start(self._stage, asked_on, shops.CUSTOMER_TIERS, self._say)
        self._until_approvable(order)
        spent = self._executed(order)
        self.seen.note(
            SECOND, _is_calm(spent.traffic), f"{spent.seconds:.1f} s in all; {told(spent.traffic)}"
        )
        tiers = shops.tiers(self._stage.shop)
        is_right = tiers.gold > 0 and tiers.standard > 0 and tiers.misplaced == 0
        shown = f"{tiers.gold:,} gold, {tiers.standard:,} standard, {tiers.misplaced} misplaced"
        self.seen.note(SECOND_ROWS, is_right, shown)
        hub.comment("ana", order, 'wo:done "customers have a tier"')
        self._say("ana: wo:done")
        self._state(order, "done")
        self._comment_with(order, "Closing report", "the closing report")
        issue = self._until("the issue to be closed", order, lambda each: not each.is_open)
        self.seen.note(DONE, not issue.is_open, f"#{order}")

    def _until_approvable(self, order: int) -> None:
        for state, role, claim in (
            ("preparing", "data-science", ANALYSED),
            ("reviewing", "automation", REHEARSED),
            ("awaiting_approval", "postgres", REVIEWED),
        ):
            post = self._comment_with(order, rf"^### .* · {role}:", f"the report of {role}")
            self._say(f"{role} has reported ({state.replace('_', ' ')} next).")
            if order == self._first_order:
                self.seen.note(claim, "❌" not in post.body, _summary(post))
        self._state(order, "awaiting_approval")
        # An approval counts only if the review could be read before, and GitHub's clock ticks in seconds.
        time.sleep(_READING_SECONDS)

    def _refused(self, login: str, order: int) -> str:
        """Approves as this person; what is answered."""
        known = {post.id for post in self._hub.comments(order)}
        known.add(self._hub.comment(login, order, "/wo approve"))
        self._say(f"{login}: /wo approve")
        found = self._until_found(
            f"an answer to {login}",
            lambda: next((post for post in self._hub.comments(order) if post.id not in known), None),
            order,
        )
        return " ".join(re.sub(r"[`\\\u200b]|<!--.*?-->", "", found.body).split())

    def _executed(self, order: int) -> Spent:
        self._stage.traffic.take()
        began = time.monotonic()
        self._hub.comment("dba", order, "/wo approve")
        self._say("dba: /wo approve")
        self._state(order, "validating", "soaking")
        spent = Spent(seconds=time.monotonic() - began, traffic=self._stage.traffic.take())
        self._say(f"#{order} has run; validating.")
        self._state(order, "soaking")
        self._say(f"#{order} soaks.")
        return spent

    def _rolled_back(self, order: int) -> Spent:
        self._stage.traffic.take()
        began = time.monotonic()
        self._hub.comment("dba", order, "/wo rollback")
        self._say("dba: /wo rollback")
        self._state(order, "rolled_back")
        spent = Spent(seconds=time.monotonic() - began, traffic=self._stage.traffic.take())
        self._comment_with(order, "Closing report", "the closing report")
        self._say(f"#{order} is rolled back.")
        return spent

    def _criteria(self, order: int) -> None:
        issue = self._until("the criteria", order, lambda each: "- [x]" in each.post.body)
        ticked = len(re.findall(r"^- \[x\]", issue.post.body, re.MULTILINE))
        missing = len(re.findall(r"^- \[ \]", issue.post.body, re.MULTILINE))
        self.seen.note(CRITERIA, ticked > 0 and missing == 0, f"{ticked} of {ticked + missing}")

    def _report_of(self, order: int, title: str) -> str:
        return _summary(self._comment_with(order, rf"^### .*: {title}$", f"the report {title}"))

    def _comment_with(self, number: int, pattern: str, what: str) -> Post:
        def found() -> Post | None:
            posts = self._hub.comments(number)
            return next((post for post in posts if re.search(pattern, post.body, re.MULTILINE)), None)

        return self._until_found(what, found, number, _STATE_SECONDS)

    def _until_found(
        self, what: str, look: Callable[[], Post | None], number: int, seconds: float = _ANSWER_SECONDS
    ) -> Post:
        end = time.monotonic() + seconds
        while (found := look()) is None:
            if time.monotonic() > end:
                raise Stopped(what, self._hub.issue(number))
            time.sleep(_LOOK_SECONDS)
        return found

    def _state(self, number: int, *states: str) -> None:
        await_state(self._stage, number, *states)

    def _until(self, what: str, number: int, holds: Callable[[Issue], bool]) -> Issue:
        return _awaited(self._stage, what, number, holds, _ANSWER_SECONDS)


def start(stage: Stage, asked_on: int, script: str, say: Callable[[str], None]) -> int:
    """ana starts an order on the script; the number of its issue."""
    known = {issue.number for issue in stage.hub.issues()}
    command = f"wo:start database-migration --sql {script}"
    stage.hub.comment("ana", asked_on, command)
    say(f"ana: {command}")
    end = time.monotonic() + _ANSWER_SECONDS
    while True:
        new = [issue.number for issue in stage.hub.issues() if issue.number not in known]
        if new:
            say(f"Order #{new[0]} is open: {stage.hub.page_of(new[0])}")
            return new[0]
        if time.monotonic() > end:
            raise Stopped("the order's issue", stage.hub.issue(asked_on))
        time.sleep(_LOOK_SECONDS)


def await_state(stage: Stage, number: int, *states: str) -> Issue:
    """The order once it is in one of the states. Raises Stopped where it does not come there."""
    astray = {"failed", "changes_requested", "rolled_back", "cancelled"} - set(states)

    def holds(issue: Issue) -> bool:
        if issue.order_state in astray:
            raise Stopped(" or ".join(states), issue)
        return issue.order_state in states

    return _awaited(stage, " or ".join(states), number, holds, _STATE_SECONDS)


def _awaited(stage: Stage, what: str, number: int, holds: Callable[[Issue], bool], seconds: float) -> Issue:
    end = time.monotonic() + seconds
    while not holds(issue := stage.hub.issue(number)):
        if time.monotonic() > end:
            raise Stopped(what, issue)
        time.sleep(_LOOK_SECONDS)
    return issue


def told(figures: Figures) -> str:
    """Figures in a phrase."""
    states = f" ({', '.join(figures.sqlstates)})" if figures.sqlstates else ""
    errors = "no error" if not figures.errors else f"{figures.errors} errors{states}"
    return (
        f"{figures.transactions:,} transactions in {figures.seconds:.1f} s, {errors}, the longest"
        f" {figures.longest_ms:.0f} ms ({figures.longest_visit})"
    )


def _is_calm(figures: Figures) -> bool:
    return figures.errors == 0 and figures.transactions > 0 and figures.longest_ms < _LONG_MS


def _summary(post: Post) -> str:
    lines = [line for line in post.body.splitlines() if line.strip() and not line.startswith(("<!--", "###"))]
    return re.sub(r"[`\\\u200b]", "", lines[0]) if lines else ""

"""What is posted stands on GitHub once, in its order, whatever goes wrong on the way."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest

from bot.errors import Broken
from bot.github.app import App
from bot.github.message import (
    AddReaction,
    Close,
    EditIssue,
    Reopen,
    SetStateLabel,
)
from bot.github.outbox import post
from bot.sandbox.faults import Fault, When
from bot.store.ours import Pool
from tests.integration.github.bench import MARKER, NOW, Bench
from tests.plugins.sandbox import REPO
from workorders.intents import Reaction
from workorders.order import State


def test_what_was_posted_before_the_issue_follows_it_in_order(bench: Bench) -> None:
    opened = bench.open("Widen ids", "the text")

    bench.post(
        bench.comment(opened.order_id, "a", "first"),
        SetStateLabel(repository=bench.shop, order_id=opened.order_id, state=State.ANALYSING),
        bench.comment(opened.order_id, "b", "second"),
        opened,
    )
    bench.send_all()

    issue = bench.sandbox.state.issue(REPO, 1)
    assert (issue.title, (issue.body or "").partition("\n")[2]) == ("Widen ids", "the text")
    assert issue.labels == ("wo:analysing",)
    assert bench.issue_number(opened.order_id) == 1
    assert bench.comments() == ["first", "second"]


def test_nothing_is_sent_before_its_transaction_is_committed(bench: Bench) -> None:
    with bench.pool.transaction() as ours:
        post(ours, bench.open())
        assert bench.send() is None
        ours.rollback()

    assert bench.send() is None
    assert not bench.sandbox.state.issues(REPO)


def test_the_same_key_edits_and_only_the_newest_text_is_sent(bench: Bench) -> None:
    opened = bench.open()
    bench.post(opened, bench.comment(opened.order_id, "progress", "1 %"))
    bench.send_all()
    first = bench.sandbox.state.comments(REPO, 1)[0]

    bench.post(bench.comment(opened.order_id, "progress", "2 %"))
    bench.post(bench.comment(opened.order_id, "progress", "3 %"))
    sent = bench.writes()
    bench.send_all()

    assert bench.comments() == ["3 %"]
    assert bench.sandbox.state.comments(REPO, 1)[0].id == first.id
    assert bench.writes() == sent + 1


def test_what_github_shows_already_is_not_sent(bench: Bench) -> None:
    opened = bench.open()
    bench.post(opened, bench.comment(opened.order_id, "a", "x"))
    bench.send_all()
    sent = bench.writes()

    bench.post(opened, bench.comment(opened.order_id, "a", "x"))
    bench.post(bench.comment(opened.order_id, "a", "y"))
    bench.post(bench.comment(opened.order_id, "a", "x"))
    bench.send_all()

    assert bench.writes() == sent


def test_what_people_changed_is_put_back(bench: Bench) -> None:
    opened = bench.open(body="- [ ] zero loss")
    bench.post(opened, SetStateLabel(repository=bench.shop, order_id=opened.order_id, state=State.SOAKING))
    bench.send_all()
    bench.sandbox.state.unlabel_as("ana", REPO, 1, "wo:soaking")
    bench.sandbox.state.close_as("ana", REPO, 1)

    bench.post(
        EditIssue(repository=bench.shop, order_id=opened.order_id, body="- [ ] zero loss", is_repair=True),
        SetStateLabel(repository=bench.shop, order_id=opened.order_id, state=State.SOAKING),
        Reopen(repository=bench.shop, order_id=opened.order_id),
    )
    before = bench.writes()
    bench.send_all()

    issue = bench.sandbox.state.issue(REPO, 1)
    assert (issue.state, issue.labels) == ("open", ("wo:soaking",))
    assert bench.writes() == before + 3


@pytest.mark.parametrize(("is_completed", "reason"), [(True, "completed"), (False, "not_planned")])
def test_an_issue_is_closed_after_the_last_word(bench: Bench, is_completed: bool, reason: str) -> None:
    opened = bench.open()
    bench.post(
        opened,
        bench.comment(opened.order_id, "report", "the end"),
        Close(repository=bench.shop, order_id=opened.order_id, is_completed=is_completed),
    )
    bench.send_all()

    issue = bench.sandbox.state.issue(REPO, 1)
    assert (issue.state, issue.state_reason) == ("closed", reason)


def test_a_state_is_shown_after_the_report_that_leads_to_it(bench: Bench) -> None:
    opened = bench.open()
    bench.post(opened)
    bench.send_all()
    bench.post(SetStateLabel(repository=bench.shop, order_id=opened.order_id, state=State.REVIEWING))

    bench.post(
        bench.comment(opened.order_id, "review", "sound"),
        SetStateLabel(repository=bench.shop, order_id=opened.order_id, state=State.AWAITING_APPROVAL),
    )
    bench.sandbox.state.plan_fault(Fault(when=When.INSTEAD, status=502, path=".*labels.*"), times=8)
    bench.send()

    assert bench.comments() == ["sound"]
    assert bench.sandbox.state.issue(REPO, 1).labels == ()


def test_refusals_and_reactions_go_first(bench: Bench) -> None:
    issue = bench.sandbox.state.open_issue_as("ana", REPO, "hers")
    asked = bench.sandbox.state.comment_as("ana", REPO, issue.number, "/wo x")
    order_id = bench.order(issue.number)
    bench.outbox.pause_seconds = 1.0

    bench.post(
        bench.comment(order_id, "report", "long"),
        bench.comment(order_id, "refusal", "no", is_urgent=True),
        AddReaction(
            repository=bench.shop, number=issue.number, comment_id=asked.id, reaction=Reaction.REFUSED
        ),
    )
    bench.send()
    bodies = [each.body.partition("\n")[2] for each in bench.sandbox.state.comments(REPO, issue.number)[1:]]
    assert bodies == ["no"]
    bench.send_all()

    assert [each.content for each in bench.sandbox.state.reactions(asked)] == ["confused"]
    assert bench.sandbox.state.comments(REPO, issue.number)[2].body.endswith("long")


def test_writes_are_a_second_apart(bench: Bench) -> None:
    bench.outbox.pause_seconds = 1.0
    opened = bench.open()
    bench.post(opened, bench.comment(opened.order_id, "a", "x"))

    assert bench.send() == NOW + timedelta(seconds=1)
    assert bench.issue_number(opened.order_id) == 1
    assert not bench.comments()
    assert bench.send() == NOW + timedelta(seconds=1)
    bench.now += timedelta(seconds=1)
    assert bench.send() is None
    assert bench.comments() == ["x"]


def test_githubs_limit_of_a_minute_is_kept(bench: Bench) -> None:
    bench.outbox.writes_per_minute = 3
    opened = bench.open()
    bench.post(opened, *(bench.comment(opened.order_id, str(index), "x") for index in range(4)))

    assert bench.send() == NOW + timedelta(seconds=60)
    assert len(bench.comments()) == 2
    bench.now += timedelta(seconds=60)
    assert bench.send() is None
    assert len(bench.comments()) == 4


@pytest.mark.parametrize("when", [When.LOST_REQUEST, When.LOST_ANSWER, When.INSTEAD])
@pytest.mark.parametrize(
    "path", ["/issues$", "/comments$", "/labels", "/reactions$", "/comments/", "/issues/1$"]
)
def test_a_lost_answer_neither_loses_nor_repeats(bench: Bench, when: When, path: str) -> None:
    for method in ("POST", "PATCH"):
        bench.sandbox.state.plan_fault(Fault(when=when, status=502, method=method, path=path), times=2)
    opened = bench.open()
    bench.post(opened)
    for index in range(3):
        bench.post(bench.comment(opened.order_id, f"k{index}", f"text {index}"))
    bench.send_all()
    bench.post(
        bench.comment(opened.order_id, "k1", "edited"),
        SetStateLabel(repository=bench.shop, order_id=opened.order_id, state=State.DONE),
        AddReaction(repository=bench.shop, number=1, comment_id=None, reaction=Reaction.SEEN),
        EditIssue(repository=bench.shop, order_id=opened.order_id, body="new"),
        Close(repository=bench.shop, order_id=opened.order_id, is_completed=True),
    )
    bench.send_all()

    assert len(bench.sandbox.state.issues(REPO)) == 1
    assert bench.comments() == ["text 0", "edited", "text 2"]
    issue = bench.sandbox.state.issue(REPO, 1)
    assert (issue.labels, issue.state) == (("wo:done",), "closed")
    assert len(bench.sandbox.state.reactions(issue)) == 1


def test_a_text_that_came_while_another_was_on_its_way_is_sent_after_it(bench: Bench) -> None:
    opened = bench.open()
    bench.post(opened, bench.comment(opened.order_id, "a", "first"))
    bench.sandbox.state.plan_fault(Fault(when=When.LOST_ANSWER, method="POST", path="/comments$"))
    bench.send()

    bench.post(bench.comment(opened.order_id, "a", "second"))
    bench.send_all()

    assert bench.comments() == ["second"]


def test_after_a_lost_answer_github_is_given_time(bench: Bench) -> None:
    opened = bench.open()
    bench.sandbox.state.plan_fault(Fault(when=When.LOST_ANSWER, method="POST", path="/issues$"))
    bench.post(opened)

    assert bench.send() == NOW + timedelta(seconds=bench.outbox.settle_seconds)
    assert bench.issue_number(opened.order_id) is None


def test_a_mark_in_a_strangers_text_is_not_taken_for_ours(bench: Bench, pool: Pool) -> None:
    opened = bench.open()
    bench.post(opened)
    bench.sandbox.state.plan_fault(Fault(when=When.LOST_REQUEST, method="POST", path="/issues$"))
    bench.send()
    with pool.transaction() as ours:
        found = ours.execute("SELECT mark FROM outbox").fetchone()
    assert found is not None
    bench.sandbox.state.open_issue_as("ana", REPO, "forged", MARKER.written(found[0], "x"))

    bench.send_all()

    assert bench.issue_number(opened.order_id) == 2
    assert bench.sandbox.state.issue(REPO, 1).title == "forged"


def test_a_mark_that_a_text_of_ours_quotes_is_not_its_own(bench: Bench, pool: Pool) -> None:
    opened = bench.open()
    bench.post(opened)
    bench.send_all()
    bench.outbox.pause_seconds = 1.0
    bench.post(bench.comment(opened.order_id, "a", "the lost one"))
    with pool.transaction() as ours:
        found = ours.execute("SELECT mark FROM outbox WHERE key = 'a'").fetchone()
    assert found is not None
    quoting = f"A table is named {MARKER.line(found[0])}."
    bench.post(bench.comment(opened.order_id, "b", quoting, is_urgent=True))
    bench.send()
    bench.sandbox.state.plan_fault(Fault(when=When.LOST_REQUEST, method="POST", path="/comments$"))

    bench.send_all()

    assert bench.comments() == [quoting, "the lost one"]


def test_a_pause_that_github_asks_for_is_kept(bench: Bench) -> None:
    bench.sandbox.state.plan_fault(
        Fault(when=When.INSTEAD, status=403, retry_after_seconds=120, method="POST", path="/issues$")
    )
    bench.post(bench.open())

    assert bench.send() == NOW + timedelta(seconds=120)
    assert bench.send() == NOW + timedelta(seconds=120)
    assert not bench.sandbox.state.issues(REPO)
    bench.now += timedelta(seconds=120)
    assert bench.send() is None
    assert len(bench.sandbox.state.issues(REPO)) == 1


def test_pauses_grow_while_github_is_away(bench: Bench) -> None:
    bench.sandbox.state.plan_fault(
        Fault(when=When.INSTEAD, status=429, retry_after_seconds=1, method="POST", path="/issues$"), times=4
    )
    bench.post(bench.open())

    pauses = []
    while (due := bench.send()) is not None:
        pauses.append((due - bench.now).total_seconds())
        bench.now = due

    assert pauses == [2, 4, 8, 16]


def test_what_github_refuses_is_set_aside_and_blocks_nothing(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    order_id, opened = bench.order(99), bench.open()
    bench.post(bench.comment(order_id, "a", "to nowhere"), opened, bench.comment(opened.order_id, "a", "x"))

    with caplog.at_level(logging.ERROR, logger="bot.github.outbox"):
        bench.send_all()

    assert bench.comments() == ["x"]
    with bench.pool.transaction() as ours:
        found = ours.execute("SELECT state, reason FROM outbox WHERE order_id = %s", (order_id,)).fetchone()
    assert found is not None
    assert found[0] == "refused"
    assert "404" in found[1]
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_a_comment_that_was_deleted_is_written_anew(bench: Bench) -> None:
    opened = bench.open()
    bench.post(opened, bench.comment(opened.order_id, "progress", "1 %"))
    bench.send_all()
    bench.sandbox.state.delete_comment_as("dba", REPO, bench.sandbox.state.comments(REPO, 1)[0].id)

    bench.post(bench.comment(opened.order_id, "progress", "2 %"))
    bench.send_all()

    assert bench.comments() == ["2 %"]


def test_a_long_text_is_several_comments_that_are_edited_together(bench: Bench) -> None:
    lines = "\n".join(f"line {index}" for index in range(20_000))
    opened = bench.open(body=lines)
    bench.post(opened, bench.comment(opened.order_id, "a", lines))
    bench.send_all()

    comments = bench.comments()
    assert len(comments) > 3
    whole = (bench.sandbox.state.issue(REPO, 1).body or "") + "".join(comments)
    assert [whole.count(f"line {index}\n") for index in (0, 9_000, 19_998)] == [2, 2, 2]

    bench.post(bench.comment(opened.order_id, "a", "short"))
    bench.send_all()
    assert len(bench.comments()) == len(comments)
    assert "short" in bench.comments()
    assert bench.comments()[-1] == "_Nothing stands here any more._"


def test_an_app_without_access_waits(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    installations = dict(bench.sandbox.state.state.installations)
    bench.sandbox.state.state.installations.clear()
    bench.post(bench.open())

    with caplog.at_level(logging.ERROR, logger="bot.github.outbox"):
        assert bench.send() is not None
    assert caplog.records
    bench.sandbox.state.state.installations.update(installations)
    bench.send_all()

    assert len(bench.sandbox.state.issues(REPO)) == 1


def test_the_edit_of_an_issue_that_nobody_opens_is_a_fault(bench: Bench) -> None:
    with pytest.raises(Broken, match="no issue"):
        bench.post(EditIssue(repository=bench.shop, order_id=bench.order(), body="x"))


def test_githubs_own_limit_loses_and_doubles_nothing(bench: Bench) -> None:
    bench.sandbox.state.limits.writes_per_minute = 3
    # GitHub's clock runs with the outbox's.
    bench.sandbox.state.clock = lambda: datetime.now(UTC) + (bench.now - NOW)
    opened = bench.open()
    bench.post(opened, *(bench.comment(opened.order_id, str(index), f"text {index}") for index in range(6)))

    bench.send_all()

    assert bench.now >= NOW + timedelta(seconds=60)
    assert bench.comments() == [f"text {index}" for index in range(6)]


def test_an_answer_that_comes_too_late_is_looked_for(bench: Bench, app: App) -> None:
    app.timeout_seconds = 1
    opened = bench.open()
    for path in ("/issues$", "/comments$"):
        bench.sandbox.state.plan_fault(
            Fault(when=When.LATE_ANSWER, method="POST", path=path, delay_seconds=1.3)
        )
    bench.post(opened, bench.comment(opened.order_id, "a", "x"))

    bench.send_all()

    assert len(bench.sandbox.state.issues(REPO)) == 1
    assert bench.comments() == ["x"]

"""An order of another domain, whose every phase people and an agent do, from its start to done."""

from __future__ import annotations

from pathlib import Path

from bot.sandbox.faults import Fault, When
from tests.integration.bot.waiting import until
from tests.journeys.fixtures import MakeShop
from tests.journeys.installation import Installation
from tests.journeys.shop import Shop, Thread
from workorders.definition import from_markdown

TEXT = (Path(__file__).parents[1] / "payloads" / "definitions" / "incident-review.md").read_text("utf-8")
DEFINITION = from_markdown(TEXT)


def opened(shop: Shop) -> Thread:
    """The order's own issue."""
    state = shop.installation.sandbox.state
    issue = state.open_issue_as("ana", shop.repository, "it was down", "")
    state.comment_as("ana", shop.repository, issue.number, "wo:start incident-review")
    link = until(
        lambda: [c.body for c in state.comments(shop.repository, issue.number) if "is open" in c.body]
    )
    return Thread(shop=shop, number=int(link[0].rpartition("Work order #")[2].split(" ")[0]))


def test_every_line_of_a_definition_of_people_s_goes_from_start_to_done(
    installation: Installation, make_shop: MakeShop
) -> None:
    shop = make_shop("incidents", is_bound=False)
    state = installation.sandbox.state
    state.add_user("eve")
    state.grant(shop.repository, "eve", "write")
    state.put_file(shop.repository, ".github/work-orders/incident-review.md", TEXT)
    roles = "roles:\n  investigator: ['root-bot']\n  commander: [dba]\n"
    shop.put_policy(f"version: 1\ntargets: {{}}\n{roles}")

    thread = opened(shop)
    thread.wait_for("analysing")
    body = thread.issue.body or ""
    assert all(section.title in body for section in DEFINITION.sections)
    assert "There is no SQL" not in body
    assert "/wo report 1 done" in body

    # A stranger, a phase too early, and somebody else's phase.
    assert "only read" in thread.ask("mallory", '/wo report 1 done "x"')
    assert "is not open yet" in thread.ask("eve", '/wo report 2 done "x"')
    thread.say("eve", '/wo report 1 done "10:02 the first alert, 10:40 all was well"')
    thread.wait_for("preparing")
    assert "does not do the work of" in thread.ask("eve", '/wo report 2 done "x"')
    thread.say("root-bot", '/wo report 2 blocked "the logs of 10:05 are gone"')
    until(lambda: any("escalation" in text for text in thread.said))
    assert "@dba" in thread.said[-1]
    thread.say("root-bot", '/wo report 2 done "a flag without an owner"')
    until(lambda: thread.reports("investigator: Phase 2, Causes"))
    thread.say("root-bot", '/wo report 3 done "flags get owners: eve, by Friday"')
    thread.wait_for("reviewing")
    thread.say("root-bot", "/wo approve")
    thread.say("dba", '/wo report 4 done "the timeline agrees with the logs"')
    thread.wait_for("awaiting_approval")

    for phase in DEFINITION.phases:
        report = thread.report(f"{phase.role}: Phase {phase.number}, {phase.title}")
        assert all(task in report for task in phase.tasks)
    assert "is an author" in thread.ask("eve", "/wo approve") or "is not a supervisor" in thread.said[-1]
    assert "is not for this order" in thread.ask("dba", "/wo rollback")
    thread.approve()
    thread.wait_for("soaking")

    assert "is open" in thread.ask("ana", '/wo done "flags have owners"')
    for number, _ in enumerate(DEFINITION.criteria, start=1):
        thread.say("dba", f'/wo confirm {number} "looked at it"')
    until(lambda: thread.ticked() == [True, True])
    thread.say("ana", 'wo:done "flags have owners"')
    thread.wait_for("done")

    until(lambda: thread.reports("conductor: Closing report"))
    assert thread.issue.state == "closed"
    assert thread.order.run == ""
    assert thread.kinds[-1] == "done"
    assert thread.kinds.count("phase") == 5


def test_a_team_s_member_approves_once_github_says_that_they_are_one(
    installation: Installation, make_shop: MakeShop
) -> None:
    shop = make_shop("teams", is_bound=False)
    state = installation.sandbox.state
    state.add_user("wren")
    state.grant(shop.repository, "wren", "write")
    state.teams.add("acme/commanders")
    state.teams.join("acme/commanders", "dba")
    state.put_file(shop.repository, ".github/work-orders/incident-review.md", TEXT)
    shop.put_policy("version: 1\ntargets: {}\nroles:\n  commander: ['@acme/commanders']\n")
    thread = opened(shop)
    thread.wait_for("analysing")
    for number, phase in enumerate(DEFINITION.phases, start=1):
        login = "dba" if phase.role == DEFINITION.supervisor else "wren"
        thread.say(login, f'/wo report {number} done "looked at"')
        until(lambda phase=phase: thread.reports(f"{phase.role}: Phase {phase.number}, {phase.title}"))  # type: ignore[misc]
    thread.wait_for("awaiting_approval")

    # Write permission does not make a member.
    state.grant(shop.repository, "mallory", "write")
    assert "is not a supervisor" in thread.ask("mallory", "/wo approve")
    # What the App may not ask is no no: it waits, says so, and is asked again by itself.
    forbidden = Fault(
        when=When.INSTEAD,
        status=403,
        path="/memberships/dba",
        message="Resource not accessible by integration",
    )
    state.plan_fault(forbidden, times=4)
    before = len(thread.said)
    thread.approve()
    thread.wait_for("soaking")

    assert thread.kinds.count("approval") == 1
    assert "is not known yet" in thread.said[before]
    assert "asked again" in thread.said[before]

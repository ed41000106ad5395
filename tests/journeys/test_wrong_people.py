"""Commands that are not carried out: each is answered helpfully, and nothing happens."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from urllib.error import HTTPError

import pytest

from bot.sandbox.actions import Change
from tests.integration.bot.waiting import until
from tests.journeys.fixtures import MakeShop
from tests.journeys.installation import Installation
from tests.journeys.shop import Shop, Thread, start

SQL = "ALTER TABLE orders ADD COLUMN note text;"


@pytest.fixture(scope="module")
def shop(installation: Installation, make_shop: MakeShop) -> Shop:
    return make_shop("guarded")


@pytest.fixture(scope="module")
def waiting(shop: Shop) -> Thread:
    """An order that could be approved. No test of this module approves it."""
    return shop.reviewed(SQL)


@pytest.fixture
def nothing_happens(waiting: Thread) -> Iterator[None]:
    """Whatever the test does, the order stays as it was."""
    before = waiting.order
    kinds = waiting.kinds
    yield
    waiting.shop.installation.wait_until_quiet()
    assert waiting.order == before
    assert waiting.kinds == kinds
    assert waiting.state == "awaiting_approval"


def issue_of(shop: Shop) -> Thread:
    """A plain issue."""
    issue = shop.installation.sandbox.state.open_issue_as("ana", shop.repository, "please", "")
    return Thread(shop=shop, number=issue.number)


def orders_of(shop: Shop) -> int:
    with shop.installation.services.pool.transaction() as ours:
        row = ours.execute("SELECT count(*) FROM orders WHERE full_name = %s", [shop.repository]).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.usefixtures("nothing_happens")
@pytest.mark.parametrize(
    ("login", "command", "answers"),
    [
        ("mallory", "/wo approve", ["is not a supervisor", "`dba`"]),
        ("mallory", "/wo cancel", ["neither an author", "`ana`", "`dba`"]),
        ("mallory", "/wo revise\n\n```sql\nDROP TABLE orders;\n```", ["neither an author", "`ana`"]),
        ("ana", "/wo approve", ["is an author of this order", "authors do not approve", "`dba`"]),
        ("ana", '/wo request-changes "no"', ["is not a supervisor", "`dba`"]),
        ("dba", "/wo approve deadbeefdeadbeef", ["is not what there is to approve now", "/wo approve"]),
        ("dba", "/wo approve xyz", ["is not a digest"]),
        ("dba", "/wo rollback", ["awaiting approval", "/wo approve"]),
        ("dba", '/wo done "early"', ["awaiting approval", "soaking"]),
        ("dba", "/wo aprove", ["There is no command", "approve"]),
        ("dba", "/wo approve --acept positional", ["no option", "accept"]),
    ],
    ids=lambda value: value.splitlines()[0] if isinstance(value, str) else "",
)
def test_a_command_that_may_not_be_is_answered(
    waiting: Thread, login: str, command: str, answers: list[str]
) -> None:
    answer = waiting.ask(login, command)

    for each in answers:
        assert each in answer


@pytest.mark.usefixtures("nothing_happens")
@pytest.mark.parametrize(
    ("login", "text"),
    [
        ("root-bot", "/wo approve"),
        ("dba", "```\n/wo approve\n```"),
        ("dba", "> /wo approve"),
        ("dba", "    /wo approve"),
        ("dba", "<!--\n/wo approve\n-->"),
        ("dba", "I would `/wo approve` this"),
        ("dba", "please do not /wo approve yet"),
    ],
)
def test_what_is_no_command_gets_no_answer(waiting: Thread, login: str, text: str) -> None:
    before = waiting.said

    waiting.say(login, text)
    waiting.shop.installation.wait_until_quiet()

    assert waiting.said == before


@pytest.mark.usefixtures("nothing_happens")
def test_an_edited_comment_is_no_command(waiting: Thread) -> None:
    state = waiting.shop.installation.sandbox.state
    comment = waiting.say("dba", "Looks good so far.")
    before = waiting.said

    state.edit_comment_as("dba", waiting.shop.repository, comment.id, "/wo approve")
    waiting.shop.installation.wait_until_quiet()

    assert waiting.said == before


@pytest.mark.usefixtures("nothing_happens")
def test_a_comment_of_another_is_no_command_however_it_is_edited(waiting: Thread) -> None:
    state = waiting.shop.installation.sandbox.state
    comment = waiting.say("mallory", "Hello.")

    state.edit_comment_as("dba", waiting.shop.repository, comment.id, "/wo cancel")


@pytest.mark.usefixtures("nothing_happens")
def test_a_label_set_by_hand_is_put_right(waiting: Thread) -> None:
    state = waiting.shop.installation.sandbox.state

    state.unlabel_as("dba", waiting.shop.repository, waiting.number, "wo:awaiting_approval")
    state.label_as("dba", waiting.shop.repository, waiting.number, "wo:approved")

    until(lambda: waiting.state == "awaiting_approval")
    waiting.shop.installation.wait_until_quiet()
    assert waiting.state == "awaiting_approval"


@pytest.mark.usefixtures("nothing_happens")
def test_boxes_ticked_by_hand_are_put_back(waiting: Thread) -> None:
    state = waiting.shop.installation.sandbox.state
    body = waiting.issue.body or ""

    state.edit_issue_as(
        "ana", waiting.shop.repository, waiting.number, Change(body=body.replace("[ ]", "[x]"))
    )

    until(lambda: not any(waiting.ticked()))
    assert waiting.issue.body == body


def test_a_delivery_that_comes_again_is_one_command(shop: Shop) -> None:
    sandbox = shop.installation.sandbox
    thread = issue_of(shop)
    thread.say("ana", f"wo:start database-migration --target {shop.name}")
    until(lambda: thread.said)
    shop.installation.wait_until_quiet()
    delivery = [
        d for d in sandbox.state.deliveries() if d.event == "issue_comment" and d.action == "created"
    ][-1]
    before = orders_of(shop)

    sandbox.state.redeliver(delivery.id)
    shop.installation.wait_until_quiet()

    again = sandbox.state.deliveries()[-1]
    assert again.guid == delivery.guid
    assert again.status_code == 202
    assert orders_of(shop) == before
    assert len(thread.said) == 1


@pytest.mark.parametrize(
    ("command", "answers"),
    [
        ("wo:start database-migration --target shopp", ["No database `shopp`", "There is `guarded`"]),
        ("wo:start database-migratoin", ["There is no definition", "database-migration"]),
        ("wo:strat database-migration", ["There is no command", "start"]),
        ("/wo start", ["needs more to go by"]),
        ("wo:start database-migration --sql db/none.sql", ["There is no file"]),
        ("wo:start database-migration --sql ../etc/passwd.sql", ["is not a .sql file of this repository"]),
        ("/wo approve", ["There is no work order"]),
    ],
)
def test_a_start_that_cannot_be_is_answered(shop: Shop, command: str, answers: list[str]) -> None:
    thread = issue_of(shop)
    before = orders_of(shop)

    answer = thread.ask("ana", command)

    for each in answers:
        assert each in answer
    assert orders_of(shop) == before


def test_who_may_only_read_starts_nothing(shop: Shop) -> None:
    thread = issue_of(shop)
    before = orders_of(shop)

    answer = thread.ask("mallory", start(SQL, shop.name))

    assert "only read permission" in answer
    assert "Anyone with write permission" in answer
    assert orders_of(shop) == before


@pytest.mark.parametrize("signature", ["sha256=" + "0" * 64, ""])
def test_what_github_did_not_sign_is_not_stored(installation: Installation, signature: str) -> None:
    url = installation.sandbox.state.webhook_url
    assert url is not None
    guid = f"forged-{len(signature)}"
    headers = {
        "X-GitHub-Event": "issue_comment",
        "X-GitHub-Delivery": guid,
        "Content-Type": "application/json",
    }
    if signature:
        headers["X-Hub-Signature-256"] = signature
    request = urllib.request.Request(url, json.dumps({"action": "created"}).encode(), headers)  # noqa: S310 - ours

    with pytest.raises(HTTPError) as refused:
        urllib.request.urlopen(request)  # noqa: S310 - a web of ours on this machine
    refused.value.close()

    assert refused.value.code == 401
    with installation.services.pool.transaction() as ours:
        assert ours.execute("SELECT FROM deliveries WHERE guid = %s", [guid]).fetchone() is None


def test_approving_needs_a_policy_that_can_be_read(installation: Installation, make_shop: MakeShop) -> None:
    shop = make_shop("lawless", policy=False)
    thread = shop.reviewed(SQL)

    missing = thread.ask("dba", "/wo approve")
    assert "There is no `.github/lockkeeper.yml`" in missing
    assert "supervisors:" in missing
    assert f"  {shop.name}:" in missing

    shop.put_policy(f"version: 1\ntargets:\n  {shop.name}:\n    supervisers: [dba]\n")
    invalid = thread.ask("dba", "/wo approve")
    assert "cannot be read" in invalid
    assert "ine 4" in invalid
    assert "supervisors" in invalid

    assert thread.state == "awaiting_approval"
    assert thread.order.approvals == ()


def test_closing_the_issue_of_an_order_that_has_not_run_cancels_it(shop: Shop) -> None:
    state = shop.installation.sandbox.state
    thread = shop.ask_for("ALTER TABLE nowhere ADD COLUMN note text;")
    thread.wait_for("changes_requested")

    state.close_as("ana", shop.repository, thread.number)
    thread.wait_for("cancelled")

    assert thread.issue.state == "closed"
    assert "so the order is cancelled" in thread.said[-1]


def test_the_issue_of_an_order_that_has_run_is_opened_again(
    installation: Installation, make_shop: MakeShop
) -> None:
    shop = make_shop("closed-early")
    thread = shop.executed(SQL)
    state = shop.installation.sandbox.state

    state.close_as("ana", shop.repository, thread.number)
    until(lambda: "is not settled" in thread.said[-1])
    shop.installation.wait_until_quiet()

    assert thread.issue.state == "open"
    assert thread.state == "soaking"
    assert "/wo rollback" in thread.said[-1]

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bot.sandbox import Change
from tests.plugins.sandbox import REPO, ServedSandbox

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = Path("/usr/bin/chromium")
#: Without these the browser asks for hosts of its maker at each start.
FLAGS = (
    "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs a browser; on Debian: apt-get install chromium"),
]


@pytest.fixture
def page(sandbox: ServedSandbox) -> Iterator["Page"]:
    """A page whose scripts must not fail and which must ask for nothing from elsewhere."""
    from playwright.sync_api import sync_playwright

    errors: list[str] = []
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        opened = browser.new_page()
        opened.on("pageerror", lambda error: errors.append(str(error)))
        opened.on("request", lambda request: asked.append(request.url))
        yield opened
        browser.close()
    assert errors == []
    assert [url for url in asked if not url.startswith((sandbox.url, "data:"))] == []


def test_news_appear_without_losing_what_one_types(sandbox: ServedSandbox, page: "Page") -> None:
    folded = "<details><summary>more</summary>\n\nx\n\n</details>"
    issue = sandbox.state.open_issue_as("ana", REPO, "Live", folded)
    page.goto(f"{sandbox.url}/{REPO}/issues/{issue.number}")
    page.fill("textarea", "half typed")
    page.click("summary")

    comment = sandbox.state.comment_as("dba", REPO, issue.number, "first words")
    page.wait_for_selector("text=first words")
    sandbox.state.edit_comment_as("dba", REPO, comment.id, "second words")
    sandbox.state.edit_issue_as("ana", REPO, issue.number, Change(body=f"another text\n\n{folded}"))
    sandbox.state.close_as("dba", REPO, issue.number)
    page.wait_for_selector("text=second words")
    page.wait_for_selector("text=another text")
    page.wait_for_selector(".state.closed")

    assert page.input_value("textarea") == "half typed"
    assert page.eval_on_selector("details", "details => details.open")
    assert page.locator("text=first words").count() == 0
    assert page.locator("button[value=reopen]").is_visible()


def test_comment_is_sent_as_the_chosen_person_who_is_remembered(sandbox: ServedSandbox, page: "Page") -> None:
    issue = sandbox.state.open_issue_as("ana", REPO, "Live")
    page.goto(f"{sandbox.url}/{REPO}/issues/{issue.number}")
    page.select_option("select", "dba")
    page.fill("textarea", "/wo approve\n\nthanks")
    page.click("button[value=comment]")
    page.wait_for_selector("article >> text=/wo approve")

    (comment,) = sandbox.state.comments(REPO, issue.number)
    assert (comment.author.login, comment.body) == ("dba", "/wo approve\n\nthanks")
    assert page.input_value("select") == "dba"
    assert page.input_value("textarea") == ""


def test_diagram_is_drawn_also_in_a_comment_that_came_later(sandbox: ServedSandbox, page: "Page") -> None:
    issue = sandbox.state.open_issue_as("ana", REPO, "Live", "No diagram yet.")
    page.goto(f"{sandbox.url}/{REPO}/issues/{issue.number}")

    sandbox.state.comment_as("dba", REPO, issue.number, "```mermaid\ngraph LR\n  orders --> lines\n```")
    page.wait_for_selector(".diagram svg")
    sandbox.state.comment_as("dba", REPO, issue.number, "```mermaid\nno such diagram <b>\n```\n\nreadable")
    page.wait_for_selector("text=readable")

    assert "orders" in page.inner_text(".diagram")
    assert page.locator("code.language-mermaid").inner_text().startswith("no such diagram")

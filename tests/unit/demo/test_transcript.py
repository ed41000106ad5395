"""What Lockkeeper writes on GitHub, read back for a terminal."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.demo.hub import Issue, Post
from bot.demo.transcript import inline, plain, thread
from bot.render import markdown
from bot.render.escape import BREAK
from workorders.report import (
    Answer,
    Answers,
    Arrow,
    Code,
    Diagram,
    Finding,
    Folded,
    Grid,
    Paragraph,
    Report,
    Section,
    named,
)

REPORT = Report(
    role="postgres",
    title="Review",
    summary=f"Sound: {named('public.order_items')} & *all* that `is` <there>.",
    finding=Finding.HOLDS,
    mentions=("dba",),
    sections=(
        Section(
            title="What was found",
            blocks=(
                Answers(
                    answers=(
                        Answer(
                            task="Look through it",
                            finding=Finding.FAILS,
                            found="It waits.",
                            evidence="A lock.",
                        ),
                    )
                ),
                Grid(header=("Step", "Time"), rows=((named("a_b"), "3 ms"),)),
                Diagram(arrows=(Arrow(source="a", destination="b"), Arrow(source="c", destination="b"))),
                Folded(title="The plan", blocks=(Code(language="sql", text="SELECT 1;\nSELECT 2;"),)),
                Paragraph(text="After the fold."),
            ),
        ),
    ),
)


def shown(text: str, **options: bool) -> str:
    return "\n".join(plain(text, **options))


def test_what_a_report_says_can_be_read_without_its_markup() -> None:
    text = shown(markdown.report(REPORT))

    assert "✅ Holds · postgres: Review\n=====" in text
    assert "Sound: public.order_items & *all* that `is` <there>." in text
    assert "To be seen by @dba." in text
    assert "After the fold." in text
    assert not [markup for markup in ("<td>", "<br>", "<sub>", "\\", BREAK, "&nbsp;") if markup in text]


def test_verdicts_and_tables_stay_readable() -> None:
    lines = shown(markdown.report(REPORT)).splitlines()

    row = next(line for line in lines if line.startswith("Look through it"))
    assert "❌ Fails" in row and "It waits." in row
    assert lines[lines.index(row) + 1].strip() == "A lock."
    step = lines.index(next(line for line in lines if line.startswith("Step")))
    assert lines[step + 2] == "a_b   3 ms"


def test_what_is_folded_is_told_by_its_title() -> None:
    text = shown(markdown.report(REPORT))

    assert "▸ The plan (4 lines, folded)" in text
    assert "SELECT 1" not in text
    assert "▸ a picture with 2 arrows" in text


def test_a_wide_table_fits_the_width() -> None:
    grid = Grid(header=("One", "Two"), rows=(("word " * 40, "x" * 200),))
    report = Report(
        role="r", title="t", summary="s", finding=Finding.NOTE, sections=(Section(title="S", blocks=(grid,)),)
    )

    assert max(len(line) for line in plain(markdown.report(report), 80)) <= 80


def test_an_orders_own_text_shows_its_criteria_and_names_its_other_sections() -> None:
    criteria = "- [x] It works<br>seen\n- [ ] It lasts"
    body = f"<!-- mark -->\n## SCENARIO\n\nLong words.\n\n## SUCCESS CRITERIA\n\n{criteria}"

    text = shown(body, shows_sections=False)

    assert "▸ SCENARIO" in text and "Long words." not in text
    assert "☑ It works\n    seen\n☐ It lasts" in text
    assert "mark" not in text


def test_code_keeps_what_would_be_markup_elsewhere() -> None:
    assert inline(r"a \* b, `c \* **d**`") == r"a * b, c \* **d**"


def test_nothing_in_a_thread_moves_the_cursor() -> None:
    evil = Post(
        id=1, author="mal\x1b[2J", created_at=datetime(2026, 1, 1, tzinfo=UTC), body="x\x1b[2Jy\u202ez"
    )
    issue = Issue(number=1, title="t\x1b[H", post=evil, is_open=True, labels=("l\x07",))

    text = "\n".join(thread(issue, (evil,)))

    assert not any(letter in text for letter in "\x1b\x07\u202e")

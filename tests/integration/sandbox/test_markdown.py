import pytest

from bot.sandbox.page.markdown import has_diagram, render


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        "![x](https://example.com/x.png)",
        '<a href="javascript:alert(1)">x</a>',
        "[x](javascript:alert(1))",
        "<iframe src='https://example.com'></iframe>",
        "<style>*{display:none}</style>",
        '<p style="position:fixed" onclick="x()">x</p>',
        "<form action='/x'><button>x</button></form>",
        "<svg><script>alert(1)</script></svg>",
        '<input type="text" value="x" autofocus onfocus="alert(1)">',
    ],
)
def test_nothing_live_or_foreign_is_left(hostile: str) -> None:
    html = render(f"before\n\n{hostile}\n\nafter").lower()

    live = ("<script", "<img", "<iframe", "<style", "<form", "<svg", "style=", '="javascript:', "onerror")
    assert [word for word in (*live, "onclick", "onfocus", "autofocus", 'type="text"') if word in html] == []
    assert "before" in html
    assert "after" in html


def test_hidden_comment_is_invisible() -> None:
    assert render("<!-- lockkeeper:report:1 -->\nshown").strip() == "<p>shown</p>"


def test_details_hold_markdown_and_may_begin_open() -> None:
    html = render("<details open><summary>The plan</summary>\n\n```sql\nselect 1;\n```\n\n</details>")

    assert "<details open" in html
    assert "<summary>The plan</summary>" in html
    assert '<code class="language-sql">select 1;' in html


def test_table_keeps_its_alignment() -> None:
    html = render("| a | b |\n|:--|--:|\n| x | 1 |")

    assert '<td align="left">x</td>' in html
    assert '<td align="right">1</td>' in html


def test_task_list_shows_what_is_done() -> None:
    html = render("- [x] done\n- [ ] open")

    assert html.count('type="checkbox"') == 2
    assert html.count('disabled="disabled"') == 2
    assert html.count('checked="checked"') == 1


def test_line_end_is_a_break_as_in_githubs_comments() -> None:
    assert "one<br>" in render("one\ntwo")


def test_bare_address_and_mention_stay_text() -> None:
    assert "<a" not in render("https://example.com and @dba")


def test_only_a_mermaid_fence_is_a_diagram() -> None:
    assert has_diagram("text\n\n```mermaid\ngraph LR\n```")
    assert not has_diagram("```sql\n-- mermaid\n```\n\n`mermaid`")

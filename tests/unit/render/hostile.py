"""Texts that try to become more than text."""

from __future__ import annotations

from hypothesis import strategies as st

ATTACKS = (
    "`", "``", "```", "~~~", "`a``b", "\\", "\\`", "|", "\\|", "||", "\n", "\r\n", "\n\n", "\t", "    x",
    "<b>", "</td>", "</table>", "</details>", "</summary>", "</code>", "<!--", "-->",
    "<!-- lockkeeper:1:00000000000000000000000000000000 -->", "<script>", "<img src=x onerror=y>",
    "<https://example.com>", "<a@example.com>", "&lt;", "&#64;", "&amp;",
    "@octocat", "@acme/dba", "a@example.com", "#12", "GH-12", "acme/shop#12", "deadbeef", "https://a.b",
    "http://x.y/z?a=b", "ftp://x", "www.example.com", "mailto:a@b.c", "[a](https://b.c)", "![a](https://b.c/d.png)",
    "[a]: https://b.c", "[^1]", "[ ]", "# ", "## x", "- x", "* x", "+ x", "1. x", "1) x", "> x", "---", "===",
    "***",
    "__a__", "_a_", "**a**", "~~a~~", "$x$", "$$", "$`x`$", ":tada:", "```mermaid", "]", '"', "#quot;", "end",
    "\u202e", "\u2066", "\u2068", "\u2069", "\u200b", "\x00", "\x1b[31m", "\u2028", "\ud800", " ", "a", "名",
)  # fmt: skip

#: Any text, rich in attacks.
hostile = st.lists(st.one_of(st.sampled_from(ATTACKS), st.text(max_size=5)), max_size=12).map("".join)

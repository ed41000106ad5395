"""Markdown to safe HTML, near enough to GitHub's for reading reports."""

import nh3
from markdown_it import MarkdownIt
from mdit_py_plugins.tasklists import tasklists_plugin

_TAGS = {
    *("h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "blockquote", "pre", "code", "em", "strong"),
    *("del", "s", "sub", "sup", "kbd", "ins", "samp", "var", "q", "div", "span"),
    *("ul", "ol", "li", "input", "a", "details", "summary"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "code": {"class"},
    "details": {"open"},
    "input": {"type", "checked", "disabled"},
    "li": {"class"},
    "ol": {"start"},
    "td": {"align"},
    "th": {"align"},
    "ul": {"class"},
}
_ALIGNMENT = {f'style="text-align:{side}"': f'align="{side}"' for side in ("left", "center", "right")}

# Bare addresses stay text: linkify is off, as a report should link only where it means to.
# A line's end is a break, as in GitHub's comments and unlike in its files.
_parser = (
    MarkdownIt("commonmark", {"html": True, "breaks": True})
    .enable(["table", "strikethrough"])
    .use(tasklists_plugin)
)


def render(text: str) -> str:
    """HTML without scripts, styles, images, forms or hidden comments.

    Pictures are left out because a page of the sandbox loads nothing from elsewhere.
    """
    html = _parser.render(text)
    for style, attribute in _ALIGNMENT.items():
        html = html.replace(style, attribute)
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener noreferrer",
        set_tag_attribute_values={"input": {"type": "checkbox", "disabled": "disabled"}},
    )


def has_diagram(text: str) -> bool:
    """Whether the text has a mermaid fence, for which the page needs its script."""
    return any(token.type == "fence" and token.info.strip() == "mermaid" for token in _parser.parse(text))

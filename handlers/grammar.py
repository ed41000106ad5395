"""Comment -> commands, or a helpful mistake for each line that was meant as one.

A command is a line of its own, `/wo <verb> ...` or `wo:<verb> ...`. What GitHub shows as
code, as a quote, folded away or not at all is no command: whoever quotes or documents
one does not give it. `handlers.comment_layout` says what is what.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from handlers.command import Command, Kind, Mistake, Option
from handlers.comment_layout import Fence, Row, layout
from workorders.nearest import did_you_mean
from workorders.report import named

#: GitHub allows 65,536 characters in a comment.
LONGEST_COMMENT = 70_000
LONGEST_LINE = 2_000
MOST_COMMANDS = 10

_SQL_LANGUAGES = frozenset({"", "sql", "postgresql", "postgres", "pgsql", "psql", "plpgsql"})
_COMMAND = re.compile(r"(?:/wo:?(?=\s|$)|/?wo:(?=[a-z]))\s*(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
#: Telephones and word processors turn quotes and double hyphens into these.
_DOUBLE_QUOTES = '"“”„‟«»＂'
_SINGLE_QUOTES = "'‘’‚‛"
_LONG_DASH = re.compile(r"[—–―](?=[a-z])", re.IGNORECASE)
_CONTROL = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\u200b\u2060-\u2069\u202a-\u202e\ufeff]"
)


class _Wrong(Exception):
    """What is wrong with a line; becomes a `Mistake` when the line's number is known."""

    def __init__(self, reason: str, next_move: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.next_move = next_move


def parse(body: str, kinds: Mapping[str, Kind]) -> tuple[Command | Mistake, ...]:
    """Every command and every mistake of a comment, in its order. Never raises."""
    if len(body) > LONGEST_COMMENT:
        return ()
    page = layout(body)
    given = [(row, match) for row in page.rows if (match := _COMMAND.match(row.text))]
    found: list[Command | Mistake] = []
    for index, (row, match) in enumerate(given):
        if index == MOST_COMMANDS:
            found.append(
                Mistake(
                    line=row.number,
                    verb="",
                    reason=f"A comment may hold {MOST_COMMANDS} commands; the rest is not read.",
                    next_move="Write them in another comment.",
                )
            )
            break
        end = given[index + 1][0].number if index + 1 < len(given) else None
        fences = [
            fence for fence in page.fences if row.number < fence.line and (end is None or fence.line < end)
        ]
        found.append(_one(row, match["rest"], fences, kinds))
    return tuple(found)


def from_words(
    verb: str, words: Sequence[str], kinds: Mapping[str, Kind], *, sql: str = "", sql_origin: str = "comment"
) -> Command | Mistake:
    """A command of words that are already apart, as a shell gives them; the same rules as in a comment."""
    try:
        command = _command(verb, [_clean(word) for word in words], sql, 1, kinds)
        return replace(command, sql_origin=sql_origin)
    except _Wrong as wrong:
        return Mistake(line=1, verb=verb, reason=wrong.reason, next_move=wrong.next_move)


def _one(row: Row, rest: str, fences: list[Fence], kinds: Mapping[str, Kind]) -> Command | Mistake:
    verb = ""
    try:
        if row.continues_quote:
            raise _Wrong(
                "This line belongs to the quote above it, as GitHub shows it, and is not read as a command.",
                "Leave an empty line before it.",
            )
        if len(rest) > LONGEST_LINE:
            raise _Wrong(f"The line has more than {LONGEST_LINE} characters.", "Shorten it.")
        first, *words = _words(rest) or [""]
        verb = first.casefold()
        kind = kinds.get(verb)
        sql = _sql(fences) if kind is not None and kind.takes_sql else ""
        return _command(verb, words, sql, row.number, kinds)
    except _Wrong as wrong:
        known = verb if verb in kinds else ""
        return Mistake(line=row.number, verb=known, reason=wrong.reason, next_move=wrong.next_move)


def _command(verb: str, words: list[str], sql: str, line: int, kinds: Mapping[str, Kind]) -> Command:
    if not verb:
        raise _Wrong(f"There is no command after {named('/wo')}.", f"Write one of {_list(kinds)}.")
    kind = kinds.get(verb)
    if kind is None:
        raise _Wrong(
            f"There is no command {named(verb[:60])}.",
            f"{did_you_mean(verb, kinds)} All commands: {named('/wo help')}.",
        )
    plain, options = _apart(words, kind)
    usage = f"Write {named('/wo ' + kind.usage)}."
    if len(plain) < kind.least_words:
        raise _Wrong(f"{named(verb)} needs more to go by.", usage)
    if kind.most_words is not None and len(plain) > kind.most_words:
        raise _Wrong(f"{named(verb)} does not take {named(plain[kind.most_words][:60])}.", usage)
    return Command(verb=verb, line=line, words=tuple(plain), options=tuple(options), sql=sql)


def _apart(words: list[str], kind: Kind) -> tuple[list[str], list[Option]]:
    plain: list[str] = []
    options: list[Option] = []
    remaining = iter(words)
    for word in remaining:
        name, equals, value = _LONG_DASH.sub("--", word, count=1).partition("=")
        # In free text only a known option is one: a sentence may hold two hyphens.
        if not name.startswith("--") or (kind.most_words is None and name[2:] not in kind.options):
            plain.append(word)
            continue
        name = name[2:].casefold()
        if name not in kind.options:
            near = did_you_mean(name, kind.options) if kind.options else "It takes no options."
            raise _Wrong(f"{named(kind.verb)} has no option {named('--' + name[:60])}.", near)
        if not equals:
            value = next(remaining, "")
        if not value or value.startswith("--"):
            raise _Wrong(
                f"The option {named('--' + name)} has no value.", f"Write {named('/wo ' + kind.usage)}."
            )
        if name not in kind.repeatable and any(option.name == name for option in options):
            raise _Wrong(f"The option {named('--' + name)} stands twice.", "Remove one of the two.")
        options.append(Option(name=name, value=value))
    return plain, options


def _words(text: str) -> list[str]:
    """The words of a line; what stands in quotes is one word. An apostrophe inside a word is no quote."""
    words: list[str] = []
    position = 0
    while position < len(text):
        mark = text[position]
        if mark.isspace():
            position += 1
        elif mark in _DOUBLE_QUOTES or mark in _SINGLE_QUOTES:
            end = _closing(text, position, _DOUBLE_QUOTES if mark in _DOUBLE_QUOTES else _SINGLE_QUOTES)
            words.append(_clean(re.sub(r'\\(["\\])', r"\1", text[position + 1 : end])))
            position = end + 1
        else:
            end = next((index for index in range(position, len(text)) if text[index].isspace()), len(text))
            word = text[position:end]
            # --option="two words"
            name, equals, value = word.partition("=")
            if equals and name[:1] in "-—–―" and value[:1] and value[0] in _DOUBLE_QUOTES:
                start = position + len(name) + 1
                end = _closing(text, start, _DOUBLE_QUOTES)
                word = f"{name}={text[start + 1 : end]}"
                end += 1
            words.append(_clean(word))
            position = end
    return words


def _closing(text: str, start: int, quotes: str) -> int:
    """The index of the quote that closes: the first before a space or the end, so that quotes may nest."""
    for index in range(start + 1, len(text)):
        is_last = index + 1 == len(text) or text[index + 1].isspace()
        if text[index] in quotes and is_last and text[index - 1] != "\\":
            return index
    raise _Wrong(
        "A quote is opened and not closed.", f"Add {named(text[start])} at its end, on the same line."
    )


def _clean(word: str) -> str:
    return _CONTROL.sub("", word)


def _sql(fences: list[Fence]) -> str:
    blocks = [fence for fence in fences if fence.language in _SQL_LANGUAGES]
    blocks = [fence for fence in blocks if fence.language] or blocks
    if not blocks:
        return ""
    if len(blocks) > 1:
        raise _Wrong(
            f"Two sql blocks follow, in lines {blocks[0].line} and {blocks[1].line}.",
            "Put all SQL into one block.",
        )
    block = blocks[0]
    if not block.is_closed:
        raise _Wrong(
            f"The sql block in line {block.line} has no end.", "Close it with a line of three backticks."
        )
    if "\x00" in block.text or re.search("[\ud800-\udfff]", block.text):
        raise _Wrong("The sql block holds a character that no text may hold.", "Remove it.")
    return block.text


def _list(kinds: Mapping[str, Kind]) -> str:
    return ", ".join(f"{named(verb)}" for verb in kinds)

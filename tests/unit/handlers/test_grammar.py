"""What in a comment is a command, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.command import Command, Mistake
from handlers.commands import BY_VERB, KINDS
from handlers.grammar import LONGEST_COMMENT, MOST_COMMANDS, from_words, parse

APPROVE = "/wo approve"


def read(body: str) -> tuple[Command | Mistake, ...]:
    return parse(body, BY_VERB)


def command(body: str) -> Command:
    (only,) = read(body)
    assert isinstance(only, Command), only
    return only


def mistake(body: str) -> Mistake:
    (only,) = read(body)
    assert isinstance(only, Mistake), only
    return only


@pytest.mark.parametrize(
    "body",
    [
        *("/wo approve", "wo:approve", "/wo:approve", "Wo:Approve", "/WO APPROVE", "  /wo approve  "),
        *("/wo\u00a0approve", "/wo \u2009 approve\u3000", "\ufeff/wo approve", "\u200bwo:approve"),
        *("Fine.\n/wo approve", "/wo approve\r\nThanks.", "/wo approve\rThanks", "# Title\n\nwo:approve"),
        *("`/wo help` is not this:\n/wo approve", "- item\n\n/wo approve", "> quoted\n\n/wo approve"),
        *("```\ncode\n```\n/wo approve", "~~~\n```\n~~~\n/wo approve", "<!-- x -->\n/wo approve"),
        *("<details>\nx\n</details>\n/wo approve", "an odd ` mark\n/wo approve", "`<!--`\n/wo approve"),
        *("an <!-- open mark\n\n/wo approve", "``` code ``` inline\n/wo approve"),
    ],
)
def test_a_line_of_its_own_is_a_command(body: str) -> None:
    assert command(body).verb == "approve"


@pytest.mark.parametrize(
    "body",
    [
        *("", "hello", "please /wo approve", "say wo:approve", "/work approve", "/wow", "wo: approve"),
        *("```\n/wo approve\n```", "~~~\n/wo approve\n~~~", "```\n/wo approve", "```sql\n/wo approve\n~~~"),
        *("````\n```\n/wo approve\n````", "   ```\n/wo approve\n   ```", "- ```\n  /wo approve\n  ```"),
        *("1. ~~~\n   /wo approve\n   ~~~", "- a\n\n    ```\n  /wo approve\n    ```"),
        *("- item\n  /wo approve", "- a\n\n    ~~~\n  /wo approve\n    ~~~", "- ```\n/wo approve\n  ```"),
        *("    /wo approve", "\t/wo approve", "text\n    /wo approve", "> /wo approve", "   > /wo approve"),
        *(
            ">/wo approve",
            "> ```\n> /wo approve\n> ```",
            "- /wo approve",
            "1. /wo approve",
            "* [ ] /wo approve",
        ),
        *("`/wo approve`", "`see\n/wo approve\nabove`", "``see ` \n/wo approve\n``", "**/wo approve**"),
        *(
            "<!-- /wo approve -->",
            "<!--\n/wo approve\n-->",
            "<!--\n\n/wo approve\n\n-->",
            "x <!--\n/wo approve\n-->",
        ),
        *(
            "<details>\n/wo approve\n</details>",
            "<DETAILS open>\n\n/wo approve\n\n</DETAILS>",
            "<pre>\n/wo approve\n</pre>",
        ),
        *(
            "<details>\n<details>\n</details>\n/wo approve\n</details>",
            "<b>/wo approve</b>",
            "<details>\n/wo approve",
        ),
        *("| /wo approve |", "/wo\u200b-approve", "```\r\n/wo approve\r\n```", "```\u2028/wo approve\n```"),
        *("a line\u2028/wo approve", "a line\x0b/wo approve", "a line\x85/wo approve"),
    ],
)
def test_code_quotes_and_what_is_hidden_are_no_commands(body: str) -> None:
    assert read(body) == ()


@given(st.text(), st.sampled_from(["```", "````", "~~~", "~~~~~"]), st.sampled_from(["", "sql", " x y"]))
def test_nothing_inside_a_fence_is_a_command(text: str, mark: str, info: str) -> None:
    inside = text.replace("`", "").replace("~", "")

    assert read(f"{mark}{info}\n{inside}\n{APPROVE}\n{mark}\n") == ()
    assert [each.line for each in read(f"{mark}{info}\n{APPROVE}\n{mark}\n{APPROVE}")] == [4]


_PIECES = st.sampled_from(
    [
        *(
            "/wo approve",
            "wo:start x",
            "wo:done “a” 'b",
            "/wo",
            "/wo \x00",
            "```",
            "~~~",
            "```sql",
            "> ",
            "- ",
        ),
        *("<!--", "-->", "<details>", "</details>", "`", "``", "    ", "\t", "\n", "\r\n", "\n\n", '"', "«"),
        *("—target", "--target", "--sql=", "=", "\\", "\u2028", "\ufeff", "\ud800", "é", "select 1;", " "),
    ]
)


@given(st.lists(_PIECES | st.text(max_size=5), max_size=40).map("".join))
def test_any_comment_is_read_and_every_find_has_its_words(body: str) -> None:
    found = read(body)

    lines = [each.line for each in found]
    assert lines == sorted(set(lines))
    for each in found:
        if isinstance(each, Mistake):
            assert each.reason
            assert each.next_move
        else:
            kind = BY_VERB[each.verb]
            assert len(each.words) >= kind.least_words
            assert kind.most_words is None or len(each.words) <= kind.most_words
            assert {option.name for option in each.options} <= set(kind.options)
            assert "\x00" not in " ".join(each.words) + each.sql


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.verb)
def test_the_usage_of_every_command_is_a_command(kind: object) -> None:
    usages = {
        "start": "start database-migration --target shop --sql db/x.sql",
        "request-changes": 'request-changes "why"',
        "done": 'done #42 "summary"',
        "approve": "approve abcdef0123 --accept positional --accept other-major",
        "help": "help approve",
        "revise": "revise --sql db/x.sql",
        "confirm": 'confirm 2 "what I saw"',
        "what-if": "what-if @sue approves",
        "report": 'report 1 done "what was found"',
        "speed": "speed 50%",
        "terminate": "terminate 4711",
    }
    verb = next(each.verb for each in KINDS if each is kind)

    assert command(f"/wo {usages.get(verb, verb)}").verb == verb


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('wo:done "ids are bigint now"', ("ids are bigint now",)),
        ("wo:done “ids are bigint now”", ("ids are bigint now",)),
        ("wo:done „ids are bigint now“", ("ids are bigint now",)),
        ("wo:done «ids are bigint now»", ("ids are bigint now",)),
        ("wo:done ‘ids are bigint now’", ("ids are bigint now",)),
        ("wo:done 'ids are bigint now'", ("ids are bigint now",)),
        ('wo:done "say \\"hi\\" now"', ('say "hi" now',)),
        ("wo:done don't worry", ("don't", "worry")),
        ("wo:done it’s fine", ("it’s", "fine")),
        ('wo:done #42 "both"', ("#42", "both")),
        ("wo:done a -- b --c", ("a", "--", "b", "--c")),
    ],
)
def test_quotes_of_any_kind_hold_words_together(body: str, words: tuple[str, ...]) -> None:
    assert command(body).words == words


@pytest.mark.parametrize(
    "body",
    [
        "/wo start x --target shop",
        "/wo start --target shop x",
        "/wo start x --target=shop",
        '/wo start x --target="shop"',
        "/wo start x —target shop",
        "/wo start x –target=shop",
        "/wo start x --TARGET shop",
    ],
)
def test_an_option_may_stand_anywhere_and_be_mistyped_by_a_telephone(body: str) -> None:
    assert (command(body).words, command(body).option("target")) == (("x",), "shop")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("/wo", "help"),
        ("/wo aprove", "approve"),
        ("wo:rolback", "rollback"),
        ("/wo start", "start <definition>"),
        ("/wo start a b", "start <definition>"),
        ("/wo start a --targt x", "target"),
        ("/wo start a --target", "--target"),
        ("/wo start a --target --sql x", "--target"),
        ("/wo start a --target x --target y", "Remove"),
        ("/wo status now", "/wo status"),
        ('/wo done "unfinished', "same line"),
        ("> quoted\n/wo approve", "empty line"),
        ("/wo done " + "x" * 3000, "Shorten"),
        ("/wo start a\n```sql\nselect 1", "backticks"),
        ("/wo start a\n```sql\nselect 1\n```\n```sql\nselect 2\n```", "one block"),
        ("/wo start a\n```sql\nselect \x00\n```", "Remove"),
        ("/wo request-changes", "request-changes"),
    ],
)
def test_a_mistake_says_what_to_write(body: str, said: str) -> None:
    assert said in mistake(body).next_move


def test_the_sql_block_that_follows_belongs_to_the_command() -> None:
    found = command("wo:start x\n\nHere it is:\n\n```sql\nalter table a\n  add b int;\n```\nbye")

    assert found.sql == "alter table a\n  add b int;"


@pytest.mark.parametrize("mark", ["```sql", "```SQL", "```postgresql title", "~~~sql", "```"])
def test_a_block_may_be_called_sql_in_several_ways(mark: str) -> None:
    assert command(f"/wo revise\n{mark}\nselect 1;\n{mark[:3]}").sql == "select 1;"


@pytest.mark.parametrize("body", ["/wo revise\n```json\n{}\n```", "```sql\nselect 1;\n```\n/wo revise"])
def test_other_blocks_do_not_belong_to_it(body: str) -> None:
    assert command(body).sql == ""


def test_each_command_has_its_own_block() -> None:
    first, second = read("/wo start a\n```sql\nselect 1;\n```\n/wo start b\n```sql\nselect 2;\n```\n")

    assert isinstance(first, Command)
    assert isinstance(second, Command)
    assert (first.sql, second.sql) == ("select 1;", "select 2;")


def test_a_block_s_own_indentation_is_taken_off() -> None:
    assert command("/wo revise\n  ```sql\n  select 1;\n    2;\n  ```").sql == "select 1;\n  2;"


def test_commands_keep_their_order_and_have_a_limit() -> None:
    found = read("/wo help\n" * (MOST_COMMANDS + 3))

    assert len(found) == MOST_COMMANDS + 1
    assert isinstance(found[-1], Mistake)
    assert all(isinstance(each, Command) for each in found[:-1])


def test_what_no_comment_can_hold_is_not_read() -> None:
    assert read("/wo help\n" + "x" * LONGEST_COMMENT) == ()


@pytest.mark.parametrize(
    "body", ["`" * 60_000, "`a" * 30_000, "<!--" * 15_000, "<details>" * 7_000, '/wo done "' + 'a" ' * 600]
)
def test_a_long_comment_is_read_in_passing(body: str) -> None:
    read(body + "\n\n/wo help")


def test_words_from_a_shell_follow_the_same_rules() -> None:
    good = from_words("done", ["42", "ids are bigint now"], BY_VERB)
    bad = from_words("aprove", [], BY_VERB)

    assert isinstance(good, Command)
    assert good.words == ("42", "ids are bigint now")
    assert isinstance(bad, Mistake)
    assert "approve" in bad.next_move

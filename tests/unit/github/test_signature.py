"""Only what GitHub signed with our secret is taken for GitHub's."""

from __future__ import annotations

import pytest

from bot.github.signature import is_signed, signature

#: From GitHub's documentation.
SECRET, BODY = "It's a Secret to Everybody", b"Hello, World!"
HEADER = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def test_githubs_own_example_is_signed() -> None:
    assert signature(BODY, SECRET) == HEADER
    assert is_signed(BODY, HEADER, (SECRET,))


@pytest.mark.parametrize("secrets", [(SECRET, "new"), ("new", SECRET)])
def test_the_old_secret_is_taken_while_both_are_given(secrets: tuple[str, ...]) -> None:
    assert is_signed(BODY, HEADER, secrets)


def test_the_old_secret_is_refused_once_it_is_gone() -> None:
    assert not is_signed(BODY, HEADER, ("new",))


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "sha256=",
        HEADER[7:],
        HEADER.upper(),
        "sha1=" + HEADER[7:],
        HEADER[:-1],
        HEADER + "0",
        "é",
        "\udcff",
    ],
)
def test_any_other_header_is_refused(header: str | None) -> None:
    assert not is_signed(BODY, header, (SECRET,))


def test_a_changed_body_is_refused() -> None:
    assert not is_signed(BODY + b" ", HEADER, (SECRET,))


@pytest.mark.parametrize("secrets", [(), ("",)])
def test_without_a_secret_nothing_is_signed(secrets: tuple[str, ...]) -> None:
    assert not is_signed(BODY, signature(BODY, ""), secrets)

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest

from bot import log
from bot.settings import LogFormat

Lines = Callable[[], list[str]]


@pytest.fixture
def lines() -> Iterator[Callable[[LogFormat], Lines]]:
    """`lines(format)` configures the log; what that gives, called, is what was written."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level

    def configured(log_format: LogFormat) -> Lines:
        stream = io.StringIO()
        log.configure(log_format, "INFO", stream)
        return lambda: stream.getvalue().splitlines()

    yield configured
    root.handlers[:] = before
    root.setLevel(level)


def test_a_line_has_its_fields_and_those_that_are_bound(lines: Callable[[LogFormat], Lines]) -> None:
    written = lines("json")

    with log.bound(order=7), log.bound(job="work"):
        logging.getLogger("x").info("An order was advanced.", extra={"rows": 3})
    logging.getLogger("x").info("Nothing is bound.")

    first, second = (json.loads(line) for line in written())
    assert (first["message"], first["order"], first["job"], first["rows"]) == (
        *("An order was advanced.", 7, "work", 3),
    )
    assert "order" not in second


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_secret_reaches_a_line(lines: Callable[[LogFormat], Lines], log_format: LogFormat) -> None:
    written = lines(log_format)

    try:
        raise ValueError("postgresql://app:hunter2@db/shop")
    except ValueError:
        logging.getLogger("x").exception(
            "It failed at postgresql://app:hunter2@db/shop, host=db password=hunter2 and ghs_hunter2abcd.",
            extra={
                "address": "postgresql://app:hunter2@db/shop",
                "webhook_secret": "hunter2",
                "dsn": "hunter2",
                "payload": "hunter2",
                "at_key": "hunter2",
            },
        )

    assert "hunter2" not in "\n".join(written())
    assert "It failed" in written()[0]


def test_a_value_cannot_forge_a_line(lines: Callable[[LogFormat], Lines]) -> None:
    written = lines("text")

    logging.getLogger("x").info("A verb is not known.", extra={"verb": "x\n12:00:00.000 ERROR y"})

    assert len(written()) == 1

"""Log lines: a constant sentence, and fields.

The fields of the order, job or delivery in hand come by themselves (`bound`), others through
`extra`. A line is text for people or JSON for machines. Values of fields that are named like
a secret, and passwords inside connection strings, never reach a line.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TextIO

from bot.settings import LogFormat

Field = str | int | float | bool | None

_bound: ContextVar[Mapping[str, Field]] = ContextVar("_bound", default=MappingProxyType({}))

#: What every LogRecord has; anything else in one is a field.
_OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

#: Where a record carries the fields that were bound when it was made.
_BOUND_ATTRIBUTE = "lockkeeper_bound"

_SECRET_FIELD = re.compile("secret|token|password|private|dsn|payload|_key$|^key$", re.IGNORECASE)
_PASSWORD_IN_URL = re.compile(r"(://[^\s:/@]*:)[^\s@]*@")
_PASSWORD_IN_KEYWORDS = re.compile(r"(password\s*=\s*)('[^']*'|\S+)", re.IGNORECASE)
_GITHUB_TOKEN = re.compile(r"\b(gh[a-z]_[A-Za-z0-9_]{4,}|github_pat_[A-Za-z0-9_]+)")


@contextmanager
def bound(**fields: Field) -> Iterator[None]:
    """Adds the fields to each line that is written inside the block, by this thread or task."""
    mark = _bound.set(MappingProxyType({**_bound.get(), **fields}))
    try:
        yield
    finally:
        _bound.reset(mark)


def without_secrets(text: str) -> str:
    """The text with passwords in connection strings and GitHub's tokens blotted out."""
    text = _PASSWORD_IN_URL.sub(r"\1***@", text)
    text = _PASSWORD_IN_KEYWORDS.sub(r"\1***", text)
    return _GITHUB_TOKEN.sub("***", text)


def configure(log_format: LogFormat, level: str, stream: TextIO | None = None) -> None:
    """Sends all lines of the process to the stream (stderr), replacing what was configured before."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Json() if log_format == "json" else _Text())
    handler.addFilter(_bind)
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    # Two lines for each job, one of them with its arguments; our own line says what happened.
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    # Its lines quote addresses, and the one that alerts go to is a secret.
    logging.getLogger("urllib3").setLevel(logging.ERROR)


def _bind(record: logging.LogRecord) -> bool:
    setattr(record, _BOUND_ATTRIBUTE, _bound.get())
    return True


def _fields(record: logging.LogRecord) -> dict[str, object]:
    extra = {name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD}
    found: dict[str, object] = {**extra.pop(_BOUND_ATTRIBUTE, {}), **extra}
    return {
        name: "***" if _SECRET_FIELD.search(name) else _shown(value)
        for name, value in found.items()
        if value is not None
    }


def _shown(value: object) -> object:
    return value if isinstance(value, bool | int | float) else without_secrets(str(value))


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{name}={value}" for name, value in _fields(record).items())
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S.%f")[:-3]
        line = f"{at} {record.levelname:<7} {record.name}: {without_secrets(record.getMessage())}"
        trace = f"\n{without_secrets(self.formatException(record.exc_info))}" if record.exc_info else ""
        # One line is one line: a line feed inside a value would forge another.
        return (line + (f"  {fields}" if fields else "")).replace("\n", "\\n") + trace


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            **_fields(record),
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_secrets(record.getMessage()),
        }
        if record.exc_info:
            line["trace"] = without_secrets(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)

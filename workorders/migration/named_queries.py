"""Our queries by name, from `.sql` files beside the code that sends them.

A file is a sequence of `-- name: NAME`, a sentence as a comment, and one query. Comments may
stand before the first name, and inside a query.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from itertools import takewhile
from types import MappingProxyType

from workorders.migration.errors import Broken

_NAME = re.compile(r"^-- name: ([a-z][a-z0-9_]*)$", re.MULTILINE)


@cache
def named_queries(package: str, file_name: str) -> Mapping[str, str]:
    """The queries of a file in a package, by name, in the file's order. The files are ours, never input."""
    return parsed(files(package).joinpath(file_name).read_text(encoding="utf-8"), file_name)


def parsed(text: str, file_name: str) -> Mapping[str, str]:
    """The queries of a text by name, without their sentences and without a semicolon at their ends.

    Raises Broken where a name is given twice, has no sentence or no query, or where anything but
    comments stands before the first.
    """
    before, *parts = _NAME.split(text)
    if not parts or not _is_comment(before):
        raise Broken(f"{file_name} does not begin with the name of a query.")
    found: dict[str, str] = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        lines = body.strip().splitlines()
        sentence = [*takewhile(lambda line: line.startswith("-- "), lines)]
        query = "\n".join(lines[len(sentence) :]).strip()
        if not sentence or _is_comment(query):
            raise Broken(f"{name} in {file_name} has no sentence or no query.")
        if name in found:
            raise Broken(f"{file_name} has two queries named {name}.")
        found[name] = query.removesuffix(";")
    return MappingProxyType(found)


def _is_comment(text: str) -> bool:
    """Whether nothing in it would be sent."""
    return all(not line.strip() or line.lstrip().startswith("--") for line in text.splitlines())

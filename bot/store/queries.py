"""Our queries by name, from the `.sql` files beside this module.

A file is a sequence of `-- name --`, a sentence as a comment, and one statement.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from bot.errors import Broken

_HEADING = re.compile(r"^-- ([a-z_]+) --$", re.MULTILINE)


def parsed(text: str, file: str) -> Mapping[str, bytes]:
    """The statements of a file by name, without their sentences.

    Raises `Broken` where a name is given twice, has no sentence, or anything stands before the first.
    """
    before, *parts = _HEADING.split(text)
    if before.strip() or not parts:
        raise Broken(f"{file} does not begin with the name of a query.")
    found: dict[str, bytes] = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        sentence, _, statement = body.strip().partition("\n")
        if not sentence.startswith("-- ") or not statement.strip():
            raise Broken(f"{name} in {file} has no sentence or no statement.")
        if name in found:
            raise Broken(f"{file} has two queries named {name}.")
        found[name] = statement.strip().removesuffix(";").encode()
    return MappingProxyType(found)


@cache
def queries(name: str) -> Mapping[str, bytes]:
    """The queries of `sql/<name>.sql`."""
    file = files("bot.store") / "sql" / f"{name}.sql"
    return parsed(file.read_text(encoding="utf-8"), f"{name}.sql")

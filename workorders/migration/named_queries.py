"""Our queries by name, from `.sql` files: `-- name: NAME`, a sentence, the statement."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from psycopg import sql

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def named_queries(package: str, file_name: str) -> MappingProxyType[str, sql.SQL]:
    """The queries of a file in a package, by name. The files are ours, never input."""
    parts = _NAME.split(files(package).joinpath(file_name).read_text(encoding="utf-8"))
    pairs = zip(parts[1::2], parts[2::2], strict=True)
    return MappingProxyType({name: sql.SQL(text.strip()) for name, text in pairs})

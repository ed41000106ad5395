"""Comments that are written to Lockkeeper: `-- lockkeeper: ...`, one a line."""

from __future__ import annotations

import re
from dataclasses import dataclass

from postgast import PgQueryError, scan

_ADDRESSED = re.compile(r"--+\s*lockkeeper:\s*(.*)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Remark:
    """What follows `lockkeeper:` in one comment."""

    text: str
    #: Both 1-based.
    line: int
    column: int
    #: Where the comment begins in the script, in bytes, as `RawStatement.offset` counts.
    offset: int


def remarks(text: str) -> tuple[Remark, ...]:
    """Every comment to Lockkeeper, in order. Those inside strings and block comments are none."""
    source = text.removeprefix("\ufeff")
    try:
        tokens = scan(source).tokens
    except PgQueryError:
        return ()
    names = type(tokens[0]).DESCRIPTOR.fields_by_name["token"].enum_type.values_by_number if tokens else {}
    encoded = source.encode()
    found = []
    for token in tokens:
        if names[token.token].name != "SQL_COMMENT":
            continue
        said = _ADDRESSED.fullmatch(encoded[token.start : token.end].decode().strip())
        if said:
            before = encoded[: token.start]
            column = len(before[before.rfind(b"\n") + 1 :].decode()) + 1
            line = before.count(b"\n") + 1
            found.append(Remark(text=said[1].strip(), line=line, column=column, offset=token.start))
    return tuple(found)

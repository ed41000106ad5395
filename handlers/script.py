"""The SQL that comes with a command."""

from __future__ import annotations

import re
from collections.abc import Mapping

from handlers.command import Command
from handlers.facts import Facts, Script
from workorders.migration.errors import Refused
from workorders.order import SqlFile
from workorders.report import named

_PATH = re.compile(r"[^\x00-\x1f\\:*?\"<>|]{1,300}\.sql")

#: Postgres keeps neither a NUL nor half of a surrogate pair.
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")


#: More are counted and not named where a script's origin is said.
_NAMED_FILES = 3


def joined(texts: Mapping[str, str], head: str) -> Script | None:
    """The script of a pull request's added files, by path, at its head; None where there are none.

    One file's text is left as it is, so that it is the same script however it is given. The last
    statement of a file ends with it, also where its semicolon is missing.
    """
    files: list[SqlFile] = []
    sql = ""
    for path in sorted(texts):
        if sql and not sql.endswith("\n"):
            sql += "\n"
        if sql and not sql.rstrip().endswith(";"):
            sql += ";\n"
        files.append(SqlFile(path=path, first_line=sql.count("\n") + 1))
        sql += texts[path]
    if not files:
        return None
    paths = [each.path for each in files]
    more = len(paths) - _NAMED_FILES
    said = ", ".join(paths if more <= 0 else paths[:_NAMED_FILES])
    origin = said if more <= 0 else f"{said} and {more} more"
    return Script(sql=sql, origin=f"{origin}@{head}", files=tuple(files))


def is_path(path: str) -> bool:
    """Whether it may be asked for: a .sql file inside the repository."""
    parts = path.split("/")
    return bool(_PATH.fullmatch(path)) and not {"", ".", ".."} & set(parts)


def given_script(command: Command, facts: Facts) -> Script | None:
    """The SQL that comes with a command: a block, a file, or what the pull request adds."""
    path = command.option("sql")
    if command.sql and path:
        raise Refused.because(
            "There is a sql block, and a file is named as well.",
            "Give one of the two, as whoever may start can.",
        )
    if command.sql:
        return Script(sql=command.sql, origin=command.sql_origin)
    if path:
        if not is_path(path):
            raise Refused.because(
                f"{named(path)} is not a .sql file of this repository.",
                f"Write its path from the root: {named('--sql db/migrations/0042_orders.sql')}.",
            )
        if facts.sql_file is None:
            raise Refused.because(
                f"There is no file {named(path)}.",
                "It is looked for at the pull request's head, and without one on the default branch. "
                "Anyone with write permission can push it.",
            )
        return readable(facts.sql_file)
    script = None if facts.pull_request is None else facts.pull_request.script
    return None if script is None else readable(script)


def readable(script: Script) -> Script:
    """The script of a file. Raises Refused where it could be neither kept nor run."""
    if _NO_TEXT.search(script.sql):
        raise Refused.because(
            f"{named(script.origin)} holds a character that no text may hold.",
            "Take the NUL character out, or save it as UTF-8; anyone with write permission can push it.",
        )
    return script

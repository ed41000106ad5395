"""Who said what, as it is kept with an order's event."""

from __future__ import annotations

from collections.abc import Mapping

from handlers.command import Command
from handlers.facts import Context


def spoken(command: Command, context: Context) -> Mapping[str, str | int]:
    """Verb, comment and the hash of its body: enough to prove later what was said."""
    said: dict[str, str | int] = {"verb": command.verb, "line": command.line}
    if context.comment_id is not None:
        said |= {"comment_id": context.comment_id}
    if context.body_hash:
        said |= {"body_hash": context.body_hash}
    return said

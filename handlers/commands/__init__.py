"""The table of commands, written by hand and in the order in which help shows them.

The parser, the help, the did-you-mean, the command line and the docs are made of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from handlers.command import Kind
from handlers.commands import (
    abort,
    approve,
    cancel,
    confirm,
    done,
    execute,
    freeze,
    log,
    pause,
    plan,
    purge,
    report,
    request_changes,
    resume,
    revise,
    rollback,
    speed,
    start,
    status,
    terminate,
    what_if,
    why,
)
from handlers.commands.help import with_help
from handlers.commands.who import with_who

KINDS: tuple[Kind, ...] = with_help(
    with_who(
        (
            start.KIND,
            status.KIND,
            plan.KIND,
            log.KIND,
            why.KIND,
            what_if.KIND,
            revise.KIND,
            approve.KIND,
            request_changes.KIND,
            report.KIND,
            confirm.KIND,
            execute.KIND,
            pause.KIND,
            resume.KIND,
            speed.KIND,
            terminate.KIND,
            abort.KIND,
            rollback.KIND,
            done.KIND,
            purge.KIND,
            freeze.FREEZE,
            freeze.UNFREEZE,
            cancel.KIND,
        )
    )
)

#: The same by verb.
BY_VERB: Mapping[str, Kind] = MappingProxyType({kind.verb: kind for kind in KINDS})

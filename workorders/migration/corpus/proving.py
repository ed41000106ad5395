"""Every proof of the rehearsal for one file, on the database that the files before it have made."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from workorders.migration import sessions
from workorders.migration.errors import LockkeeperError
from workorders.migration.plan import Plan
from workorders.migration.rehearsal.proofs import rehearse
from workorders.migration.rehearsal.shadow import Copy, ShadowServer


def unproven(
    copy: Copy, text: str, server: ShadowServer, binaries: Path, *, alter: Callable[[Plan], Plan]
) -> tuple[str, ...]:
    """Why the plan would not be offered for approval, in sentences; changes nothing in the database."""
    with closing(sessions.connect(copy.dsn)) as target:
        try:
            rehearsal = rehearse(target, copy.dsn, text, server, binaries, alter=alter)
        except LockkeeperError as error:
            return (str(error),)
    return tuple(
        f"{proof.name}: {difference}"
        for proof in rehearsal.proofs
        if proof.holds is False
        for difference in proof.differences
    ) or tuple(str(problem) for problem in rehearsal.problems)

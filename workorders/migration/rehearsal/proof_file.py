"""A rehearsal as a file: what was proven of which script on which target, so that it can be tried again.

Holds the script, hashes and counts, and no row of the target. Everything in it but the times
is the same again when the same script is rehearsed on the same target.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from workorders.migration.catalog.snapshot import Identity
from workorders.migration.errors import Unreadable
from workorders.migration.plan import VERSION, Plan
from workorders.migration.rehearsal.proofs import Rehearsal, measured
from workorders.migration.sql import script

#: The file's own version. A reader refuses any other.
FORMAT = 1

#: What is never twice the same.
_TIMES = frozenset({"made_at", "seconds", "milliseconds", "undo_milliseconds"})


@dataclass(frozen=True, kw_only=True)
class ProofFile:
    """A proof file's content, as JSON values."""

    content: Mapping[str, Any]

    @classmethod
    def of(cls, rehearsal: Rehearsal, target_version: int, made_at: datetime) -> ProofFile:
        """What a rehearsal found. `target_version` is the target's `server_version_num`."""
        plan, taken, record = rehearsal.prepared.plan, rehearsal.sample, rehearsal.record
        return cls(
            content={
                "version": FORMAT,
                "made_at": made_at.isoformat(timespec="seconds"),
                "holds": rehearsal.holds,
                "script": {"sha256": plan.script.sha256, "sql": plan.script.text},
                "policy": plan.policy,
                "target": {
                    **_identity(plan.identity),
                    "server_version": target_version,
                    "fingerprint": rehearsal.prepared.fingerprint.hash,
                },
                "versions": {"lockkeeper": VERSION, "shadow": rehearsal.server_version},
                "run": plan.run,
                "digest": plan.digest,
                "acceptances": list(plan.acceptances),
                "sample": {
                    "rows": {str(name): rows for name, rows in sorted(taken.rows.items())},
                    "made_up": [str(name) for name in taken.made_up],
                    "empty": [str(name) for name in taken.empty],
                },
                "proofs": {
                    proof.name: {
                        "claim": proof.claim,
                        "holds": proof.holds,
                        "differences": list(proof.differences),
                        "flags": list(proof.flags),
                    }
                    for proof in rehearsal.proofs
                },
                "problems": [problem.reason for problem in rehearsal.problems],
                "moments": {name: asdict(moment) for name, moment in record.moments.items()},
                "writes": {"sent": record.writes, "succeeded": record.succeeded},
                "steps": _steps(plan, measured(rehearsal)),
                "undo_milliseconds": [round(timed.milliseconds, 1) for timed in rehearsal.undo_timings],
                "seconds": round(rehearsal.seconds, 1),
            }
        )

    @classmethod
    def from_json(cls, text: str) -> ProofFile:
        """Reads a file. Raises Unreadable for what is none, or of another version, or was changed."""
        try:
            content = json.loads(text)
        except json.JSONDecodeError as error:
            raise _unreadable("it is not JSON", line=error.lineno, column=error.colno) from error
        if not isinstance(content, dict) or "version" not in content:
            raise _unreadable("it has no version")
        if content["version"] != FORMAT:
            raise _unreadable(f"it is of version {content['version']!r}, and this Lockkeeper reads {FORMAT}")
        try:
            sql, sha256, _ = content["script"]["sql"], content["script"]["sha256"], content["policy"] + ""
            is_whole = script.read(sql).sha256 == sha256
        except (KeyError, TypeError, AttributeError) as error:
            raise _unreadable("it lacks its script or its policy") from error
        if not is_whole:
            raise _unreadable("its script is not the one that its checksum is of")
        return cls(content=content)

    def to_json(self) -> str:
        """Keys in their order, on lines of their own."""
        return json.dumps(self.content, indent=2, ensure_ascii=False) + "\n"

    @property
    def sql(self) -> str:
        """The script."""
        return str(self.content["script"]["sql"])

    @property
    def policy(self) -> str:
        """The target's policy, as the digest has it."""
        return str(self.content["policy"])

    def differences(self, again: ProofFile) -> tuple[str, ...]:
        """What a second rehearsal found otherwise, times aside; one line each."""
        was, now = dict(_leaves(self.content, ())), dict(_leaves(again.content, ()))
        return tuple(
            f"{' / '.join(path)}: {_shown(was.get(path))} then, {_shown(now.get(path))} now"
            for path in dict.fromkeys((*was, *now))
            if was.get(path) != now.get(path)
        )


def _identity(identity: Identity) -> Mapping[str, str]:
    return {"system_identifier": identity.system_identifier, "database": identity.database}


def _steps(plan: Plan, milliseconds: Mapping[int, float]) -> list[dict[str, Any]]:
    return [
        {
            "title": step.action.title,
            "locks": [str(lock) for lock in step.action.locks],
            "scans": [str(name) for name in step.action.scans],
            "rewrites": [str(name) for name in step.action.rewrites],
            "undo": [action.title for action in step.undo],
            "milliseconds": round(milliseconds[number], 1) if number in milliseconds else None,
        }
        for number, step in enumerate(plan.steps)
    ]


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value that holds no others, with the way to it; times left out."""
    if isinstance(value, dict):
        for name, each in value.items():
            if name not in _TIMES:
                yield from _leaves(each, (*path, name))
    elif isinstance(value, list):
        for place, each in enumerate(value, start=1):
            yield from _leaves(each, (*path, str(place)))
    else:
        yield path, value


def _shown(value: object) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _unreadable(why: str, *, line: int = 0, column: int = 0) -> Unreadable:
    return Unreadable(
        f"This is no proof that can be verified: {why}.",
        "Make one with lockkeeper rehearse FILE --database URL --proof OUT.json.",
        line=line,
        column=column,
    )

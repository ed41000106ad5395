from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from workorders.migration.errors import Unreadable
from workorders.migration.rehearsal.proof_file import FORMAT, ProofFile

_SQL = "ALTER TABLE t ADD z int;"


def _content(**other: Any) -> dict[str, Any]:
    script = {"sql": _SQL, "sha256": hashlib.sha256(_SQL.encode()).hexdigest()}
    return {"version": FORMAT, "policy": "", "script": script, **other}


def _read(**other: Any) -> ProofFile:
    return ProofFile.from_json(json.dumps(_content(**other)))


def test_what_was_written_is_read() -> None:
    found = _read(digest="d1")

    assert (found.sql, found.policy) == (_SQL, "")
    assert ProofFile.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "it is not JSON"),
        ("[]", "it has no version"),
        (json.dumps(_content(version=FORMAT + 1)), "it is of version 2"),
        (json.dumps({"version": FORMAT}), "it lacks its script"),
        (json.dumps(_content(policy=None)), "it lacks its script or its policy"),
        (json.dumps(_content(script={"sql": "SELECT 1", "sha256": "0"})), "its script is not the one"),
    ],
)
def test_what_is_no_proof_is_not_read(text: str, says: str) -> None:
    with pytest.raises(Unreadable, match=says):
        ProofFile.from_json(text)


def test_differences_name_what_moved_and_no_time() -> None:
    first = _read(made_at="then", seconds=1, digest="d1", steps=[{"title": "a", "milliseconds": 1}])
    second = _read(made_at="now", seconds=2, digest="d2", steps=[{"title": "a", "milliseconds": 2}], run="r")

    assert first.differences(second) == ("digest: d1 then, d2 now", "run: nothing then, r now")
    assert first.differences(first) == ()

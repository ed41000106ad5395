from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Lockkeeper, Query
from tests.integration.cli.schema import KEYS, SCHEMA

MakeDatabase = Callable[..., str]

#: Drawn anew in every run, and so in no checksum.
_SCRIPT = (
    "ALTER TABLE customers ALTER points SET NOT NULL;\n"
    "ALTER TABLE customers ADD COLUMN token uuid DEFAULT gen_random_uuid();\n"
)


@pytest.fixture
def proven(lockkeeper: Lockkeeper, make_database: MakeDatabase, tmp_path: Path) -> tuple[str, Path]:
    """A target's URL, and the proof of a script on it."""
    url, out = make_database(SCHEMA), tmp_path / "proof.json"
    ran = lockkeeper("rehearse", "-", "--database", url, "--proof", str(out), script=_SCRIPT)
    assert ran.status == 0, ran.err
    return url, out


def test_a_proof_is_verified_until_something_moves(
    lockkeeper: Lockkeeper, proven: tuple[str, Path], one: Query
) -> None:
    url, out = proven
    content = json.loads(out.read_text())

    assert content["version"] == 1
    assert content["holds"] is True
    assert content["moments"].keys() >= {"before", "plain", "executed", "written", "reverted"}
    assert content["moments"]["before"]["rows"]["public.customers"]["rows"] == 200
    assert content["steps"][0]["locks"]
    # Of the rows there are hashes alone.
    assert "mail7" not in out.read_text()
    assert "name 7" not in out.read_text()

    same = lockkeeper("verify", str(out), "--database", url, "--json")
    assert same.object["changed"] == []
    assert (same.status, same.object["state"]) == (0, "verified")
    assert same.object.keys() == KEYS | {"verified", "changed"}

    one(url, "UPDATE customers SET points = 0 WHERE id = 1")
    one(url, "ALTER TABLE customers ADD COLUMN more int")
    other = lockkeeper("verify", str(out), "--database", url)
    assert other.status == 1
    assert "moments / before / rows / public.customers / sha256" in other.out
    assert "digest: " in other.out
    assert "seconds" not in other.out


def test_a_file_that_is_no_proof_is_refused(
    lockkeeper: Lockkeeper, make_database: MakeDatabase, tmp_path: Path
) -> None:
    out = tmp_path / "proof.json"
    out.write_text("{}")

    ran = lockkeeper("verify", str(out), "--database", make_database())

    assert ran.status == 3
    assert "it has no version" in ran.err


def test_a_proof_that_could_not_be_written_is_refused_before_anything_is_tried(
    lockkeeper: Lockkeeper, make_database: MakeDatabase, tmp_path: Path
) -> None:
    out = tmp_path / "nowhere" / "proof.json"

    ran = lockkeeper("rehearse", "-", "--database", make_database(), "--proof", str(out), script=_SCRIPT)

    assert ran.status == 2
    assert "in a folder that is there" in ran.err

"""Who the embedded Postgres runs as, and where that account finds it."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from bot.embedded import SHADOW_SETTINGS, Cluster, Server, ServerUnavailable, binaries
from bot.embedded.account import (
    Account,
    _is_ours_alone,
    account,
    reachable_binaries,
    reachable_folder,
    reachable_place,
)
from bot.embedded.cluster import Address

ROOT = Path(__file__).parents[2]
NOBODY = pwd.getpwnam("nobody")
#: Owns nothing and is in no group.
STRANGER = Account(uid=2_000_000_001, gid=2_000_000_001)

#: Becomes the user given, then starts and leaves a server; prints who Postgres ran as.
ORDINARY_USER = """
import os, sys
from pathlib import Path
import psutil, psycopg
from bot.embedded import Cluster, SHADOW_SETTINGS, Server, default_home
from bot.embedded.cluster import Address
cluster = Cluster(home=default_home(), name="shadow", settings=SHADOW_SETTINGS)
with Server(cluster) as server, psycopg.connect(server.dsn()) as shadow:
    print(psutil.Process(Address.read(cluster.address).postmaster_pid).uids().effective)
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any account can pass through; pytest's own are private."""
    folder = Path(tempfile.mkdtemp(prefix="lk", dir="/var/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


def test_postgres_never_runs_as_root(open_folder: Path) -> None:
    cluster = Cluster(home=open_folder, name="shadow", settings=SHADOW_SETTINGS)
    with Server(cluster):
        address = Address.read(cluster.address)
        assert address
        uids = psutil.Process(address.postmaster_pid).uids()
        gids = psutil.Process(address.postmaster_pid).gids()

    runs_as = account() or Account(uid=os.geteuid(), gid=os.getegid())
    assert set(uids) == {runs_as.uid} != {0}
    assert set(gids) == {runs_as.gid}


def test_a_home_in_a_private_folder_works_and_keeps_its_modes(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    cluster = Cluster(home=private / "home", name="shadow", settings=SHADOW_SETTINGS)
    try:
        with Server(cluster) as server, psycopg.connect(server.dsn()) as shadow:
            shadow.execute("CREATE TABLE kept (id int)")
        with Server(cluster) as server, psycopg.connect(server.dsn()) as shadow:
            assert shadow.execute("SELECT count(*) FROM kept").fetchone() == (0,)

        assert stat.S_IMODE(private.stat().st_mode) == 0o700
        assert private.stat().st_uid == os.geteuid()
    finally:
        data = cluster.folder / (cluster.folder / "data-folder").read_text()
        if not data.is_relative_to(cluster.folder):
            shutil.rmtree(data.parent)


def test_a_moved_home_takes_its_data_along(open_folder: Path) -> None:
    before = Cluster(home=open_folder / "before", name="shadow", settings=SHADOW_SETTINGS)
    after = Cluster(home=open_folder / "after", name="shadow", settings=SHADOW_SETTINGS)
    with Server(before) as server, psycopg.connect(server.dsn()) as shadow:
        shadow.execute("CREATE TABLE kept (id int)")

    before.home.rename(after.home)

    with Server(after) as server, psycopg.connect(server.dsn()) as shadow:
        assert shadow.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_a_home_made_under_a_narrow_umask_works(open_folder: Path) -> None:
    umask = os.umask(0o077)
    try:
        with Server(Cluster(home=open_folder / "home", name="shadow", settings=SHADOW_SETTINGS)) as server:
            psycopg.connect(server.dsn()).close()
    finally:
        os.umask(umask)


def test_an_ordinary_user_has_a_server_of_its_own(open_folder: Path) -> None:
    """As root this becomes `nobody`, with an interpreter and a home that it can reach."""
    runs_as = account()
    home = open_folder / "user"
    home.mkdir(mode=0o700)
    if runs_as:
        os.chown(home, runs_as.uid, runs_as.gid)
    python = reachable_python(runs_as)

    shown = subprocess.run(
        [python, "-c", ORDINARY_USER],
        user=runs_as.uid if runs_as else None,
        group=runs_as.gid if runs_as else None,
        extra_groups=[] if runs_as else None,
        env={
            "HOME": str(home),
            "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
            "PATH": "/usr/bin:/bin",
        },
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )

    assert shown.returncode == 0, shown.stderr
    assert int(shown.stdout) == (runs_as.uid if runs_as else os.geteuid())
    assert list(home.rglob("postgres/shadow/data/PG_VERSION"))


def reachable_python(runs_as: Account | None) -> str:
    """An interpreter of our version that the account can run."""
    for python in (sys.executable, shutil.which("python3", path="/usr/local/bin:/usr/bin")):
        if python and (runs_as is None or runs_as.may_run(Path(python).resolve())):
            return python
    pytest.skip("no interpreter that an ordinary user of this machine can reach")


def test_binaries_that_can_be_reached_are_used_where_they_are() -> None:
    assert reachable_binaries(binaries(), None) == binaries()


@pytest.fixture
def private_binaries(tmp_path: Path) -> Path:
    """A small installation in a folder that is closed to others."""
    installation = tmp_path / "private" / "pginstall"
    for folder in ("bin", "lib", "share/timezone"):
        (installation / folder).mkdir(parents=True, mode=0o700)
    (tmp_path / "private").chmod(0o700)
    (installation / "bin" / "postgres").write_text("#!/bin/sh\necho ran\n")
    (installation / "bin" / "postgres").chmod(0o700)
    (installation / "lib" / "libpq.so.5").write_text("")
    (installation / "lib" / "libpq.so").symlink_to("libpq.so.5")
    (installation / "share" / "timezone" / "UTC").write_text("")
    (installation / "share" / "timezone" / "UTC").chmod(0o600)
    return installation / "bin"


def test_binaries_out_of_reach_are_copied_once(private_binaries: Path, open_folder: Path) -> None:
    copied = reachable_binaries(private_binaries, STRANGER, (open_folder,))
    again = reachable_binaries(private_binaries, STRANGER, (open_folder,))

    assert again == copied != private_binaries
    assert STRANGER.may_run(copied / "postgres")
    assert (copied.parent / "lib" / "libpq.so").readlink() == Path("libpq.so.5")
    assert stat.S_IMODE((copied.parent / "share" / "timezone" / "UTC").stat().st_mode) == 0o644
    assert stat.S_IMODE((private_binaries.parent / "share" / "timezone" / "UTC").stat().st_mode) == 0o600
    assert len(list(copied.parents[1].iterdir())) == 1


def test_another_version_of_the_binaries_is_another_copy(private_binaries: Path, open_folder: Path) -> None:
    copied = reachable_binaries(private_binaries, STRANGER, (open_folder,))
    (private_binaries / "postgres").write_text("#!/bin/sh\necho ran anew\n")

    assert reachable_binaries(private_binaries, STRANGER, (open_folder,)) != copied


def test_a_folder_in_reach_stays_and_another_gets_one_in_its_stead(tmp_path: Path, open_folder: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)

    assert reachable_folder(open_folder, STRANGER, (open_folder,)) == open_folder
    assert reachable_folder(private, None, (open_folder,)) == private
    stead = reachable_folder(private, STRANGER, (open_folder,))
    assert stead.is_relative_to(open_folder)
    assert STRANGER.may_pass(stead)
    assert reachable_folder(private, STRANGER, (open_folder,)) != stead


def test_a_link_in_the_place_is_not_followed(open_folder: Path) -> None:
    first, second, elsewhere = (open_folder / name for name in ("first", "second", "elsewhere"))
    for folder in (first, second, elsewhere):
        folder.mkdir(mode=0o755)
    (first / f"lockkeeper-{os.geteuid()}").symlink_to(elsewhere)

    assert reachable_place((first, second)).parent == second
    assert not list(elsewhere.iterdir())


@pytest.mark.parametrize("bit", [stat.S_IWGRP, stat.S_IWOTH])
def test_a_place_that_others_can_write_to_is_refused(open_folder: Path, bit: int) -> None:
    taken = open_folder / f"lockkeeper-{os.geteuid()}"
    taken.mkdir()
    taken.chmod(0o711 | bit)

    with pytest.raises(ServerUnavailable, match="not a folder that belongs to us alone"):
        reachable_place((open_folder,))


def test_a_place_that_belongs_to_another_is_refused(open_folder: Path) -> None:
    if os.geteuid() == 0:
        taken = open_folder / "taken"
        taken.mkdir(mode=0o755)
        os.chown(taken, NOBODY.pw_uid, NOBODY.pw_gid)
    else:
        taken = Path("/")

    assert not _is_ours_alone(taken.lstat())


def test_a_removed_cluster_leaves_no_file_wherever_its_data_are(open_folder: Path) -> None:
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)  # where root runs Postgres as nobody, its data go elsewhere
    cluster = Cluster(home=closed, name="shadow", settings=SHADOW_SETTINGS)
    with Server(cluster):
        data = cluster.folder / (cluster.folder / "data-folder").read_text()
        assert (data / "PG_VERSION").exists()

    cluster.remove()

    assert not cluster.folder.exists()
    assert not data.exists() and not (data.parent.name.startswith("cluster-") and data.parent.exists())

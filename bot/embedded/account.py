"""Who Postgres runs as, and places that this account can reach.

Postgres refuses to run as root, and root is what containers are: then it runs as the
unprivileged account `nobody`. Where that account cannot reach the binaries or the home, they
go to a folder of ours below `PLACES`. No existing folder's owner or mode is ever changed.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import secrets
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from bot.embedded.cluster import ServerUnavailable

#: Tried in this order. Only root can write to the first, so nobody can be there before us.
PLACES = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108 (what is found there is checked for its owner)


@dataclass(frozen=True, kw_only=True)
class Account:
    """A user id and group id without further groups."""

    uid: int
    gid: int

    def may_pass(self, folder: Path) -> bool:
        """Whether the permission bits of the folder and of all above it let this account through."""
        folder = folder.resolve()
        return all(self._has(stat.S_IXOTH, above.stat()) for above in [folder, *folder.parents])

    def may_run(self, program: Path) -> bool:
        """Whether this account reaches the program and its bits let it be run."""
        return self.may_pass(program.parent) and self._has(stat.S_IXOTH, program.stat())

    def _has(self, bit: int, status: os.stat_result) -> bool:
        if status.st_uid == self.uid:
            bit <<= 6
        elif status.st_gid == self.gid:
            bit <<= 3
        return bool(status.st_mode & bit)


def account() -> Account | None:
    """The account that Postgres is to run as; None where it can run as we do."""
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise ServerUnavailable(
            "Postgres does not run as root, and this machine has no account `nobody` to run it as.",
            "Start Lockkeeper as another user, or set DATABASE_URL.",
        ) from None
    return Account(uid=nobody.pw_uid, gid=nobody.pw_gid)


def reachable_binaries(installed: Path, runs_as: Account | None, places: tuple[Path, ...] = PLACES) -> Path:
    """The bin folder itself, or a copy that the account can reach, made once for each version.

    `installed` has `lib` and `share` beside it.
    """
    if runs_as is None or runs_as.may_run(installed / "postgres"):
        return installed
    server = (installed / "postgres").stat()
    version = hashlib.sha256(f"{server.st_size} {server.st_mtime_ns}".encode()).hexdigest()[:16]
    copy = reachable_place(places) / f"postgres-{version}"
    if not copy.exists():
        draft = copy.with_name(f"{copy.name}.{os.getpid()}")
        draft.mkdir(mode=0o755)
        for part in ("bin", "lib", "share"):
            shutil.copytree(installed.parent / part, draft / part, symlinks=True)
        for path in draft.rglob("*"):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        try:
            draft.rename(copy)
        except OSError:  # another supervisor was faster
            shutil.rmtree(draft)
    return copy / "bin"


def reachable_folder(folder: Path, runs_as: Account | None, places: tuple[Path, ...] = PLACES) -> Path:
    """The folder itself, or a new one of ours in its stead that the account can pass through."""
    if runs_as is None or runs_as.may_pass(folder):
        return folder
    stead = reachable_place(places) / f"cluster-{secrets.token_hex(8)}"
    stead.mkdir(mode=0o711)
    return stead


def reachable_place(places: tuple[Path, ...] = PLACES) -> Path:
    """A folder that everyone can pass through and only we can write to.

    Raises ServerUnavailable if none can be had. What stands there already is taken only if it is
    a folder, no link, of our own, and closed to writers other than us.
    """
    reasons = []
    for place in places:
        folder = place / f"lockkeeper-{os.geteuid()}"
        try:
            folder.mkdir(mode=0o711, exist_ok=True)
            found = folder.lstat()  # of a link itself, not of where it leads
        except OSError as error:
            reasons.append(f"{folder}: {error.strerror}")
            continue
        if _is_ours_alone(found):
            return folder
        reasons.append(f"{folder}: not a folder that belongs to us alone")
    raise ServerUnavailable(
        f"No folder can be had that Postgres's account reaches ({'; '.join(reasons)}).",
        "Set LOCKKEEPER_HOME to a folder that other users may pass through (mode 711).",
    )


def _is_ours_alone(found: os.stat_result) -> bool:
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022

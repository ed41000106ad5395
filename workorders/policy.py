"""`.github/lockkeeper.yml`: who may do what on which target, read and checked.

Only the file on the default branch counts; fetching it is the caller's. Whatever stands in
it is either understood in full or an error with its line: a policy that is read in part
would allow what somebody believed to be forbidden.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from workorders.migration.errors import Problem, Unreadable
from workorders.nearest import did_you_mean
from workorders.report import named
from workorders.windows import Window
from workorders.windows import from_text as window_from_text
from workorders.yamltree import Place, tree

PATH = ".github/lockkeeper.yml"
LARGEST_BYTES = 64_000
DEFAULT_MIGRATIONS = ("db/migrations/**/*.sql",)

_TARGET = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9]|-(?=[A-Za-z0-9])){0,38}(?:_[A-Za-z0-9]{1,20})?")
_TEAM = re.compile(r"@[A-Za-z0-9][A-Za-z0-9-]{0,38}/[a-z0-9][a-z0-9._-]{0,99}")


class Execute(Enum):
    """What begins an execution once it is approved."""

    ON_APPROVAL = "on-approval"
    ON_COMMAND = "on-command"


class OnBreach(Enum):
    """What a breached limit leads to."""

    ROLLBACK = "rollback"
    PAUSE = "pause"
    THROTTLE = "throttle"


class Shadow(Enum):
    """Where rehearsals may run."""

    OWN = "own"
    ON_TARGET = "on-target"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How far a running migration may burden its target."""

    replica_lag_seconds: float = 10.0
    #: Times the mean duration that a statement had before; more fails the performance criterion.
    slower_than: float = 1.5
    on_breach: OnBreach = OnBreach.ROLLBACK


@dataclass(frozen=True, kw_only=True)
class Supervisor:
    """A person or a team, as the policy writes it."""

    #: A login, or `@organisation/team`.
    name: str

    @property
    def is_team(self) -> bool:
        """Whether membership has to be asked for."""
        return "/" in self.name

    def is_login(self, login: str) -> bool:
        """Whether it is this person. GitHub's logins do not differ by case."""
        return not self.is_team and self.name.casefold() == login.casefold()


@dataclass(frozen=True, kw_only=True)
class TargetPolicy:
    """The rules of one target."""

    name: str
    #: Never empty.
    supervisors: tuple[Supervisor, ...]
    #: The target on which the same SQL must have soaked first; "" for none.
    after: str = ""
    #: By distinct people, at least 1.
    approvals: int = 1
    #: For beginning an execution; empty means at any time. A rollback is never held up.
    windows: tuple[Window, ...] = ()
    execute: Execute = Execute.ON_APPROVAL
    #: Whether an author's approval counts.
    self_approval: bool = False
    break_glass: tuple[Supervisor, ...] = ()
    terminate_blockers: bool = False
    #: The longest that the application may ever wait.
    stall_budget_ms: int = 100
    #: How long dropped things can be brought back after done.
    retention_days: int = 7
    limits: Limits = Limits()
    shadow: Shadow = Shadow.OWN


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The whole file."""

    targets: Mapping[str, TargetPolicy]
    #: Globs of the files that a pull request's script is made of.
    migrations: tuple[str, ...] = DEFAULT_MIGRATIONS
    #: Whether reports, which tell schema and sizes, may be shown in a public repository.
    public_reports: bool = False
    #: Who reports the phases of a role that people do; a role that is not in it is anybody's who may write.
    roles: Mapping[str, tuple[Supervisor, ...]] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, kw_only=True)
class MissingPolicy:
    """The default branch holds no such file."""


@dataclass(frozen=True, kw_only=True)
class InvalidPolicy:
    """The file cannot be understood; nothing in it counts."""

    problem: Problem


@dataclass(frozen=True, kw_only=True)
class UnknownPolicy:
    """GitHub did not answer."""


PolicyAnswer = Policy | MissingPolicy | InvalidPolicy | UnknownPolicy


def from_yaml(text: str) -> Policy:
    """The policy in a file's text. Raises `Unreadable` with line and reason."""
    if len(text.encode("utf-8", "replace")) > LARGEST_BYTES:
        raise Unreadable(f"The policy has more than {LARGEST_BYTES} bytes.", "Shorten it.")
    root = tree(text.removeprefix("\ufeff")).record(
        required=("version", "targets"), optional=("migrations", "public_reports", "roles")
    )
    root["version"].integer(1, 1)
    targets = {name: _target(name, place) for name, place in root["targets"].entries().items()}
    roles = _roles(root["roles"]) if "roles" in root else {}
    if not targets and not roles:
        raise root["targets"].wrong("There is no target.", "Name one, with its supervisors.")
    _check_order(targets, root["targets"].entries())
    return Policy(
        targets=MappingProxyType(targets),
        migrations=_globs(root["migrations"]) if "migrations" in root else DEFAULT_MIGRATIONS,
        public_reports=root["public_reports"].flag() if "public_reports" in root else False,
        roles=MappingProxyType(roles),
    )


def answer(text: str | None) -> PolicyAnswer:
    """What a file's text amounts to; None is a file that is not there. Never raises."""
    if text is None:
        return MissingPolicy()
    try:
        return from_yaml(text)
    except Unreadable as error:
        return InvalidPolicy(problem=error.problem)


def example(target: str, supervisor: str, *, self_approval: bool = False) -> str:
    """The file to commit, filled in; `from_yaml` reads it.

    The supervisor is a login or `@organisation/team`. `self_approval` is for a change whose
    author is that supervisor: without it nobody could approve.
    """
    author_line = "    self_approval: true   # authors may approve; without it, somebody else has to\n"
    return (
        "version: 1\n"
        f'migrations: ["{DEFAULT_MIGRATIONS[0]}"]\n'
        "targets:\n"
        f"  {target}:\n"
        f'    supervisors: ["{supervisor}"]   # logins, or teams as @organisation/team\n'
        "    approvals: 1\n"
        f"{author_line if self_approval else ''}"
    )


def _target(name: str, place: Place) -> TargetPolicy:
    if not _TARGET.fullmatch(name):
        raise place.wrong(
            f"{named(name)} cannot be a target's name.", "Use small letters, digits, hyphens and underscores."
        )
    found = place.record(
        required=("supervisors",),
        optional=(
            *(
                "after",
                "approvals",
                "windows",
                "execute",
                "self_approval",
                "break_glass",
                "terminate_blockers",
            ),
            *("stall_budget_ms", "retention_days", "limits", "shadow"),
        ),
    )
    plain = TargetPolicy(name=name, supervisors=_supervisors(found["supervisors"]))
    if not plain.supervisors:
        raise found["supervisors"].wrong(
            f"The target {named(name)} has no supervisor.", "Name a login or an @organisation/team."
        )
    return TargetPolicy(
        name=name,
        supervisors=plain.supervisors,
        after=found["after"].text() if "after" in found else "",
        approvals=found["approvals"].integer(1, 20) if "approvals" in found else plain.approvals,
        windows=_windows(found["windows"]) if "windows" in found else (),
        execute=Execute(found["execute"].choice(each.value for each in Execute))
        if "execute" in found
        else plain.execute,
        self_approval=found["self_approval"].flag() if "self_approval" in found else False,
        break_glass=_supervisors(found["break_glass"]) if "break_glass" in found else (),
        terminate_blockers=found["terminate_blockers"].flag() if "terminate_blockers" in found else False,
        # Less than 40 ms would leave no lock_timeout after the margin that the lock wait keeps.
        stall_budget_ms=found["stall_budget_ms"].integer(40, 60_000)
        if "stall_budget_ms" in found
        else plain.stall_budget_ms,
        retention_days=found["retention_days"].integer(0, 365)
        if "retention_days" in found
        else plain.retention_days,
        limits=_limits(found["limits"]) if "limits" in found else plain.limits,
        shadow=Shadow(found["shadow"].choice(each.value for each in Shadow))
        if "shadow" in found
        else plain.shadow,
    )


def _roles(place: Place) -> dict[str, tuple[Supervisor, ...]]:
    found = {}
    for name, each in place.entries().items():
        if not _TARGET.fullmatch(name):
            raise each.wrong(f"{named(name)} cannot be a role.", "Use small letters, digits and hyphens.")
        found[name] = _supervisors(each, also_bots=True)
        if not found[name]:
            raise each.wrong(
                f"The role {named(name)} has nobody.", "Name a login or an @organisation/team, or remove it."
            )
    return found


def _supervisors(place: Place, *, also_bots: bool = False) -> tuple[Supervisor, ...]:
    found: list[Supervisor] = []
    for item in place.items():
        name = item.text(longest=150)
        # A person may be written with an @ as well; a team has to be.
        login = name.removeprefix("@")
        account = login.removesuffix("[bot]") if also_bots else login
        if not _TEAM.fullmatch(name) and not _LOGIN.fullmatch(account):
            raise item.wrong(
                f"{named(name)} is neither a login nor a team.",
                f"Write {named('login')} or {named('@organisation/team')}.",
            )
        supervisor = Supervisor(name=name if "/" in name else login)
        if supervisor.name.casefold() in {each.name.casefold() for each in found}:
            raise item.wrong(f"{named(name)} is named twice.", "Remove one of the two.")
        found.append(supervisor)
    return tuple(found)


def _windows(place: Place) -> tuple[Window, ...]:
    found: list[Window] = []
    for item in place.items():
        try:
            window = window_from_text(item.text())
        except Unreadable as error:
            if error.line:
                raise
            raise item.wrong(f"{named(item.text())}: {error.reason}", error.next_move) from error
        if window.text in {each.text for each in found}:
            raise item.wrong(f"The window {named(window.text)} stands twice.", "Remove one of the two.")
        found.append(window)
    if not found:
        raise place.wrong(
            "The list of windows is empty, and nothing could ever begin.", "Remove the key, or add one."
        )
    return tuple(found)


def _limits(place: Place) -> Limits:
    found = place.record(optional=("replica_lag_seconds", "slower_than", "on_breach"))
    plain = Limits()
    return Limits(
        replica_lag_seconds=found["replica_lag_seconds"].number(0.1, 86_400)
        if "replica_lag_seconds" in found
        else plain.replica_lag_seconds,
        slower_than=found["slower_than"].number(1, 1_000) if "slower_than" in found else plain.slower_than,
        on_breach=OnBreach(found["on_breach"].choice(each.value for each in OnBreach))
        if "on_breach" in found
        else plain.on_breach,
    )


def _globs(place: Place) -> tuple[str, ...]:
    found: list[str] = []
    for item in place.items():
        glob = item.text()
        parts = glob.split("/")
        if glob.startswith("/") or "\\" in glob or ".." in parts or "" in parts:
            raise item.wrong(
                f"{named(glob)} does not lie in the repository.", "Write a path such as db/migrations/*.sql."
            )
        if not glob.endswith(".sql"):
            raise item.wrong(
                f"{named(glob)} would match files that are not SQL.", f"Let it end in {named('.sql')}."
            )
        if glob in found:
            raise item.wrong(f"{named(glob)} stands twice.", "Remove one of the two.")
        found.append(glob)
    if not found:
        raise place.wrong(
            "The list of migrations is empty.", f"Remove the key, or add {named(DEFAULT_MIGRATIONS[0])}."
        )
    return tuple(found)


def _check_order(targets: Mapping[str, TargetPolicy], places: Mapping[str, Place]) -> None:
    for name, target in targets.items():
        if not target.after:
            continue
        where = places[name].entries()["after"]
        if target.after not in targets:
            raise where.wrong(
                f"There is no target {named(target.after)}.", did_you_mean(target.after, targets)
            )
        seen = [name]
        while (following := targets[seen[-1]].after) in targets:
            if following in seen:
                circle = " after ".join(named(each) for each in (*seen[seen.index(following) :], following))
                raise where.wrong(
                    f"The targets wait for each other: {circle}.", f"Remove one {named('after')}."
                )
            seen.append(following)

"""The only writer to GitHub: one per installation at a time, one thing after another, at GitHub's pace.

A thing is `sending` in ours before its request goes out. Whoever finds it so later, after a
lost answer or a killed process, looks on GitHub for its mark before writing it again: nothing
is lost, and nothing stands there twice.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import DictRow

from bot.github.checks import CheckRun
from bot.github.errors import AnswerLost, Denied, NotAnswered, Unaccepted
from bot.github.marker import Marker
from bot.github.port import GitHub, IssueChange, OwnText
from bot.github.posting import post, queries
from bot.store import orders
from bot.store.ours import Ours, Pool, row, run
from workorders.order import Repository, State

__all__ = ["Outbox", "post"]

_LOG = logging.getLogger(__name__)

#: Our clock and GitHub's may differ; a day more to look through costs one page.
_CLOCKS_DIFFER = timedelta(days=1)
_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 2.0, 300.0


@dataclass(frozen=True, kw_only=True)
class _Thing:
    """A row of the outbox, as far as sending needs it."""

    id: int
    repository: Repository
    order_id: int | None
    #: The issue's number; None for an issue that is not yet open.
    place: int | None
    kind: str
    title: str
    body: str
    comment_id: int | None
    mark: str
    remote_id: int | None
    #: Which text this is.
    wanted: int
    is_sending: bool
    sending_at: datetime | None
    sent_hash: str
    created_at: datetime

    @classmethod
    def from_row(cls, found: DictRow) -> _Thing:
        return cls(
            id=found["id"],
            repository=Repository(
                id=found["repository_id"],
                full_name=found["full_name"],
                installation_id=found["installation_id"],
            ),
            order_id=found["order_id"],
            place=found["place"],
            kind=found["kind"],
            title=found["title"],
            body=found["body"],
            comment_id=found["comment_id"],
            mark=found["mark"],
            remote_id=found["remote_id"],
            wanted=found["wanted"],
            is_sending=found["state"] == "sending",
            sending_at=found["sending_at"],
            sent_hash=found["sent_hash"],
            created_at=found["created_at"],
        )

    @property
    def hash(self) -> str:
        """Of all that GitHub is to show."""
        return hashlib.sha256(f"{self.title}\0{self.body}".encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def is_text(self) -> bool:
        """Whether writing it twice would show twice."""
        return self.kind in ("issue", "comment")

    @property
    def number(self) -> int:
        """The issue's number, for a thing that needs one."""
        if self.place is None:
            raise ValueError("a thing without a place")
        return self.place


@dataclass(kw_only=True)
class Outbox:
    """Sends what was posted. Any number of processes may have one."""

    pool: Pool
    #: The client of an installation.
    github: Callable[[int], GitHub]
    marker: Marker
    #: Between two writes of one installation.
    pause_seconds: float = 1.0
    #: GitHub's secondary limits for what creates content.
    writes_per_minute: int = 80
    writes_per_hour: int = 500
    #: After a lost answer: GitHub may still be at it when we begin to look for the result.
    settle_seconds: float = 5.0

    def send_due(self, now: datetime, installation_id: int | None = None) -> datetime | None:
        """Sends all that may be sent at `now`; when there is more to do, or None if nothing waits.

        With an installation, only what goes through it. A moment that is past means that another
        process is writing just now. What GitHub does not answer or refuses is dealt with here, and
        logged; errors of ours are raised.
        """
        while self._send_one(now, installation_id):
            pass
        with self.pool.transaction() as ours:
            found = row(ours, queries()["next_due"], only=installation_id)
        return None if found is None else found["next_at"]

    def _send_one(self, now: datetime, installation_id: int | None) -> bool:
        """Whether there was an installation whose turn it was."""
        # The writer's row stays locked while the request is out, in this transaction; what must
        # survive a kill is committed in others meanwhile.
        with self.pool.transaction() as ours:
            writer = row(ours, queries()["take_writer"], now=now, only=installation_id)
            if writer is None:
                return False
            found = row(ours, queries()["next_message"], installation_id=writer["installation_id"])
            if found is None:
                return False
            turn = _Turn(
                ours=ours, installation_id=writer["installation_id"], failures=writer["failures"], now=now
            )
            free_at = turn.free_at({_MINUTE: self.writes_per_minute, _HOUR: self.writes_per_hour})
            if free_at > now:
                turn.pause_until(free_at)
            else:
                self._take(turn, _Thing.from_row(found))
            return True

    def _take(self, turn: _Turn, thing: _Thing) -> None:
        if thing.is_sending:
            self._find_out(turn, thing)
        elif thing.hash == thing.sent_hash:
            run(
                turn.ours, queries()["begin"], id=thing.id, wanted=thing.wanted, hash=thing.hash, now=turn.now
            )
            run(turn.ours, queries()["end_sent"], id=thing.id, remote_id=None)
        else:
            with self.pool.transaction() as ours:
                run(ours, queries()["begin"], id=thing.id, wanted=thing.wanted, hash=thing.hash, now=turn.now)
            self._try(turn, thing, self._perform)
            turn.count_write()

    def _find_out(self, turn: _Turn, thing: _Thing) -> None:
        """What became of a request whose end nobody has seen."""
        assert thing.sending_at is not None
        settled_at = thing.sending_at + timedelta(seconds=self.settle_seconds)
        if settled_at > turn.now:
            turn.pause_until(settled_at)
        elif thing.is_text and thing.remote_id is None:
            self._try(turn, thing, self._look_for)
        else:
            # To set a thing to a value twice shows once.
            run(turn.ours, queries()["end_again"], id=thing.id)

    def _try(self, turn: _Turn, thing: _Thing, act: Callable[[_Thing], int | None]) -> None:
        fields = {"repository": thing.repository.full_name, "order": thing.order_id, "thing": thing.kind}
        is_looking = thing.is_sending
        try:
            remote_id = act(thing)
        except AnswerLost as lost:
            _LOG.warning("an answer of GitHub's was lost", extra={**fields, "reason": lost.reason})
            turn.pause_after(lost.retry_after_seconds, at_least=self.settle_seconds)
        except (NotAnswered, Unaccepted) as wait:
            level = logging.ERROR if isinstance(wait, Unaccepted) else logging.WARNING
            _LOG.log(level, "GitHub did not take a message yet", extra={**fields, "reason": wait.reason})
            if not is_looking:
                run(turn.ours, queries()["end_again"], id=thing.id)
            turn.pause_after(wait.retry_after_seconds if isinstance(wait, NotAnswered) else None)
        except Denied as denied:
            self._end_denied(turn, thing, denied)
            turn.succeed(self.pause_seconds)
        else:
            if is_looking and remote_id is None:
                run(turn.ours, queries()["end_again"], id=thing.id)
                return
            if thing.kind == "issue" and thing.order_id is not None and remote_id is not None:
                # The order before the thing, as in every transaction that decides: no deadlock.
                orders.set_issue(turn.ours, thing.order_id, remote_id)
            run(turn.ours, queries()["end_sent"], id=thing.id, remote_id=remote_id)
            turn.succeed(self.pause_seconds)

    def _end_denied(self, turn: _Turn, thing: _Thing, denied: Denied) -> None:
        if thing.kind == "comment" and thing.remote_id is not None and denied.status in (404, 410):
            run(turn.ours, queries()["end_gone"], id=thing.id, mark=secrets.token_hex(10))
            return
        _LOG.error(
            "GitHub refused a message, which is set aside",
            extra={
                "repository": thing.repository.full_name,
                "order": thing.order_id,
                "thing": thing.kind,
                "reason": str(denied),
            },
        )
        run(turn.ours, queries()["end_refused"], id=thing.id, reason=str(denied))

    def _perform(self, thing: _Thing) -> int | None:
        """The number or id of what was written; None for what has none."""
        github = self.github(thing.repository.installation_id)
        text = self.marker.written(thing.mark, thing.body)
        match (thing.kind, thing.remote_id):
            case ("issue", None):
                return github.open_issue(thing.repository, thing.title, text)
            case ("issue", int(number)):
                github.change_issue(thing.repository, number, IssueChange(title=thing.title, body=text))
            case ("comment", None):
                return github.comment(thing.repository, thing.number, text)
            case ("comment", int(comment_id)):
                github.edit_comment(thing.repository, comment_id, text)
            case ("state", _):
                github.change_issue(thing.repository, thing.number, _state_change(thing.body))
            case ("check", _):
                github.set_check_run(thing.repository, CheckRun.from_json(thing.body))
            case ("label", _):
                github.set_state_label(thing.repository, thing.number, State(thing.body))
            case _:
                github.react(thing.repository, thing.number, thing.comment_id, thing.body)
        return None

    def _look_for(self, thing: _Thing) -> int | None:
        """The number or id of what bears the thing's mark; None where nothing does."""
        for text in self._own_texts(thing):
            if self.marker.read(text.body) == thing.mark:
                return text.id
        return None

    def _own_texts(self, thing: _Thing) -> Iterator[OwnText]:
        github = self.github(thing.repository.installation_id)
        since = thing.created_at - _CLOCKS_DIFFER
        if thing.kind == "issue":
            yield from github.own_issues(thing.repository, since)
        else:
            yield from github.own_comments(thing.repository, thing.number, since)


@dataclass(frozen=True, kw_only=True)
class _Turn:
    """One installation's turn to write, under the lock of its row."""

    ours: Ours
    installation_id: int
    failures: int
    now: datetime

    def free_at(self, limits: Mapping[timedelta, int]) -> datetime:
        """When the limits, by their window, allow one more write; `now` where they do."""
        free_at = self.now
        for window, limit in limits.items():
            found = row(
                self.ours,
                queries()["count_writes"],
                installation_id=self.installation_id,
                since=self.now - window,
                limit=limit,
            )
            if found is not None and found["writes"] >= limit:
                free_at = max(free_at, found["first_at"] + window)
        return free_at

    def count_write(self) -> None:
        """One request more, whatever came of it."""
        run(self.ours, queries()["add_write"], installation_id=self.installation_id, now=self.now)
        run(
            self.ours,
            queries()["forget_writes"],
            installation_id=self.installation_id,
            before=self.now - _HOUR,
        )

    def succeed(self, pause_seconds: float) -> None:
        """The next one follows after the usual pause."""
        self._set(self.now + timedelta(seconds=pause_seconds), 0)

    def pause_until(self, moment: datetime) -> None:
        """Nothing went wrong, but it is too early."""
        self._set(moment, self.failures)

    def pause_after(self, retry_after_seconds: float | None, *, at_least: float = 0.0) -> None:
        """Something went wrong: as long as GitHub wishes, and longer each time."""
        growing = min(_FIRST_PAUSE_SECONDS * 2 ** min(self.failures, 20), _LONGEST_PAUSE_SECONDS)
        seconds = max(growing, retry_after_seconds or 0.0, at_least)
        self._set(self.now + timedelta(seconds=seconds), self.failures + 1)

    def _set(self, next_at: datetime, failures: int) -> None:
        run(
            self.ours,
            queries()["pause_writer"],
            installation_id=self.installation_id,
            next_at=next_at,
            failures=failures,
        )


def _state_change(value: str) -> IssueChange:
    if value == "reopened":
        return IssueChange(state="open", state_reason="reopened")
    return IssueChange(state="closed", state_reason="completed" if value == "completed" else "not_planned")

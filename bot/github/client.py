"""The port over PyGithub: the only module that sends what an installation asks."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

from github import Auth, Github, GithubException, GithubIntegration
from github.NamedUser import NamedUser
from github.Organization import Organization
from urllib3 import Retry

from bot.github import checks, pulls
from bot.github.checks import CheckRun
from bot.github.errors import FAILURES, Denied, NotAnswered, Unaccepted, translated
from bot.github.labels import COLOURS, STATE_LABELS, label_of
from bot.github.port import AppIdentity, File, IssueChange, OwnText
from handlers.facts import PullRequest
from workorders.authority import Permission
from workorders.order import Person, Repository, State

#: Asked for by name, so that a token never holds more than this, whatever the App is given.
PERMISSIONS = {
    "checks": "write",
    "contents": "read",
    "issues": "write",
    "members": "read",
    "metadata": "read",
    "pull_requests": "write",
}

T = TypeVar("T")


class InstallationToken(Auth.Auth):
    """The token of one installation: fetched when needed, forgotten when refused. Thread-safe."""

    #: A token that is about to end is not begun with.
    _LEFT = timedelta(minutes=2)

    def __init__(self, integration: GithubIntegration, installation_id: int) -> None:
        self.installation_id = installation_id
        self._integration = integration
        self._token = ""
        self._expires_at: datetime | None = None
        self._lock = threading.Lock()

    @property
    def token_type(self) -> str:
        """GitHub's word in the Authorization header."""
        return "token"

    @property
    def token(self) -> str:
        """The token; fetched if there is none that lasts. Raises as the port's methods do."""
        with self._lock:
            if self._expires_at is None or datetime.now(UTC) > self._expires_at - self._LEFT:
                self._fetch()
            return self._token

    def forget(self, token: str) -> None:
        """The next question fetches another; a newer one than `token` stays."""
        with self._lock:
            if token == self._token:
                self._expires_at = None

    def close(self) -> None:
        """Closes the connection through which tokens are fetched."""
        self._integration.close()

    def _fetch(self) -> None:
        doing = f"asking for a token of installation {self.installation_id}"
        try:
            answer = self._integration.get_access_token(self.installation_id, permissions=PERMISSIONS)
            self._token, self._expires_at = answer.token, answer.expires_at
        except FAILURES as error:
            wrong = translated(error, doing, is_repeatable=True)
            if isinstance(wrong, Denied):
                # Not a no to what is asked with it: it may be installed again, or given its permissions.
                next_move = wrong.problems[0].next_move
                if wrong.status == 422:
                    next_move = "Accept the App's permissions in the installation's settings."
                raise Unaccepted(wrong.status, wrong.problems[0].reason, next_move) from error
            raise wrong from error


class Client:
    """GitHub through one installation; see `port.GitHub` for what each method promises."""

    def __init__(
        self,
        token: InstallationToken,
        *,
        identity: Callable[[], AppIdentity],
        api_url: str,
        timeout_seconds: int,
        retry: Retry,
    ) -> None:
        self._token = token
        self._identity = identity
        self._known_labels: set[tuple[int, str]] = set()
        self._github = Github(
            auth=token,
            base_url=api_url,
            timeout=timeout_seconds,
            per_page=100,
            retry=retry,
            seconds_between_requests=0,
            seconds_between_writes=0,
            lazy=True,
        )

    def close(self) -> None:
        """Closes the connections."""
        self._github.close()
        self._token.close()

    def open_issue(self, repository: Repository, title: str, body: str) -> int:
        """The new issue's number."""
        doing = f"opening an issue in {repository.full_name}"
        return self._written(
            "POST", f"{_path(repository)}/issues", {"title": title, "body": body}, "number", doing
        )

    def change_issue(self, repository: Repository, number: int, change: IssueChange) -> None:
        """Sets title, body and state as far as the change names them."""
        wanted = {"title": change.title, "body": change.body, "state": change.state}
        wanted["state_reason"] = change.state_reason
        body = {name: value for name, value in wanted.items() if value is not None}
        doing = f"changing issue {repository.full_name}#{number}"
        self._written("PATCH", f"{_path(repository)}/issues/{number}", body, "number", doing)

    def comment(self, repository: Repository, number: int, body: str) -> int:
        """The new comment's id."""
        doing = f"commenting on {repository.full_name}#{number}"
        return self._written(
            "POST", f"{_path(repository)}/issues/{number}/comments", {"body": body}, "id", doing
        )

    def edit_comment(self, repository: Repository, comment_id: int, body: str) -> None:
        """Replaces a comment's text."""
        doing = f"editing a comment in {repository.full_name}"
        self._written(
            "PATCH", f"{_path(repository)}/issues/comments/{comment_id}", {"body": body}, "id", doing
        )

    def own_issues(self, repository: Repository, since: datetime) -> tuple[OwnText, ...]:
        """The issues by our App that were changed since then."""

        def ask() -> tuple[OwnText, ...]:
            found = self._github.get_repo(repository.full_name).get_issues(
                state="all", sort="created", direction="desc", since=since
            )
            return tuple(
                OwnText(id=each.number, body=each.body or "") for each in found if self._is_ours(each.user)
            )

        return self._ask(f"listing our issues in {repository.full_name}", ask)

    def own_comments(self, repository: Repository, number: int, since: datetime) -> tuple[OwnText, ...]:
        """The comments by our App on an issue or pull request that were changed since then."""

        def ask() -> tuple[OwnText, ...]:
            found = self._github.get_repo(repository.full_name).get_issue(number).get_comments(since=since)
            return tuple(
                OwnText(id=each.id, body=each.body or "") for each in found if self._is_ours(each.user)
            )

        return self._ask(f"listing our comments on {repository.full_name}#{number}", ask)

    def react(self, repository: Repository, number: int, comment_id: int | None, reaction: str) -> None:
        """Reacts to a comment, or to the issue itself. The same reaction again changes nothing."""
        subject = f"issues/{number}" if comment_id is None else f"issues/comments/{comment_id}"
        doing = f"reacting on {repository.full_name}#{number}"
        path = f"{_path(repository)}/{subject}/reactions"
        self._written("POST", path, {"content": reaction}, "id", doing, is_repeatable=True)

    def set_state_label(self, repository: Repository, number: int, state: State) -> None:
        """Leaves `wo:<state>` as the only label of a state; makes it, in its colour, where there is none."""
        wanted = label_of(state)
        doing = f"labelling {repository.full_name}#{number}"
        issue = f"{_path(repository)}/issues/{number}"
        present = {
            str(label["name"]) for label in self._ask(doing, lambda: self._json("GET", f"{issue}/labels"))
        }
        if wanted not in present:
            self._make_label(repository, state, doing)
            self._ask(doing, lambda: self._json("POST", f"{issue}/labels", {"labels": [wanted]}))
        for gone in sorted((present & STATE_LABELS) - {wanted}):
            # Somebody may have taken it off since we looked.
            take_off = partial(self._json, "DELETE", f"{issue}/labels/{quote(gone, safe='')}")
            self._unless_missing(doing, take_off)

    def set_check_run(self, repository: Repository, check: CheckRun) -> None:
        """Makes the commit show the check run, in the place of an earlier one of its name."""
        app_id = self._identity().id

        def ask() -> None:
            checks.bring_about(check, repository, app_id=app_id, send=self._json, pages=self._pages)

        self._ask(f"setting a check of {repository.full_name}", ask)

    def permission_of(self, repository: Repository, login: str) -> Permission:
        """What an account may do on the repository; `NONE` where there is no such account."""
        path = f"{_path(repository)}/collaborators/{quote(login, safe='')}/permission"
        doing = f"asking what {login} may do on {repository.full_name}"
        return self._found(path, _permission, doing) or Permission.NONE

    def is_team_member(self, organisation: str, team: str, login: str) -> bool:
        """Whether an account is an active member of a team, given by its slug."""
        names = [quote(name, safe="") for name in (organisation, team, login)]
        path = f"/orgs/{names[0]}/teams/{names[1]}/memberships/{names[2]}"
        doing = f"asking whether {login} is in {organisation}/{team}"
        try:
            return self._found(path, lambda answer: answer["state"] == "active", doing) or False
        except Denied as denied:
            # Not a no: without the permission GitHub tells nothing of the team.
            problem = denied.problems[0]
            raise NotAnswered(problem.reason, problem.next_move) from denied

    def read_file(self, repository: Repository, path: str, ref: str | None = None) -> File | None:
        """A file at a commit or branch, else of the default branch; None where there is none."""

        def ask() -> File | None:
            named = {} if ref is None else {"ref": ref}
            found = self._github.get_repo(repository.full_name).get_contents(path, **named)
            if isinstance(found, list) or found.type != "file":
                return None
            return File(path=path, text=found.decoded_content.decode("utf-8"), blob_sha=found.sha)

        return self._unless_missing(f"reading {path} in {repository.full_name}", ask)

    def list_directory(self, repository: Repository, path: str, ref: str | None = None) -> tuple[str, ...]:
        """The paths of the files directly in a directory; none where there is no such directory."""

        def ask() -> tuple[str, ...]:
            named = {} if ref is None else {"ref": ref}
            found = self._github.get_repo(repository.full_name).get_contents(path, **named)
            return (
                tuple(each.path for each in found if each.type == "file") if isinstance(found, list) else ()
            )

        return self._unless_missing(f"listing {path} in {repository.full_name}", ask) or ()

    def pull_request(
        self, repository: Repository, number: int, migrations: tuple[str, ...]
    ) -> PullRequest | None:
        """The pull request at its head, with the migrations that it adds; None where there is none."""
        doing = f"reading {repository.full_name}#{number}"
        path = f"{_path(repository)}/pulls/{number}"
        found = self._found(path, dict, doing)
        if found is None:
            return None
        ask = partial(self._json, "GET")

        def read() -> PullRequest:
            return pulls.read(found, repository, migrations, ask=ask, ask_pages=self._pages, person=_person)

        return self._ask(doing, read)

    def user(self, login: str) -> Person | None:
        """The account of this login."""
        path = f"/users/{quote(login, safe='')}"
        return self._found(path, _person, f"asking who {login} is")

    def repository(self, full_name: str) -> Repository | None:
        """The repository `owner/name`, if the installation reaches it."""
        owner, _, name = full_name.partition("/")
        path = f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}"

        def read(answer: Any) -> Repository:
            return Repository(
                id=_number(answer, "id"),
                full_name=str(answer["full_name"]),
                installation_id=self._token.installation_id,
            )

        return self._found(path, read, f"asking for {full_name}")

    def _make_label(self, repository: Repository, state: State, doing: str) -> None:
        name = label_of(state)
        if (repository.id, name) in self._known_labels:
            return
        path = f"{_path(repository)}/labels"
        found = self._found(f"{path}/{quote(name, safe='')}", lambda answer: answer["name"], doing)
        if found is None:
            body = {"name": name, "color": COLOURS[state], "description": "Set by Lockkeeper"}
            try:
                self._ask(doing, lambda: self._json("POST", path, body))
            except Denied as denied:
                # Somebody has made it since we looked; what else is wrong shows when it is set.
                if denied.status != 422:
                    raise
        self._known_labels.add((repository.id, name))

    def _is_ours(self, user: NamedUser | Organization | None) -> bool:
        # No person can have a login with brackets.
        return user is not None and user.type == "Bot" and user.login == self._identity().login

    def _written(
        self, verb: str, path: str, body: dict[str, str], key: str, doing: str, *, is_repeatable: bool = False
    ) -> int:
        def ask() -> int:
            # PyGithub takes the redirection of a renamed repository for an answer; it has no number.
            return _number(self._json(verb, path, body), key)

        return self._ask(doing, ask, is_repeatable=is_repeatable or verb == "PATCH")

    def _json(self, verb: str, path: str, body: dict[str, Any] | None = None) -> Any:
        _, answer = self._github.requester.requestJsonAndCheck(verb, path, input=body)
        return answer

    def _pages(self, path: str) -> Iterator[Any]:
        """The entries of a list, of all its pages."""
        for number in itertools.count(1):
            address = f"{path}?per_page=100&page={number}"
            headers, answer = self._github.requester.requestJsonAndCheck("GET", address)
            if not isinstance(answer, list):
                raise TypeError(path)
            yield from answer
            if 'rel="next"' not in headers.get("link", ""):
                return

    def _found(self, path: str, read: Callable[[Any], T], doing: str) -> T | None:
        """What `read` makes of the answer; None where there is nothing. Read inside of the
        question: an answer of another shape is no answer, and never a no."""
        return self._unless_missing(doing, lambda: read(self._json("GET", path)))

    def _unless_missing(self, doing: str, question: Callable[[], T]) -> T | None:
        try:
            return self._ask(doing, question)
        except Denied as denied:
            if denied.status == 404:
                return None
            raise

    def _ask(self, doing: str, question: Callable[[], T], *, is_repeatable: bool = True) -> T:
        token = self._token.token
        try:
            try:
                return question()
            except GithubException as error:
                if error.status != 401:
                    raise
                # It has ended early, or by another clock than ours; GitHub has performed nothing.
                self._token.forget(token)
                return question()
        except FAILURES as error:
            raise translated(error, doing, is_repeatable=is_repeatable) from error


def _path(repository: Repository) -> str:
    return f"/repos/{repository.full_name}"


def _number(answer: Any, key: str) -> int:
    value = answer[key]
    if not isinstance(value, int):
        raise TypeError(key)
    return value


def _person(answer: Any) -> Person:
    return Person(id=_number(answer, "id"), login=str(answer["login"]), is_bot=answer["type"] == "Bot")


def _permission(answer: Any) -> Permission:
    known = {each.value: each for each in Permission if each is not Permission.UNKNOWN}
    # Roles of an organisation's own making have their own names; their base is in `permission`.
    return known.get(answer.get("role_name")) or known[answer["permission"]]

"""The sandbox's state behind one lock, and the controls that tests and the demo turn."""

import dataclasses
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from bot.sandbox.access import TOKEN_LIFE
from bot.sandbox.actions import Actions, Change
from bot.sandbox.checks import Checks
from bot.sandbox.faults import Fault, Faults, Mishap
from bot.sandbox.limits import RateLimits
from bot.sandbox.pulls import Pulls
from bot.sandbox.records import (
    ROLES,
    Account,
    App,
    Comment,
    Delivery,
    Installation,
    InstallationToken,
    Issue,
    Label,
    Reaction,
    Repository,
)
from bot.sandbox.shapes import Shape, Shapes, node_id
from bot.sandbox.state import State
from bot.sandbox.teams import Teams
from bot.sandbox.webhooks import HOOK_ID, Event, Webhooks, new_guid

#: What Lockkeeper asks for.
PERMISSIONS: Mapping[str, str] = {
    "checks": "write",
    "contents": "read",
    "deployments": "write",
    "issues": "write",
    "members": "read",
    "metadata": "read",
    "pull_requests": "write",
}
EVENTS = ("check_run", "issue_comment", "issues", "label", "pull_request", "push")


def _now() -> datetime:
    return datetime.now(UTC)


class Sandbox:
    """GitHub's state and rules, for one App. Its methods may be called from any thread.

    What they hand out are snapshots. They act with the rights of GitHub's own staff: whether a
    person may do a thing is checked at the API, not here. They raise `Refusal` as the API would:
    404 for what does not exist, 422 for texts over GitHub's limits.
    """

    def __init__(
        self,
        *,
        app_id: int,
        webhook_secret: str,
        public_key_pem: str,
        app_slug: str = "lockkeeper",
        requests_per_hour: int = 5000,
        writes_per_minute: int | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.state = State()
        self.faults = Faults()
        self.limits = RateLimits(per_hour=requests_per_hour, writes_per_minute=writes_per_minute)
        self.app = App(
            id=app_id,
            slug=app_slug,
            name=app_slug.capitalize(),
            client_id=f"Iv23li{app_id:014d}",
            owner=self._add_account(f"{app_slug}-makers", "Organization", None),
            bot=self._add_account(f"{app_slug}[bot]", "Bot", None),
            public_key=public_key_pem,
            webhook_secret=webhook_secret,
            created_at=clock(),
        )
        self.shapes = Shapes(state=self.state, app=self.app, url="http://127.0.0.1")
        self.actions = Actions(state=self.state, shapes=self.shapes, now=clock, tell=self._tell)
        self.pulls = Pulls(lock=self.lock, state=self.state, actions=self.actions)
        self.checks = Checks(lock=self.lock, state=self.state, actions=self.actions, bot=self.app.bot)
        self.teams = Teams(lock=self.lock, state=self.state, organization=self._owner)
        self.webhooks = Webhooks(
            app_id=app_id,
            secret=webhook_secret,
            record=self._record_delivery,
            next_id=self._next_id,
            clock=clock,
        )

    @property
    def webhook_url(self) -> str | None:
        """Where events go. While it is None the hook is inactive: nothing is sent or recorded."""
        return self.webhooks.url

    @webhook_url.setter
    def webhook_url(self, url: str | None) -> None:
        self.webhooks.url = url

    # Setting the scene

    def add_user(self, login: str, *, name: str | None = None, bot: bool = False) -> Account:
        """A new person, with a personal token; with `bot` a bot account, which has a token, too."""
        with self.lock:
            token = "ghp_" + secrets.token_hex(18)
            return self._add_account(login, "Bot" if bot else "User", token, name)

    def add_repository(
        self, full_name: str, *, private: bool = True, default_branch: str = "main"
    ) -> Repository:
        """A new repository `owner/name`; an owner who is not known yet becomes an organisation."""
        owner, _, name = full_name.partition("/")
        if not owner or not name or "/" in name:
            raise ValueError(f"A repository is named owner/name, not {full_name!r}.")
        with self.lock:
            repository = Repository(
                id=self.state.next_id(),
                owner=self._owner(owner),
                name=name,
                private=private,
                default_branch=default_branch,
                created_at=self.clock(),
            )
            self.state.repositories[repository.id] = repository
            return repository

    def put_file(self, repo: str, path: str, text: str, *, branch: str | None = None) -> str:
        """Commits one file on a branch (the default one if not named); the new commit's SHA.

        A branch that does not exist yet begins at the default branch's newest commit. Nobody is told.
        """
        with self.lock:
            repository = self.state.repository(repo)
            target = branch or repository.default_branch
            return self.pulls.commit(repository, target, {path: text}, message=f"Add {path}", author=None).sha

    def grant(self, repo: str, login: str, role: str) -> None:
        """Gives a person a role: none, read, triage, write, maintain or admin."""
        if role not in ROLES:
            raise ValueError(f"{role!r} is no role; the roles are {', '.join(ROLES)}.")
        with self.lock:
            repository = self.state.repository(repo)
            roles = {**repository.roles, self.state.account(login).id: role}
            self.state.repositories[repository.id] = dataclasses.replace(repository, roles=roles)

    def install(
        self,
        repo: str,
        *more_repos: str,
        permissions: Mapping[str, str] = PERMISSIONS,
        events: Sequence[str] = EVENTS,
    ) -> Installation:
        """Installs the App on repositories of one owner, and tells it so."""
        with self.lock:
            chosen = [self.state.repository(name) for name in (repo, *more_repos)]
            installation = Installation(
                id=self.state.next_id(),
                account=chosen[0].owner,
                repository_ids=tuple(repository.id for repository in chosen),
                permissions=dict(permissions),
                events=tuple(events),
                created_at=self.clock(),
            )
            self.state.installations[installation.id] = installation
            keys = ("id", "node_id", "name", "full_name", "private")
            shaped = [self.shapes.repository(repository) for repository in chosen]
            payload: Shape = {
                "installation": self.shapes.installation(installation),
                "repositories": [{key: shape[key] for key in keys} for shape in shaped],
                "sender": self.shapes.account(installation.account),
            }
            self._send("installation", "created", payload, installation_id=installation.id)
            return installation

    def issue_token(
        self, installation_id: int, permissions: Mapping[str, str] | None = None
    ) -> InstallationToken:
        """An installation's token with exactly these permissions, which the API could not ask for."""
        with self.lock:
            installation = self.state.installation(installation_id)
            token = InstallationToken(
                token="ghs_" + secrets.token_hex(18),
                installation_id=installation_id,
                repository_ids=installation.repository_ids,
                permissions=dict(installation.permissions if permissions is None else permissions),
                expires_at=self.clock() + TOKEN_LIFE,
            )
            self.state.tokens[token.token] = token
            return token

    def ping(self) -> None:
        """Sends the App GitHub's ping."""
        with self.lock:
            hook = {"type": "App", "id": HOOK_ID, "name": "web", "active": True, "app_id": self.app.id}
            payload: Shape = {
                "zen": "Keep it logically awesome.",
                "hook_id": HOOK_ID,
                "hook": {**hook, "events": list(EVENTS), "config": {"url": self.webhook_url}},
            }
            self._send("ping", None, payload)

    # What people do

    def open_issue_as(
        self, login: str, repo: str, title: str, body: str | None = None, *, labels: Sequence[str] = ()
    ) -> Issue:
        """A person opens an issue."""
        with self.lock:
            repository, person = self.state.repository(repo), self.state.account(login)
            return self.actions.open_issue(repository, person, title=title, body=body, labels=labels)

    def comment_as(self, login: str, repo: str, number: int, body: str) -> Comment:
        """A person comments on an issue."""
        with self.lock:
            return self.actions.comment(self.issue(repo, number), self.state.account(login), body)

    def edit_comment_as(self, login: str, repo: str, comment_id: int, body: str) -> Comment:
        """A person edits a comment, their own or another's."""
        with self.lock:
            comment = self.state.comment(self.state.repository(repo), comment_id)
            return self.actions.edit_comment(comment, self.state.account(login), body)

    def delete_comment_as(self, login: str, repo: str, comment_id: int) -> None:
        """A person deletes a comment."""
        with self.lock:
            comment = self.state.comment(self.state.repository(repo), comment_id)
            self.actions.delete_comment(comment, self.state.account(login))

    def edit_issue_as(self, login: str, repo: str, number: int, change: Change) -> Issue:
        """A person changes an issue's title, body, state or labels."""
        with self.lock:
            return self.actions.edit_issue(self.issue(repo, number), self.state.account(login), change)

    def close_as(self, login: str, repo: str, number: int) -> Issue:
        """A person closes an issue."""
        return self.edit_issue_as(login, repo, number, Change(state="closed"))

    def reopen_as(self, login: str, repo: str, number: int) -> Issue:
        """A person reopens an issue."""
        return self.edit_issue_as(login, repo, number, Change(state="open"))

    def label_as(self, login: str, repo: str, number: int, *names: str) -> Issue:
        """A person adds labels to an issue."""
        with self.lock:
            labels = (*self.issue(repo, number).labels, *names)
            return self.edit_issue_as(login, repo, number, Change(labels=labels))

    def unlabel_as(self, login: str, repo: str, number: int, name: str) -> Issue:
        """A person takes a label off an issue."""
        with self.lock:
            labels = [label for label in self.issue(repo, number).labels if label.lower() != name.lower()]
            return self.edit_issue_as(login, repo, number, Change(labels=labels))

    # What there is

    def user(self, login: str) -> Account:
        """An account, with its token."""
        with self.lock:
            return self.state.account(login)

    def repository(self, repo: str) -> Repository:
        """A repository."""
        with self.lock:
            return self.state.repository(repo)

    def issue(self, repo: str, number: int) -> Issue:
        """An issue as it stands."""
        with self.lock:
            return self.state.issue(self.state.repository(repo), number)

    def issues(self, repo: str) -> list[Issue]:
        """The repository's issues, oldest first."""
        with self.lock:
            return self.state.issues_of(self.state.repository(repo))

    def comments(self, repo: str, number: int) -> list[Comment]:
        """An issue's comments, oldest first."""
        with self.lock:
            return self.state.comments_on(self.issue(repo, number))

    def reactions(self, subject: Issue | Comment) -> list[Reaction]:
        """The reactions to an issue's own text or to a comment."""
        with self.lock:
            return self.state.reactions_to(subject)

    def labels(self, repo: str) -> list[Label]:
        """The repository's labels, oldest first."""
        with self.lock:
            return self.state.labels_of(self.state.repository(repo))

    def deliveries(self) -> list[Delivery]:
        """All attempts to deliver a webhook, oldest first."""
        with self.lock:
            return list(self.state.deliveries.values())

    # Weather

    def redeliver(self, delivery_id: int) -> None:
        """Delivers an event again, under its GUID."""
        with self.lock:
            delivery = self.state.deliveries[delivery_id]
        self.webhooks.redeliver(delivery)

    def wait_until_sent(self, timeout_seconds: float = 10.0) -> bool:
        """Whether every event so far has had its attempt before the time was up."""
        return self.webhooks.wait_until_sent(timeout_seconds)

    def plan_fault(self, fault: Fault, *, times: int = 1) -> None:
        """The next `times` API requests that `fault` means fail as it says."""
        self.faults.plan(fault, times)

    def plan_mishap(self, mishap: Mishap, event: str = "", *, times: int = 1) -> None:
        """The next `times` webhooks of this event's name, or of any, fare so."""
        self.webhooks.mishaps.plan(mishap, event, times)

    def release_webhooks(self) -> None:
        """Sends the webhooks that are held."""
        self.webhooks.release()

    def _owner(self, login: str) -> Account:
        """The account; one that is not known yet becomes an organisation."""
        return self.state.accounts.get(login.lower()) or self._add_account(login, "Organization", None)

    def _next_id(self) -> int:
        with self.lock:
            return self.state.next_id()

    def _record_delivery(self, delivery: Delivery) -> None:
        with self.lock:
            self.state.deliveries[delivery.id] = delivery

    def _add_account(self, login: str, kind: str, token: str | None, name: str | None = None) -> Account:
        if login.lower() in self.state.accounts:
            raise ValueError(f"There is an account {login} already.")
        account = Account(
            id=self.state.next_id(), login=login, type=kind, name=name, token=token, created_at=self.clock()
        )
        self.state.accounts[login.lower()] = account
        return account

    def _tell(
        self, name: str, action: str | None, own: Shape, repository: Repository, sender: Account
    ) -> None:
        installation = self.state.installation_on(repository)
        if installation is None or name not in installation.events:
            return
        payload: Shape = {**own, "repository": self.shapes.repository(repository)}
        if repository.owner.type == "Organization":
            payload["organization"] = self.shapes.organization(repository.owner)
        payload["sender"] = self.shapes.account(sender)
        payload["installation"] = {"id": installation.id, "node_id": node_id("MDI", installation.id)}
        self._send(name, action, payload, installation_id=installation.id, repository_id=repository.id)

    def _send(
        self,
        name: str,
        action: str | None,
        payload: Shape,
        *,
        installation_id: int | None = None,
        repository_id: int | None = None,
    ) -> None:
        self.webhooks.send(
            Event(
                guid=new_guid(),
                name=name,
                action=action,
                payload={"action": action, **payload} if action else payload,
                installation_id=installation_id,
                repository_id=repository_id,
            )
        )

"""What can happen on GitHub: each action changes the state and says what the App is told of it.

The rules of GitHub that are the same for people, the App and the page stand here; who may do
it was decided before. All run under the sandbox's lock.
"""

import dataclasses
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.sandbox.answers import Refusal, invalid, not_listed
from bot.sandbox.pull_shapes import PullShapes
from bot.sandbox.records import Account, Comment, Issue, Label, Reaction, Repository
from bot.sandbox.shapes import REACTIONS, Shape, Shapes
from bot.sandbox.state import State

BODY_LIMIT = 65_536
TITLE_LIMIT = 256
LABEL_LIMIT = 50
LABELS_LIMIT = 100
COMMENTS_LIMIT = 2_500
_REASONS = ("completed", "not_planned", "duplicate")

#: Told of an event: its name, its action, the payload's own part, the repository and the sender.
Tell = Callable[[str, str | None, Shape, Repository, Account], None]


@dataclass(frozen=True, kw_only=True)
class Change:
    """What an edit of an issue asks for; None leaves a thing as it is."""

    title: str | None = None
    body: str | None = None
    state: str | None = None
    state_reason: str | None = None
    labels: Sequence[str] | None = None


@dataclass(frozen=True, kw_only=True)
class Actions:
    """The actions, over one state. Each raises `Refusal` where GitHub would refuse."""

    state: State
    shapes: Shapes
    now: Callable[[], datetime]
    tell: Tell

    def open_issue(
        self,
        repository: Repository,
        author: Account,
        *,
        title: str,
        body: str | None,
        labels: Sequence[str] = (),
        via_app: bool = False,
    ) -> Issue:
        """A new issue; the App is told that it was opened, and of each label."""
        issue = self.record_issue(repository, author, title=title, body=body, labels=labels, via_app=via_app)
        self.announce(issue, author)
        return issue

    def record_issue(
        self,
        repository: Repository,
        author: Account,
        *,
        title: str,
        body: str | None,
        labels: Sequence[str] = (),
        via_app: bool = False,
    ) -> Issue:
        """A new issue that nobody is told of yet; a pull request is made of it, or it is announced."""
        _check_title(title)
        _check_body(body, "Issue", "body")
        now = self.now()
        numbers = [issue.number for issue in self.state.issues_of(repository)]
        issue = Issue(
            id=self.state.next_id(),
            repository_id=repository.id,
            number=max(numbers, default=0) + 1,
            title=title,
            body=body,
            author=author,
            created_at=now,
            updated_at=now,
            labels=self._named(repository, labels),
            via_app=via_app,
        )
        return self._keep(issue)

    def announce(self, issue: Issue, author: Account) -> None:
        """Tells the App of a new issue or pull request, and of each of its labels."""
        self.tell_of_issue("opened", issue, author)
        for name in issue.labels:
            self._tell_of_label("labeled", issue, name, author)

    def edit_issue(self, issue: Issue, actor: Account, change: Change) -> Issue:
        """The issue with the change made; tells of text, labels and state, in this order."""
        if change.title is not None:
            _check_title(change.title)
        _check_body(change.body, "Issue", "body")
        if change.state not in (None, "open", "closed"):
            raise not_listed("Issue", "state")
        if change.state_reason not in (None, "reopened", *_REASONS):
            raise not_listed("Issue", "state_reason")
        edited = dataclasses.replace(
            issue,
            title=issue.title if change.title is None else change.title,
            body=issue.body if change.body is None else change.body,
        )
        if edited != issue:
            before = {"title": issue.title, "body": issue.body or ""}
            after = {"title": edited.title, "body": edited.body or ""}
            changes = {name: {"from": text} for name, text in before.items() if text != after[name]}
            issue = self._touch(edited)
            self.tell_of_issue("edited", issue, actor, changes=changes)
        if change.labels is not None:
            issue = self.set_labels(issue, actor, change.labels)
        if change.state is not None and change.state != issue.state:
            issue = self._turn(issue, actor, change)
        return issue

    def close(self, issue: Issue, actor: Account) -> Issue:
        """The issue or pull request closed."""
        return self._turn(issue, actor, Change(state="closed"))

    def _turn(self, issue: Issue, actor: Account, change: Change) -> Issue:
        pull = self.state.pull_of(issue)
        if pull is not None and pull.merged_at is not None and change.state == "open":
            raise invalid("PullRequest", "state", "state cannot be changed. The pull request is merged.")
        if change.state == "closed":
            reason = change.state_reason if change.state_reason in _REASONS else "completed"
            issue = self._touch(
                dataclasses.replace(
                    issue,
                    state="closed",
                    state_reason=reason if pull is None else None,
                    closed_at=self.now(),
                    closed_by=actor,
                )
            )
            self.tell_of_issue("closed", issue, actor)
            return issue
        reopened = dataclasses.replace(
            issue,
            state="open",
            state_reason="reopened" if pull is None else None,
            closed_at=None,
            closed_by=None,
        )
        issue = self._touch(reopened)
        self.tell_of_issue("reopened", issue, actor)
        return issue

    def set_labels(self, issue: Issue, actor: Account, names: Sequence[str]) -> Issue:
        """The issue with exactly these labels; unknown ones are made, as on GitHub."""
        repository = self.state.repositories[issue.repository_id]
        wanted = self._named(repository, names)
        for gone in [name for name in issue.labels if name not in wanted]:
            kept = tuple(name for name in issue.labels if name != gone)
            issue = self._touch(dataclasses.replace(issue, labels=kept))
            self._tell_of_label("unlabeled", issue, gone, actor)
        for new in [name for name in wanted if name not in issue.labels]:
            issue = self._touch(dataclasses.replace(issue, labels=(*issue.labels, new)))
            self._tell_of_label("labeled", issue, new, actor)
        return issue

    def comment(self, issue: Issue, author: Account, body: str, *, via_app: bool = False) -> Comment:
        """A new comment."""
        _check_comment(body)
        if len(self.state.comments_on(issue)) >= COMMENTS_LIMIT:
            raise Refusal(403, f"Commenting is disabled on issues with more than {COMMENTS_LIMIT} comments")
        now = self.now()
        comment = Comment(
            id=self.state.next_id(),
            repository_id=issue.repository_id,
            issue_number=issue.number,
            body=body,
            author=author,
            created_at=now,
            updated_at=now,
            via_app=via_app,
        )
        self.state.keep_comment(comment)
        self._touch(issue)
        self._tell_of_comment("created", comment, author)
        return comment

    def edit_comment(self, comment: Comment, actor: Account, body: str) -> Comment:
        """The comment with another body."""
        _check_comment(body)
        edited = dataclasses.replace(comment, body=body, updated_at=self.now())
        self.state.keep_comment(edited)
        self._tell_of_comment("edited", edited, actor, changes={"body": {"from": comment.body}})
        return edited

    def delete_comment(self, comment: Comment, actor: Account) -> None:
        """Removes the comment and the reactions to it."""
        for reaction in self.state.reactions_to(comment):
            del self.state.reactions[reaction.id]
        # Told before it is gone: the payload still shows it, as GitHub's does.
        self._tell_of_comment("deleted", comment, actor)
        self.state.drop_comment(comment)

    def react(self, subject: Issue | Comment, account: Account, content: str) -> Reaction:
        """A reaction; the same one again gives the first. GitHub tells no App of reactions."""
        if content not in REACTIONS:
            raise not_listed("Reaction", "content")
        for reaction in self.state.reactions_to(subject):
            if (reaction.account.id, reaction.content) == (account.id, content):
                return reaction
        on_comment = isinstance(subject, Comment)
        reaction = Reaction(
            id=self.state.next_id(),
            repository_id=subject.repository_id,
            issue_number=subject.issue_number if isinstance(subject, Comment) else subject.number,
            comment_id=subject.id if on_comment else None,
            account=account,
            content=content,
            created_at=self.now(),
        )
        self.state.reactions[reaction.id] = reaction
        return reaction

    def create_label(
        self, repository: Repository, name: str, *, color: str = "ededed", description: str | None = None
    ) -> Label:
        """A new label of the repository."""
        label = Label(
            id=self.state.next_id(),
            repository_id=repository.id,
            name=name,
            color=color,
            description=description,
        )
        self._check_label(repository, label)
        self.state.labels[label.id] = label
        return label

    def change_label(self, label: Label, changed: Label) -> Label:
        """`label` as `changed`; a new name follows to the issues that have it."""
        repository = self.state.repositories[label.repository_id]
        self._check_label(repository, changed)
        self.state.labels[label.id] = changed
        for issue in self.state.issues_of(repository):
            if label.name in issue.labels:
                names = tuple(changed.name if name == label.name else name for name in issue.labels)
                self._keep(dataclasses.replace(issue, labels=names))
        return changed

    def _check_label(self, repository: Repository, label: Label) -> None:
        if not label.name.strip():
            raise invalid("Label", "name", "name can't be blank", code="missing_field")
        if len(label.name) > LABEL_LIMIT:
            raise invalid("Label", "name", f"name is too long (maximum is {LABEL_LIMIT} characters)")
        if not re.fullmatch("[0-9a-fA-F]{6}", label.color):
            raise invalid("Label", "color", "color is invalid", code="invalid")
        if label.description is not None and len(label.description) > 100:
            raise invalid("Label", "description", "description is too long (maximum is 100 characters)")
        for other in self.state.labels_of(repository):
            if other.id != label.id and other.name.lower() == label.name.lower():
                raise invalid("Label", "name", "name already exists", code="already_exists")

    def _named(self, repository: Repository, names: Sequence[str]) -> tuple[str, ...]:
        known = {label.name.lower(): label.name for label in self.state.labels_of(repository)}
        found: dict[str, None] = {}
        for name in names:
            if name.lower() not in known:
                known[name.lower()] = self.create_label(repository, name).name
            found[known[name.lower()]] = None
        if len(found) > LABELS_LIMIT:
            raise invalid("Issue", "labels", f"labels is too long (maximum is {LABELS_LIMIT})")
        return tuple(found)

    def _keep(self, issue: Issue) -> Issue:
        self.state.issues[issue.repository_id, issue.number] = issue
        return issue

    def _touch(self, issue: Issue) -> Issue:
        return self._keep(dataclasses.replace(issue, updated_at=self.now()))

    def tell_of_issue(self, action: str, issue: Issue, actor: Account, **more: object) -> None:
        """Tells the App of an issue, or of the pull request that it is."""
        repository = self.state.repositories[issue.repository_id]
        pull = self.state.pull_of(issue)
        if pull is None:
            self.tell("issues", action, {"issue": self.shapes.issue(issue), **more}, repository, actor)
            return
        own: Shape = {
            "number": pull.number,
            "pull_request": PullShapes(shapes=self.shapes).full(pull),
            **more,
        }
        self.tell("pull_request", action, own, repository, actor)

    def _tell_of_label(self, action: str, issue: Issue, name: str, actor: Account) -> None:
        label = self.state.label(self.state.repositories[issue.repository_id], name)
        self.tell_of_issue(action, issue, actor, label=self.shapes.label(label))

    def _tell_of_comment(self, action: str, comment: Comment, actor: Account, **more: object) -> None:
        repository = self.state.repositories[comment.repository_id]
        issue = self.state.issue(repository, comment.issue_number)
        own: Shape = {"issue": self.shapes.issue(issue), "comment": self.shapes.comment(comment), **more}
        self.tell("issue_comment", action, own, repository, actor)


def _check_title(title: str) -> None:
    if not title.strip():
        raise invalid("Issue", "title", "title can't be blank", code="missing_field")
    if len(title) > TITLE_LIMIT:
        raise invalid("Issue", "title", f"title is too long (maximum is {TITLE_LIMIT} characters)")


def _check_body(body: str | None, resource: str, field_name: str) -> None:
    if body is not None and len(body) > BODY_LIMIT:
        message = f"body is too long (maximum is {BODY_LIMIT} characters)"
        raise invalid(resource, field_name, message, code="unprocessable")


def _check_comment(body: str) -> None:
    if not body.strip():
        raise invalid("IssueComment", "data", "Body cannot be blank", code="unprocessable")
    _check_body(body, "IssueComment", "data")

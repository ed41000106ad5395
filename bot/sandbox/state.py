"""The sandbox's tables and how a record is found in them; no rule of GitHub's is here."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.sandbox.answers import not_found
from bot.sandbox.records import (
    Account,
    CheckRun,
    Comment,
    Commit,
    Delivery,
    Installation,
    InstallationToken,
    Issue,
    Label,
    PullRequest,
    Reaction,
    Repository,
    Team,
)


@dataclass(kw_only=True)
class State:
    """All that the sandbox remembers. Whoever reads or writes it holds the sandbox's lock.

    A method named for one record raises `Refusal` 404 where there is none.
    """

    #: By lower-case login.
    accounts: dict[str, Account] = field(default_factory=dict)
    #: By id.
    repositories: dict[int, Repository] = field(default_factory=dict)
    #: By SHA.
    commits: dict[str, Commit] = field(default_factory=dict)
    #: By id.
    labels: dict[int, Label] = field(default_factory=dict)
    #: By (repository id, number).
    issues: dict[tuple[int, int], Issue] = field(default_factory=dict)
    #: By (repository id, number), which is also that of an issue.
    pulls: dict[tuple[int, int], PullRequest] = field(default_factory=dict)
    #: By id.
    check_runs: dict[int, CheckRun] = field(default_factory=dict)
    #: By id.
    teams: dict[int, Team] = field(default_factory=dict)
    #: By id.
    comments: dict[int, Comment] = field(default_factory=dict)
    #: Ids of the comments on each issue, by (repository id, number): an issue may have thousands.
    comment_ids: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    #: By id.
    reactions: dict[int, Reaction] = field(default_factory=dict)
    #: By id.
    installations: dict[int, Installation] = field(default_factory=dict)
    #: By the token itself.
    tokens: dict[str, InstallationToken] = field(default_factory=dict)
    #: By id, oldest first.
    deliveries: dict[int, Delivery] = field(default_factory=dict)
    # One sequence for all kinds: an id taken for another kind's is then never found by chance.
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1001))

    def next_id(self) -> int:
        """A number that no record has yet."""
        return next(self._ids)

    def skip_used_ids(self) -> None:
        """Lets new ids follow those of the records, which came from elsewhere."""
        accounts = [account.id for account in self.accounts.values()]
        issues = [issue.id for issue in self.issues.values()]
        issues += [pull.id for pull in self.pulls.values()]
        others = (self.repositories, self.labels, self.comments, self.reactions, self.installations)
        more = (self.check_runs, self.teams, self.deliveries)
        used = [*accounts, *issues, *(each for table in (*others, *more) for each in table)]
        self._ids = itertools.count(max(used, default=1000) + 1)

    def account(self, login: str) -> Account:
        """The account of this login, in any case of letters."""
        found = self.accounts.get(login.lower())
        if found is None:
            raise not_found()
        return found

    def account_by_id(self, account_id: int) -> Account:
        """The account of this id."""
        for account in self.accounts.values():
            if account.id == account_id:
                return account
        raise not_found()

    def repository(self, full_name: str) -> Repository:
        """The repository `owner/name`, in any case of letters."""
        for repository in self.repositories.values():
            if repository.full_name.lower() == full_name.lower():
                return repository
        raise not_found()

    def issue(self, repository: Repository, number: int) -> Issue:
        """The repository's issue of this number."""
        found = self.issues.get((repository.id, number))
        if found is None:
            raise not_found()
        return found

    def pull(self, repository: Repository, number: int) -> PullRequest:
        """The repository's pull request of this number."""
        found = self.pulls.get((repository.id, number))
        if found is None:
            raise not_found()
        return found

    def pull_of(self, issue: Issue) -> PullRequest | None:
        """The pull request whose text the issue is; None for an issue proper."""
        return self.pulls.get((issue.repository_id, issue.number))

    def commit_at(self, repository: Repository, ref: str) -> Commit | None:
        """The commit of a branch, of `refs/pull/N/head`, or of a SHA."""
        name = ref.removeprefix("refs/")
        if name.startswith("pull/") and name.endswith("/head"):
            number = name.removeprefix("pull/").removesuffix("/head")
            pull = self.pulls.get((repository.id, int(number))) if number.isdecimal() else None
            return None if pull is None else self.commits[pull.head_sha]
        return self.commits.get(repository.branches.get(name.removeprefix("heads/"), ref))

    def check_run(self, repository: Repository, check_run_id: int) -> CheckRun:
        """The repository's check run of this id."""
        found = self.check_runs.get(check_run_id)
        if found is None or found.repository_id != repository.id:
            raise not_found()
        return found

    def team(self, organization: Account, slug: str) -> Team:
        """The organisation's team of this slug, in any case of letters."""
        for team in self.teams.values():
            if team.organization.id == organization.id and team.slug == slug.lower():
                return team
        raise not_found()

    def issues_of(self, repository: Repository) -> list[Issue]:
        """The repository's issues and pull requests, oldest first."""
        return [issue for issue in self.issues.values() if issue.repository_id == repository.id]

    def comment(self, repository: Repository, comment_id: int) -> Comment:
        """The repository's comment of this id."""
        found = self.comments.get(comment_id)
        if found is None or found.repository_id != repository.id:
            raise not_found()
        return found

    def comments_on(self, issue: Issue) -> list[Comment]:
        """The issue's comments, oldest first."""
        return [self.comments[each] for each in self.comment_ids.get((issue.repository_id, issue.number), ())]

    def keep_comment(self, comment: Comment) -> None:
        """Adds a comment, or puts it in the place of its former self."""
        if comment.id not in self.comments:
            place = (comment.repository_id, comment.issue_number)
            self.comment_ids.setdefault(place, []).append(comment.id)
        self.comments[comment.id] = comment

    def drop_comment(self, comment: Comment) -> None:
        """Takes a comment away."""
        del self.comments[comment.id]
        self.comment_ids[comment.repository_id, comment.issue_number].remove(comment.id)

    def label(self, repository: Repository, name: str) -> Label:
        """The repository's label of this name, in any case of letters."""
        for label in self.labels_of(repository):
            if label.name.lower() == name.lower():
                return label
        raise not_found()

    def labels_of(self, repository: Repository) -> list[Label]:
        """The repository's labels, oldest first."""
        return [label for label in self.labels.values() if label.repository_id == repository.id]

    def reactions_to(self, subject: Issue | Comment) -> list[Reaction]:
        """The reactions to an issue's own text or to a comment, oldest first."""
        comment_id = subject.id if isinstance(subject, Comment) else None
        number = subject.issue_number if isinstance(subject, Comment) else subject.number
        place = (subject.repository_id, number, comment_id)
        return [
            reaction
            for reaction in self.reactions.values()
            if (reaction.repository_id, reaction.issue_number, reaction.comment_id) == place
        ]

    def installation(self, installation_id: int) -> Installation:
        """The installation of this id."""
        found = self.installations.get(installation_id)
        if found is None:
            raise not_found()
        return found

    def installation_on(self, repository: Repository) -> Installation | None:
        """The installation that covers the repository, if there is one."""
        for installation in self.installations.values():
            if repository.id in installation.repository_ids:
                return installation
        return None

    def role(self, repository: Repository, account: Account) -> str:
        """The account's role on the repository; on a public one at least `read`."""
        if account.id == repository.owner.id:
            return "admin"
        return repository.roles.get(account.id, "none" if repository.private else "read")

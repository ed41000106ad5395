"""Branches and pull requests as people use them: fork, push, open, merge."""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

from bot.sandbox.actions import Actions
from bot.sandbox.answers import invalid
from bot.sandbox.history import FileChange, commits_between
from bot.sandbox.pull_shapes import PullShapes
from bot.sandbox.records import Account, Commit, PullRequest, Repository
from bot.sandbox.state import State

#: Before and after a branch that was not there.
_NOWHERE = "0" * 40


class Pulls:
    """Pull requests. What is not about code, people do to the issue of the same number.

    Its methods may be called from any thread, and act with the rights of GitHub's own staff.
    """

    def __init__(self, *, lock: AbstractContextManager[bool], state: State, actions: Actions) -> None:
        self._lock = lock
        self._state = state
        self._actions = actions
        self.shapes = PullShapes(shapes=actions.shapes)

    def fork_as(self, login: str, repo: str) -> Repository:
        """A person's fork of a repository, with its branches; where there is one already, that one."""
        with self._lock:
            origin, person = self._state.repository(repo), self._state.account(login)
            for known in self._state.repositories.values():
                if (known.fork_of, known.owner.id) == (origin.id, person.id):
                    return known
            fork = dataclasses.replace(
                origin,
                id=self._state.next_id(),
                owner=person,
                created_at=self._actions.now(),
                roles={},
                fork_of=origin.id,
            )
            self._state.repositories[fork.id] = fork
            return fork

    def commit(
        self,
        repository: Repository,
        branch: str,
        files: Mapping[str, str | None],
        *,
        message: str,
        author: Account | None,
        onto: str | None = None,
    ) -> Commit:
        """A new commit at the end of a branch, which is told to nobody; a file that is None goes.

        A branch that is not there yet begins at the default one. `onto` puts the branch's end there
        first, as a forced push does.
        """
        with self._lock:
            parent = onto or repository.branches.get(branch)
            parent = parent or repository.branches.get(repository.default_branch)
            tree = {**(self._state.commits[parent].files if parent else {}), **files}
            seed = f"{parent} {message} {self._state.next_id()}".encode()
            made = Commit(
                sha=hashlib.sha1(seed, usedforsecurity=False).hexdigest(),
                files={path: text for path, text in tree.items() if text is not None},
                parents=(parent,) if parent else (),
                message=message,
                author=author,
                committed_at=self._actions.now(),
            )
            self._state.commits[made.sha] = made
            self._move(repository, branch, made.sha)
            return made

    def push_as(
        self,
        login: str,
        repo: str,
        branch: str,
        files: Mapping[str, str | None],
        *,
        message: str = "Change the schema",
        author: str | None = None,
        is_attributed: bool = True,
        onto: str | None = None,
    ) -> str:
        """A person pushes a commit, their own or that of `author`; the commit's SHA.

        With `is_attributed` false the commit's e-mail address is nobody's.
        """
        with self._lock:
            repository, pusher = self._state.repository(repo), self._state.account(login)
            by = (pusher if author is None else self._state.account(author)) if is_attributed else None
            before = repository.branches.get(branch)
            made = self.commit(repository, branch, files, message=message, author=by, onto=onto)
            self._tell_of_push(repository, branch, before, made, pusher)
            return made.sha

    def open_as(
        self,
        login: str,
        repo: str,
        title: str,
        *,
        head: str,
        base: str | None = None,
        body: str | None = None,
        draft: bool = False,
        labels: Sequence[str] = (),
    ) -> PullRequest:
        """A person opens a pull request; `head` is a branch, or `owner:branch` of a fork."""
        with self._lock:
            repository, person = self._state.repository(repo), self._state.account(login)
            owner, _, branch = head.rpartition(":")
            source = self._fork_of(repository, owner) if owner else repository
            target = base or repository.default_branch
            head_sha, base_sha = source.branches.get(branch), repository.branches.get(target)
            if head_sha is None:
                raise invalid("PullRequest", "head", "head is no branch", code="invalid")
            if base_sha is None:
                raise invalid("PullRequest", "base", "base is no branch", code="invalid")
            if not commits_between(self._state.commits, base_sha, head_sha):
                raise invalid("PullRequest", "head", f"No commits between {target} and {head}")
            for each in self._heads(source, branch):
                if each.repository_id == repository.id and each.base_branch == target:
                    raise invalid("PullRequest", "head", f"A pull request already exists for {head}.")
            issue = self._actions.record_issue(repository, person, title=title, body=body, labels=labels)
            pull = PullRequest(
                id=self._state.next_id(),
                repository_id=repository.id,
                number=issue.number,
                head_repository_id=source.id,
                head_branch=branch,
                head_sha=head_sha,
                base_branch=target,
                base_sha=base_sha,
                draft=draft,
            )
            self._keep(pull)
            self._actions.announce(issue, person)
            return pull

    def ready_as(self, login: str, repo: str, number: int) -> PullRequest:
        """A person says that a draft is ready for review."""
        with self._lock:
            pull = self._keep(dataclasses.replace(self.pull(repo, number), draft=False))
            self._tell(pull, "ready_for_review", self._state.account(login))
            return pull

    def merge_as(self, login: str, repo: str, number: int) -> PullRequest:
        """A person merges with a merge commit, which closes the pull request."""
        with self._lock:
            person, pull = self._state.account(login), self.pull(repo, number)
            repository = self._state.repository(repo)
            issue = self._state.issue(repository, number)
            if issue.state != "open":
                raise invalid("PullRequest", "state", "Pull Request is not mergeable")
            before = repository.branches[pull.base_branch]
            files: dict[str, str | None] = {}
            for change in self.files(pull):
                files[change.previous_path or change.path] = None
                if change.status != "removed":
                    files[change.path] = change.text
            message = f"Merge pull request #{number} from {pull.head_branch}"
            made = self.commit(repository, pull.base_branch, files, message=message, author=person)
            made = dataclasses.replace(made, parents=(*made.parents, pull.head_sha))
            self._state.commits[made.sha] = made
            merged = dataclasses.replace(
                pull, merged_at=self._actions.now(), merged_by=person, merge_commit_sha=made.sha
            )
            self._keep(merged)
            self._actions.close(issue, person)
            self._tell_of_push(repository, pull.base_branch, before, made, person)
            return merged

    def pull(self, repo: str, number: int) -> PullRequest:
        """A pull request as it stands."""
        with self._lock:
            return self._state.pull(self._state.repository(repo), number)

    def of(self, repo: str) -> list[PullRequest]:
        """The repository's pull requests, oldest first."""
        with self._lock:
            repository = self._state.repository(repo)
            return [each for each in self._state.pulls.values() if each.repository_id == repository.id]

    def commits(self, pull: PullRequest) -> list[Commit]:
        """What the head has and the base lacks, oldest first."""
        with self._lock:
            return self.shapes.commits_of(pull)

    def files(self, pull: PullRequest) -> list[FileChange]:
        """What the head changes since it left the base, in path order."""
        with self._lock:
            return self.shapes.files_of(pull)

    def _fork_of(self, repository: Repository, owner: str) -> Repository:
        for known in self._state.repositories.values():
            is_kin = known.id == repository.id or known.fork_of == repository.id
            if is_kin and known.owner.login.lower() == owner.lower():
                return known
        raise invalid("PullRequest", "head", "head is no branch", code="invalid")

    def _heads(self, repository: Repository, branch: str) -> list[PullRequest]:
        """The open pull requests whose head the branch is."""
        return [
            pull
            for pull in self._state.pulls.values()
            if (pull.head_repository_id, pull.head_branch) == (repository.id, branch)
            and self._state.issues[pull.repository_id, pull.number].state == "open"
        ]

    def _move(self, repository: Repository, branch: str, sha: str) -> None:
        newest = self._state.repositories[repository.id]
        moved = dataclasses.replace(newest, branches={**newest.branches, branch: sha})
        self._state.repositories[repository.id] = moved
        for pull in self._heads(repository, branch):
            base = self._state.repositories[pull.repository_id].branches[pull.base_branch]
            self._keep(dataclasses.replace(pull, head_sha=sha, base_sha=base))

    def _keep(self, pull: PullRequest) -> PullRequest:
        self._state.pulls[pull.repository_id, pull.number] = pull
        return pull

    def _tell_of_push(
        self, repository: Repository, branch: str, before: str | None, made: Commit, pusher: Account
    ) -> None:
        repository = self._state.repositories[repository.id]
        payload = self.shapes.push(repository, branch, before or _NOWHERE, made, pusher)
        self._actions.tell("push", None, payload, repository, pusher)
        for pull in self._heads(repository, branch):
            if before is not None and before != made.sha:
                self._tell(pull, "synchronize", pusher, before=before, after=made.sha)

    def _tell(self, pull: PullRequest, action: str, actor: Account, **more: object) -> None:
        issue = self._state.issues[pull.repository_id, pull.number]
        self._actions.tell_of_issue(action, issue, actor, **more)

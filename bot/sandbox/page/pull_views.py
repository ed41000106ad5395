"""What a pull request's page shows beyond its thread: commits, files and checks."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from bot.sandbox.history import FileChange
from bot.sandbox.page.markdown import render
from bot.sandbox.records import Annotation, Button, Commit, Issue, PullRequest
from bot.sandbox.sandbox import Sandbox

#: Longer differences are cut in a page for people.
_LINES = 400

_WORDS = {
    "success": "passed",
    "failure": "failed",
    "action_required": "needs someone",
    "in_progress": "running",
}


@dataclass(frozen=True, kw_only=True)
class Check:
    """A check run as it is shown."""

    id: int
    name: str
    #: GitHub's word for the conclusion, or for the status while there is none.
    outcome: str
    title: str
    summary: Markup
    annotations: Sequence[Annotation]
    buttons: Sequence[Button]
    details_url: str | None

    @property
    def words(self) -> str:
        """The outcome for a reader."""
        return _WORDS.get(self.outcome, self.outcome.replace("_", " "))


@dataclass(frozen=True, kw_only=True)
class Code:
    """All of a pull request that its thread does not show."""

    pull: PullRequest
    source: str
    commits: Sequence[Commit]
    files: Sequence[FileChange]
    checks: Sequence[Check]

    @property
    def fingerprint(self) -> str:
        """Changes whenever anything of it does."""
        return repr((self.pull, self.checks, [commit.sha for commit in self.commits]))

    def lines(self, file: FileChange) -> Sequence[str]:
        """Of the difference, as far as it is shown."""
        return file.patch[:_LINES]

    def is_cut(self, file: FileChange) -> bool:
        """Whether there is more."""
        return len(file.patch) > _LINES


def state_of(issue: Issue, pull: PullRequest | None) -> str:
    """`open`, `closed`, and of a pull request `draft` and `merged`, too."""
    if pull is None:
        return issue.state
    if pull.merged_at is not None:
        return "merged"
    return "draft" if pull.draft and issue.state == "open" else issue.state


def read_code(sandbox: Sandbox, repo: str, number: int) -> Code:
    """The pull request's code as it stands."""
    with sandbox.lock:
        pull = sandbox.pulls.pull(repo, number)
        source = sandbox.state.repositories[pull.head_repository_id]
        is_fork = pull.head_repository_id != pull.repository_id
        return Code(
            pull=pull,
            source=f"{source.owner.login}:{pull.head_branch}" if is_fork else pull.head_branch,
            commits=sandbox.pulls.commits(pull),
            files=sandbox.pulls.files(pull),
            checks=[
                Check(
                    id=run.id,
                    name=run.name,
                    outcome=run.conclusion or run.status,
                    title=run.title or "",
                    summary=Markup(render(run.summary or "")),  # noqa: S704 (render() has sanitised it)
                    annotations=run.annotations,
                    buttons=run.buttons,
                    details_url=run.details_url,
                )
                for run in sandbox.checks.of(repo, pull.head_sha)
            ],
        )

"""Pull requests, their commits and files, and pushes as GitHub's JSON."""

from dataclasses import dataclass
from urllib.parse import quote

from bot.sandbox.contents import blob_sha
from bot.sandbox.history import FileChange, changes, commits_between, merge_base
from bot.sandbox.records import Account, Commit, PullRequest, Repository
from bot.sandbox.shapes import Shape, Shapes, iso, node_id
from bot.sandbox.state import State


@dataclass(frozen=True, kw_only=True)
class PullShapes:
    """Makes the JSON out of the same state as `shapes`."""

    shapes: Shapes

    @property
    def state(self) -> State:
        """The tables."""
        return self.shapes.state

    def commits_of(self, pull: PullRequest) -> list[Commit]:
        """What the head has and the base lacks, oldest first."""
        return commits_between(self.state.commits, pull.base_sha, pull.head_sha)

    def files_of(self, pull: PullRequest) -> list[FileChange]:
        """What the head changes since it left the base, in path order."""
        commits = self.state.commits
        left = merge_base(commits, pull.base_sha, pull.head_sha)
        return changes(commits[left].files if left else {}, commits[pull.head_sha].files)

    def simple(self, pull: PullRequest) -> Shape:
        """`pull-request-simple`, as lists have it."""
        repository = self.state.repositories[pull.repository_id]
        source = self.state.repositories[pull.head_repository_id]
        issue = self.shapes.issue(self.state.issues[pull.repository_id, pull.number])
        api = f"{self.shapes.api_url}/repos/{repository.full_name}"
        url, html = (
            f"{api}/pulls/{pull.number}",
            f"{self.shapes.url}/{repository.full_name}/pull/{pull.number}",
        )
        links = {
            "self": url,
            "html": html,
            "issue": f"{api}/issues/{pull.number}",
            "comments": f"{api}/issues/{pull.number}/comments",
            "review_comments": f"{url}/comments",
            "review_comment": f"{api}/pulls/comments{{/number}}",
            "commits": f"{url}/commits",
            "statuses": f"{api}/statuses/{pull.head_sha}",
        }
        same = (
            *("number", "state", "locked", "title", "user", "body", "labels", "milestone", "created_at"),
            *("updated_at", "closed_at", "assignee", "assignees", "author_association", "active_lock_reason"),
        )
        return {
            **{name: issue[name] for name in same},
            "url": url,
            "id": pull.id,
            "node_id": node_id("PR", pull.id),
            "html_url": html,
            "diff_url": f"{html}.diff",
            "patch_url": f"{html}.patch",
            **{f"{name}_url": links[name] for name in links if name not in ("self", "html")},
            "merged_at": iso(pull.merged_at) if pull.merged_at else None,
            "merge_commit_sha": pull.merge_commit_sha,
            "requested_reviewers": [],
            "requested_teams": [],
            "head": self._end(source, pull.head_branch, pull.head_sha),
            "base": self._end(repository, pull.base_branch, pull.base_sha),
            "_links": {name: {"href": address} for name, address in links.items()},
            "auto_merge": None,
            "draft": pull.draft,
        }

    def full(self, pull: PullRequest) -> Shape:
        """`pull-request`."""
        files = self.files_of(pull)
        issue = self.state.issues[pull.repository_id, pull.number]
        is_open = issue.state == "open"
        return {
            **self.simple(pull),
            "merged": pull.merged_at is not None,
            "mergeable": True if is_open else None,
            "rebaseable": True if is_open else None,
            "mergeable_state": "clean" if is_open else "unknown",
            "merged_by": self.shapes.account(pull.merged_by) if pull.merged_by else None,
            "comments": len(self.state.comments_on(issue)),
            "review_comments": 0,
            "maintainer_can_modify": False,
            "commits": len(self.commits_of(pull)),
            "additions": sum(change.additions for change in files),
            "deletions": sum(change.deletions for change in files),
            "changed_files": len(files),
        }

    def _end(self, repository: Repository, branch: str, sha: str) -> Shape:
        return {
            "label": f"{repository.owner.login}:{branch}",
            "ref": branch,
            "sha": sha,
            "user": self.shapes.account(repository.owner),
            "repo": self.shapes.repository(repository),
        }

    def file(self, pull: PullRequest, change: FileChange) -> Shape:
        """`diff-entry`. Its addresses name the repository itself, also where the head is a fork's."""
        repository = self.state.repositories[pull.repository_id]
        html = f"{self.shapes.url}/{repository.full_name}"
        place = f"{pull.head_sha}/{quote(change.path, safe='')}"
        contents = f"{self.shapes.api_url}/repos/{repository.full_name}/contents/{quote(change.path)}"
        shape: Shape = {
            "sha": blob_sha(change.text),
            "filename": change.path,
            "status": change.status,
            "additions": change.additions,
            "deletions": change.deletions,
            "changes": change.additions + change.deletions,
            "blob_url": f"{html}/blob/{place}",
            "raw_url": f"{html}/raw/{place}",
            "contents_url": f"{contents}?ref={pull.head_sha}",
        }
        if change.patch:
            shape["patch"] = "\n".join(change.patch)
        if change.previous_path is not None:
            shape["previous_filename"] = change.previous_path
        return shape

    def commit(self, repository: Repository, commit: Commit) -> Shape:
        """`commit`. Where the e-mail address is nobody's, GitHub has no account for it."""
        api = f"{self.shapes.api_url}/repos/{repository.full_name}"
        html = f"{self.shapes.url}/{repository.full_name}/commit"
        account = None if commit.author is None else self.shapes.account(commit.author)
        unsigned = {"verified": False, "reason": "unsigned", "signature": None, "payload": None}
        return {
            "sha": commit.sha,
            "node_id": f"C_{commit.sha}",
            "url": f"{api}/commits/{commit.sha}",
            "html_url": f"{html}/{commit.sha}",
            "comments_url": f"{api}/commits/{commit.sha}/comments",
            "commit": {
                "author": _signature(commit),
                "committer": _signature(commit),
                "message": commit.message,
                "tree": {"sha": commit.sha, "url": f"{api}/git/trees/{commit.sha}"},
                "url": f"{api}/git/commits/{commit.sha}",
                "comment_count": 0,
                "verification": {**unsigned, "verified_at": None},
            },
            "author": account,
            "committer": account,
            "parents": [
                {"sha": sha, "url": f"{api}/commits/{sha}", "html_url": f"{html}/{sha}"}
                for sha in commit.parents
            ],
        }

    def push(
        self, repository: Repository, branch: str, before: str, commit: Commit, pusher: Account
    ) -> Shape:
        """The payload's own part of a push of one commit."""
        html = f"{self.shapes.url}/{repository.full_name}"
        signature = _signature(commit)
        by = {"name": signature["name"], "email": signature["email"], "date": signature["date"]}
        if commit.author is not None:
            by["username"] = commit.author.login
        is_new = before == "0" * 40
        earlier = self.state.commits[commit.parents[0]].files if commit.parents else {}
        touched = changes(earlier, commit.files)
        pushed = {
            "id": commit.sha,
            "tree_id": commit.sha,
            "distinct": True,
            "message": commit.message,
            "timestamp": signature["date"],
            "url": f"{html}/commit/{commit.sha}",
            "author": by,
            "committer": by,
            "added": [each.path for each in touched if each.status in ("added", "renamed")],
            "removed": [
                each.previous_path or each.path for each in touched if each.status in ("removed", "renamed")
            ],
            "modified": [each.path for each in touched if each.status == "modified"],
        }
        return {
            "ref": f"refs/heads/{branch}",
            "before": before,
            "after": commit.sha,
            "created": is_new,
            "deleted": False,
            "forced": not is_new and before not in commit.parents,
            "base_ref": None,
            "compare": f"{html}/compare/{before[:12]}...{commit.sha[:12]}",
            "commits": [pushed],
            "head_commit": pushed,
            "pusher": {"name": pusher.login, "email": f"{pusher.login}@example.com"},
        }


def _signature(commit: Commit) -> dict[str, str]:
    login = "nobody" if commit.author is None else commit.author.login
    name = login if commit.author is None else commit.author.name or login
    return {"name": name, "email": f"{login}@example.com", "date": iso(commit.committed_at)}

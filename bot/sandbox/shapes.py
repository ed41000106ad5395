"""Records as GitHub's JSON, complete enough to be held against GitHub's OpenAPI description."""

import base64
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

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
    PullRequest,
    Reaction,
    Repository,
)
from bot.sandbox.state import State

Shape = dict[str, object]

REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes")
_REPOSITORY_LINKS = (
    "archive {archive_format}{/ref}", "assignees{/user}", "blobs git/blobs{/sha}", "branches{/branch}",
    "collaborators{/collaborator}", "comments{/number}", "commits{/sha}", "compare/{base}...{head}",
    "contents/{+path}", "contributors", "deployments", "downloads", "events", "forks",
    "git_commits git/commits{/sha}", "git_refs git/refs{/sha}", "git_tags git/tags{/sha}",
    "issue_comment issues/comments{/number}", "issue_events issues/events{/number}", "issues{/number}",
    "keys{/key_id}", "labels{/name}", "languages", "merges", "milestones{/number}",
    "notifications{?since,all,participating}", "pulls{/number}", "releases{/id}", "stargazers",
    "statuses/{sha}", "subscribers", "subscription", "tags", "teams", "trees git/trees{/sha}", "hooks",
)  # fmt: skip
_OFF = (
    "has_projects", "has_downloads", "has_wiki", "has_pages", "has_discussions",
    "archived", "disabled", "is_template", "web_commit_signoff_required",
)  # fmt: skip


def iso(moment: datetime) -> str:
    """GitHub's form of a time: UTC, whole seconds, `Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def node_id(kind: str, record_id: int) -> str:
    """An opaque id like those of GitHub's GraphQL side."""
    return f"{kind}_" + base64.urlsafe_b64encode(f"{kind}:{record_id}".encode()).decode().rstrip("=")


@dataclass(kw_only=True)
class Shapes:
    """Makes the JSON; `url` is the server's own root, known once it serves, which all links start with."""

    state: State
    app: App
    url: str

    @property
    def api_url(self) -> str:
        """The root of the API."""
        return f"{self.url}/api/v3"

    def account(self, account: Account) -> Shape:
        """`simple-user`."""
        login = quote(account.login)
        api = f"{self.api_url}/users/{login}"
        page = f"apps/{self.app.slug}" if account.type == "Bot" else login
        return {
            "login": account.login,
            "id": account.id,
            "node_id": node_id("U" if account.type == "User" else account.type[0], account.id),
            "avatar_url": f"{self.url}/avatars/{account.id}.svg",
            "gravatar_id": "",
            "url": api,
            "html_url": f"{self.url}/{page}",
            "followers_url": f"{api}/followers",
            "following_url": f"{api}/following{{/other_user}}",
            "gists_url": f"{api}/gists{{/gist_id}}",
            "starred_url": f"{api}/starred{{/owner}}{{/repo}}",
            "subscriptions_url": f"{api}/subscriptions",
            "organizations_url": f"{api}/orgs",
            "repos_url": f"{api}/repos",
            "events_url": f"{api}/events{{/privacy}}",
            "received_events_url": f"{api}/received_events",
            "type": account.type,
            "user_view_type": "public",
            "site_admin": False,
        }

    def organization(self, account: Account) -> Shape:
        """`organization-simple`, as webhooks have it."""
        api = f"{self.api_url}/orgs/{quote(account.login)}"
        return {
            "login": account.login,
            "id": account.id,
            "node_id": node_id("O", account.id),
            "url": api,
            **{f"{name}_url": f"{api}/{name}" for name in ("repos", "events", "hooks", "issues")},
            "members_url": f"{api}/members{{/member}}",
            "public_members_url": f"{api}/public_members{{/member}}",
            "avatar_url": f"{self.url}/avatars/{account.id}.svg",
            "description": None,
        }

    def public_account(self, account: Account) -> Shape:
        """`public-user`."""
        names = ("company", "blog", "location", "email", "hireable", "bio", "twitter_username")
        return {
            **self.account(account),
            **dict.fromkeys(names),
            "name": account.name,
            "public_repos": 0,
            "public_gists": 0,
            "followers": 0,
            "following": 0,
            "created_at": iso(account.created_at),
            "updated_at": iso(account.created_at),
        }

    def collaborator(self, account: Account, role: str) -> Shape:
        """`repository-collaborator-permission`: the old four words, and the role's own name."""
        old = {"maintain": "write", "triage": "read"}.get(role, role)
        rank = ROLES.index(role)
        names = {"pull": "read", "push": "write"} | {name: name for name in ("triage", "maintain", "admin")}
        permissions = {name: rank >= ROLES.index(needed) for name, needed in names.items()}
        return {
            "permission": old,
            "role_name": role,
            "user": {**self.account(account), "role_name": role, "permissions": permissions},
        }

    def repository(self, repository: Repository) -> Shape:
        """`repository`, as webhooks and lists have it."""
        api = f"{self.api_url}/repos/{repository.full_name}"
        html = f"{self.url}/{repository.full_name}"
        open_issues = sum(issue.state == "open" for issue in self.state.issues_of(repository))
        links: Shape = {}
        for link in _REPOSITORY_LINKS:
            name, _, path = link.rpartition(" ")
            links[(name or path.split("/")[0].split("{")[0]) + "_url"] = f"{api}/{path}"
        counts = dict.fromkeys(
            ("forks_count", "stargazers_count", "watchers_count", "forks", "watchers", "size"), 0
        )
        return {
            "id": repository.id,
            "node_id": node_id("R", repository.id),
            "name": repository.name,
            "full_name": repository.full_name,
            "private": repository.private,
            "owner": self.account(repository.owner),
            "html_url": html,
            "description": None,
            "fork": repository.fork_of is not None,
            "url": api,
            **links,
            "created_at": iso(repository.created_at),
            "updated_at": iso(repository.created_at),
            "pushed_at": iso(repository.created_at),
            "git_url": f"git:{html.partition(':')[2]}.git",
            "ssh_url": f"git@sandbox:{repository.full_name}.git",
            "clone_url": f"{html}.git",
            "svn_url": html,
            **dict.fromkeys(("homepage", "language", "mirror_url", "license")),
            **counts,
            "has_issues": True,
            **dict.fromkeys(_OFF, False),
            "allow_forking": True,
            "topics": [],
            "visibility": "private" if repository.private else "public",
            "open_issues_count": open_issues,
            "open_issues": open_issues,
            "default_branch": repository.default_branch,
        }

    def full_repository(self, repository: Repository) -> Shape:
        """`full-repository`, which a request for one repository is answered with."""
        return {**self.repository(repository), "subscribers_count": 0, "network_count": 0}

    def label(self, label: Label) -> Shape:
        """`label`."""
        repository = self.state.repositories[label.repository_id]
        return {
            "id": label.id,
            "node_id": node_id("LA", label.id),
            "url": f"{self.api_url}/repos/{repository.full_name}/labels/{quote(label.name, safe='')}",
            "name": label.name,
            "color": label.color,
            "default": False,
            "description": label.description,
        }

    def issue(self, issue: Issue) -> Shape:
        """`issue`."""
        repository = self.state.repositories[issue.repository_id]
        api = f"{self.api_url}/repos/{repository.full_name}"
        url = f"{api}/issues/{issue.number}"
        pull = self.state.pull_of(issue)
        html = f"{self.url}/{repository.full_name}/{'issues' if pull is None else 'pull'}/{issue.number}"
        return {
            "url": url,
            "repository_url": api,
            "labels_url": f"{url}/labels{{/name}}",
            "comments_url": f"{url}/comments",
            "events_url": f"{url}/events",
            "html_url": html,
            "id": issue.id,
            "node_id": node_id("I", issue.id),
            "number": issue.number,
            "title": issue.title,
            "user": self.account(issue.author),
            "labels": [self.label(self.state.label(repository, name)) for name in issue.labels],
            "state": issue.state,
            "state_reason": issue.state_reason,
            "locked": False,
            "assignee": None,
            "assignees": [],
            "milestone": None,
            "comments": len(self.state.comments_on(issue)),
            "created_at": iso(issue.created_at),
            "updated_at": iso(issue.updated_at),
            "closed_at": iso(issue.closed_at) if issue.closed_at else None,
            "closed_by": self.account(issue.closed_by) if issue.closed_by else None,
            "author_association": self.association(repository, issue.author),
            "active_lock_reason": None,
            "body": issue.body,
            "reactions": self._rollup(issue, f"{url}/reactions"),
            "timeline_url": f"{url}/timeline",
            "performed_via_github_app": self.integration() if issue.via_app else None,
            **self._pull_part(pull, f"{api}/pulls/{issue.number}", html),
        }

    def _pull_part(self, pull: PullRequest | None, url: str, html: str) -> Shape:
        if pull is None:
            return {}
        links = {"url": url, "html_url": html, "diff_url": f"{html}.diff", "patch_url": f"{html}.patch"}
        merged_at = iso(pull.merged_at) if pull.merged_at else None
        return {"draft": pull.draft, "pull_request": {**links, "merged_at": merged_at}}

    def comment(self, comment: Comment) -> Shape:
        """`issue-comment`."""
        repository = self.state.repositories[comment.repository_id]
        api = f"{self.api_url}/repos/{repository.full_name}"
        is_on_pull = (comment.repository_id, comment.issue_number) in self.state.pulls
        place = f"{'pull' if is_on_pull else 'issues'}/{comment.issue_number}"
        html = f"{self.url}/{repository.full_name}/{place}"
        url = f"{api}/issues/comments/{comment.id}"
        return {
            "url": url,
            "html_url": f"{html}#issuecomment-{comment.id}",
            "issue_url": f"{api}/issues/{comment.issue_number}",
            "id": comment.id,
            "node_id": node_id("IC", comment.id),
            "user": self.account(comment.author),
            "created_at": iso(comment.created_at),
            "updated_at": iso(comment.updated_at),
            "author_association": self.association(repository, comment.author),
            "body": comment.body,
            "reactions": self._rollup(comment, f"{url}/reactions"),
            "performed_via_github_app": self.integration() if comment.via_app else None,
        }

    def reaction(self, reaction: Reaction) -> Shape:
        """`reaction`."""
        return {
            "id": reaction.id,
            "node_id": node_id("REA", reaction.id),
            "user": self.account(reaction.account),
            "content": reaction.content,
            "created_at": iso(reaction.created_at),
        }

    def integration(self) -> Shape:
        """`integration`: the App."""
        installations = list(self.state.installations.values())
        return {
            "id": self.app.id,
            "client_id": self.app.client_id,
            "slug": self.app.slug,
            "node_id": node_id("A", self.app.id),
            "owner": self.account(self.app.owner),
            "name": self.app.name,
            "description": "",
            "external_url": self.url,
            "html_url": f"{self.url}/apps/{self.app.slug}",
            "created_at": iso(self.app.created_at),
            "updated_at": iso(self.app.created_at),
            "permissions": dict(installations[0].permissions) if installations else {},
            "events": list(installations[0].events) if installations else [],
        }

    def installation(self, installation: Installation) -> Shape:
        """`installation`."""
        return {
            "id": installation.id,
            "client_id": self.app.client_id,
            "account": self.account(installation.account),
            "repository_selection": "selected",
            "access_tokens_url": f"{self.api_url}/app/installations/{installation.id}/access_tokens",
            "repositories_url": f"{self.api_url}/installation/repositories",
            "html_url": f"{self.url}/settings/installations/{installation.id}",
            "app_id": self.app.id,
            "app_slug": self.app.slug,
            "target_id": installation.account.id,
            "target_type": installation.account.type,
            "permissions": dict(installation.permissions),
            "events": list(installation.events),
            "created_at": iso(installation.created_at),
            "updated_at": iso(installation.created_at),
            "single_file_name": None,
            "has_multiple_single_files": False,
            "single_file_paths": [],
            "suspended_by": None,
            "suspended_at": None,
        }

    def token(self, token: InstallationToken, *, chosen: bool) -> Shape:
        """`installation-token`; names its repositories where the request had `chosen` them."""
        shape: Shape = {
            "token": token.token,
            "expires_at": iso(token.expires_at),
            "permissions": dict(token.permissions),
            "repository_selection": "selected",
        }
        if chosen:
            found = [self.state.repositories[repository_id] for repository_id in token.repository_ids]
            shape["repositories"] = [self.repository(repository) for repository in found]
        return shape

    def delivery(self, delivery: Delivery) -> Shape:
        """`hook-delivery-item`, as the list of deliveries has it."""
        return {
            "id": delivery.id,
            "guid": delivery.guid,
            "delivered_at": iso(delivery.delivered_at),
            "redelivery": delivery.redelivery,
            "duration": round(delivery.duration_seconds, 2),
            "status": delivery.status,
            "status_code": delivery.status_code,
            "event": delivery.event,
            "action": delivery.action,
            "installation_id": delivery.installation_id,
            "repository_id": delivery.repository_id,
            "throttled_at": None,
        }

    def full_delivery(self, delivery: Delivery) -> Shape:
        """`hook-delivery`, with what was sent and what came back."""
        return {
            **self.delivery(delivery),
            "url": delivery.url,
            "request": {"headers": dict(delivery.request_headers), "payload": dict(delivery.payload)},
            "response": {"headers": dict(delivery.response_headers), "payload": delivery.response_body},
        }

    def _rollup(self, subject: Issue | Comment, url: str) -> Shape:
        given = [reaction.content for reaction in self.state.reactions_to(subject)]
        return {"url": url, "total_count": len(given), **{name: given.count(name) for name in REACTIONS}}

    def association(self, repository: Repository, account: Account) -> str:
        """`author-association`."""
        # Members of organisations are not modelled: GitHub shows private ones as strangers, too,
        # and nothing of ours may depend on this word.
        if account.id == repository.owner.id:
            return "OWNER"
        return "COLLABORATOR" if account.id in repository.roles else "NONE"

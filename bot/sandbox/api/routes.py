"""Every route of the API with what it needs: the one table of permissions.

Paths and their placeholders are those of GitHub's OpenAPI description. `role` is what a person
needs where the API serves people, too; an author may more, which the handlers check.
"""

from collections.abc import Callable
from dataclasses import dataclass

from bot.sandbox.access import Needs
from bot.sandbox.answers import Answer
from bot.sandbox.api import apps, checks, issues, labels, pulls, repositories, teams
from bot.sandbox.api.call import Call


@dataclass(frozen=True, kw_only=True)
class Route:
    """One method on one path."""

    method: str
    #: Below the API's root, as in GitHub's description.
    path: str
    handler: Callable[[Call], Answer]
    needs: Needs


def _route(method: str, path: str, handler: Callable[[Call], Answer], needs: Needs) -> Route:
    return Route(method=method, path=path, handler=handler, needs=needs)


_APP = Needs(who="app")
_ANY = Needs()
_METADATA = Needs(permission="metadata")
_READ = Needs(permission="issues")
_WRITE = Needs(permission="issues", level="write")
_TRIAGE = Needs(permission="issues", level="write", role="triage")
_MANAGE = Needs(permission="issues", level="write", role="write")

_PULLS = Needs(permission="pull_requests")
_CHECKS = Needs(permission="checks")
_CHECK = Needs(who="installation", permission="checks", level="write")

_REPO = "/repos/{owner}/{repo}"
_ISSUE = _REPO + "/issues/{issue_number}"
_PULL = _REPO + "/pulls/{pull_number}"
_RUN = _REPO + "/check-runs/{check_run_id}"
_COMMENT = _REPO + "/issues/comments/{comment_id}"

ROUTES = (
    _route("GET", "/app", apps.get_app, _APP),
    _route("GET", "/app/installations", apps.list_installations, _APP),
    _route("GET", "/app/installations/{installation_id}", apps.get_installation, _APP),
    _route("POST", "/app/installations/{installation_id}/access_tokens", apps.create_token, _APP),
    _route("GET", "/app/hook/deliveries", apps.list_deliveries, _APP),
    _route("GET", "/app/hook/deliveries/{delivery_id}", apps.get_delivery, _APP),
    _route("POST", "/app/hook/deliveries/{delivery_id}/attempts", apps.redeliver, _APP),
    _route("GET", _REPO + "/installation", apps.get_repository_installation, _APP),
    _route(
        "GET",
        "/installation/repositories",
        apps.list_token_repositories,
        Needs(who="installation", permission="metadata"),
    ),
    _route("GET", _REPO, repositories.get_repository, _METADATA),
    _route("GET", _REPO + "/contents/{path}", repositories.get_contents, Needs(permission="contents")),
    _route(
        "GET",
        _REPO + "/collaborators/{username}/permission",
        repositories.get_collaborator_permission,
        Needs(permission="metadata", role="write"),
    ),
    _route("GET", "/users/{username}", repositories.get_user, _ANY),
    _route("GET", "/user/{account_id}", repositories.get_user_by_id, _ANY),
    _route("GET", "/rate_limit", repositories.get_rate_limit, _ANY),
    _route("GET", _REPO + "/issues", issues.list_issues, _READ),
    _route("POST", _REPO + "/issues", issues.create_issue, _WRITE),
    _route("GET", _ISSUE, issues.get_issue, _READ),
    _route("PATCH", _ISSUE, issues.edit_issue, _WRITE),
    _route("GET", _REPO + "/issues/comments", issues.list_repository_comments, _READ),
    _route("GET", _ISSUE + "/comments", issues.list_comments, _READ),
    _route("POST", _ISSUE + "/comments", issues.create_comment, _WRITE),
    _route("GET", _COMMENT, issues.get_comment, _READ),
    _route("PATCH", _COMMENT, issues.edit_comment, _WRITE),
    _route("DELETE", _COMMENT, issues.delete_comment, _WRITE),
    _route("GET", _COMMENT + "/reactions", issues.list_reactions, _READ),
    _route("POST", _COMMENT + "/reactions", issues.create_reaction, _WRITE),
    _route("DELETE", _COMMENT + "/reactions/{reaction_id}", issues.delete_reaction, _WRITE),
    _route("GET", _ISSUE + "/reactions", issues.list_reactions, _READ),
    _route("POST", _ISSUE + "/reactions", issues.create_reaction, _WRITE),
    _route("DELETE", _ISSUE + "/reactions/{reaction_id}", issues.delete_reaction, _WRITE),
    _route("GET", _REPO + "/labels", labels.list_labels, _READ),
    _route("POST", _REPO + "/labels", labels.create_label, _MANAGE),
    _route("GET", _REPO + "/labels/{name}", labels.get_label, _READ),
    _route("PATCH", _REPO + "/labels/{name}", labels.change_label, _MANAGE),
    _route("GET", _ISSUE + "/labels", labels.list_issue_labels, _READ),
    _route("POST", _ISSUE + "/labels", labels.add_issue_labels, _TRIAGE),
    _route("PUT", _ISSUE + "/labels", labels.set_issue_labels, _TRIAGE),
    _route("DELETE", _ISSUE + "/labels/{name}", labels.remove_issue_label, _TRIAGE),
    _route("GET", _REPO + "/pulls", pulls.list_pulls, _PULLS),
    _route("GET", _PULL, pulls.get_pull, _PULLS),
    _route("GET", _PULL + "/files", pulls.list_files, _PULLS),
    _route("GET", _PULL + "/commits", pulls.list_commits, _PULLS),
    _route(
        "GET",
        "/orgs/{org}/teams/{team_slug}/memberships/{username}",
        teams.get_membership,
        Needs(permission="members"),
    ),
    _route("POST", _REPO + "/check-runs", checks.create_check_run, _CHECK),
    _route("GET", _RUN, checks.get_check_run, _CHECKS),
    _route("PATCH", _RUN, checks.update_check_run, _CHECK),
    _route("GET", _RUN + "/annotations", checks.list_annotations, _CHECKS),
    _route("GET", _REPO + "/commits/{ref}/check-runs", checks.list_check_runs, _CHECKS),
)

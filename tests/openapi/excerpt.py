"""Makes `github.json`: the part of GitHub's OpenAPI description that the project uses.

Get the description with `npm pack @octokit/openapi` (MIT), unpack it, and run
`python -m tests.openapi.excerpt package/generated/api.github.com.json`.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

TARGET = Path(__file__).with_name("github.json")

#: The paths in use with their methods. A route of the sandbox that is missing here fails a test.
PATHS: Mapping[str, str] = {
    "/orgs/{org}/teams/{team_slug}/memberships/{username}": "get",
    "/app": "get",
    "/app/hook/deliveries": "get",
    "/app/hook/deliveries/{delivery_id}": "get",
    "/app/hook/deliveries/{delivery_id}/attempts": "post",
    "/app/installations": "get",
    "/app/installations/{installation_id}": "get",
    "/app/installations/{installation_id}/access_tokens": "post",
    "/installation/repositories": "get",
    "/rate_limit": "get",
    "/repos/{owner}/{repo}": "get",
    "/repos/{owner}/{repo}/check-runs": "post",
    "/repos/{owner}/{repo}/check-runs/{check_run_id}": "get patch",
    "/repos/{owner}/{repo}/check-runs/{check_run_id}/annotations": "get",
    "/repos/{owner}/{repo}/collaborators/{username}/permission": "get",
    "/repos/{owner}/{repo}/commits/{ref}/check-runs": "get",
    "/repos/{owner}/{repo}/contents/{path}": "get",
    "/repos/{owner}/{repo}/installation": "get",
    "/repos/{owner}/{repo}/issues": "get post",
    "/repos/{owner}/{repo}/issues/comments": "get",
    "/repos/{owner}/{repo}/issues/comments/{comment_id}": "get patch delete",
    "/repos/{owner}/{repo}/issues/comments/{comment_id}/reactions": "get post",
    "/repos/{owner}/{repo}/issues/comments/{comment_id}/reactions/{reaction_id}": "delete",
    "/repos/{owner}/{repo}/issues/{issue_number}": "get patch",
    "/repos/{owner}/{repo}/issues/{issue_number}/comments": "get post",
    "/repos/{owner}/{repo}/issues/{issue_number}/labels": "get post put",
    "/repos/{owner}/{repo}/issues/{issue_number}/labels/{name}": "delete",
    "/repos/{owner}/{repo}/issues/{issue_number}/reactions": "get post",
    "/repos/{owner}/{repo}/issues/{issue_number}/reactions/{reaction_id}": "delete",
    "/repos/{owner}/{repo}/labels": "get post",
    "/repos/{owner}/{repo}/labels/{name}": "get patch",
    "/repos/{owner}/{repo}/pulls": "get",
    "/repos/{owner}/{repo}/pulls/{pull_number}": "get",
    "/repos/{owner}/{repo}/pulls/{pull_number}/commits": "get",
    "/repos/{owner}/{repo}/pulls/{pull_number}/files": "get",
    "/user/{account_id}": "get",
    "/users/{username}": "get",
}

#: Prose and examples, half of the description's size; nothing is checked against them.
_PROSE = ("example", "examples", "externalDocs", "summary", "tags", "title", "operationId")
_MAPS = ("properties", "schemas", "headers")


def excerpt(description: Mapping[str, Any]) -> dict[str, Any]:
    """The used paths with every component that they refer to, mended and without prose."""
    paths = {
        path: {method: description["paths"][path][method] for method in methods.split()}
        for path, methods in PATHS.items()
    }
    components: dict[str, dict[str, Any]] = {}
    waiting = list(_references(paths))
    while waiting:
        kind, name = waiting.pop().removeprefix("#/components/").split("/")
        if name not in components.setdefault(kind, {}):
            part = components[kind][name] = description["components"][kind][name]
            waiting += _references(part)
    whole = {
        "openapi": description["openapi"],
        "info": {"title": "Excerpt of GitHub's REST API", "version": description["info"]["version"]},
        "servers": [{"url": "https://api.github.com"}],
        "paths": paths,
        "components": components,
    }
    mended: dict[str, Any] = _mend(whole, is_map_of_names=False)
    _admit_bare_labels(mended)
    _admit_owners(mended)
    _admit_labels_without_words(mended)
    return mended


def _admit_labels_without_words(description: dict[str, Any]) -> None:
    """In the list of pull requests a label had to have a description, as nowhere else."""
    labels = description["components"]["schemas"]["pull-request-simple"]["properties"]["labels"]
    labels["items"]["properties"]["description"]["nullable"] = True


def _admit_owners(description: dict[str, Any]) -> None:
    """In the list of installations an account had to be a person and an enterprise at once."""
    answer = description["paths"]["/app/installations"]["get"]["responses"]["200"]
    answer["content"]["application/json"]["schema"]["items"] = {"$ref": "#/components/schemas/installation"}


def _admit_bare_labels(description: dict[str, Any]) -> None:
    """GitHub takes a bare list of names for an issue's labels, and PyGithub sends one."""
    operations = description["paths"]["/repos/{owner}/{repo}/issues/{issue_number}/labels"]
    for method in ("post", "put"):
        content = operations[method]["requestBody"]["content"]["application/json"]
        named = content["schema"].get("oneOf", [content["schema"]])
        if not any(schema.get("type") == "array" for schema in named):
            content["schema"] = {"oneOf": [*named, {"type": "array", "items": {"type": "string"}}]}


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


def _mend(part: Any, *, is_map_of_names: bool) -> Any:
    """A copy without prose, in which null is one of a nullable enum's or choice's values.

    In a map of names (`is_map_of_names`) the keys are the names of fields or headers, which may well
    be called `title` or `x-rate-limit`, and stay.
    """
    if isinstance(part, list):
        return [_mend(value, is_map_of_names=False) for value in part]
    if not isinstance(part, dict):
        return part
    kept = {}
    for key, value in part.items():
        if not is_map_of_names:
            if key in _PROSE or key.startswith("x-"):
                continue
            if key == "description" and isinstance(value, str):
                # A response must have one; its words are free.
                value = ""
        kept[key] = _mend(value, is_map_of_names=not is_map_of_names and key in _MAPS)
    if not is_map_of_names and kept.get("nullable"):
        if "enum" in kept and None not in kept["enum"]:
            kept["enum"] = [*kept["enum"], None]
        for choice in {"oneOf", "anyOf"} & set(kept):
            kept[choice] = [*kept[choice], {"nullable": True, "enum": [None]}]
    return kept


def main() -> None:
    """Write the excerpt of the description named on the command line."""
    description = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    text = json.dumps(excerpt(description), indent=1, sort_keys=True)
    TARGET.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

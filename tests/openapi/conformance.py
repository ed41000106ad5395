"""Holds requests and answers against GitHub's own description of its API."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from openapi_core import Config, OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

EXCERPT = Path(__file__).with_name("github.json")

_HOST = "https://api.github.com"
#: Placeholders whose values may hold a slash; in OpenAPI a slash always ends a value.
_WITH_SLASH = ("path", "name", "ref")


class Mismatch(AssertionError):
    """A request or an answer that is not as GitHub describes it."""


@dataclass(frozen=True, kw_only=True)
class Described:
    """A path of the description with the values that a real path gives its placeholders."""

    pattern: str
    values: Mapping[str, str]
    operations: Mapping[str, Any]


class Conformance:
    """The description, loaded once; both checks raise `Mismatch`.

    A path is what comes after the API's root (`/api/v3` or nothing), without its query, and not
    percent-encoded: `/repos/acme/shop/labels/wo:done`.
    """

    def __init__(self, excerpt: Path = EXCERPT) -> None:
        self._description: Mapping[str, Any] = json.loads(excerpt.read_text(encoding="utf-8"))

    @cached_property
    def _openapi(self) -> OpenAPI:
        # Checking the description itself takes most of a minute, and it is not ours to mend.
        return OpenAPI.from_dict(dict(self._description), config=Config(spec_validator_cls=None))

    def check_request(
        self, method: str, path: str, query: Mapping[str, Any] | None = None, json_body: object = None
    ) -> None:
        """The request is described: path, method, query and body. Unknown names are mismatches, too."""
        described = self.described(method, path)
        operation = described.operations[method.lower()]
        known = {parameter["name"] for parameter in self._parameters(operation)}
        if unknown := set(query or {}) - known:
            raise Mismatch(f"{method} {described.pattern} has no query {', '.join(sorted(unknown))}.")
        self._refuse_unknown_fields(described.pattern, method, operation, json_body)
        request = self._request(method, described, query, json_body)
        try:
            self._openapi.validate_request(request)
        except OpenAPIError as error:
            raise Mismatch(f"{method} {described.pattern}: {_words(error)}") from error

    def check_response(self, method: str, path: str, status: int, json_body: object = None) -> None:
        """The answer is described. A refusal with a status that is not must be GitHub's plain error."""
        described = self.described(method, path)
        responses = described.operations[method.lower()]["responses"]
        if str(status) not in responses:
            if status < 400:
                raise Mismatch(f"{method} {described.pattern} never answers {status}.")
            if not isinstance(json_body, dict) or not isinstance(json_body.get("message"), str):
                raise Mismatch(f"{method} {described.pattern}: a {status} without a message.")
            return
        response = MockResponse(
            data=b"" if json_body is None else json.dumps(json_body).encode(),
            status_code=status,
            content_type="application/json",
        )
        if json_body is None:
            if self._resolved(responses[str(status)]).get("content"):
                raise Mismatch(f"{method} {described.pattern}: a {status} without a body.")
            return
        try:
            self._openapi.validate_response(self._request(method, described, None, None), response)
        except OpenAPIError as error:
            raise Mismatch(f"{method} {described.pattern}, {status}: {_words(error)}") from error

    def described(self, method: str, path: str) -> Described:
        """The description's entry for a path; the one with the fewest placeholders wins."""
        found = []
        for pattern, operations in self._description["paths"].items():
            if method.lower() not in operations:
                continue
            expression = re.sub(r"\\\{(\w+)\\\}", _placeholder, re.escape(pattern))
            if match := re.fullmatch(expression, path):
                found.append(Described(pattern=pattern, values=match.groupdict(), operations=operations))
        if not found:
            raise Mismatch(f"The excerpt of GitHub's description has no {method} {path}.")
        return min(found, key=lambda entry: entry.pattern.count("{"))

    def _request(
        self, method: str, described: Described, query: Mapping[str, Any] | None, json_body: object
    ) -> MockRequest:
        path = described.pattern
        for name, value in described.values.items():
            path = path.replace(f"{{{name}}}", quote(value, safe=""))
        return MockRequest(
            _HOST,
            method.lower(),
            path,
            args={name: str(value) for name, value in (query or {}).items()},
            data=None if json_body is None else json.dumps(json_body).encode(),
            content_type="application/json",
        )

    def _parameters(self, operation: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        for parameter in operation.get("parameters", ()):
            yield self._resolved(parameter)

    def _refuse_unknown_fields(
        self, pattern: str, method: str, operation: Mapping[str, Any], json_body: object
    ) -> None:
        """GitHub ignores a misspelt field, and so does its description: the most likely mistake."""
        if not isinstance(json_body, dict):
            return
        content = operation.get("requestBody", {}).get("content", {})
        schema = self._resolved(content.get("application/json", {}).get("schema", {}))
        choices = schema.get("oneOf", schema.get("anyOf", []))
        alternatives = [schema, *(self._resolved(each) for each in choices)]
        known = {name for each in alternatives for name in each.get("properties", {})}
        if unknown := set(json_body) - known:
            raise Mismatch(f"{method} {pattern} takes no field {', '.join(sorted(unknown))}.")

    def _resolved(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        if "$ref" not in part:
            return part
        found: Any = self._description
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return self._resolved(found)


def _placeholder(match: re.Match[str]) -> str:
    name = match.group(1)
    return f"(?P<{name}>.+)" if name in _WITH_SLASH else f"(?P<{name}>[^/]+)"


def _words(error: BaseException) -> str:
    """The innermost complaints: openapi-core keeps them behind several causes."""
    cause: BaseException | None = error
    sentences = []
    while cause is not None:
        details = getattr(cause, "schema_errors", None)
        if details:
            for each in details:
                place = "/".join(str(step) for step in each.absolute_path) or "the body"
                sentences.append(f"{place}: {each.message[:300]}")
                sentences += [
                    f"  {nested.json_path}: {nested.message[:200]}" for nested in each.context or ()
                ]
        cause = cause.__cause__
    return "; ".join(sentences) or f"{type(error).__name__}: {error}"

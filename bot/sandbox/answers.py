"""Answers in GitHub's words: errors, and lists in pages."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlencode

Record = TypeVar("Record")

DOCUMENTATION = "https://docs.github.com/rest"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An HTTP answer; `body` is JSON, or None for no body at all."""

    body: object = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """GitHub's refusal of a request, with status and words."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    def answer(self) -> Answer:
        """The refusal as it is sent."""
        body: dict[str, object] = {
            "message": self.message,
            "documentation_url": DOCUMENTATION,
            "status": str(self.status),
        }
        if self.errors:
            body["errors"] = [dict(error) for error in self.errors]
        return Answer(status=self.status, body=body, headers=self.headers)


def not_found() -> Refusal:
    """404, which GitHub also gives for what the caller may not see."""
    return Refusal(404, "Not Found")


def invalid(resource: str, field_name: str, message: str, *, code: str = "custom") -> Refusal:
    """422 over one field."""
    return Refusal(
        422,
        "Validation Failed",
        errors=[{"resource": resource, "field": field_name, "code": code, "message": message}],
    )


def not_listed(resource: str, field_name: str) -> Refusal:
    """422 over a field whose value is none of those that it may have."""
    return invalid(resource, field_name, f"{field_name} is not included in the list", code="invalid")


def whole_number(query: Mapping[str, str], name: str, default: int) -> int:
    """A query's number; like GitHub, anything unreadable or below 1 counts as the default."""
    text = query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0 else default


def page_of(
    records: Sequence[Record],
    shape: Callable[[Record], Mapping[str, object]],
    *,
    url: str,
    query: Mapping[str, str],
    within: Callable[[list[Mapping[str, object]]], object] = lambda shaped: shaped,
) -> Answer:
    """One page of `records` by `per_page` (30, at most 100) and `page`, with its Link header.

    `within` wraps the list where GitHub answers with an object around it.
    """
    per_page = min(whole_number(query, "per_page", 30), 100)
    page = whole_number(query, "page", 1)
    last = max(1, -(-len(records) // per_page))
    start = (page - 1) * per_page

    def link(number: int, relation: str) -> str:
        parameters = {**query, "per_page": str(per_page), "page": str(number)}
        return f'<{url}?{urlencode(parameters)}>; rel="{relation}"'

    links = []
    if page > 1:
        links += [link(1, "first"), link(min(page - 1, last), "prev")]
    if page < last:
        links += [link(page + 1, "next"), link(last, "last")]
    shaped = [shape(record) for record in records[start : start + per_page]]
    return Answer(body=within(shaped), headers={"Link": ", ".join(links)} if links else {})

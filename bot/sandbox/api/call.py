"""One request to the API as its handler sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from bot.sandbox.access import Caller, has_role
from bot.sandbox.answers import Refusal, invalid
from bot.sandbox.records import Account, Comment, Issue, PullRequest, Repository
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.shapes import Shapes
from bot.sandbox.state import State


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request whose caller was identified and may use the route.

    What it looks up and does not find is refused with 404, a field of a wrong type with 422.
    """

    sandbox: Sandbox
    caller: Caller
    #: The values of the path's placeholders.
    path: Mapping[str, str]
    query: Mapping[str, str]
    #: The parsed JSON; an empty object where none was sent.
    body: object
    #: The address asked for, without its query.
    url: str

    @property
    def state(self) -> State:
        """The tables."""
        return self.sandbox.state

    @property
    def shapes(self) -> Shapes:
        """What makes the JSON."""
        return self.sandbox.shapes

    @property
    def actor(self) -> Account:
        """Whose name an action goes by: the person, or the App's bot."""
        return self.caller.account

    @property
    def via_app(self) -> bool:
        """Whether an installation acts."""
        return self.caller.token is not None

    @cached_property
    def repository(self) -> Repository:
        """The repository in the path."""
        return self.state.repository(f"{self.path['owner']}/{self.path['repo']}")

    @cached_property
    def issue(self) -> Issue:
        """The issue in the path."""
        return self.state.issue(self.repository, int(self.path["issue_number"]))

    @cached_property
    def pull(self) -> PullRequest:
        """The pull request in the path."""
        return self.state.pull(self.repository, int(self.path["pull_number"]))

    @cached_property
    def comment(self) -> Comment:
        """The comment in the path."""
        return self.state.comment(self.repository, int(self.path["comment_id"]))

    @property
    def fields(self) -> Mapping[str, object]:
        """The body as an object."""
        if not isinstance(self.body, dict):
            raise Refusal(400, "Body should be a JSON object")
        return self.body

    def text(self, resource: str, name: str) -> str | None:
        """A field that is a text, None if it is missing or null."""
        value = self.fields.get(name)
        if value is not None and not isinstance(value, str):
            raise invalid(resource, name, f"{name} must be a string", code="invalid")
        return value

    def required_text(self, resource: str, name: str) -> str:
        """A field that must be there."""
        value = self.text(resource, name)
        if value is None:
            raise invalid(resource, name, f"{name} is missing", code="missing_field")
        return value

    def since(self) -> datetime | None:
        """The query's `since`."""
        text = self.query.get("since")
        if text is None:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise invalid("Search", "since", "since is not a time", code="invalid") from error
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def require_author_or_role(self, author: Account, role: str) -> None:
        """Refused unless an installation, the text's author, or a person of this role calls."""
        person = self.caller.is_person and author.id != self.actor.id
        if person and not has_role(self.actor, role, self.repository, self.state):
            raise Refusal(403, f"Must have {role} rights to Repository.")

    def has_role(self, role: str) -> bool:
        """Whether an installation or a person of this role calls."""
        return not self.caller.is_person or has_role(self.actor, role, self.repository, self.state)

"""Organisations' teams and who is in them."""

import dataclasses
import re
from collections.abc import Callable
from contextlib import AbstractContextManager

from bot.sandbox.records import Account, Member, Team
from bot.sandbox.state import State


class Teams:
    """Teams as the organisation's owners arrange them. Its methods may be called from any thread."""

    def __init__(
        self,
        *,
        lock: AbstractContextManager[bool],
        state: State,
        organization: Callable[[str], Account],
    ) -> None:
        self._lock = lock
        self._state = state
        self._organization = organization

    def add(self, name: str, *, secret: bool = False, parent: str | None = None) -> Team:
        """A new team `organisation/slug`; an organisation that is not known yet is made."""
        owner, _, slug = name.partition("/")
        if not re.fullmatch("[a-z0-9][a-z0-9_-]*", slug):
            raise ValueError(f"A team is named organisation/slug in lower case, not {name!r}.")
        with self._lock:
            organization = self._organization(owner)
            if organization.type != "Organization":
                raise ValueError(f"{owner} is no organisation.")
            if any((each.organization.id, each.slug) == (organization.id, slug) for each in self._all()):
                raise ValueError(f"There is a team {name} already.")
            team = Team(
                id=self._state.next_id(),
                organization=organization,
                slug=slug,
                is_secret=secret,
                parent_id=None if parent is None else self._state.team(organization, parent).id,
            )
            self._state.teams[team.id] = team
            return team

    def join(self, name: str, login: str, *, role: str = "member", state: str = "active") -> Team:
        """A person is in a team from now on, or with the state `pending` invited to it."""
        if role not in ("member", "maintainer") or state not in ("active", "pending"):
            raise ValueError("A role is member or maintainer, and a state active or pending.")
        with self._lock:
            member = Member(account_id=self._state.account(login).id, role=role, state=state)
            return self._set(name, member.account_id, member)

    def leave(self, name: str, login: str) -> Team:
        """A person is in a team no more."""
        with self._lock:
            return self._set(name, self._state.account(login).id, None)

    def membership(self, team: Team, account: Account) -> Member | None:
        """The account's place in the team or in one of its children; its own comes first."""
        with self._lock:
            for each in team.members:
                if each.account_id == account.id:
                    return each
            children = [each for each in self._all() if each.parent_id == team.id]
            places = [self.membership(each, account) for each in children]
            found = [each for each in places if each is not None]
            return next((each for each in found if each.state == "active"), found[0] if found else None)

    def is_in_organization(self, organization: Account, account: Account) -> bool:
        """Whether the account has accepted a place in any of the organisation's teams."""
        with self._lock:
            return any(
                each.account_id == account.id and each.state == "active"
                for team in self._all()
                if team.organization.id == organization.id
                for each in team.members
            )

    def _all(self) -> list[Team]:
        return list(self._state.teams.values())

    def _set(self, name: str, account_id: int, member: Member | None) -> Team:
        owner, _, slug = name.partition("/")
        team = self._state.team(self._state.account(owner), slug)
        members = [each for each in team.members if each.account_id != account_id]
        changed = dataclasses.replace(team, members=(*members, *([] if member is None else [member])))
        self._state.teams[team.id] = changed
        return changed

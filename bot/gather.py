"""Fetches what a task says that it needs to know, and nothing else, as values.

What GitHub did not answer comes out as not known wherever a handler can tell that from a no;
elsewhere `Blocked` is raised. Nothing here is written.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import TypeVar

from bot import inquiry
from bot.errors import Problem, Unreadable
from bot.github.errors import NotAnswered
from bot.github.port import GitHub
from bot.services import Services
from bot.store import databases, orders
from handlers import Task
from handlers.facts import Colleague, Context, Facts, Need, OpenOrder, PullRequest, Script, Wanted
from workorders import definition as definitions
from workorders import policy as policies
from workorders.authority import Membership, Permission, Rights
from workorders.definition import Definition
from workorders.lifecycle import CLOSED
from workorders.order import Order, Person, Repository
from workorders.policy import Policy, PolicyAnswer, UnknownPolicy

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: Nothing else is put into an address.
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,60}")

DEFINITIONS = ".github/work-orders"
#: More would be a mistake or an attack: each is one request.
MOST_DEFINITIONS = 50


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """Facts, and what `bot.perform` has to know of when they were true."""

    facts: Facts
    #: The orders as they were read.
    decided_on: tuple[Order, ...]
    #: See `perform.Decided`.
    newest_asked: int | None


def gather(services: Services, task: Task, now: datetime) -> Gathered:
    """The facts for one task. Raises `Blocked` where GitHub has to answer and did not."""
    context, needs = task.context, task.wanted.needs
    repository = context.repository
    order = _order(services, repository, task.wanted) if Need.ORDER in needs else None
    # Before the questions to GitHub, which take time in which another order may be opened.
    with services.pool.transaction() as ours:
        asked: tuple[Order, ...] = ()
        newest_asked: int | None = None
        if Need.OPEN_ORDERS in needs and context.number is not None:
            asked = orders.asked_on(ours, repository.id, context.number)
            newest_asked = orders.newest_asked_on(ours, repository.id, context.number)
        targets = databases.names_of(ours, repository.id) if Need.TARGETS in needs else ()
    github = _Questions(services, repository)
    pull_request_orders = _pull_request_orders(services, task) if Need.PULL_REQUEST_ORDERS in needs else ()
    if Need.PULL_REQUEST_ORDERS in needs and not any(
        each.state not in CLOSED for each in pull_request_orders
    ):
        # GitHub is not asked about every push to a pull request that has no order.
        needs = frozenset({Need.PULL_REQUEST_ORDERS})
    policy: PolicyAnswer = UnknownPolicy()
    if Need.POLICY in needs:
        policy = github.policy()
    ours_says = inquiry.answers(services, needs, order, policy)
    pull_request = github.pull_request(context, order, policy) if Need.PULL_REQUEST in needs else None
    found = github.definitions() if Need.DEFINITIONS in needs else _Definitions(readable={}, broken={})
    facts = Facts(
        now=now,
        order=order,
        rights=github.rights(context.person, policy, order) if Need.RIGHTS in needs else Rights(),
        approvers=github.approvers(order, policy) if Need.APPROVERS in needs else {},
        policy=policy,
        definitions=found.readable,
        broken_definitions=found.broken,
        targets=targets,
        sql_file=github.sql_file(pull_request, task.wanted.sql_path) if Need.SQL_FILE in needs else None,
        pull_request=pull_request,
        pull_request_orders=pull_request_orders,
        open_orders=tuple(
            OpenOrder(definition=each.definition, target=each.target, issue_number=each.issue_number)
            for each in asked
            if each.state not in CLOSED
        ),
        history=ours_says.history,
        plan=ours_says.plan,
        standing=ours_says.standing,
        other=github.other(task.wanted.login, order, policy) if Need.OTHER in needs else None,
        colleagues=github.colleagues(order, policy) if Need.COLLEAGUES in needs else (),
    )
    decided_on = pull_request_orders if order is None else (order, *pull_request_orders)
    return Gathered(facts=facts, decided_on=decided_on, newest_asked=newest_asked)


def policy_of(services: Services, repository: Repository) -> PolicyAnswer:
    """The repository's policy now; for the conductor, which reads it again before it executes."""
    return _Questions(services, repository).policy()


def approvers_of(services: Services, order: Order, policy: PolicyAnswer) -> dict[int, Rights]:
    """The rights now of everyone whose approval counts, by account id; for the conductor."""
    return _Questions(services, order.repository).approvers(order, policy)


def _order(services: Services, repository: Repository, wanted: Wanted) -> Order | None:
    if wanted.order_number is None:
        return None
    with services.pool.transaction() as ours:
        return orders.of_issue(ours, repository.id, wanted.order_number)


def _pull_request_orders(services: Services, task: Task) -> tuple[Order, ...]:
    if task.context.number is None:
        return ()
    with services.pool.transaction() as ours:
        return orders.of_pull_request(ours, task.context.repository.id, task.context.number)


@dataclass(frozen=True, kw_only=True)
class _Definitions:
    readable: dict[str, Definition]
    #: By the file's name without its ending.
    broken: dict[str, Problem]


class _Questions:
    """Questions to GitHub about one repository. The client is had when the first is asked."""

    def __init__(self, services: Services, repository: Repository) -> None:
        self._services = services
        self._repository = repository

    @property
    def _github(self) -> GitHub:
        return self._services.github(self._repository.installation_id)

    def policy(self) -> PolicyAnswer:
        """On the default branch: that of a pull request would be the attacker's."""

        def ask() -> PolicyAnswer:
            file = self._github.read_file(self._repository, policies.PATH)
            return policies.answer(None if file is None else file.text)

        unknown: PolicyAnswer = UnknownPolicy()
        return self._or_unknown(ask, unknown)

    def rights(self, person: Person, policy: PolicyAnswer, order: Order | None) -> Rights:
        """The person's permission, and memberships in those teams that the policy names."""
        if person.is_operator or person.is_bot:
            # Neither has rights on GitHub that could count.
            return Rights()
        permission = self._or_unknown(
            lambda: self._github.permission_of(self._repository, person.login), Permission.UNKNOWN
        )
        teams = _teams(policy, None if order is None else order.target)
        return Rights(
            permission=permission, memberships=tuple(self._membership(person, team) for team in teams)
        )

    def approvers(self, order: Order | None, policy: PolicyAnswer) -> dict[int, Rights]:
        """By account id."""
        if order is None:
            return {}
        people = {each.person.id: each.person for each in order.approvals}
        return {id_: self.rights(person, policy, order) for id_, person in people.items()}

    def colleagues(self, order: Order | None, policy: PolicyAnswer) -> tuple[Colleague, ...]:
        """Each with their rights now."""
        if order is None:
            return ()
        return tuple(
            Colleague(person=person, rights=self.rights(person, policy, order))
            for person in inquiry.people(order, policy)
        )

    def other(self, login: str, order: Order | None, policy: PolicyAnswer) -> Colleague | None:
        """An account by its login. Raises Blocked where GitHub does not say whether there is one."""
        person = self._github.user(login) if _LOGIN.fullmatch(login) else None
        return None if person is None else Colleague(person=person, rights=self.rights(person, policy, order))

    def definitions(self) -> _Definitions:
        """The repository's before the package's of the same name."""
        readable = dict(definitions.shipped())
        broken: dict[str, Problem] = {}
        paths = self._github.list_directory(self._repository, DEFINITIONS)
        markdown = [path for path in paths if path.endswith(".md") and not path.endswith("/README.md")]
        for path in sorted(markdown)[:MOST_DEFINITIONS]:
            name = PurePosixPath(path).stem.casefold()
            try:
                file = self._github.read_file(self._repository, path)
                if file is not None:
                    found = definitions.from_markdown(file.text)
                    readable[found.name] = found
            except Unreadable as error:
                broken[name] = error.problem
                readable.pop(name, None)
        return _Definitions(readable=readable, broken=broken)

    def sql_file(self, pull_request: PullRequest | None, path: str) -> Script | None:
        """Of the pull request's head, else of the default branch."""
        head = None if pull_request is None else pull_request.head
        file = self._github.read_file(self._repository, path, head)
        return None if file is None else Script(sql=file.text, origin=f"{path}@{head or file.blob_sha}")

    def pull_request(self, context: Context, order: Order | None, policy: PolicyAnswer) -> PullRequest | None:
        """The context's, if it is one, else the order's."""
        of_order = None if order is None else order.pull_request
        number = context.number if context.is_pull_request else of_order
        if number is None:
            return None
        migrations = policy.migrations if isinstance(policy, Policy) else policies.DEFAULT_MIGRATIONS
        return self._github.pull_request(self._repository, number, migrations)

    def _membership(self, person: Person, team: str) -> Membership:
        unknown: bool | None = None
        organisation, _, slug = team.removeprefix("@").partition("/")
        is_member = self._or_unknown(
            lambda: self._github.is_team_member(organisation, slug, person.login), unknown
        )
        return Membership(team=team, is_member=is_member)

    def _or_unknown(self, ask: Callable[[], T], unknown: T) -> T:
        try:
            return ask()
        except NotAnswered as error:
            logger.warning("GitHub has not answered a question.", extra={"reason": error.reason})
            return unknown


def _teams(policy: PolicyAnswer, target: str | None) -> tuple[str, ...]:
    """Teams that the policy names, for one target if one is meant; each once."""
    if not isinstance(policy, Policy):
        return ()
    if target == "":
        # Of an order without a target: whoever does or supervises one of its phases.
        roles = [each.name for those in policy.roles.values() for each in those if each.is_team]
        return tuple(dict.fromkeys(roles))
    rules = [each for each in policy.targets.values() if target in (None, each.name)]
    named: Iterable[str] = (
        supervisor.name
        for each in rules
        for supervisor in (*each.supervisors, *each.break_glass)
        if supervisor.is_team
    )
    return tuple(dict.fromkeys(named))

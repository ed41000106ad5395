from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from bot.gather import gather
from bot.perform import Decided, perform
from bot.sandbox import Fault, When
from bot.services import Services
from bot.store import orders
from handlers import Task
from handlers.command import Mistake
from handlers.facts import Context, Facts, Need, Wanted
from tests.integration.store.values import opening
from tests.plugins.sandbox import REPO, ServedSandbox
from workorders import definition
from workorders.authority import Permission
from workorders.intents import Approve
from workorders.order import Person, Repository
from workorders.policy import InvalidPolicy, MissingPolicy, Policy, UnknownPolicy

POLICY = "version: 1\ntargets:\n  shop:\n    supervisors: [dba]\n"
NOW = datetime(2026, 5, 4, tzinfo=UTC)


@pytest.fixture
def repository(services: Services) -> Repository:
    found = services.app().find_repository(REPO)
    assert found is not None
    return found


@pytest.fixture
def ask(services: Services, sandbox: ServedSandbox, repository: Repository) -> Callable[..., Facts]:
    """`ask(need, ..., login="ana", order_number=None, sql_path="")`: the facts for it."""

    def asked(*needs: Need, login: str = "ana", order_number: int | None = None, sql_path: str = "") -> Facts:
        person = Person(id=sandbox.state.user(login).id, login=login)
        task = Task(
            key="k",
            context=Context(repository=repository, person=person, number=7, spoken_at=NOW),
            act=Mistake(line=1, verb="", reason="", next_move=""),
            wanted=Wanted(needs=frozenset(needs), order_number=order_number, sql_path=sql_path),
        )
        return gather(services, task, NOW).facts

    return asked


def test_what_is_not_wanted_is_not_asked_for(ask: Callable[..., Facts], sandbox: ServedSandbox) -> None:
    sandbox.state.plan_fault(Fault(when=When.INSTEAD, status=418, message="nobody asks"), times=1)

    assert ask() == Facts(now=NOW)


def test_the_policy_is_that_of_the_default_branch(ask: Callable[..., Facts], sandbox: ServedSandbox) -> None:
    assert isinstance(ask(Need.POLICY).policy, MissingPolicy)

    sandbox.state.put_file(REPO, ".github/lockkeeper.yml", POLICY, branch="attack")
    assert isinstance(ask(Need.POLICY).policy, MissingPolicy)

    sandbox.state.put_file(REPO, ".github/lockkeeper.yml", POLICY)
    assert isinstance(ask(Need.POLICY).policy, Policy)

    sandbox.state.put_file(REPO, ".github/lockkeeper.yml", "version: 2\n")
    assert isinstance(ask(Need.POLICY).policy, InvalidPolicy)


def test_a_policy_that_github_does_not_give_is_unknown_and_not_missing(
    ask: Callable[..., Facts], sandbox: ServedSandbox
) -> None:
    sandbox.state.plan_fault(Fault(when=When.INSTEAD, status=503, path="lockkeeper.yml"), times=9)

    assert isinstance(ask(Need.POLICY).policy, UnknownPolicy)


@pytest.mark.parametrize(
    ("login", "permission"),
    [("ana", Permission.WRITE), ("dba", Permission.MAINTAIN), ("mallory", Permission.READ)],
)
def test_rights_are_what_github_says_now(
    ask: Callable[..., Facts], login: str, permission: Permission
) -> None:
    assert ask(Need.RIGHTS, login=login).rights.permission is permission


def test_rights_that_github_does_not_tell_are_unknown(
    ask: Callable[..., Facts], sandbox: ServedSandbox
) -> None:
    sandbox.state.plan_fault(Fault(when=When.INSTEAD, status=503, path="/permission$"), times=9)

    assert ask(Need.RIGHTS).rights.permission is Permission.UNKNOWN


def test_definitions_of_the_repository_go_before_those_of_the_package(
    ask: Callable[..., Facts], sandbox: ServedSandbox
) -> None:
    shipped = definition.shipped()["database-migration"]
    own = shipped.text.replace("version: 1.0.0", "version: 9.9.9")
    sandbox.state.put_file(REPO, ".github/work-orders/database-migration.md", own)
    sandbox.state.put_file(REPO, ".github/work-orders/broken.md", "no front matter")
    sandbox.state.put_file(REPO, ".github/work-orders/README.md", "about them")

    facts = ask(Need.DEFINITIONS)

    assert facts.definitions["database-migration"].version == "9.9.9"
    assert set(facts.broken_definitions) == {"broken"}


def test_targets_are_those_that_are_bound_to_the_repository(
    ask: Callable[..., Facts], bind: Callable[[str], None]
) -> None:
    assert ask(Need.TARGETS).targets == ()

    bind("shop")

    assert ask(Need.TARGETS).targets == ("shop",)


def test_a_file_has_its_path_and_version_as_origin(ask: Callable[..., Facts], sandbox: ServedSandbox) -> None:
    sandbox.state.put_file(REPO, "db/1.sql", "SELECT 1;")

    script = ask(Need.SQL_FILE, sql_path="db/1.sql").sql_file

    assert script is not None
    assert script.sql == "SELECT 1;"
    assert script.origin.startswith("db/1.sql@")
    assert ask(Need.SQL_FILE, sql_path="db/2.sql").sql_file is None


def test_an_order_is_known_with_its_approvers_rights_and_beside_the_open_ones(
    ask: Callable[..., Facts], services: Services, sandbox: ServedSandbox, repository: Repository
) -> None:
    (order_id,) = perform(services, Decided(intents=(opening(repository=repository),))).opened
    dba = Person(id=sandbox.state.user("dba").id, login="dba")
    with services.pool.transaction() as ours:
        orders.set_issue(ours, order_id, 31)
        order = orders.read(ours, order_id)
    assert order is not None
    perform(
        services,
        Decided(intents=(Approve(order_id=order_id, by=dba, digest="d"),), decided_on=(order,)),
    )

    facts = ask(Need.ORDER, Need.APPROVERS, Need.OPEN_ORDERS, order_number=31)

    assert facts.order is not None
    assert facts.order.version == 2
    assert facts.approvers[dba.id].permission is Permission.MAINTAIN
    assert [each.issue_number for each in facts.open_orders] == [31]
    assert ask(Need.ORDER, order_number=32).order is None

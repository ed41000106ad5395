"""Orders and people for tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from workorders.authority import Membership, Permission, Rights
from workorders.order import Approval, Criterion, Order, Person, Repository, State
from workorders.policy import Policy, Supervisor, TargetPolicy

NOW = datetime(2024, 5, 13, 10, 0, tzinfo=UTC)
DIGEST = "ab12" * 16

REPOSITORY = Repository(id=7, full_name="acme/shop", installation_id=3)

AUTHOR = Person(id=1, login="ann")
SUPERVISOR = Person(id=2, login="sue")
SECOND = Person(id=3, login="Sid")
STRANGER = Person(id=4, login="rob")
MEMBER = Person(id=5, login="tim")
BOT = Person(id=6, login="lockkeeper[bot]", is_bot=True)
OPERATOR = Person(id=0, login="operator:root")

WRITES = Rights(permission=Permission.WRITE)
READS = Rights(permission=Permission.READ)
UNKNOWN = Rights()

TARGET = TargetPolicy(name="shop", supervisors=(Supervisor(name="sue"), Supervisor(name="sid")))
POLICY = Policy(targets={"shop": TARGET})


def policy(**rules: object) -> Policy:
    """The policy with other rules for the target."""
    return Policy(targets={"shop": replace(TARGET, **rules)})  # type: ignore[arg-type]  # rules by name


def in_team(answer: bool | None) -> Rights:
    """Write permission, and what GitHub said about the team of database people."""
    return Rights(permission=Permission.WRITE, memberships=(Membership(team="@acme/dba", is_member=answer),))


def approval(person: Person, digest: str = DIGEST) -> Approval:
    """An approval of the newest digest."""
    return Approval(person=person, digest=digest, approved_at=NOW)


def order(state: State = State.AWAITING_APPROVAL, **others: object) -> Order:
    """An order of Ann's."""
    plain = Order(
        id=11,
        repository=REPOSITORY,
        issue_number=42,
        definition="database-migration",
        definition_text="",
        target="shop",
        sql="alter table orders add column note text;",
        sql_origin="db/migrations/0042.sql@abc",
        state=state,
        version=5,
        authors=(AUTHOR,),
        digest=DIGEST,
        criteria=(
            Criterion(number=1, text="It works", holds=True, evidence="seen"),
            Criterion(number=2, text="It is fast", holds=True, evidence="1.0 of 1.5"),
        ),
        opened_at=NOW,
        title="Database migration on shop",
    )
    return replace(plain, **others)  # type: ignore[arg-type]  # fields by name

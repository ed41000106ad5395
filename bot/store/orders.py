"""Orders as they stand in ours. Only `bot.perform` writes what decides about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from bot.store.ours import Ours, row, rows, run
from bot.store.queries import queries
from workorders.intents import OpenOrder
from workorders.lifecycle import Event
from workorders.order import (
    Approval,
    Criterion,
    Order,
    Person,
    PhaseReport,
    Quarantine,
    Reading,
    Repository,
    SqlFile,
    State,
)
from workorders.turn import Freeze

_QUERY = queries("orders")

#: By the newest event that bears on it.
_QUARANTINES = {Event.PURGE.value: Quarantine.PURGE_ASKED, Event.PURGED.value: Quarantine.PURGED}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Where an order was asked for."""

    order_id: int
    #: The issue or pull request.
    number: int


@dataclass(frozen=True, kw_only=True)
class Steered:
    """What people have made of a running order."""

    state: State
    speed_percent: int


@dataclass(frozen=True, kw_only=True)
class Due:
    """An order that somebody is to look at."""

    order_id: int
    target: str


def read(ours: Ours, order_id: int) -> Order | None:
    """The order; None where there is none of this number."""
    found = read_all(ours, [order_id])
    return found[0] if found else None


def read_all(ours: Ours, order_ids: Iterable[int]) -> tuple[Order, ...]:
    """These orders, by number; unknown numbers are left out."""
    return tuple(from_row(each) for each in rows(ours, _QUERY["read_order"], ids=list(order_ids)))


def of_issue(ours: Ours, repository_id: int, number: int) -> Order | None:
    """The order whose issue this is."""
    found = row(ours, _QUERY["order_by_issue"], repository_id=repository_id, number=number)
    return read(ours, found["id"]) if found else None


def numbered(ours: Ours, number: int) -> tuple[Order, ...]:
    """The orders whose issue has this number, each in another repository."""
    return _listed(ours, "orders_numbered", number=number)


def asked_on(ours: Ours, repository_id: int, number: int) -> tuple[Order, ...]:
    """The orders that were asked for on this issue or pull request, oldest first."""
    return _listed(ours, "orders_asked_on", repository_id=repository_id, number=number)


def newest_asked_on(ours: Ours, repository_id: int, number: int) -> int:
    """The newest order that was asked for there; 0 where none was."""
    found = row(ours, _QUERY["newest_asked_on"], repository_id=repository_id, number=number)
    return 0 if found is None else int(found["id"])


def lock_place(ours: Ours, repository_id: int, number: int) -> None:
    """Nobody else opens an order on this issue or pull request until the transaction ends."""
    run(ours, _QUERY["lock_place"], repository_id=repository_id, number=number)


def of_target(ours: Ours, target: str) -> tuple[Order, ...]:
    """Every order on the target, oldest first."""
    return _listed(ours, "orders_of_target", target=target)


def of_repository(ours: Ours, repository_id: int) -> tuple[Order, ...]:
    """Every order of the repository, oldest first."""
    return _listed(ours, "orders_of_repository", repository_id=repository_id)


def of_pull_request(ours: Ours, repository_id: int, number: int) -> tuple[Order, ...]:
    """Every order of the pull request, oldest first."""
    return _listed(ours, "orders_of_pull_request", repository_id=repository_id, number=number)


def with_script(ours: Ours, order: Order, target: str) -> tuple[Order, ...]:
    """The repository's orders that bring this order's script to a target, letter by letter; oldest first."""
    return _listed(
        ours, "orders_with_script", target=target, repository_id=order.repository.id, sql=order.sql
    )


def newest(ours: Ours, limit: int = 100) -> tuple[Order, ...]:
    """The newest orders, newest last."""
    return _listed(ours, "all_orders", limit=limit)


def due(ours: Ours) -> tuple[Due, ...]:
    """Orders whose time has come and that have no job; at most a hundred."""
    return tuple(Due(order_id=each["id"], target=each["target"]) for each in rows(ours, _QUERY["orders_due"]))


def take_to_link(ours: Ours) -> tuple[Asked, ...]:
    """Orders whose issue has been opened and is to be linked; each is given once."""
    return tuple(
        Asked(order_id=each["id"], number=each["asked_on"]) for each in rows(ours, _QUERY["orders_to_link"])
    )


def insert(ours: Ours, opening: OpenOrder, state: State, now: datetime) -> int:
    """Opens the order with its authors and criteria; gives its number."""
    found = row(
        ours, _QUERY["insert_order"],
        repository_id=opening.repository.id, full_name=opening.repository.full_name,
        installation_id=opening.repository.installation_id, asked_on=opening.asked_on,
        definition=opening.definition, definition_text=opening.definition_text, target=opening.target,
        sql=opening.sql, sql_origin=opening.sql_origin, title=opening.title, state=state.value, opened_at=now,
        pull_request=opening.pull_request, **_read_at(opening.reading),
    )  # fmt: skip
    assert found is not None
    order_id: int = found["id"]
    for person in (opening.starter, *opening.authors):
        add_author(ours, order_id, person)
    set_criteria(ours, order_id, opening.criteria)
    return order_id


def locked_version(ours: Ours, order_id: int) -> int | None:
    """The order's version, held still until the end of the transaction; None where there is no order."""
    found = row(ours, _QUERY["lock_order"], id=order_id)
    return None if found is None else int(found["version"])


def advance_version(ours: Ours, order_id: int) -> None:
    """One more change; whoever decided on the version before must decide again."""
    run(ours, _QUERY["advance_version"], id=order_id)


def set_state(ours: Ours, order_id: int, state: State) -> None:
    """The order has moved."""
    run(ours, _QUERY["set_state"], id=order_id, state=state.value)


def set_script(ours: Ours, order_id: int, sql: str, sql_origin: str, reading: Reading | None = None) -> None:
    """The script is replaced and the digest emptied."""
    run(ours, _QUERY["set_script"], id=order_id, sql=sql, sql_origin=sql_origin, **_read_at(reading))


def set_reading(ours: Ours, order_id: int, sql_origin: str, reading: Reading) -> None:
    """The same script was found again at another commit."""
    run(ours, _QUERY["set_reading"], id=order_id, sql_origin=sql_origin, **_read_at(reading))


def set_digest(ours: Ours, order_id: int, digest: str, now: datetime) -> None:
    """The newest review's digest; "" takes it away."""
    run(ours, _QUERY["set_digest"], id=order_id, digest=digest, at=now)


def set_run(ours: Ours, order_id: int, name: str) -> None:
    """The run that carries the order out. Changes no version: no decision depends on it."""
    run(ours, _QUERY["set_run"], id=order_id, run=name)


def set_speed(ours: Ours, order_id: int, percent: int) -> None:
    """How fast its backfills go. Changes no version: no decision depends on it."""
    run(ours, _QUERY["set_speed"], id=order_id, percent=percent)


def steered(ours: Ours, order_id: int) -> Steered:
    """Where it stands and how fast it is to go."""
    found = row(ours, _QUERY["steered"], id=order_id)
    assert found is not None
    return Steered(state=State(found["state"]), speed_percent=found["speed_percent"])


def set_issue(ours: Ours, order_id: int, number: int) -> bool:
    """The issue has been opened; False where the order has another one already."""
    return row(ours, _QUERY["set_issue"], id=order_id, number=number) is not None


def add_author(ours: Ours, order_id: int, person: Person) -> None:
    """One more person who may not approve; a known one changes nothing."""
    run(
        ours, _QUERY["insert_author"],
        order_id=order_id, person_id=person.id, login=person.login, is_bot=person.is_bot,
    )  # fmt: skip


def add_approval(ours: Ours, order_id: int, approval: Approval) -> None:
    """One more approval; the same person's of the same digest takes its place."""
    run(
        ours, _QUERY["insert_approval"],
        order_id=order_id, person_id=approval.person.id, login=approval.person.login,
        digest=approval.digest, accepted=list(approval.accepted), approved_at=approval.approved_at,
    )  # fmt: skip


def void_approvals(ours: Ours, order_id: int, reason: str, now: datetime) -> int:
    """Those so far count no longer; gives how many they were."""
    return run(ours, _QUERY["void_approvals"], order_id=order_id, reason=reason, at=now)


def set_criteria(ours: Ours, order_id: int, criteria: Iterable[Criterion]) -> None:
    """The criteria as they stand now, instead of those before."""
    run(ours, _QUERY["delete_criteria"], order_id=order_id)
    for each in criteria:
        run(
            ours, _QUERY["insert_criterion"],
            order_id=order_id, number=each.number, text=each.text, holds=each.holds, fails=each.fails,
            evidence=each.evidence,
        )  # fmt: skip


def look_again(ours: Ours, order_id: int, at: datetime | None) -> None:
    """When the worker looks at the order unasked; None: only when asked."""
    run(ours, _QUERY["look_again"], id=order_id, at=at)


def call_line(ours: Ours, target: str) -> None:
    """Every approved order on the target is looked at again now."""
    run(ours, _QUERY["call_line"], target=target)


def due_now(ours: Ours, order_id: int) -> None:
    """Work was asked for; the sweep makes up for a lost job."""
    run(ours, _QUERY["due_now"], id=order_id)


def begun(ours: Ours, order_id: int) -> int:
    """One more try of the order's job; gives how many there were since one ended well, this one included."""
    found = row(ours, _QUERY["begin_work"], id=order_id)
    return 0 if found is None else int(found["attempts"])


def worked(ours: Ours, order_id: int, pause_seconds: float | None) -> None:
    """The order's job has ended well, or waits: the next failure is the first again.

    It is looked at after the pause, with None only when asked, unless a time to come was set
    while the job ran.
    """
    run(ours, _QUERY["order_worked"], id=order_id, pause_seconds=pause_seconds)


def next_fencing_token(ours: Ours) -> int:
    """Higher than any before it, also when the transaction is undone."""
    found = row(ours, _QUERY["next_fencing_token"])
    assert found is not None
    return int(found["token"])


def freeze(ours: Ours, target: str, login: str, reason: str) -> None:
    """Nothing new begins on the target; who froze it first stays."""
    run(ours, _QUERY["freeze"], target=target, login=login, reason=reason)


def unfreeze(ours: Ours, target: str) -> bool:
    """Whether it was frozen."""
    return row(ours, _QUERY["unfreeze"], target=target) is not None


def frozen(ours: Ours, target: str) -> Freeze | None:
    """Who froze the target and since when; None where nobody did."""
    found = row(ours, _QUERY["read_freeze"], target=target)
    return Freeze(**found) if found else None


def from_row(found: Mapping[str, Any]) -> Order:
    """An order of the row that `read_order` gives."""
    return Order(
        id=found["id"],
        repository=Repository(
            id=found["repository_id"],
            full_name=found["full_name"],
            installation_id=found["installation_id"],
        ),
        issue_number=found["issue_number"],
        definition=found["definition"],
        definition_text=found["definition_text"],
        target=found["target"],
        sql=found["sql"],
        sql_origin=found["sql_origin"],
        state=State(found["state"]),
        version=found["version"],
        authors=tuple(Person(**each) for each in found["authors"] or ()),
        digest=found["digest"],
        reviewed_at=found["reviewed_at"],
        approvals=tuple(
            Approval(
                person=Person(id=each["id"], login=each["login"]),
                digest=each["digest"],
                approved_at=datetime.fromisoformat(each["approved_at"]),
                accepted=tuple(each["accepted"]),
            )
            for each in found["approvals"] or ()
        ),
        criteria=tuple(Criterion(**each) for each in found["criteria"] or ()),
        run=found["run"],
        speed_percent=found["speed_percent"],
        opened_at=found["opened_at"],
        title=found["title"],
        quarantine=_QUARANTINES.get(found["quarantine"], Quarantine.KEPT),
        reports=tuple(
            PhaseReport(**{**each, "by": Person(**each["by"])}) for each in found["phase_reports"] or ()
        ),
        is_commanded=found["command"] == Event.COMMANDED.value,
        asked_on=found["asked_on"],
        pull_request=found["pull_request"],
        reading=Reading(
            head=found["head"],
            files=tuple(SqlFile(**each) for each in found["sql_files"]),
            changed=tuple(found["changed_files"]),
        )
        if found["head"]
        else None,
    )


def _read_at(reading: Reading | None) -> dict[str, Any]:
    """The columns that hold it."""
    return {
        "head": reading.head if reading else "",
        "sql_files": Jsonb([asdict(each) for each in reading.files] if reading else []),
        "changed_files": Jsonb(list(reading.changed) if reading else []),
    }


def _listed(ours: Ours, name: str, **values: int | str) -> tuple[Order, ...]:
    return read_all(ours, [each["id"] for each in rows(ours, _QUERY[name], **values)])

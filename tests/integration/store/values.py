"""Orders to begin with."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from workorders.intents import OpenOrder
from workorders.order import Criterion, Person, Repository

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
ANA = Person(id=11, login="ana")
DBA = Person(id=12, login="dba")
SHOP = Repository(id=77, full_name="acme/shop", installation_id=5)

_OPENING = OpenOrder(
    repository=SHOP,
    definition="database-migration",
    definition_text="---\nname: database-migration\n---\n",
    target="shop-production",
    sql="ALTER TABLE orders ADD COLUMN note text;",
    sql_origin="db/migrations/0042.sql@abc",
    title="note on orders",
    starter=ANA,
    criteria=(Criterion(number=1, text="It works."), Criterion(number=2, text="It is fast.")),
    asked_on=7,
)


def opening(**changes: Any) -> OpenOrder:
    return replace(_OPENING, **changes)

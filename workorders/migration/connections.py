"""Which database a connection leads to, as types, so that one cannot be taken for another."""

from __future__ import annotations

from typing import NewType

import psycopg
from psycopg.rows import TupleRow

#: A connection to a user's database.
Target = NewType("Target", psycopg.Connection[TupleRow])

#: A connection to a throw-away copy of a target's schema.
Shadow = NewType("Shadow", psycopg.Connection[TupleRow])

#: Either, for code that only reads catalogs or runs the plan's own steps.
Database = Target | Shadow

"""Where our own database's queries stand: `sql/`, beside this module."""

from __future__ import annotations

from collections.abc import Mapping

from workorders.migration.named_queries import named_queries


def queries(name: str) -> Mapping[str, str]:
    """The queries of `sql/<name>.sql`, by name."""
    return named_queries("bot.store", f"sql/{name}.sql")

"""The services with everyone who leads orders: what a worker needs, put together in this one place.

Not in `bot.services`, which the conductors themselves stand on.
"""

from __future__ import annotations

from bot.conducting.migration import MigrationConductor
from bot.conducting.people import PeopleConductor
from bot.services import Conductor, Services
from bot.settings import Settings
from bot.store import orders


class _Conductor:
    """Leads any order: a definition of any name may be done by people or by code."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._migration: Conductor = MigrationConductor(services)
        self._people: Conductor = PeopleConductor(services)

    def advance(self, order_id: int) -> None:
        """Leaves it to whoever leads orders of this kind."""
        with self._services.pool.transaction() as ours:
            order = orders.read(ours, order_id)
        if order is not None:
            (self._people if order.is_by_people else self._migration).advance(order_id)


def assembled(settings: Settings) -> Services:
    """Opens the services with a conductor for every order.

    To be closed by the caller. Raises as `Services.open`.
    """
    services = Services.open(settings)
    services.conductors[""] = _Conductor(services)
    return services

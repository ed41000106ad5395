"""The services with everyone who leads orders: what a worker needs, put together in this one place.

Not in `bot.services`, which the conductors themselves stand on.
"""

from __future__ import annotations

from bot.conducting.migration import MigrationConductor
from bot.services import Services
from bot.settings import Settings


def assembled(settings: Settings) -> Services:
    """Opens the services with a conductor for each definition that we have code for.

    To be closed by the caller. Raises as `Services.open`.
    """
    services = Services.open(settings)
    services.conductors["database-migration"] = MigrationConductor(services)
    return services

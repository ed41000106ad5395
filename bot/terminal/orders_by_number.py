"""Which order a command line means: an issue's number, and the repository where several have it."""

from __future__ import annotations

from bot.errors import Refused
from bot.services import Services
from bot.store import orders
from workorders.order import Order


def order_of(services: Services, number: int, repository: str | None) -> Order:
    """The order; GitHub is not asked.

    Raises Refused where there is none, or one in each of several repositories.
    """
    with services.pool.transaction() as ours:
        found = [
            each
            for each in orders.numbered(ours, number)
            if repository is None or each.repository.full_name.casefold() == repository.casefold()
        ]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(each.repository.full_name for each in found)
        raise Refused.because(f"There is an order #{number} in each of {names}.", "Add --repo OWNER/NAME.")
    where = f" in {repository}" if repository else ""
    raise Refused.because(
        f"There is no work order #{number}{where}.", "Give the number of the issue that Lockkeeper opened."
    )

"""Asks GitHub to deliver again what never reached us."""

from __future__ import annotations

import logging
from datetime import datetime

from bot.errors import Blocked, Refused
from bot.github.missed import WINDOW
from bot.services import Services
from bot.store import deliveries

logger = logging.getLogger(__name__)

#: In one round; the next one goes on.
MOST_AT_ONCE = 100


def redeliver_missed(services: Services, now: datetime) -> int:
    """Asks for another attempt of each webhook that failed and is not in ours; gives how many.

    Each is asked for once in a round, and more and more seldom while it goes on failing. What has
    arrived after all, or arrives twice, is known by its GUID. Raises `Blocked` where GitHub does not
    answer at all.
    """
    if not services.is_registered():
        return 0
    app = services.app()
    failed = app.failed_deliveries(now - WINDOW)
    if not failed:
        return 0
    with services.pool.transaction() as ours:
        known = deliveries.known(ours, [each.guid for each in failed])
    missed = [each for each in failed if each.guid not in known and each.is_due(now)][:MOST_AT_ONCE]
    asked = 0
    for each in missed:
        try:
            app.redeliver(each.attempt_id)
        except Refused as refused:
            # One that GitHub has meanwhile forgotten keeps nobody else's from coming.
            logger.warning(
                "GitHub does not deliver again.", extra={"guid": each.guid, "reason": str(refused)}
            )
        except Blocked:
            logger.warning("Webhooks were asked for again, not all.", extra={"asked": asked})
            raise
        else:
            asked += 1
    if asked:
        logger.warning("Webhooks that never arrived were asked for again.", extra={"asked": asked})
    return asked

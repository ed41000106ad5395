"""GitHub's rate limits: so many requests an hour, and so many writes a minute, for each caller."""

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.sandbox.answers import Refusal

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What is left of a caller's hour."""

    limit: int
    used: int
    reset_at: datetime

    @property
    def remaining(self) -> int:
        """Requests that may still be made before `reset_at`."""
        return max(0, self.limit - self.used)

    def headers(self) -> dict[str, str]:
        """The headers that GitHub adds to each answer."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Used": str(self.used),
            "X-RateLimit-Reset": str(int(self.reset_at.timestamp())),
            "X-RateLimit-Resource": "core",
        }

    def shape(self) -> dict[str, int]:
        """`rate-limit`, as `/rate_limit` shows it."""
        return {
            "limit": self.limit,
            "used": self.used,
            "remaining": self.remaining,
            "reset": int(self.reset_at.timestamp()),
        }


@dataclass
class RateLimits:
    """Counts requests by caller; the hour begins with a caller's first."""

    per_hour: int
    #: GitHub's secondary limit for what creates content is 80; None is none.
    writes_per_minute: int | None = None
    _writes: dict[str, list[datetime]] = field(default_factory=dict)
    _budgets: dict[str, Budget] = field(default_factory=dict)

    def budget(self, key: str, now: datetime) -> Budget:
        """The caller's budget as it stands."""
        known = self._budgets.get(key)
        if known is None or now >= known.reset_at:
            return Budget(limit=self.per_hour, used=0, reset_at=now + timedelta(hours=1))
        return known

    def nobodys(self, now: datetime) -> Budget:
        """What an answer to missing or bad credentials shows; it is small, and not counted here."""
        return Budget(limit=60, used=0, reset_at=now + timedelta(hours=1))

    def spend(self, key: str, now: datetime) -> Budget:
        """Count one request; refused with 403 once nothing is left."""
        budget = self.budget(key, now)
        if budget.remaining == 0:
            raise Refusal(403, "API rate limit exceeded", headers=budget.headers())
        spent = Budget(limit=budget.limit, used=budget.used + 1, reset_at=budget.reset_at)
        self._budgets[key] = spent
        return spent

    def write(self, key: str, now: datetime) -> None:
        """Count one write; refused with 403 and a time to wait once there were too many in a minute."""
        if self.writes_per_minute is None:
            return
        recent = [each for each in self._writes.get(key, ()) if each > now - _MINUTE]
        if len(recent) >= self.writes_per_minute:
            wait = math.ceil((recent[0] + _MINUTE - now).total_seconds())
            raise Refusal(
                403, "You have exceeded a secondary rate limit.", headers={"Retry-After": str(wait)}
            )
        self._writes[key] = [*recent, now]

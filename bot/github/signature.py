"""Whether a webhook's bytes were signed with a secret that the App shares with GitHub.

A signature holds no time: a replay is stopped by the delivery's id, not here.
Source: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

_SCHEME = "sha256="


def is_signed(body: bytes, header: str | None, secrets: Sequence[str]) -> bool:
    """Whether `header`, the value of `X-Hub-Signature-256`, fits the raw body under one of the secrets.

    While a secret is being rotated both are given. Without a header, or without a secret,
    nothing is signed; an empty secret counts as none, for anybody could sign with it.
    """
    if not header:
        return False
    # Bytes, because compare_digest raises on text that is not ASCII, and the header is a stranger's.
    given = header.encode("utf-8", "surrogateescape")
    fits = False
    for secret in secrets:
        if secret:
            # Every secret is tried, so that the time taken does not tell which of them fits.
            fits = hmac.compare_digest(given, signature(body, secret).encode("ascii")) or fits
    return fits


def signature(body: bytes, secret: str) -> str:
    """The header's value for these bytes."""
    return _SCHEME + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()

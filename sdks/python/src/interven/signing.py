"""The signature of the HMAC endpoints, and the time that they read."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timezone


def hmac_sign(payload: str, secret: str) -> str:
    """base64(HMAC-SHA256(secret, payload))."""
    digest = hmac.new(secret.encode(), payload.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def now() -> str:
    """RFC 3339, UTC, milliseconds."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")

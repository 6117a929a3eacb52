"""Signatures of callbacks, by which a receiver knows who sent them and that nobody sends them again.

The header reads ``PymSignature: t=<seconds since 1970>,v1=<hex>``; ``v1`` is the HMAC-SHA256 of ``<t>.<body>``. A
receiver calls :func:`verify`, or does the same in its own language.
"""

from __future__ import annotations

import hashlib
import hmac
import time

from pymacaron.auth import signing_key
from pymacaron.config import get_config

HEADER = "PymSignature"
#: Seconds that the clocks of sender and receiver, and the way between them, may take.
TOLERANCE = 300.0

_LABEL = b"pymacaron-async callbacks v1"


class InvalidSignature(ValueError):
    """A callback was not sent by who has the secret, was changed on its way, or is too old."""


def callback_secret() -> str:
    """Return the secret that callbacks are signed with: ``async_callback_secret``, else one made of ``jwt_secret``.

    Raises:
        ConfigError: there is neither.
    """
    given = get_config().get("async_callback_secret")
    if given:
        return str(given)
    return hmac.new(signing_key().encode(), _LABEL, hashlib.sha256).hexdigest()


def sign(body: bytes, secret: str, now: float | None = None) -> str:
    """Return the value of the header for a body."""
    stamp = str(int(time.time() if now is None else now))
    return f"t={stamp},v1={_digest(stamp, body, secret)}"


def verify(header: str | None, body: bytes, secret: str, tolerance: float = TOLERANCE) -> None:
    """Check a callback that came.

    Args:
        header: the value of ``PymSignature``.
        body: as it came, before it is decoded.
        secret: that the sender has.
        tolerance: seconds that may lie between the signature and now.

    Raises:
        InvalidSignature: the callback is not to be trusted.
    """
    parts = [part.strip().partition("=") for part in (header or "").split(",")]
    stamp = next((value for name, _, value in parts if name == "t"), "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 20):
        raise InvalidSignature(f"the header {HEADER} must read t=<seconds>,v1=<hex>, not {str(header)[:80]!r}")
    wanted = _digest(stamp, body, secret).encode()
    # Several are there while a sender changes its secret.
    given = [value for name, _, value in parts if name == "v1"]
    if not any(hmac.compare_digest(wanted, value.encode()) for value in given):
        raise InvalidSignature(f"no v1 of the header {HEADER} is of this body and this secret")
    age = time.time() - int(stamp)
    if abs(age) > tolerance:
        raise InvalidSignature(f"it was signed {age:.0f} s ago, and {tolerance:.0f} s are allowed")


def _digest(stamp: str, body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()

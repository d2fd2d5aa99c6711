"""Signatures of messages, as the Standard Webhooks specification writes them, so that receivers find libraries.

Headers: `webhook-id` (the same with every attempt), `webhook-timestamp` (seconds since 1970 UTC, of this attempt),
`webhook-signature` (`v1,` and the base64 of HMAC-SHA-256 over `ID.TIMESTAMP.BODY`). A receiver that checks the
signature, refuses timestamps older than five minutes and remembers ids cannot be told anything twice or by somebody
else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections.abc import Container, Mapping

from common.errors import AccessDenied

PREFIX = "whsec_"
TOLERANCE_S = 300


class MessageRefused(AccessDenied):
    """A message that must not be acted upon; `reason`: unsigned, signature-wrong, too-old, replayed, secret."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def new_secret() -> str:
    """32 random bytes as text."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def headers(secret: str, message: str, body: bytes, *, now: float | None = None) -> dict[str, str]:
    timestamp = int(time.time() if now is None else now)
    return {
        "webhook-id": message,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{_signature(secret, message, timestamp, body)}",
    }


def verify(
    secret: str, given: Mapping[str, str], body: bytes, *, seen: Container[str] = (), now: float | None = None
) -> str:
    """The message's id, for a receiver. `seen`: ids that it has; header names in lower case. Raises MessageRefused.

    What was `replayed` may be another attempt, the answer to which was lost: answer 2xx, and do not act upon it.
    """
    message, timestamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not message or not timestamp.isascii() or not timestamp.isdigit():
        raise MessageRefused("unsigned", "The message is not signed.")
    expected = _signature(secret, message, int(timestamp), body)
    signatures = [part.partition(",")[2] for part in given.get("webhook-signature", "").split() if part[:3] == "v1,"]
    if not any(hmac.compare_digest(expected.encode(), found.encode()) for found in signatures):
        raise MessageRefused("signature-wrong", "The signature is wrong.")
    if abs((time.time() if now is None else now) - int(timestamp)) > TOLERANCE_S:
        raise MessageRefused("too-old", "The message is too old.")
    if message in seen:
        raise MessageRefused("replayed", "The message was here before.")
    return message


def _signature(secret: str, message: str, timestamp: int, body: bytes) -> str:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise MessageRefused("secret", "The secret is not one of a webhook.") from error
    signed = f"{message}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()

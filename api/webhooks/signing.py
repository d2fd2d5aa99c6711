"""Signatures of messages, as the Standard Webhooks specification writes them, so that receivers find libraries.

Headers: `webhook-id` (the same with every attempt), `webhook-timestamp` (seconds since 1970 UTC, of this attempt),
`webhook-signature` (`v1,` and the base64 of HMAC-SHA-256 over `ID.TIMESTAMP.BODY`). A receiver that checks the
signature, refuses timestamps older than five minutes and remembers ids for as long cannot be told anything twice or
by somebody else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping

from common.errors import AccessDenied

PREFIX = "whsec_"
TOLERANCE_S = 300


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


def verify(secret: str, given: Mapping[str, str], body: bytes, *, now: float | None = None) -> str:
    """The message's id. Raises AccessDenied for a signature that is missing, wrong or too old; whoever calls it refuses
    an id that it has seen. Header names in lower case."""
    message, timestamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not message or not timestamp.isascii() or not timestamp.isdigit():
        raise AccessDenied("The message is not signed.")
    expected = _signature(secret, message, int(timestamp), body)
    signatures = [part.partition(",")[2] for part in given.get("webhook-signature", "").split() if part[:3] == "v1,"]
    if not any(hmac.compare_digest(expected.encode(), found.encode()) for found in signatures):
        raise AccessDenied("The signature is wrong.")
    if abs((time.time() if now is None else now) - int(timestamp)) > TOLERANCE_S:
        raise AccessDenied("The message is too old.")
    return message


def _signature(secret: str, message: str, timestamp: int, body: bytes) -> str:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise AccessDenied("The secret is not one of a webhook.") from error
    signed = f"{message}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()

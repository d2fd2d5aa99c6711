"""Cursors: where the next page starts, sealed, so that it tells nothing and cannot be changed.

A cursor belongs to one caller, one scope and one search, and lasts some minutes. Any other use, be it a changed
byte, another caller's cursor or one from before rights changed, gets the same answer.
"""

from __future__ import annotations

import base64
import binascii
import time
import zlib
from dataclasses import dataclass
from typing import Any

import orjson

from api.access.scope import Scope
from api.access.secret import Keys
from api.search.engine import Position
from common.errors import UsageError

USE = "cursor"
LASTS_S = 300
LONGEST = 16_000


class BadCursor(UsageError):
    """The cursor cannot be used: one message for every reason."""

    def __init__(self) -> None:
        super().__init__("The cursor is not valid, or not any more.", remedy="Start the search again.")


@dataclass(frozen=True, slots=True)
class Cursor:
    search: dict[str, Any]
    """The search it continues, as the API's request."""
    position: Position
    snapshot: str | None
    """Point in time; None until the second page opens one."""


def write(keys: Keys, scope: Scope, cursor: Cursor) -> str:
    position = cursor.position
    content = {
        "s": cursor.search,
        "p": [position.side, position.offset, position.fused, position.after],
        "t": cursor.snapshot,
        "e": int(time.time()) + LASTS_S,
    }
    sealed = keys.seal(USE, zlib.compress(orjson.dumps(content)), _binding(scope))
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def read(keys: Keys, scope: Scope, text: str) -> Cursor:
    """Raises BadCursor for anything but an unexpired cursor of this caller under these very rights."""
    if len(text) > LONGEST:
        raise BadCursor
    try:
        sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        content = orjson.loads(zlib.decompress(keys.open(USE, sealed, _binding(scope))))
    except (ValueError, binascii.Error, zlib.error) as error:
        raise BadCursor from error
    if content["e"] < time.time():
        raise BadCursor
    side, offset, fused, after = content["p"]
    return Cursor(content["s"], Position(side, offset, fused, None if after is None else tuple(after)), content["t"])


def _binding(scope: Scope) -> bytes:
    return f"{scope.caller.name}|{scope.fingerprint}".encode()

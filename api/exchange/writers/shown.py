"""Writing what a caller sees of a record: the JSON that is left of it once what is hidden has been taken out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from api.exchange.writers.result import Written
from api.exchange.writers.table import write
from common.errors import ConcordError, UnwritableRecord
from indexer.record import Record

log = structlog.get_logger("writers")

NOWHERE = {"delivery": 0, "file": "", "ordinal": 0, "sha256": "0" * 64, "format": "", "reader_version": 0}
"""Where a record came from is its provider's business; the model must have something."""


def as_record(shown: Mapping[str, Any]) -> Record:
    """A redacted record (with its bibliography) as a record of its own: what is hidden is not there."""
    return Record.model_validate({**shown, "source": NOWHERE})


def write_shown(shown: Mapping[str, Any], format: str, *, verified: bool = True) -> Written:
    """As `write`. Raises UnwritableRecord, also where what was written cannot be read back."""
    entry = as_record(shown)
    try:
        return write(entry, format, verified=verified)
    except UnwritableRecord:
        raise
    except ConcordError as error:
        # Never which record: that would tell what somebody looked at.
        log.error("written record cannot be read back", format=format, right=entry.right.value)
        raise UnwritableRecord(error.message, missing=(("record", "what was written cannot be read back"),)) from error

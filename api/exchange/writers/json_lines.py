"""The platform's own JSON lines: one object a line in the shape of concord-record.schema.json; carries everything."""

from __future__ import annotations

import dataclasses
from typing import Any

import orjson

from api.exchange.writers.drafts import draft_of
from indexer.formats.own import MARKER, POSITION, VERSION
from indexer.record import Record


def write(record: Record) -> bytes:
    """One line. What a field's default says anyway is left out."""
    return orjson.dumps({MARKER: VERSION, **_said(draft_of(record))}) + b"\n"


DEFAULTS = {"operation": "upsert", "layer": "office", "entity": "unknown"}
KEPT_FALSE = frozenset({"inventive", "work_publish"})
"""Fields of which False says something else than nothing."""


def _said(found: Any) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for field in dataclasses.fields(found):
        name, value = field.name, getattr(found, field.name)
        unsaid = value is None or value == [] or (value is False and name not in KEPT_FALSE)
        if name in POSITION or unsaid or DEFAULTS.get(name) == value:
            continue
        if isinstance(value, list):
            said[name] = [_said(one) if dataclasses.is_dataclass(one) else one for one in value]
        else:
            said[name] = _said(value) if dataclasses.is_dataclass(value) else value
    return said

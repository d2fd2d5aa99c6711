"""Collecting what harmonising doubted: each finding names a rule of indexer/quality/rules.toml."""

from __future__ import annotations

from indexer.quality.rules import rule
from indexer.record import Finding

LONGEST_VALUE = 200


def finding(name: str, field: str, value: str | None = None, /, **details: str) -> Finding:
    """Finding of rule `name`, its message filled with `value` and `details`."""
    found = rule(name)
    shown = value if value is None or len(value) <= LONGEST_VALUE else value[:LONGEST_VALUE] + "…"
    return Finding(
        rule=name,
        severity=found.severity,
        field=field,
        message=found.message.format(value=shown, field=field, **details),
        value=shown,
    )

"""Takes out of a record what its viewer has no grant for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from api.access.fields import fields
from api.access.model import Group, Tier
from api.access.scope import View

ASK = "This provider shares only that the record exists. Ask the provider for access."


def redact(record: Mapping[str, Any], view: View) -> dict[str, Any]:
    """A new record JSON with the parts that the view grants; everything else is absent, not empty."""
    groups = view.groups
    if Group.BIBLIOGRAPHY not in groups:
        return stub(record) if Group.EXISTENCE in groups else {}
    cut = _cut(groups)
    shown = {name: value for name, value in record.items() if name in cut.given}
    if cut.texts and "texts" in shown:
        shown["texts"] = [text for text in shown["texts"] if text["type"] not in cut.texts]
    if cut.dates and "dates" in shown:
        shown["dates"] = [date for date in shown["dates"] if date["type"] not in cut.dates]
    if cut.personal and "parties" in shown:
        shown["parties"] = [
            {name: value for name, value in party.items() if name not in cut.personal} for party in shown["parties"]
        ]
    return shown


@dataclass(frozen=True, slots=True)
class _Cut:
    """What field groups, bibliography among them, leave of a record."""

    given: frozenset[str]
    """Parts that stay."""
    texts: frozenset[str]
    dates: frozenset[str]
    """Types that go, of what stays."""
    personal: frozenset[str]
    """Parts of a party that go."""


@lru_cache(maxsize=256)
def _cut(groups: frozenset[Group]) -> _Cut:
    table = fields()

    def without(types: Mapping[str, Group]) -> frozenset[str]:
        return frozenset(name for name, group in types.items() if group not in groups)

    given = frozenset(name for name, group in table.record.items() if group in groups)
    personal = frozenset[str]() if Group.PERSONAL_DATA in groups else table.personal
    return _Cut(given, without(table.texts), without(table.dates), personal)


def stub(record: Mapping[str, Any]) -> dict[str, Any]:
    """What the existence tier shows: whose record it is and whom to ask, no identifier."""
    shown = {name: record[name] for name in ("right", "office", "provider", "collection") if name in record}
    return {**shown, "tier": Tier.EXISTENCE.label, "notice": ASK}

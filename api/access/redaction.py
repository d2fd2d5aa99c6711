"""Takes out of a record what its viewer has no grant for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.access.fields import fields
from api.access.model import Group, Tier
from api.access.scope import View

ASK = "This provider shares only that the record exists. Ask the provider for access."


def redact(record: Mapping[str, Any], view: View) -> dict[str, Any]:
    """A new record JSON with the parts that the view grants; everything else is absent, not empty."""
    table = fields()
    groups = view.groups
    if Group.BIBLIOGRAPHY not in groups:
        return stub(record) if Group.EXISTENCE in groups else {}
    shown = {name: record[name] for name, group in table.record.items() if group in groups and name in record}
    if "texts" in shown:
        shown["texts"] = [t for t in shown["texts"] if table.texts.get(t["type"], Group.BIBLIOGRAPHY) in groups]
    if "dates" in shown:
        shown["dates"] = [d for d in shown["dates"] if table.dates.get(d["type"], Group.BIBLIOGRAPHY) in groups]
    if "parties" in shown and Group.PERSONAL_DATA not in groups:
        shown["parties"] = [
            {name: value for name, value in party.items() if name not in table.personal} for party in shown["parties"]
        ]
    return shown


def stub(record: Mapping[str, Any]) -> dict[str, Any]:
    """What the existence tier shows: whose record it is and whom to ask, no identifier."""
    shown = {name: record[name] for name in ("right", "office", "provider", "collection") if name in record}
    return {**shown, "tier": Tier.EXISTENCE.label, "notice": ASK}

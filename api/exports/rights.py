"""Under which rights a file was made, and whether they still stand.

For every collection in the file the grants that gave it are kept. The file may be had as long as each of them is
covered by what its owner holds now: other rights, of other collections or wider ones, change nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from api.access.model import Group, Tier
from api.access.scope import Condition, Grant, Scope, dominates

Basis = dict[str, tuple[Grant, ...]]
"""Collection → the grants under which its records were written."""


def limited(scope: Scope, format: str) -> Scope:
    """The scope without what may not be given out in this format."""
    grants = tuple(grant for grant in scope.grants if not grant.formats or format in grant.formats)
    return replace(scope, grants=grants)


def grants_of(scope: Scope, collection: str) -> tuple[Grant, ...]:
    """The grants that reach a collection, as if each were of this collection alone."""
    return tuple(
        replace(grant, collections=frozenset(), provider=None, basis={})
        for grant in scope.grants
        if collection in grant.collections or grant.provider == collection.partition("-")[0].upper()
    )


def extend(basis: Basis, scope: Scope, collections: Iterable[str]) -> None:
    for name in set(collections) - basis.keys():
        basis[name] = grants_of(scope, name)


def stands(basis: Basis, scope: Scope) -> bool:
    """Whether the scope still gives all that the basis gave."""
    for name, grants in basis.items():
        now = grants_of(scope, name)
        if not all(any(dominates(held, given) for held in now) for given in grants):
            return False
    return True


def as_json(basis: Basis) -> dict[str, Any]:
    return {
        name: [
            {
                "tier": grant.tier.label,
                "groups": sorted(grant.groups),
                "condition": grant.condition.as_json(),
                "formats": sorted(grant.formats),
            }
            for grant in grants
        ]
        for name, grants in basis.items()
    }


def from_json(content: Mapping[str, Any]) -> Basis:
    return {
        name: tuple(
            Grant(
                Tier.parse(grant["tier"]),
                frozenset(Group(group) for group in grant["groups"]),
                _condition(grant["condition"]),
                formats=frozenset(grant["formats"]),
            )
            for grant in grants
        )
        for name, grants in content.items()
    }


def _condition(content: Mapping[str, Any]) -> Condition:
    def day(text: str | None) -> dt.date | None:
        return dt.date.fromisoformat(text) if text else None

    return Condition(
        offices=frozenset(content["offices"]),
        rights=frozenset(content["rights"]),
        date_from=day(content["date_from"]),
        date_to=day(content["date_to"]),
        classes=frozenset((name, symbol) for name, symbol in content["classes"]),
        embargo_days=content["embargo_days"],
        unpublished=content["unpublished"],
    )

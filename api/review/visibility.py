"""A caller's scope in the terms of the table of holdings."""

from __future__ import annotations

import datetime as dt

from api.access.model import Group
from api.access.scope import Condition, Scope, utc_today
from indexer.coverage.visible import Span, Visible


def visible(scope: Scope, today: dt.date | None = None) -> Visible:
    """The holdings whose numbers and dates the caller reads.

    What only exists for the caller is left out, and so is what it sees by an agreement on certain classes: nobody lists
    numbers by class, so its share of a year's publications would mean nothing.
    """
    day = today or utc_today()
    return Visible(
        tuple(
            Span(
                grant.provider,
                grant.collections,
                grant.condition.offices,
                grant.condition.rights,
                grant.condition.date_from,
                _latest(grant.condition, day),
                grant.condition.unpublished,
            )
            for grant in scope.grants
            if Group.BIBLIOGRAPHY in grant.groups and not grant.condition.classes
        )
    )


def own_offices(scope: Scope) -> tuple[str, ...]:
    """The office for which the caller reads, if any."""
    caller = scope.caller
    return (caller.office,) if caller.office is not None and caller.reads_for_office else ()


def _latest(condition: Condition, today: dt.date) -> dt.date | None:
    limits = [condition.date_to] if condition.date_to else []
    if condition.embargo_days is not None:
        limits.append(today - dt.timedelta(days=condition.embargo_days))
    return min(limits, default=None)

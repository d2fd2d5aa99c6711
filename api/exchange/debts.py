"""What beneficiaries owe: the word that they have stored what was handed out to them, or deleted what they held.

Records, corrections and deletions are to be acknowledged within the time that the terms give for corrections and
deletions, and what is held under an agreement that has ended is to be deleted within the same time; where they give
none, within a week.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.access.agreements import State, Terms
from store.access import Agreement, AgreementVersion
from store.exchange import Feed, Holding, Purge

USUAL_DAYS = 7
"""Where an agreement names no time."""
ENDED = (State.REVOKED, State.EXPIRED)
RUNNING = (State.ACTIVE, State.SUSPENDED)


@dataclass(frozen=True, slots=True)
class Debt:
    """What a beneficiary owes the provider's platform: the word that it has stored, or deleted, what it was given."""

    agreement: int
    what: str
    """acknowledge: records that were handed out; purge: records held under an agreement that has ended."""
    office: str
    provider: str
    since: dt.datetime
    due: dt.date
    records: int

    def late(self, today: dt.date) -> bool:
        return self.due < today


def debts(session: Session, *, office: str | None = None, agreements: list[int] | None = None) -> list[Debt]:
    """What is owed under agreements, those of a beneficiary alone where one is named."""
    wanted: list[Any] = []
    if office is not None:
        wanted.append(Agreement.beneficiary == office)
    if agreements is not None:
        wanted.append(Agreement.id.in_(agreements))
    return sorted([*_unacknowledged(session, wanted), *_unpurged(session, wanted)], key=lambda debt: debt.agreement)


def _unacknowledged(session: Session, wanted: list[Any]) -> list[Debt]:
    statement = (
        _in_force(Agreement, func.min(Holding.owed_since).label("since"), func.count().label("records"))
        .join(Feed, Feed.agreement == Agreement.id)
        .join(Holding, (Holding.agreement == Agreement.id) & (Holding.position > Feed.acknowledged))
        .where(Agreement.state.in_([state.value for state in RUNNING]), Feed.position > Feed.acknowledged, *wanted)
        .group_by(Agreement.id, AgreementVersion.terms)
    )
    return [
        _debt(row.Agreement, "acknowledge", row.terms, row.since, row.records) for row in session.execute(statement)
    ]


def _unpurged(session: Session, wanted: list[Any]) -> list[Debt]:
    statement = (
        _in_force(Agreement, func.count(Holding.record).label("records"))
        .outerjoin(Holding, (Holding.agreement == Agreement.id) & Holding.withdrawn.is_(False))
        .outerjoin(Purge, Purge.agreement == Agreement.id)
        .where(Agreement.state.in_([state.value for state in ENDED]), Purge.agreement.is_(None), *wanted)
        .group_by(Agreement.id, AgreementVersion.terms)
    )
    return [
        _debt(row.Agreement, "purge", row.terms, row.Agreement.changed, row.records)
        for row in session.execute(statement)
    ]


def _in_force(*columns: Any) -> Any:
    """Agreements with the terms of their last version."""
    return select(*columns, AgreementVersion.terms).join(
        AgreementVersion,
        (AgreementVersion.agreement == Agreement.id) & (AgreementVersion.version == Agreement.version),
    )


def _debt(entry: Agreement, what: str, terms: Any, since: dt.datetime, records: int) -> Debt:
    days = Terms.model_validate(terms).correction_days
    due = since.astimezone(dt.UTC).date() + dt.timedelta(days=USUAL_DAYS if days is None else days)
    return Debt(entry.id, what, entry.beneficiary, entry.provider, since, due, records)

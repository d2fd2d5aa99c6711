"""How the changes of agreements stand: what was handed out, what its receiver has acknowledged, what it owes, what is
late. An office sees those of its own agreements, on either side.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from api.access.routes import in_transaction
from api.exchange.debts import ENDED, RUNNING, Debt, debts
from api.exchange.routes import Exchanger, own_office
from api.search.routes import json_response
from store.access import Agreement
from store.exchange import Feed, Holding, Purge, Push, Source

router = APIRouter(prefix="/v1/exchange", tags=["exchange"])


def states(session: Session, office: str, today: dt.date) -> list[dict[str, Any]]:
    """The feed of each agreement of the office that is in force, or has ended and was not purged."""
    statement = (
        select(Agreement, Feed, Push, Purge.at)
        .outerjoin(Feed, Feed.agreement == Agreement.id)
        .outerjoin(Push, Push.agreement == Agreement.id)
        .outerjoin(Purge, Purge.agreement == Agreement.id)
        .where(or_(Agreement.provider == office, Agreement.beneficiary == office))
        .where(Agreement.state.in_([state.value for state in (*RUNNING, *ENDED)]))
        .order_by(Agreement.id.desc())
    )
    rows = session.execute(statement).all()
    owed = {debt.agreement: debt for debt in debts(session, agreements=[entry.id for entry, *_ in rows])}
    held = dict(
        session.execute(
            select(Holding.agreement, func.count())
            .where(Holding.agreement.in_([entry.id for entry, *_ in rows]), Holding.withdrawn.is_(False))
            .group_by(Holding.agreement)
        ).all()
    )
    return [
        _state(entry, feed, push, purged, owed.get(entry.id), 0 if purged else held.get(entry.id, 0), office, today)
        for entry, feed, push, purged in rows
    ]


def _state(
    entry: Agreement,
    feed: Feed | None,
    push: Push | None,
    purged: dt.datetime | None,
    debt: Debt | None,
    held: int,
    office: str,
    today: dt.date,
) -> dict[str, Any]:
    return {
        "agreement": entry.id,
        "title": entry.title,
        "provider": entry.provider,
        "beneficiary": entry.beneficiary,
        "state": entry.state,
        "position": feed.position if feed else 0,
        "acknowledged": feed.acknowledged if feed else 0,
        "acknowledged_at": feed.acknowledged_at if feed else None,
        "held": held,
        "owed": debt.records if debt else 0,
        "owed_what": debt.what if debt else None,
        "owed_since": debt.since if debt else None,
        "due": debt.due if debt else None,
        "late": debt is not None and debt.late(today),
        "purged": purged,
        # Where the beneficiary's endpoint is, is its own business.
        "push": {"state": push.state, "why": push.why, "endpoint": push.endpoint}
        if push is not None and entry.beneficiary == office
        else None,
    }


def sources(session: Session, office: str) -> list[dict[str, Any]]:
    """Other platforms' agreements from which the office's records were pulled to this one."""
    statement = select(Source).where(Source.office == office).order_by(Source.id)
    return [
        {
            "url": entry.url,
            "agreement": entry.agreement,
            "provider": entry.provider,
            "state": entry.state,
            "last": entry.changed,
        }
        for entry in session.scalars(statement)
    ]


@router.get("/feeds", summary="How the changes of one's office's agreements stand")
async def read_feeds(access: Exchanger) -> Response:
    """For each agreement, on either side: `position` of the last item handed out, up to which one its receiver has
    `acknowledged`, how many records are `owed` an acknowledgement (or, where the agreement has ended, a deletion),
    since when, by which day, and whether that is late. `sources`: other platforms from which changes were pulled."""
    office = own_office(access)
    today = dt.datetime.now(dt.UTC).date()

    def work(session: Session) -> dict[str, Any]:
        return {"feeds": states(session, office, today), "sources": sources(session, office)}

    return json_response(await in_transaction(access, work))

"""How much an agreement still gives this month, and what was given: packages and exports count the same.

What is given is entered as held: corrections of it flow, a purge counts it, and it is not counted a second time.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from api.access.agreements import Terms
from store.access import Agreement, AgreementVersion
from store.exchange import Feed, Holding, Volume

OVER = "the agreement's volume for this month is used up"


def within(
    session: Session,
    agreement: int,
    cap: int | None,
    collections: Iterable[str],
    records: Sequence[tuple[str, dict[str, Any]]],
) -> set[str]:
    """Ids of those (id, record as shown) that the month's volume allows, entered as given."""
    if not records:
        return set()
    session.execute(insert(Feed).values(agreement=agreement).on_conflict_do_nothing())
    feed = session.get_one(Feed, agreement, with_for_update=True)
    feed.collections = sorted({*feed.collections, *collections})
    known = _held(session, agreement, [name for name, _ in records])
    month = f"{dt.datetime.now(dt.UTC):%Y-%m}"
    used = session.get(Volume, (agreement, month), populate_existing=True)
    room = None if cap is None else max(0, cap - (used.records if used else 0))
    kept: set[str] = set()
    new: list[dict[str, Any]] = []
    for name, record in records:
        if name not in known:
            if room is not None and len(new) >= room:
                continue
            digest = hashlib.sha256(orjson.dumps(record, option=orjson.OPT_SORT_KEYS)).digest()
            new.append({"agreement": agreement, "record": name, "digest": digest, "position": 0, "withdrawn": False})
        kept.add(name)
    if new:
        statement = insert(Holding)
        values = {name: statement.excluded[name] for name in ("digest", "withdrawn")}
        session.execute(statement.on_conflict_do_update(index_elements=["agreement", "record"], set_=values), new)
        count = insert(Volume).values(agreement=agreement, month=month, records=len(new))
        session.execute(
            count.on_conflict_do_update(
                index_elements=["agreement", "month"], set_={"records": Volume.records + len(new)}
            )
        )
    return kept


def within_versions(
    session: Session, versions: Collection[int], records: Sequence[tuple[str, dict[str, Any]]]
) -> set[str]:
    """The same for records that several agreements give (ids of their versions): one without a cap is enough, and
    where all have one, those with room take what they can, one after the other."""
    rows = session.execute(
        select(AgreementVersion.agreement, AgreementVersion.terms)
        .join(Agreement, Agreement.id == AgreementVersion.agreement)
        .where(AgreementVersion.id.in_(versions))
        .order_by(AgreementVersion.agreement)
    ).all()
    grounds = [(row.agreement, Terms.model_validate(row.terms).volume_cap) for row in rows]
    grounds.sort(key=lambda ground: ground[1] is not None)
    kept: set[str] = set()
    for agreement, cap in grounds:
        left = [(name, record) for name, record in records if name not in kept]
        collections = {str(record["collection"]) for _, record in left}
        kept |= within(session, agreement, cap, collections, left)
    return kept


def _held(session: Session, agreement: int, ids: Sequence[str]) -> set[str]:
    wanted = select(Holding.record).where(
        Holding.agreement == agreement, Holding.record.in_(ids), Holding.withdrawn.is_(False)
    )
    return set(session.scalars(wanted))

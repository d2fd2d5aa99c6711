"""How much an agreement still gives this month, and what was given: packages and exports count the same.

What is given is entered as held: corrections of it flow, a purge counts it, and it is not counted a second time.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Text, cast, func, literal, select
from sqlalchemy.dialects.postgresql import JSON, insert
from sqlalchemy.orm import Session

from api.access.agreements import Terms
from store.access import Agreement, AgreementVersion
from store.exchange import Feed, Holding, Volume

OVER = "the agreement's volume for this month is used up"


def written(record: Mapping[str, Any]) -> bytes:
    """A record as shown in the one way in which it is written: JSON with its names in order."""
    return orjson.dumps(record, option=orjson.OPT_SORT_KEYS)


def digest(record: Mapping[str, Any]) -> bytes:
    """SHA-256 of a record as shown, by which what was given is known again."""
    return hashlib.sha256(written(record)).digest()


def within(
    session: Session,
    agreement: int,
    cap: int | None,
    collections: Iterable[str],
    records: Sequence[tuple[str, bytes]],
) -> set[str]:
    """Ids of those (id, digest) that the month's volume allows, entered as given."""
    if not records:
        return set()
    feed = session.get(Feed, agreement, with_for_update=True)
    if feed is None:
        session.execute(insert(Feed).values(agreement=agreement).on_conflict_do_nothing())
        feed = session.get_one(Feed, agreement, with_for_update=True)
    feed.collections = sorted({*feed.collections, *collections})
    known = _held(session, agreement, [name for name, _ in records])
    month = f"{dt.datetime.now(dt.UTC):%Y-%m}"
    room = None
    if cap is not None:
        used = session.get(Volume, (agreement, month), populate_existing=True)
        room = max(0, cap - (used.records if used else 0))
    kept: set[str] = set()
    new: list[tuple[str, bytes]] = []
    for name, shown in records:
        if name not in known:
            if room is not None and len(new) >= room:
                continue
            new.append((name, shown))
            known.add(name)
        kept.add(name)
    if new:
        # One statement with all of them: as many statements as records take the server several times as long. As JSON:
        # the driver writes an array element by element, in Python.
        given = func.json_each_text(_json({name: shown.hex() for name, shown in new})).table_valued("key", "value")
        digests = func.decode(given.c.value, "hex")
        rows = select(literal(agreement), given.c.key, digests, literal(0), literal(False))
        statement = insert(Holding).from_select(["agreement", "record", "digest", "position", "withdrawn"], rows)
        values = {name: statement.excluded[name] for name in ("digest", "withdrawn")}
        session.execute(statement.on_conflict_do_update(index_elements=["agreement", "record"], set_=values))
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
        kept |= within(session, agreement, cap, collections, [(name, digest(record)) for name, record in left])
    return kept


def _held(session: Session, agreement: int, ids: Sequence[str]) -> set[str]:
    wanted = select(Holding.record).where(
        Holding.agreement == agreement,
        Holding.record.in_(select(func.json_array_elements_text(_json(list(ids))))),
        Holding.withdrawn.is_(False),
    )
    return set(session.scalars(wanted))


def _json(value: Any) -> ColumnElement[Any]:
    return cast(literal(orjson.dumps(value).decode(), Text), JSON)

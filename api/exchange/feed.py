"""What flows under one agreement: its records in the order of their changes, each as the beneficiary may see it.

The feed reads the ledger (`records`, by change sequence), decides each record by the agreement's own Scope, and keeps
what it handed out (`exchange_holdings`): so it can tell a correction from a new record, take back what was deleted,
what left the agreement's conditions or what narrower terms no longer give, and hand out later what is still under
embargo.

At least once: a page is given again for the same cursor, with the same ids. What a caller reads in a cursor is sealed:
positions in the platform's change sequence would tell how much else there is.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import orjson
import zstandard
from sqlalchemy import case, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from api.access.agreements import ONWARD, State, Terms
from api.access.model import PURPOSES, Caller, Group, Tier
from api.access.redaction import redact
from api.access.scope import Scope, View
from api.access.scopes import AgreementRules, decide, load_rules
from api.access.secret import Keys
from api.exchange import volume
from common.errors import AccessDenied, Conflict, NotFound, UsageError
from common.messages import say
from indexer.document import CLASS_FIELDS, levels_of
from store.access import Agreement, AgreementVersion
from store.exchange import Deferred, Feed, Holding, Volume
from store.ingest import StoredRecord

CURSOR = "exchange-cursor"
ITEM = "exchange-item"
ROWS_AT_ONCE = 500
SCAN_S = 5.0
"""How long one page looks for records before it is given out short."""
MOST_UNACKNOWLEDGED = 50_000
"""Items after which the receiver must acknowledge before it gets more."""
LARGEST_PAGE = 1_000
GONE = b""
"""Digest of a deletion."""

Json = dict[str, Any]


class Ended(Conflict):
    """The agreement gives nothing any more (or not yet)."""

    reason = "agreement-not-active"


class Unacknowledged(Conflict):
    """The receiver must acknowledge before it gets more."""

    reason = "acknowledge-first"


class BadCursor(UsageError):
    reason = "cursor"

    def __init__(self) -> None:
        super().__init__("The cursor is not of this agreement.", remedy="Start without one: nothing is lost.")


@dataclass(frozen=True, slots=True)
class Rights:
    """What one agreement gives to a caller, now."""

    agreement: Agreement
    version: AgreementVersion
    terms: Terms
    scope: Scope
    collections: tuple[str, ...]
    today: dt.date
    onward: str = "none"
    """How far it may be passed on: as the terms say, within the policies of the collections."""

    @property
    def basis(self) -> str:
        return self.scope.fingerprint


@dataclass(frozen=True, slots=True)
class Position:
    """Where a receiver stands."""

    basis: str = ""
    seq: int = 0
    """Changes of the ledger up to here are done."""
    resync: int = 0
    """After rights changed: up to here, what was acknowledged and is the same is not given again."""
    deferred: tuple[str, str] | None = None
    """(day, record) of the last one that was due."""
    order: int = 0
    """Of the last item handed out."""


class Row(NamedTuple):
    """A record as the ledger holds it."""

    id: str
    seq: int
    collection: str
    member: int
    deleted: bool
    record: Json


@dataclass(frozen=True, slots=True)
class Item:
    """One change for the receiver. `view` and `row` stay here."""

    id: str
    order: int
    change: str
    """record, correction or deletion."""
    record_id: str
    collection: str
    record: Json | None
    view: View
    row: Row

    def out(self) -> Json:
        shown = {
            "id": self.id,
            "order": self.order,
            "change": self.change,
            "record_id": self.record_id,
            "collection": self.collection,
        }
        return shown if self.record is None else {**shown, "record": self.record}


@dataclass(frozen=True, slots=True)
class Page:
    items: tuple[Item, ...]
    cursor: str
    more: bool
    unacknowledged: int
    deferred_by_volume: int


# -------------------------------------------------------------------------------------------------------------- rights


def rights(session: Session, caller: Caller, purpose: str, agreement: int, *, now: dt.datetime | None = None) -> Rights:
    """What the agreement gives to `caller`. Raises NotFound for another office's, Ended for one not in force, and
    AccessDenied for a purpose or role that it does not name."""
    moment = now or dt.datetime.now(dt.UTC)
    entry = session.get(Agreement, agreement)
    if entry is None or caller.office is None or entry.beneficiary != caller.office:
        raise NotFound("no such agreement")
    session.refresh(entry)
    version = session.scalars(
        select(AgreementVersion).where(
            AgreementVersion.agreement == entry.id, AgreementVersion.version == entry.version
        )
    ).one()
    terms = Terms.model_validate(version.terms)
    today = moment.date()
    over = terms.valid_until is not None and terms.valid_until < today
    if State(entry.state) is not State.ACTIVE or over or (terms.valid_from is not None and today < terms.valid_from):
        state = "expired" if over and entry.state == State.ACTIVE else entry.state
        raise Ended(say("exchange.gives-nothing", agreement=agreement, state=state))
    if (terms.purposes and purpose not in terms.purposes) or (terms.roles and caller.role not in terms.roles):
        raise AccessDenied("the agreement does not name this purpose or role")
    rules = [replace(rule, tier=Tier.NONE) for rule in load_rules(session) if rule.provider == entry.provider]
    receiver = Caller("agreement", str(entry.id), entry.beneficiary, caller.role, caller.permissions, ALL_PURPOSES)
    ground = AgreementRules(version.id, entry.provider, entry.beneficiary, terms)
    decided = decide(receiver, purpose, rules, [ground], now=moment)
    grants = tuple(grant for grant in decided.grants if grant.provider is None)
    collections = tuple(sorted({name for grant in grants for name in grant.collections}))
    scope = Scope(receiver, purpose, grants, notices=decided.notices)
    given = [rule.limits.onward for rule in rules if rule.id in collections]
    onward = min((terms.onward, *given), key=ONWARD.index)
    return Rights(entry, version, terms, scope, collections, today, onward)


ALL_PURPOSES = frozenset(PURPOSES)


def deciding(record: Mapping[str, Any]) -> Json:
    """The fields of the index document by which a Scope decides, from a record's JSON. As indexer/document.py."""
    shown: Json = {
        name: record.get(name) for name in ("id", "right", "office", "provider", "collection", "unpublished")
    }
    shown["unpublished"] = bool(shown["unpublished"])
    for fact in record.get("dates", ()):
        if fact["type"] == "publication":
            shown["publication_date"] = fact["date"]
            break
    for entry in record.get("classifications", ()):
        name = CLASS_FIELDS.get(entry["scheme"], "other_class")
        shown.setdefault(name, {"any": []})["any"].extend(levels_of(name, entry["symbol"])[1])
    return shown


# ------------------------------------------------------------------------------------------------------------- cursors


def write_cursor(keys: Keys, entry: Agreement, position: Position) -> str:
    content = [position.basis, position.seq, position.resync, position.deferred, position.order]
    sealed = keys.seal(CURSOR, orjson.dumps(content), _binding(entry))
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def read_cursor(keys: Keys, entry: Agreement, text: str) -> Position:
    """Raises BadCursor for anything but a cursor of this agreement."""
    try:
        sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        basis, seq, resync, deferred, order = orjson.loads(keys.open(CURSOR, sealed, _binding(entry)))
    except (ValueError, binascii.Error) as error:
        raise BadCursor from error
    return Position(basis, seq, resync, tuple(deferred) if deferred else None, order)


def _binding(entry: Agreement) -> bytes:
    return f"{entry.id}|{entry.beneficiary}".encode()


# --------------------------------------------------------------------------------------------------------------- pages


def page(session: Session, keys: Keys, given: Rights, cursor: str | None, limit: int, until: str | None = None) -> Page:
    """The next items after `cursor` (None: from the start), entered into the ledger of what was handed out. `until`: a
    cursor behind which the page does not go: of the page before it, only what has not changed since.

    Raises BadCursor, or Unacknowledged where too much waits for the receiver's word.
    """
    entry = given.agreement
    start = read_cursor(keys, entry, cursor) if cursor else Position(given.basis)
    if start.basis != given.basis:
        start = Position(given.basis, resync=max(start.seq, start.resync), order=start.order)
    session.execute(insert(Feed).values(agreement=entry.id).on_conflict_do_nothing())
    feed = session.get(Feed, entry.id, with_for_update=True, populate_existing=True)
    assert feed is not None
    _check_acknowledged(feed)
    feed.collections = sorted({*feed.collections, *given.collections})
    last = read_cursor(keys, entry, until) if until else None
    made = _Making(session, keys, given, feed.position, min(limit, LARGEST_PAGE), start.resync, last)
    end, more = made.run(start, feed.collections)
    made.store()
    feed.position = made.order
    session.flush()
    end = replace(end, order=made.order)
    return Page(
        tuple(made.items),
        write_cursor(keys, entry, end),
        more,
        feed.position - feed.acknowledged,
        made.over_volume,
    )


def pending(session: Session, keys: Keys, given: Rights, cursor: str | None) -> bool:
    """Whether there may be something after `cursor`: a no is sure, and costs next to nothing. Raises as `page`."""
    entry = given.agreement
    start = read_cursor(keys, entry, cursor) if cursor else Position()
    feed = session.get(Feed, entry.id)
    if feed is not None:
        _check_acknowledged(feed)
    if start.basis != given.basis:
        return True
    known = {*(feed.collections if feed else ()), *given.collections}
    newer = select(StoredRecord.id).where(StoredRecord.collection.in_(known), StoredRecord.seq > start.seq)
    due = select(Deferred.record).where(Deferred.agreement == entry.id, Deferred.due <= given.today)
    if start.deferred is not None:
        due = due.where(_after(start.deferred))
    return any(session.scalar(statement.limit(1)) is not None for statement in (newer, due))


def _check_acknowledged(feed: Feed) -> None:
    if feed.position - feed.acknowledged >= MOST_UNACKNOWLEDGED:
        raise Unacknowledged(
            f"{feed.position - feed.acknowledged} items are not acknowledged.",
            remedy="Acknowledge what you have stored: POST /v1/exchange/changes/ack.",
        )


def due(session: Session, given: Rights, after: tuple[str, str] | None, *conditions: Any) -> list[tuple[dt.date, str]]:
    """(day, record) of what was put off until now, in order, at most ROWS_AT_ONCE."""
    statement = (
        select(Deferred.due, Deferred.record)
        .where(Deferred.agreement == given.agreement.id, Deferred.due <= given.today, *conditions)
        .order_by(Deferred.due, Deferred.record)
        .limit(ROWS_AT_ONCE)
    )
    if after is not None:
        statement = statement.where(_after(after))
    return [(row.due, row.record) for row in session.execute(statement)]


def covered(session: Session, agreement: int, wanted: str | None) -> list[str]:
    """Collections of which something was ever handed out under the agreement, or the one of them that is `wanted`."""
    held = session.get(Feed, agreement)
    return [name for name in (held.collections if held else ()) if wanted in (None, name)]


def _after(place: tuple[str, str]) -> Any:
    return tuple_(Deferred.due, Deferred.record) > tuple_(dt.date.fromisoformat(place[0]), place[1])


def acknowledge(session: Session, keys: Keys, given: Rights, cursor: str) -> int:
    """The receiver has stored everything up to `cursor`. Returns how many items that confirms."""
    entry = given.agreement
    end = read_cursor(keys, entry, cursor)
    feed = session.get(Feed, entry.id, with_for_update=True, populate_existing=True)
    if feed is None or end.order > feed.position:
        raise BadCursor
    confirmed = session.execute(
        update(Holding)
        .where(
            Holding.agreement == entry.id,
            Holding.position <= end.order,
            Holding.acknowledged.is_distinct_from(Holding.digest),
        )
        .values(acknowledged=Holding.digest)
        .returning(Holding.record)
    ).all()
    held = select(Holding.record).where(Holding.agreement == entry.id, Holding.position <= end.order)
    session.execute(
        delete(Deferred).where(Deferred.agreement == entry.id, Deferred.due <= given.today, Deferred.record.in_(held))
    )
    feed.acknowledged = max(feed.acknowledged, end.order)
    feed.acknowledged_at = dt.datetime.now(dt.UTC)
    return len(confirmed)


@dataclass(slots=True)
class _Making:
    """One page while it is made."""

    session: Session
    keys: Keys
    given: Rights
    order: int
    limit: int
    resync: int
    last: Position | None = None
    """Where it ends at the latest."""
    items: list[Item] = field(default_factory=list)
    over_volume: int = 0
    _held: dict[str, Holding] = field(default_factory=dict)
    _deferred: dict[str, dt.date] = field(default_factory=dict)
    _room: int | None = None
    """Records that the month's volume still allows; None: no cap."""
    _new: int = 0

    def run(self, start: Position, collections: Sequence[str]) -> tuple[Position, bool]:
        """Fills the page. Returns where it ends, and whether there may be more."""
        self._room = self._volume_left()
        until = time.monotonic() + SCAN_S
        deferred = start.deferred
        while True:
            due = self._due(deferred)
            current = {row.id: row for row in rows(self.session, StoredRecord.id.in_([record for _, record in due]))}
            self._load_held(current)
            for day, name in due:
                if len(self.items) >= self.limit:
                    return replace(start, deferred=deferred), True
                if name in current:
                    self._consider(current[name], again=False)
                deferred = (day.isoformat(), name)
            if not due:
                break
        seq = start.seq
        wanted: list[Any] = [StoredRecord.collection.in_(collections)]
        if self.last is not None:
            wanted.append(StoredRecord.seq <= self.last.seq)
        while True:
            found = list(rows(self.session, *wanted, StoredRecord.seq > seq))
            self._load_held(row.id for row in found)
            for row in found:
                if len(self.items) >= self.limit:
                    return replace(start, seq=seq, deferred=deferred), True
                self._consider(row, again=row.seq > self.resync)
                seq = row.seq
            if len(found) < ROWS_AT_ONCE or time.monotonic() > until:
                end = replace(start, seq=seq, deferred=deferred)
                return end, len(found) == ROWS_AT_ONCE

    def _due(self, after: tuple[str, str] | None) -> list[tuple[dt.date, str]]:
        if self.last is None:
            return due(self.session, self.given, after)
        return due(self.session, self.given, after, ~_after(self.last.deferred)) if self.last.deferred else []

    def _load_held(self, names: Iterable[str]) -> None:
        wanted = [name for name in names if name not in self._held]
        statement = select(Holding).where(Holding.agreement == self.given.agreement.id, Holding.record.in_(wanted))
        if wanted:
            self._held.update({held.record: held for held in self.session.scalars(statement)})

    def _volume_left(self) -> int | None:
        cap = self.given.terms.volume_cap
        if cap is None:
            return None
        used = self.session.get(Volume, (self.given.agreement.id, self._month()))
        return max(0, cap - (used.records if used else 0))

    def _month(self) -> str:
        return f"{self.given.today:%Y-%m}"

    # --- one record ---

    def _consider(self, row: Row, *, again: bool) -> None:
        """Gives the record out, takes it back, puts it off, or passes it by. `again`: also what was confirmed."""
        document = deciding(row.record) if row.record else {}
        view = self.given.scope.view(document, self.given.today) if document else NOTHING_SEEN
        held = self._held.get(row.id)
        if not row.deleted and Group.BIBLIOGRAPHY in view.groups:
            self._give(row, view, held, again=again)
        elif held is not None:
            if again or not (held.withdrawn and held.acknowledged == GONE):
                self._add(row, view, held, "deletion", None, GONE)
        elif not row.deleted and (day := self._visible_from(document)) is not None:
            self._deferred[row.id] = day

    def _give(self, row: Row, view: View, held: Holding | None, *, again: bool) -> None:
        shown = redact(row.record, view)
        digest = volume.digest(shown)
        known = held is not None and not held.withdrawn
        if held is not None and known and not again and held.acknowledged == digest:
            return
        if not known:
            if self._room is not None and self._new >= self._room:
                first = self.given.today.replace(day=1)
                self._deferred[row.id] = (first + dt.timedelta(days=32)).replace(day=1)
                self.over_volume += 1
                return
            self._new += 1
        # Given again for the same cursor, it is a correction still of what the receiver has confirmed.
        before = (held.digest, held.acknowledged or digest) if held is not None and known else (digest, digest)
        change = "correction" if before != (digest, digest) else "record"
        self._add(row, view, held, change, shown, digest)

    def _add(self, row: Row, view: View, held: Holding | None, change: str, shown: Json | None, digest: bytes) -> None:
        self.order += 1
        entry = self.given.agreement
        told = f"{entry.id}|{row.id}|{digest.hex()}|{row.seq if shown is None else ''}".encode()
        name = hmac.new(self.keys.of(ITEM), told, hashlib.sha256).hexdigest()[:32]
        self.items.append(Item(name, self.order, change, row.id, row.collection, shown, view, row))
        self._held[row.id] = Holding(
            agreement=entry.id,
            record=row.id,
            digest=digest,
            position=self.order,
            withdrawn=shown is None,
            acknowledged=held.acknowledged if held is not None else None,
        )

    def _visible_from(self, document: Mapping[str, Any]) -> dt.date | None:
        """The first day on which nothing but time keeps the record back now."""
        published = document.get("publication_date")
        if published is None:
            return None
        days = sorted(
            dt.date.fromisoformat(str(published)[:10]) + dt.timedelta(days=grant.condition.embargo_days)
            for grant in self.given.scope.grants
            if grant.condition.embargo_days is not None
        )
        seen = (
            day
            for day in days
            if day > self.given.today and Group.BIBLIOGRAPHY in self.given.scope.view(document, day).groups
        )
        return next(seen, None)

    # --- what is kept ---

    def store(self) -> None:
        """Writes holdings, what was put off, and the month's volume."""
        number = self.given.agreement.id
        rows = [
            {
                "agreement": number,
                "record": item.record_id,
                "digest": held.digest,
                "position": held.position,
                "withdrawn": held.withdrawn,
            }
            for item in self.items
            if (held := self._held[item.record_id]).position == item.order
        ]
        if rows:
            statement = insert(Holding)
            kept: dict[str, Any] = {name: statement.excluded[name] for name in ("digest", "position", "withdrawn")}
            # What waits to be acknowledged does so since it was first handed out, however often it was given again.
            waits = (Holding.position > 0) & Holding.acknowledged.is_distinct_from(Holding.digest)
            kept["owed_since"] = case((waits, Holding.owed_since), else_=func.now())
            self.session.execute(
                statement.on_conflict_do_update(index_elements=["agreement", "record"], set_=kept), rows
            )
        if self._deferred:
            statement = insert(Deferred)
            self.session.execute(
                statement.on_conflict_do_update(
                    index_elements=["agreement", "record"], set_={"due": statement.excluded.due}
                ),
                [{"agreement": number, "record": name, "due": day} for name, day in self._deferred.items()],
            )
        if self._new:
            statement = insert(Volume).values(agreement=number, month=self._month(), records=self._new)
            self.session.execute(
                statement.on_conflict_do_update(
                    index_elements=["agreement", "month"], set_={"records": Volume.records + self._new}
                )
            )


NOTHING_SEEN = View(Tier.NONE, frozenset(), ())


def rows(session: Session, *conditions: Any) -> Iterator[Row]:
    """Records of the ledger by their change sequence, at most ROWS_AT_ONCE."""
    columns = (
        StoredRecord.id,
        StoredRecord.seq,
        StoredRecord.collection,
        StoredRecord.member,
        StoredRecord.deleted,
        StoredRecord.body,
    )
    statement = select(*columns).where(*conditions).order_by(StoredRecord.seq).limit(ROWS_AT_ONCE)
    plain = zstandard.ZstdDecompressor()
    for name, seq, collection, member, deleted, body in session.execute(statement):
        # No body: the tombstone of something that was never held.
        yield Row(name, seq, collection, member, deleted, orjson.loads(plain.decompress(body)) if body else {})

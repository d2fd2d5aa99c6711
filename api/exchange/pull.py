"""Takes the changes of an agreement from another IP Concord: `concord pull`.

Each page is a delivery of its own: archived, decided by the ledger like any other, sent to the engine, and only then
acknowledged. Killed anywhere, a pull goes on from the last cursor that it kept; what comes twice changes nothing.
When the agreement has ended, what came under it is deleted here and the purge is acknowledged there.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
from pydantic import ValidationError
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from common.errors import AccessDenied, EngineUnavailable, MalformedInput, Place, UsageError
from common.messages import say
from common.validation import told
from indexer.archive import Archive
from indexer.ledger import Ledger
from indexer.pipeline import Pipeline
from indexer.reading import Batch, Found, Item, Sender, Task, prepare
from indexer.record import Record
from store.database import Database
from store.exchange import CollectionOrigin, Received, Source
from store.ingest import StoredRecord

FORMAT = "concord-exchange"
READER_VERSION = 1
COLLECTION = "exchange"
"""Delivery name; the records keep the collections that their provider gave them."""


@dataclass(slots=True)
class Pulled:
    """What a pull brought."""

    pages: int = 0
    records: int = 0
    deletions: int = 0
    purged: int = 0

    def as_json(self) -> dict[str, int]:
        return {"pages": self.pages, "records": self.records, "deletions": self.deletions, "purged": self.purged}


@dataclass(slots=True)
class Puller:
    """One pull. `client` speaks to the other platform, with its key."""

    client: httpx.AsyncClient
    url: str
    agreement: int
    database: Database
    pipeline: Pipeline
    archive: Archive

    async def run(self, *, limit: int = 500, pages: int | None = None) -> Pulled:
        """Until there is nothing more, or for so many `pages`. Raises AccessDenied, EngineUnavailable, UsageError."""
        done = Pulled()
        await self.pipeline.prepare()
        # What a pull that was killed had decided and not yet sent: the same items, asked for again, are no change.
        await self.pipeline.resend(abandoned=True)
        while pages is None or done.pages < pages:
            source, cursor = await asyncio.to_thread(self._source)
            answer = await self._ask("GET", "changes", params=_given(self.agreement, limit, cursor))
            if answer.status_code == 409 and answer.json().get("reason") == "agreement-not-active":
                await self._ended(source, done)
                return done
            page = _checked(answer)
            await self._take(source, page, done)
            body = {"agreement": self.agreement, "cursor": page["cursor"]}
            _checked(await self._ask("POST", "changes/ack", json=body))
            done.pages += 1
            if not page["more"]:
                return done
        return done

    async def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return await self.client.request(method, f"{self.url}/v1/exchange/{path}", **options)
        except httpx.TransportError as error:
            raise EngineUnavailable(
                say("exchange.other-platform-silent", address=self.url, fault=str(error))
            ) from error

    def _source(self) -> tuple[int, str | None]:
        with self.database.session() as session:
            session.execute(insert(Source).values(url=self.url, agreement=self.agreement).on_conflict_do_nothing())
            entry = session.scalars(
                select(Source).where(Source.url == self.url, Source.agreement == self.agreement)
            ).one()
            return entry.id, entry.cursor

    # --- one page ---

    async def _take(self, source: int, page: dict[str, Any], done: Pulled) -> None:
        terms = page["agreement"]
        items = await asyncio.to_thread(self._fresh, source, page["items"])
        await asyncio.to_thread(self._limit, source, terms, {item["collection"] for item in items})
        if items:
            await self._load(source, terms["provider"], items)
        await asyncio.to_thread(self._keep, source, terms, items, page["cursor"])
        done.records += sum("record" in item for item in items)
        done.deletions += sum(item["change"] == "deletion" for item in items)

    def _limit(self, source: int, terms: dict[str, Any], collections: set[str]) -> None:
        """What was agreed about passing on counts before the first record is here. Written only where it is new: each
        write is a change of rights."""
        with self.database.session() as session:
            held = session.scalars(select(CollectionOrigin).where(CollectionOrigin.source == source)).all()
            for entry in held:
                entry.office, entry.onward = terms["beneficiary"], terms["onward"]
            for name in sorted(collections - {entry.collection for entry in held}):
                session.add(
                    CollectionOrigin(
                        collection=name, source=source, office=terms["beneficiary"], onward=terms["onward"]
                    )
                )

    def _fresh(self, source: int, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The items that are newer than what is held of their records, the last of each."""
        names = [item["record_id"] for item in items]
        with self.database.session() as session:
            statement = select(Received.record, Received.position).where(
                Received.source == source, Received.record.in_(names)
            )
            held = {row.record: row.position for row in session.execute(statement)}
        newest: dict[str, dict[str, Any]] = {}
        for item in items:
            if item["order"] > max(held.get(item["record_id"], 0), newest.get(item["record_id"], {}).get("order", 0)):
                newest[item["record_id"]] = item
        return sorted(newest.values(), key=lambda item: int(item["order"]))

    async def _load(self, source: int, provider: str, items: list[dict[str, Any]]) -> None:
        lines = [orjson.dumps(item, option=orjson.OPT_APPEND_NEWLINE) for item in items]
        sha256, size = await asyncio.to_thread(self.archive.put, io.BytesIO(b"".join(lines)))
        file = f"{self.url.partition('://')[2]}/{self.agreement}/{items[-1]['order']}.jsonl"
        found = Found(file, "", sha256, size, "jsonl", FORMAT, READER_VERSION)
        ledger = Ledger(self.database)
        options = (("source", str(source)),)
        entered = await asyncio.to_thread(ledger.register, Sender(provider, COLLECTION, options=options), file, [found])
        with ledger.alone(entered.sequence):
            offset = 0
            made = []
            for ordinal, (item, line) in enumerate(zip(items, lines, strict=True)):
                place = {"byte_offset": offset, "byte_length": len(line), "ordinal": ordinal, "sha256": sha256}
                made.append(_item(item, provider, file, entered.sequence, place))
                offset += len(line)
            (task,) = entered.tasks or (Task(0, file, "", sha256, FORMAT),)
            if entered.tasks:
                batch = Batch(task.member_id, tuple(made[task.skip :]), True, size)
                await asyncio.to_thread(ledger.commit, batch, task, entered.sequence, replay=entered.replay)
            await self.pipeline.resend(delivery=entered.sequence)
            await asyncio.to_thread(ledger.set_state, entered.sequence, "done")

    def _keep(self, source: int, terms: dict[str, Any], items: Iterable[dict[str, Any]], cursor: str) -> None:
        with self.database.session() as session:
            entry = session.get_one(Source, source)
            entry.cursor, entry.state, entry.changed = cursor, "active", dt.datetime.now(dt.UTC)
            entry.provider, entry.office = terms["provider"], terms["beneficiary"]
            statement = insert(Received)
            rows = [{"source": source, "record": item["record_id"], "position": item["order"]} for item in items]
            if rows:
                session.execute(
                    statement.on_conflict_do_update(
                        index_elements=["source", "record"], set_={"position": statement.excluded.position}
                    ),
                    rows,
                )

    # --- the end ---

    async def _ended(self, source: int, done: Pulled) -> None:
        """Deletes what came under an agreement that has ended; a suspended one is only waited for."""
        whole = _checked(await self._ask("GET", f"agreements/{self.agreement}"))
        if whole["state"] not in ("revoked", "expired"):
            return
        held = await asyncio.to_thread(self._held, source)
        if held:
            await self._load(source, whole["provider"], held)
        await asyncio.to_thread(self._forget, source)
        answer = await self._ask("POST", f"agreements/{self.agreement}/purge", json={"records": len(held)})
        if answer.status_code != 409:
            _checked(answer)
        done.purged = len(held)

    def _held(self, source: int) -> list[dict[str, Any]]:
        """Deletions of everything that came from the source and that no other source has brought."""
        with self.database.session() as session:
            return [
                {"change": "deletion", "record_id": row.id, "collection": row.collection, "order": row.position}
                for row in session.execute(_only_from(source))
            ]

    def _forget(self, source: int) -> None:
        with self.database.session() as session:
            session.execute(delete(Received).where(Received.source == source))
            session.execute(delete(CollectionOrigin).where(CollectionOrigin.source == source))
            entry = session.get_one(Source, source)
            entry.state, entry.cursor = "purged", None


def _only_from(source: int) -> Any:
    other = select(Received.record).where(Received.source != source)
    return (
        select(StoredRecord.id, StoredRecord.collection, Received.position)
        .join(Received, Received.record == StoredRecord.id)
        .where(Received.source == source, StoredRecord.deleted.is_(False), StoredRecord.id.not_in(other))
        .order_by(Received.position)
    )


def _given(agreement: int, limit: int, cursor: str | None) -> dict[str, str | int]:
    return {"agreement": agreement, "limit": limit, **({"cursor": cursor} if cursor else {})}


def _checked(answer: httpx.Response) -> Any:
    """The answer's JSON. Raises what an answer that is none means here."""
    where = str(answer.request.url.copy_with(query=None))
    if answer.status_code >= 500 or answer.status_code == 429:
        raise EngineUnavailable(say("exchange.other-platform-down", address=where, status=answer.status_code))
    if answer.status_code >= 400:
        told = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        detail = " ".join(str(told[name]) for name in ("reason", "detail") if told.get(name))
        refusal = AccessDenied if answer.status_code in (401, 403) else UsageError
        raise refusal(say("exchange.other-platform-refuses", address=where, status=answer.status_code, answer=detail))
    return answer.json()


def _item(item: dict[str, Any], provider: str, file: str, delivery: int, place: dict[str, Any]) -> Item:
    """Raises MalformedInput for what is no record of that provider."""
    name = item["record_id"]
    owner, right, *_ = item["collection"].split("-")
    if owner.upper() != provider or not name.startswith(f"{item['collection']}."):
        raise MalformedInput(
            say("exchange.record-of-another", record=name, provider=provider),
            place=Place(file, ordinal=place["ordinal"]),
        )
    if item["change"] == "deletion":
        return Item(place["ordinal"], name, right, owner.upper(), provider, item["collection"])
    source = {"delivery": delivery, "file": file, "format": FORMAT, "reader_version": READER_VERSION, **place}
    try:
        record = Record.model_validate({**item["record"], "source": source})
    except ValidationError as error:
        raise MalformedInput(
            say("exchange.no-record", record=name, problem=told(error.errors()[0])),
            place=Place(file, ordinal=place["ordinal"]),
        ) from error
    if (record.id, record.collection, record.provider) != (name, item["collection"], provider):
        raise MalformedInput(say("exchange.another-record", record=name), place=Place(file, ordinal=place["ordinal"]))
    # A digest names content of the platform that says it: here it would open whatever is archived under it.
    images = tuple(image.model_copy(update={"sha256": None}) for image in record.images)
    return prepare(record.model_copy(update={"images": images}), place["ordinal"])

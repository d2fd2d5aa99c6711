"""Small worlds in PostgreSQL whose every number can be worked out by hand: deliveries, records, findings."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

import zstandard

from indexer.record import DatedFact, DateType, Finding, Number, NumberType, Record, Right, Severity, Source
from store.access import ensure_collections
from store.database import Database


def held(
    office: str,
    number: str,
    kind: str = "A1",
    published: dt.date | None = None,
    *,
    provider: str | None = None,
    name: str = "x",
    right: Right = Right.PATENT,
    unpublished: bool = False,
    findings: tuple[Finding, ...] = (),
) -> Record:
    """A record with a number and a publication date and nothing else."""
    provider = provider or office
    type = NumberType.PUBLICATION if right is Right.PATENT else NumberType.REGISTRATION
    canonical = f"{office}{number}"
    collection = f"{provider.lower()}-{right.value}-{name}"
    dated = (DatedFact(type=DateType.PUBLICATION, date=published, raw=str(published)),) if published else ()
    return Record(
        id=f"{collection}.{canonical}.{kind}" if kind else f"{collection}.{canonical}",
        right=right,
        provider=provider,
        office=office,
        collection=collection,
        kind=kind or None,
        unpublished=unpublished,
        numbers=(Number(type=type, raw=number, canonical=canonical, office=office, kind=kind or None),),
        dates=dated,
        findings=findings,
        source=Source(delivery=1, file="sample.xml", ordinal=0, sha256="0" * 64, format="sample", reader_version=1),
    )


def doubt(rule: str, severity: str = "warning", field: str = "title") -> Finding:
    return Finding(rule=rule, severity=Severity(severity), field=field, message=f"sample doubt {rule}")


@dataclass
class World:
    database: Database
    deliveries: list[int] = field(default_factory=list)

    def deliver(
        self,
        records: Iterable[Record],
        *,
        received: dt.datetime,
        provider: str = "EP",
        name: str = "x",
        rejected: int = 0,
        deleted: Iterable[str] = (),
    ) -> int:
        """What a load of these records leaves behind: a delivery, its member, the records' versions, their findings."""
        given = list(records)
        compress = zstandard.ZstdCompressor().compress
        with self.database.session() as session:
            ensure_collections(
                session, {(r.collection, r.provider, r.right.value, r.collection.split("-", 2)[2]) for r in given}
            )
        with self.database.driver() as connection:
            (delivery,) = connection.execute(  # type: ignore[misc]
                "insert into deliveries (provider, collection, name, digest, state, received, records, rejected) "
                "values (%s, %s, %s, %s, 'done', %s, %s, %s) returning sequence",
                (
                    provider,
                    name,
                    f"d{len(self.deliveries) + 1}",
                    secrets.token_hex(8),
                    received,
                    len(given) + rejected,
                    rejected,
                ),
            ).fetchone()
            (member,) = connection.execute(  # type: ignore[misc]
                "insert into delivery_members (delivery, file, sha256, size) values (%s, 'sample.xml', %s, 1) "
                "returning id",
                (delivery, secrets.token_hex(8)),
            ).fetchone()
            for ordinal, record in enumerate(given):
                connection.execute(
                    "insert into record_versions "
                    "(id, seq, content_hash, delivery, member, ordinal, body, deleted, updated) "
                    "select id, seq, content_hash, delivery, member, ordinal, body, deleted, updated from records "
                    "where id = %s",
                    (record.id,),
                )
                connection.execute(
                    'insert into records (id, seq, "right", office, provider, collection, content_hash, delivery, '
                    "member, ordinal, confirmed, body) "
                    "values (%s, nextval('change_sequence'), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) "
                    "on conflict (id) do update set seq = excluded.seq, delivery = excluded.delivery, "
                    "member = excluded.member, ordinal = excluded.ordinal, confirmed = excluded.confirmed, "
                    "body = excluded.body, deleted = false",
                    (
                        record.id,
                        record.right.value,
                        record.office,
                        record.provider,
                        record.collection,
                        secrets.token_bytes(8),
                        delivery,
                        member,
                        ordinal,
                        delivery,
                        compress(record.model_dump_json().encode()),
                    ),
                )
                for finding in record.findings:
                    self._complain(
                        connection,
                        delivery,
                        member,
                        ordinal,
                        record.id,
                        finding.severity.value,
                        finding.rule,
                        finding.message,
                        True,
                    )
            for number in range(rejected):
                self._complain(
                    connection, delivery, member, len(given) + number, None, "error", "", "unreadable", False
                )
            connection.execute(
                "update records set deleted = true, seq = nextval('change_sequence'), delivery = %s, confirmed = %s "
                "where id = any(%s)",
                (delivery, delivery, list(deleted)),
            )
        self.deliveries.append(delivery)
        return int(delivery)

    def confirm(self, ids: Iterable[str], delivery: int) -> None:
        """A later delivery said the same again."""
        with self.database.driver() as connection:
            connection.execute("update records set confirmed = %s where id = any(%s)", (delivery, list(ids)))

    @staticmethod
    def _complain(connection, delivery, member, ordinal, record, severity, rule, reason, finding) -> None:  # type: ignore[no-untyped-def]
        connection.execute(
            "insert into rejects (delivery, member, ordinal, file, record, field, severity, rule, reason, finding) "
            "values (%s, %s, %s, 'sample.xml', %s, 'title', %s, %s, %s, %s)",
            (delivery, member, ordinal, record, severity, rule, reason, finding),
        )


def at(day: str) -> dt.datetime:
    """Noon of a day, UTC."""
    return dt.datetime.fromisoformat(day).replace(hour=12, tzinfo=dt.UTC)

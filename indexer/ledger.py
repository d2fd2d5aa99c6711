"""What a load leaves in PostgreSQL: delivery, members, changed records, rejects. Every decision falls here.

Order of arrival decides: what a later delivery (or a later place in the same one) said stands, however often and in
whatever order deliveries are loaded again. Everything about one batch of items is one transaction.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import psycopg
import zstandard

from common.errors import Conflict
from common.messages import say
from indexer.images.describe import VERSION
from indexer.images.gallery import File, Known, Picture, member_path
from indexer.parts import overlay
from indexer.reading import Batch, Complaint, Found, Item, Sender, Task, prepare
from indexer.record import Record
from store.database import Database
from store.ingest import DELIVERY_LOCK, SEQUENCE_LOCK

Connection = psycopg.Connection[tuple[Any, ...]]

COUNTS = ("records", "indexed", "updated", "unchanged", "rejected")
PREVIOUS_HOLDER_S = 5.0
"""How long the lock of a delivery is waited for: PostgreSQL notices within that time that a killed loader is gone."""


@dataclass(slots=True)
class Counts:
    """What became of the items: records = indexed + updated + unchanged + rejected. A deletion counts as updated."""

    records: int = 0
    indexed: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0

    def add(self, other: Counts) -> None:
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def check(self) -> None:
        """Raises AssertionError if something was dropped."""
        total = self.indexed + self.updated + self.unchanged + self.rejected
        if self.records != total:
            raise AssertionError(f"{self.records} records in, but {total} accounted for: {self}")


@dataclass(frozen=True, slots=True)
class Registered:
    """A delivery in the ledger. `replay`: it was loaded to its end before, so only differences count."""

    sequence: int
    replay: bool
    tasks: tuple[Task, ...]
    """Members still to be read; of a replay, all of them."""
    counts: Counts
    """Of what was done before (nothing for a replay)."""
    sizes: dict[int, int]
    formats: dict[int, str]
    by_format: dict[str, int]
    """Items counted before, by format."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A record as it must now stand in the engine: `item` None where it must go."""

    id: str
    right: str
    seq: int
    delivery: int
    updated: dt.datetime
    outcome: str
    """indexed or updated."""
    member: int
    ordinal: int
    body: bytes | None
    prepared: bytes = b""
    text: str = ""
    title: str = ""
    compared: tuple[tuple[int, str], ...] = ()
    """(place from 1, SHA-256) of the images by which the record is found."""


@dataclass(frozen=True, slots=True)
class Committed:
    """A batch that is in PostgreSQL and must now reach the engine; `pending` is its entry until it has."""

    counts: Counts
    changes: tuple[Changed, ...]
    pending: int | None


@dataclass(slots=True)
class _State:
    """What is held of one id while a batch is decided."""

    content_hash: bytes
    delivery: int
    member: int
    ordinal: int
    confirmed: int
    deleted: bool
    refused: bool
    stored: bool = True
    """In the table already (or only staged by this batch)."""
    item: Item | None = None
    seq: int = 0
    outcome: str = ""


@dataclass(slots=True)
class _Staged:
    states: dict[str, _State]
    superseded: list[tuple[str, _State]] = field(default_factory=list)
    """Versions that came and went within the batch."""
    confirmed: set[str] = field(default_factory=set)
    """Unchanged, but said again by a later delivery."""
    bodies: dict[str, bytes] = field(default_factory=dict)
    """Stored records that parts in this batch are laid over."""
    parts: dict[str, list[bytes]] = field(default_factory=dict)
    """Parts held of the batch's records, oldest first."""
    new_parts: list[Item] = field(default_factory=list)
    images: dict[str, dict[bytes, str]] = field(default_factory=dict)
    """Record → reference (as `_reference` writes it) → SHA-256, of what is held or came in this batch."""


class Ledger:
    """The ledger of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._compress = zstandard.ZstdCompressor(level=3).compress
        self._decompress = zstandard.ZstdDecompressor().decompress

    # --- deliveries ---

    def register(self, sender: Sender, name: str, found: Sequence[Found]) -> Registered:
        """Enters a delivery, or finds it again by its content."""
        digest = delivery_digest(sender, found)
        with self._database.driver() as connection:
            row = connection.execute(
                "insert into deliveries (provider, collection, name, digest, options) values (%s, %s, %s, %s, %s) "
                "on conflict (digest) do nothing returning sequence",
                (sender.provider, sender.collection, name, digest, orjson.dumps(dict(sender.options)).decode()),
            ).fetchone()
            if row is not None:
                self._enter_members(connection, row[0], found)
            (sequence,) = connection.execute(  # type: ignore[misc]
                "select sequence from deliveries where digest = %s", (digest,)
            ).fetchone()
        return self.registered(sequence)

    def _enter_members(self, connection: Connection, delivery: int, found: Sequence[Found]) -> None:
        columns = "delivery, file, member, sha256, size, format, reader_version, state"
        with connection.cursor().copy(f"copy delivery_members ({columns}) from stdin") as copy:
            for entry in found:
                state = "pending" if entry.format else "failed" if entry.complaint else "skipped"
                copy.write_row(
                    (
                        delivery,
                        entry.file,
                        entry.member,
                        entry.sha256,
                        entry.size,
                        entry.format,
                        entry.reader_version,
                        state,
                    )
                )
        members = connection.execute(
            "select id, state from delivery_members where delivery = %s order by id", (delivery,)
        ).fetchall()
        for (member, state), entry in zip(members, found, strict=True):
            if state == "failed" and entry.complaint is not None:
                _write_complaints(
                    connection, delivery, member, entry.file, entry.member, [(None, None, entry.complaint)]
                )
                connection.execute(
                    "update delivery_members set records = 1, rejected = 1, checkpoint = 1 where id = %s", (member,)
                )

    def registered(self, sequence: int) -> Registered:
        """A delivery as it stands now."""
        with self._database.driver() as connection:
            (state,) = connection.execute(  # type: ignore[misc]
                "select state from deliveries where sequence = %s", (sequence,)
            ).fetchone()
            rows = connection.execute(
                "select id, file, member, sha256, size, format, state, checkpoint, "
                "records, indexed, updated, unchanged, rejected "
                "from delivery_members where delivery = %s order by id",
                (sequence,),
            ).fetchall()
        replay = state == "done"
        counts = Counts()
        by_format: Counter[str] = Counter()
        tasks = []
        for member, file, path, sha256, _, format_, member_state, checkpoint, *numbers in rows:
            if format_ is not None and (replay or member_state != "done"):
                tasks.append(Task(member, file, path, sha256, format_, 0 if replay else checkpoint))
            if not replay or member_state == "failed":
                counts.add(Counts(*numbers))
                by_format[format_ or "unreadable"] += numbers[0]
        return Registered(
            sequence,
            replay,
            tuple(tasks),
            counts,
            {row[0]: row[4] for row in rows},
            {row[0]: row[5] for row in rows if row[5] is not None},
            {name: number for name, number in by_format.items() if number},
        )

    def other_files(self, sequence: int) -> tuple[list[File], dict[str, Known]]:
        """Files of a delivery that no reader reads, and what is known already of their contents."""
        with self._database.driver() as connection:
            rows = connection.execute(
                "select m.file, m.member, m.sha256, p.vector is not null, p.problem from delivery_members m "
                "left join pictures p on p.sha256 = m.sha256 and p.version = %s "
                "where m.delivery = %s and m.format is null order by m.id",
                (VERSION, sequence),
            ).fetchall()
        files = [File(member_path(file, member), sha256) for file, member, sha256, *_ in rows]
        known = {row[2]: Known(row[3], row[4]) for row in rows if row[4] is not None}
        return files, known

    @contextmanager
    def alone(self, delivery: int) -> Iterator[None]:
        """Holds a delivery for this process; a process that is killed lets go of it. Raises Conflict."""
        with self._database.connect(autocommit=True) as connection:
            deadline = time.monotonic() + PREVIOUS_HOLDER_S
            while not _try_lock(connection, delivery):
                if time.monotonic() > deadline:
                    raise Conflict(say("deliveries.being-loaded", delivery=delivery))
                time.sleep(0.1)
            yield

    def set_state(self, delivery: int, state: str, error: str | None = None) -> None:
        """reading, done (also sums up the members' counts), failed."""
        with self._database.driver() as connection:
            connection.execute(
                "update deliveries set state = %s, error = %s, finished = case when %s then now() end "
                "where sequence = %s",
                (state, error, state in ("done", "failed"), delivery),
            )
            if state == "done":
                connection.execute(
                    "update deliveries d set (records, indexed, updated, unchanged, rejected) = "
                    "(select coalesce(sum(m.records), 0), coalesce(sum(m.indexed), 0), coalesce(sum(m.updated), 0), "
                    "coalesce(sum(m.unchanged), 0), coalesce(sum(m.rejected), 0) "
                    "from delivery_members m where m.delivery = d.sequence) where sequence = %s",
                    (delivery,),
                )
                connection.execute("select pg_notify('concord_deliveries', %s)", (str(delivery),))

    # --- batches ---

    def commit(self, batch: Batch, task: Task, delivery: int, *, replay: bool) -> Committed:
        """Decides and stores one batch. A replayed delivery leaves its own counts and checkpoints as they were."""
        with self._database.driver() as connection:
            connection.execute("select pg_advisory_xact_lock(%s)", (SEQUENCE_LOCK,))
            staged = self._load_states(connection, batch.items)
            counts = Counts(records=len(batch.items))
            for item in batch.items:
                if item.id is None:
                    outcome = "rejected"
                else:
                    whole = self._with_images(staged, self._combined(staged, item))
                    outcome = self._decide(staged, whole, delivery, batch.member_id)
                setattr(counts, outcome, getattr(counts, outcome) + 1)
            counts.check()
            changes = self._write(connection, staged, delivery)
            self._write_parts(connection, staged, delivery)
            self._write_images(connection, staged, batch.pictures)
            self._write_rejects(connection, batch, task, delivery)
            if not replay:
                connection.execute(
                    "update delivery_members set state = %s, checkpoint = checkpoint + %s, records = records + %s, "
                    "indexed = indexed + %s, updated = updated + %s, unchanged = unchanged + %s, "
                    "rejected = rejected + %s where id = %s",
                    (
                        "done" if batch.last else "reading",
                        len(batch.items),
                        *(getattr(counts, name) for name in COUNTS),
                        batch.member_id,
                    ),
                )
            pending = None
            if changes:
                sequences = [change.seq for change in changes]
                (pending,) = connection.execute(  # type: ignore[misc]
                    "insert into pending_batches (delivery, first_seq, last_seq) values (%s, %s, %s) returning id",
                    (delivery, min(sequences), max(sequences)),
                ).fetchone()
        return Committed(counts, changes, pending)

    def _load_states(self, connection: Connection, items: Iterable[Item]) -> _Staged:
        ids = list({item.id for item in items if item.id is not None})
        rows = connection.execute(
            "select id, content_hash, delivery, member, ordinal, confirmed, deleted, index_error is not null "
            "from records where id = any(%s)",
            (ids,),
            binary=True,
        )
        staged = _Staged({row[0]: _State(*row[1:]) for row in rows})
        if not ids:
            return staged
        if pictured := [item.id for item in items if item.images and item.id in staged.states]:
            images = connection.execute(
                "select record, reference, sha256 from record_images where record = any(%s)", (pictured,), binary=True
            )
            for id_, reference, sha256 in images:
                staged.images.setdefault(id_, {})[reference] = sha256
        parts = connection.execute(
            "select id, body from record_parts where id = any(%s) order by number", (ids,), binary=True
        )
        for id_, body in parts:
            staged.parts.setdefault(id_, []).append(self._decompress(body))
        if wanted := [item.id for item in items if item.partial and item.id in staged.states]:
            bodies = connection.execute(
                "select id, body from records where id = any(%s) and not deleted", (wanted,), binary=True
            )
            staged.bodies = {id_: self._decompress(body) for id_, body in bodies}
        return staged

    def _combined(self, staged: _Staged, item: Item) -> Item:
        """A part is laid over what is held; a whole record gets the parts that are held laid over it."""
        assert item.id is not None
        if item.body is None:
            staged.parts.pop(item.id, None)
            return item
        if not item.partial:
            parts = staged.parts.get(item.id, [])
            return self._overlaid(item.body, parts, item) if parts else item
        if item.body not in staged.parts.setdefault(item.id, []):
            staged.parts[item.id].append(item.body)
            staged.new_parts.append(item)
        held = staged.states.get(item.id)
        if held is None or held.deleted:
            return item
        body = held.item.body if held.item is not None else staged.bodies.get(item.id)
        return self._overlaid(body, [item.body], item) if body is not None else item

    @staticmethod
    def _with_images(staged: _Staged, item: Item) -> Item:
        """Images whose files this delivery does not carry keep those that an earlier one did."""
        held = staged.images.get(item.id or "")
        if not held or all(sha256 is not None or _reference(ref) not in held for ref, sha256 in item.images):
            return item
        assert item.body is not None
        record = Record.model_validate_json(item.body)
        images = tuple(
            image
            if image.sha256 is not None
            else image.model_copy(update={"sha256": held.get(_reference(image.reference))})
            for image in record.images
        )
        restored = prepare(record.model_copy(update={"images": images}), item.ordinal)
        return dataclasses.replace(restored, partial=item.partial)

    @staticmethod
    def _overlaid(body: bytes, parts: Sequence[bytes], item: Item) -> Item:
        record = Record.model_validate_json(body)
        for part in parts:
            record = overlay(record, Record.model_validate_json(part))
        return dataclasses.replace(prepare(record, item.ordinal), partial=item.partial)

    def _decide(self, staged: _Staged, item: Item, delivery: int, member: int) -> str:
        """Outcome of one item after all before it: indexed, updated or unchanged."""
        assert item.id is not None
        held = staged.states.get(item.id)
        gone = item.body is None
        if held is not None:
            later = delivery < held.confirmed or (
                delivery == held.delivery and (member, item.ordinal) < (held.member, held.ordinal)
            )
            # a part takes nothing away, so the order in which parts come does not matter
            if later and not (item.partial and not held.deleted):
                return "unchanged"
            same = held.deleted if gone else (not held.deleted and held.content_hash == item.content_hash)
            if same and not held.refused:
                if held.confirmed < delivery:
                    held.confirmed = delivery
                    staged.confirmed.add(item.id)
                return "unchanged"
            if held.item is not None:
                staged.superseded.append((item.id, held))
        if gone:
            staged.images.pop(item.id, None)
        elif item.images:
            staged.images[item.id] = {_reference(ref): sha256 for ref, sha256 in item.images if sha256 is not None}
        outcome = "indexed" if held is None else "updated"
        if gone and held is None:
            outcome = "unchanged"  # nothing anybody saw is taken away; the tombstone keeps later replays out
        staged.states[item.id] = _State(
            item.content_hash,
            delivery,
            member,
            item.ordinal,
            max(delivery, held.confirmed) if held is not None else delivery,
            gone,
            refused=False,
            stored=held is not None and held.stored,
            item=item,
            outcome=outcome,
        )
        return outcome

    def _write(self, connection: Connection, staged: _Staged, delivery: int) -> tuple[Changed, ...]:
        new = [(id_, state) for id_, state in staged.states.items() if state.item is not None]
        known = [id_ for id_ in staged.confirmed if staged.states[id_].item is None]
        if known:
            connection.execute("update records set confirmed = %s where id = any(%s)", (delivery, known))
        if not new:
            return ()
        every = [*staged.superseded, *new]
        numbers = connection.execute(
            "select nextval('change_sequence'), now() from generate_series(1, %s)", (len(every),)
        ).fetchall()
        now: dt.datetime = numbers[0][1]
        for (_, state), (number, _) in zip(every, numbers, strict=True):
            state.seq = number
        replaced = [id_ for id_, state in new if state.stored]
        last_bodies: dict[str, bytes] = {}
        if replaced:
            connection.execute(
                "insert into record_versions "
                "(id, seq, content_hash, delivery, member, ordinal, body, deleted, updated) "
                "select id, seq, content_hash, delivery, member, ordinal, body, deleted, updated "
                "from records where id = any(%s)",
                (replaced,),
            )
            going = [id_ for id_ in replaced if staged.states[id_].deleted]
            last_bodies.update(
                connection.execute("select id, body from records where id = any(%s)", (going,), binary=True).fetchall()
            )
        self._copy_versions(connection, staged.superseded, now, last_bodies)
        self._copy_records(connection, new, now, last_bodies)
        return tuple(self._changed(id_, state, now) for id_, state in new)

    def _write_parts(self, connection: Connection, staged: _Staged, delivery: int) -> None:
        """Parts are kept as they came, so that a whole record that comes later can have them laid over it again."""
        gone = [id_ for id_, state in staged.states.items() if state.item is not None and state.deleted]
        if gone:
            connection.execute("delete from record_parts where id = any(%s)", (gone,))
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into record_parts (id, content_hash, delivery, body) values (%s, %s, %s, %s) "
                "on conflict (id, content_hash) do nothing",
                [
                    (item.id, item.content_hash, delivery, self._compress(item.body))
                    for item in staged.new_parts
                    if item.body is not None and item.id not in gone
                ],
            )

    @staticmethod
    def _write_images(connection: Connection, staged: _Staged, pictures: Sequence[Picture]) -> None:
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into pictures (sha256, media_type, width, height, hash, vector, version, problem) "
                "values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict (sha256) do update set "
                "(media_type, width, height, hash, vector, version, problem) = (excluded.media_type, excluded.width, "
                "excluded.height, excluded.hash, excluded.vector, excluded.version, excluded.problem) "
                "where pictures.version <> excluded.version or excluded.vector is not null",
                [
                    (
                        *(one.sha256, one.media_type, one.width, one.height),
                        None if one.hash is None else one.hash.to_bytes(8, "big"),
                        *(one.vector, VERSION, one.problem.replace("\0", "\\0")),
                    )
                    for one in pictures
                ],
            )
            new = {id_: state.item for id_, state in staged.states.items() if state.item is not None}
            replaced = [id_ for id_, state in staged.states.items() if state.item is not None and state.stored]
            if replaced:
                cursor.execute("delete from record_images where record = any(%s)", (replaced,))
            cursor.executemany(
                "insert into record_images (record, reference, sha256) values (%s, %s, %s)",
                [
                    (id_, reference, sha256)
                    for id_, item in new.items()
                    for reference, sha256 in {
                        _reference(ref): sha256 for ref, sha256 in item.images if sha256 is not None
                    }.items()
                ],
            )

    def _body(self, id_: str, state: _State, last_bodies: dict[str, bytes]) -> bytes:
        """Compressed. A deletion keeps the last body there was, if only the one that came just before it."""
        assert state.item is not None
        if state.item.body is None:
            return last_bodies.get(id_, b"")
        last_bodies[id_] = self._compress(state.item.body)
        return last_bodies[id_]

    def _copy_versions(
        self,
        connection: Connection,
        superseded: Sequence[tuple[str, _State]],
        now: dt.datetime,
        last_bodies: dict[str, bytes],
    ) -> None:
        if not superseded:
            return
        columns = "id, seq, content_hash, delivery, member, ordinal, body, deleted, updated"
        with connection.cursor().copy(f"copy record_versions ({columns}) from stdin (format binary)") as copy:
            copy.set_types(["text", "int8", "bytea", "int8", "int8", "int8", "bytea", "bool", "timestamptz"])
            for id_, state in superseded:
                copy.write_row(
                    (
                        id_,
                        state.seq,
                        state.content_hash,
                        state.delivery,
                        state.member,
                        state.ordinal,
                        self._body(id_, state, last_bodies),
                        state.deleted,
                        now,
                    )
                )

    def _copy_records(
        self,
        connection: Connection,
        new: Sequence[tuple[str, _State]],
        now: dt.datetime,
        last_bodies: dict[str, bytes],
    ) -> None:
        """New rows go straight in; changed ones by way of a temporary table."""
        columns = (
            'id, seq, "right", office, provider, collection, content_hash, delivery, member, ordinal, confirmed, '
            "body, deleted, updated"
        )
        types = ["text", "int8", "text", "text", "text", "text", "bytea", "int8", "int8", "int8", "int8", "bytea"]
        types += ["bool", "timestamptz"]
        cursor = connection.cursor()
        for stored, table in ((False, "records"), (True, "changed_records")):
            rows = [(id_, state) for id_, state in new if state.stored is stored]
            if not rows:
                continue
            if stored:
                cursor.execute(
                    f"create temporary table changed_records on commit drop as "  # noqa: S608 - our own column names
                    f"select {columns} from records limit 0"
                )
            with cursor.copy(f"copy {table} ({columns}) from stdin (format binary)") as copy:
                copy.set_types(types)
                for id_, state in rows:
                    item = state.item
                    assert item is not None
                    copy.write_row(
                        (
                            id_,
                            state.seq,
                            item.right,
                            item.office,
                            item.provider,
                            item.collection,
                            state.content_hash,
                            state.delivery,
                            state.member,
                            state.ordinal,
                            state.confirmed,
                            self._body(id_, state, last_bodies),
                            state.deleted,
                            now,
                        )
                    )
            if stored:
                cursor.execute(
                    'update records r set seq = c.seq, "right" = c."right", office = c.office, '
                    "provider = c.provider, collection = c.collection, content_hash = c.content_hash, "
                    "delivery = c.delivery, member = c.member, ordinal = c.ordinal, confirmed = c.confirmed, "
                    "body = c.body, deleted = c.deleted, updated = c.updated, index_error = null "
                    "from changed_records c where r.id = c.id"
                )

    @staticmethod
    def _changed(id_: str, state: _State, now: dt.datetime) -> Changed:
        item = state.item
        assert item is not None
        return Changed(
            id_,
            item.right,
            state.seq,
            state.delivery,
            now,
            state.outcome,
            state.member,
            state.ordinal,
            item.body,
            item.prepared,
            item.text,
            item.title,
            item.compared,
        )

    def _write_rejects(self, connection: Connection, batch: Batch, task: Task, delivery: int) -> None:
        """Complaints of the batch's items, in place of those of an earlier reading."""
        if not batch.items:
            return
        connection.execute(
            "delete from rejects where delivery = %s and member = %s and ordinal between %s and %s",
            (delivery, batch.member_id, batch.items[0].ordinal, batch.items[-1].ordinal),
        )
        rows = [(item.ordinal, item.id, complaint) for item in batch.items for complaint in item.complaints]
        _write_complaints(connection, delivery, batch.member_id, task.file, task.member, rows)

    # --- what reached the engine ---

    def confirm(self, pending: int | None, refused: Sequence[tuple[Changed, str]] = ()) -> Counts:
        """A batch has reached the engine, except what it `refused` (with reasons). Returns what corrects the counts."""
        correction = Counts()
        with self._database.driver() as connection:
            for change, reason in refused:
                correction.add(self._refuse(connection, change, reason.replace("\0", "\\0")))
            if pending is not None:
                connection.execute("delete from pending_batches where id = %s", (pending,))
        return correction

    def _refuse(self, connection: Connection, change: Changed, reason: str) -> Counts:
        marked = connection.execute(
            "update records set index_error = %s where id = %s and seq = %s", (reason, change.id, change.seq)
        )
        place = connection.execute(
            "select file, member from delivery_members where id = %s", (change.member,)
        ).fetchone()
        file, path = place or ("", "")
        complaint = Complaint(say("input.refused-by-engine", answer=reason), rule="engine")
        rows = [(change.ordinal, change.id, complaint)]
        _write_complaints(connection, change.delivery, change.member, file, path, rows)
        if marked.rowcount == 0 or change.outcome not in ("indexed", "updated"):
            return Counts()
        connection.execute(
            f"update delivery_members set {change.outcome} = {change.outcome} - 1, rejected = rejected + 1 "  # noqa: S608
            f"where id = %s and {change.outcome} > 0",
            (change.member,),
        )
        return Counts(rejected=1, **{change.outcome: -1})

    def unsent(self, delivery: int | None = None) -> list[tuple[int, int, int, int]]:
        """(id, delivery, first seq, last seq) of batches that may not have reached the engine."""
        with self._database.driver() as connection:
            rows = connection.execute(
                "select id, delivery, first_seq, last_seq from pending_batches "
                "where %s::bigint is null or delivery = %s order by id",
                (delivery, delivery),
            )
            return [(row[0], row[1], row[2], row[3]) for row in rows]

    def abandoned(self) -> list[tuple[int, int, int, int]]:
        """As `unsent`, of deliveries that nobody is loading."""
        with self._database.connect(autocommit=True) as connection:
            batches = []
            for batch in self.unsent():
                if _try_lock(connection, batch[1]):
                    batches.append(batch)
                    connection.execute("select pg_advisory_unlock(%s, %s)", (DELIVERY_LOCK, batch[1] & 0x7FFFFFFF))
            return batches


def delivery_digest(sender: Sender, found: Sequence[Found]) -> str:
    """The same for deliveries of the same sender, options and content in order, whatever the files are called."""
    digest = hashlib.sha256()
    digest.update(orjson.dumps([sender.provider, sender.collection, sender.options]))
    for entry in found:
        digest.update(entry.sha256.encode())
    return digest.hexdigest()


def _reference(text: str) -> bytes:
    """An image's reference as a key: it may be of any length."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]


def _try_lock(connection: Connection, delivery: int) -> bool:
    row = connection.execute("select pg_try_advisory_lock(%s, %s)", (DELIVERY_LOCK, delivery & 0x7FFFFFFF)).fetchone()
    return bool(row and row[0])


def _write_complaints(
    connection: Connection,
    delivery: int,
    member: int,
    file: str,
    path: str,
    rows: Iterable[tuple[int | None, str | None, Complaint]],
) -> None:
    """(ordinal, record id, complaint). A complaint of severity error about an item without id is a reject."""
    columns = "delivery, member, ordinal, file, path, record, field, severity, rule, reason, finding"
    entries = list(rows)
    if not entries:
        return
    with connection.cursor().copy(f"copy rejects ({columns}) from stdin") as copy:
        for ordinal, record, complaint in entries:
            finding = record is not None and complaint.rule != "engine"
            copy.write_row(
                (
                    delivery,
                    member,
                    ordinal,
                    file,
                    path,
                    record,
                    complaint.field,
                    complaint.severity,
                    complaint.rule,
                    complaint.reason,
                    finding,
                )
            )

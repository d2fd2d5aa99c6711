"""The reading side of a load, which runs in a process of its own: walk, archive, read, harmonise, check, prepare.

`survey` archives every member of a delivery before anything is read. `read` goes through archived members and yields
batches of items that need no more work but a decision: is it new, changed, known, or taken away?
"""

from __future__ import annotations

import hashlib
import multiprocessing
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

import orjson

from common.errors import ConcordError, EngineError, InputError, MalformedInput
from common.messages import say
from indexer.archive import Archive
from indexer.binding import languages
from indexer.document import document
from indexer.embedding import title_and_text
from indexer.formats import containers, sniff
from indexer.formats.draft import Draft
from indexer.formats.reading import Context, Format
from indexer.harmonise import harmonise
from indexer.harmonise.origin import Origin
from indexer.images.gallery import File, Gallery, Known, Picture, compared, member_path
from indexer.quality import check
from indexer.record import Deletion, Record, Source

T = TypeVar("T")

BATCH_ITEMS = 500
BATCH_BYTES = 4 << 20
LONGEST_ID = 512
"""Bytes of a document id that the engine takes."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """Why an item is not held, or a doubt about one that is: a line of `concord rejects`."""

    reason: str
    field: str = ""
    severity: str = "error"
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A member of a delivery, archived. `format` None: nobody reads it; `complaint` says why if it should be read."""

    file: str
    member: str
    sha256: str
    size: int
    kind: str
    format: str | None
    reader_version: int | None
    complaint: Complaint | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A member to read: from item `skip` on."""

    member_id: int
    file: str
    member: str
    sha256: str
    format: str
    skip: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """One record, deletion (`body` None) or reject (`id` None) of a member."""

    ordinal: int
    id: str | None
    right: str = ""
    office: str = ""
    provider: str = ""
    collection: str = ""
    content_hash: bytes = b""
    body: bytes | None = None
    """The Record as JSON."""
    prepared: bytes = b""
    """Its document as JSON, without what is known later."""
    text: str = ""
    """What its vector is made from."""
    title: str = ""
    """The part of it that counts twice."""
    partial: bool = False
    """Only a part of the record: to be laid over what is held."""
    images: tuple[tuple[str, str | None], ...] = ()
    """(reference, SHA-256 where the delivery carried the file) of each image."""
    compared: tuple[tuple[int, str], ...] = ()
    """(place from 1, SHA-256) of the images by which the record is found."""
    complaints: tuple[Complaint, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive items of one member. `last`: the member ends here. `position`: bytes of the member read so far."""

    member_id: int
    items: tuple[Item, ...]
    last: bool
    position: int
    pictures: tuple[Picture, ...] = ()
    """What was found out about contents that the items' images name."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who delivers: provider (ST.3), NAME of its collections, sequence of the delivery, options for readers."""

    provider: str
    collection: str
    delivery: int = 0
    options: tuple[tuple[str, str], ...] = ()


def survey(paths: list[Path], archive_url: str, options: tuple[tuple[str, str], ...] = ()) -> Iterator[Found]:
    """Every member below `paths`, archived, with the format that will read it or a complaint."""
    from indexer.formats.table import FORMATS, by_name

    mapped = any(name.startswith("column.") for name, _ in options)

    archive = Archive(archive_url)
    for path in paths:
        for member in containers.members(path):
            if isinstance(member, InputError):
                place = member.place
                # what cannot be unpacked has no content of its own: its address is that of its place
                unread = hashlib.sha256(f"{place.file}!{place.member}".encode()).hexdigest()
                yield Found(place.file, place.member, unread, 0, "unreadable", None, None, complaint_of(member))
                continue
            archive.put_known(member.sha256, member.open)
            format_, complaint = None, None
            if member.kind == "record":
                seen = member.signature
                try:
                    # headings in an office's own words can be told for CSV only by the map that came with them
                    csv = mapped and not seen.root and not seen.json_keys and b"\0" not in seen.head
                    format_ = by_name("concord-csv") if csv else sniff.recognise(seen, FORMATS, member.place)
                except InputError as error:
                    complaint = complaint_of(error)
            yield Found(
                member.file,
                member.member,
                member.sha256,
                member.size,
                member.kind,
                format_.name if format_ else None,
                format_.version if format_ else None,
                complaint,
            )


def read(
    tasks: list[Task],
    sender: Sender,
    archive_url: str,
    files: list[File] | None = None,
    known: dict[str, Known] | None = None,
) -> Iterator[Batch]:
    """All items of all tasks in order, in batches. `files`: the delivery's files that no reader reads; `known`: what is
    known of their contents already, by digest."""
    archive = Archive(archive_url)
    gallery = Gallery(archive, files or [], known or {})
    for task in tasks:
        yield from _batches(task, sender, archive, gallery)


def _batches(task: Task, sender: Sender, archive: Archive, gallery: Gallery) -> Iterator[Batch]:
    items: list[Item] = []
    held = position = 0
    for item, position in _items(task, sender, archive, gallery):
        items.append(item)
        held += len(item.body or b"") + len(item.prepared)
        if len(items) >= BATCH_ITEMS or held >= BATCH_BYTES:
            yield Batch(task.member_id, tuple(items), last=False, position=position, pictures=gallery.fresh())
            items, held = [], 0
    yield Batch(task.member_id, tuple(items), last=True, position=position, pictures=gallery.fresh())


def _items(task: Task, sender: Sender, archive: Archive, gallery: Gallery) -> Iterator[tuple[Item, int]]:
    row = _format(task.format)
    context = Context(task.file, task.member, sender.provider, sender.options)
    ordinal = position = 0
    try:
        with archive.open(task.sha256) as stream:
            for found in row.read(stream, context):
                if isinstance(found, Draft) and found.byte_offset is not None:
                    position = found.byte_offset + (found.byte_length or 0)
                if ordinal >= task.skip:
                    yield _item(found, ordinal, task, sender, row, gallery), position
                ordinal += 1
    except InputError as error:
        yield Item(ordinal, None, complaints=(complaint_of(error),)), position
    except ConcordError:
        raise
    except Exception as error:
        yield Item(ordinal, None, complaints=(_mistake(f"reader {row.name}", error),)), position


def _item(found: Draft | InputError, ordinal: int, task: Task, sender: Sender, row: Format, gallery: Gallery) -> Item:
    if isinstance(found, InputError):
        return Item(ordinal, None, complaints=(complaint_of(found),))
    try:
        result = harmonise(found, origin_of(found, ordinal, task, sender, row))
        if isinstance(result, Deletion):
            return _deletion(result, ordinal)
        return prepare(gallery.tie(checked(result), member_path(task.file, task.member)), ordinal)
    except InputError as error:
        return Item(ordinal, None, complaints=(complaint_of(error),))
    except ConcordError:
        raise
    except Exception as error:
        return Item(ordinal, None, complaints=(_mistake("harmonisation", error),))


def origin_of(draft: Draft, ordinal: int, task: Task, sender: Sender, row: Format) -> Origin:
    """Where a draft comes from: the item `ordinal` of the member that `task` reads."""
    return Origin(
        provider=sender.provider,
        collection=collection_id(sender.provider, draft.right, sender.collection),
        default_office=sender.provider,
        delivery=sender.delivery,
        file=task.file,
        member=task.member,
        ordinal=ordinal,
        sha256=task.sha256,
        format=row.name,
        reader_version=row.version,
    )


def collection_id(provider: str, right: str, name: str) -> str:
    """`PROVIDER-right-NAME`, lower case."""
    return f"{provider}-{right}-{name}".lower()


def checked(record: Record) -> Record:
    """The record with what the quality checks found."""
    findings = check(record)
    return record.model_copy(update={"findings": findings}) if findings != record.findings else record


def prepare(record: Record, ordinal: int) -> Item:
    """A record with everything that can be made of it before it is known whether it changed."""
    if len(record.id.encode()) > LONGEST_ID or "\0" in record.id:
        raise MalformedInput(say("input.identifier", most=LONGEST_ID, identifier=record.id[:80]))
    body, content_hash = written(record)
    title, text = title_and_text(record)
    return Item(
        ordinal=ordinal,
        id=record.id,
        right=record.right.value,
        office=record.office,
        provider=record.provider,
        collection=record.collection,
        content_hash=content_hash,
        body=body,
        prepared=orjson.dumps(document(record, languages())),
        text=text,
        title=title,
        partial=record.partial,
        images=tuple((image.reference, image.sha256) for image in record.images),
        compared=compared(record),
        complaints=tuple(
            Complaint(finding.message, finding.field, finding.severity.value, finding.rule)
            for finding in record.findings
        ),
    )


def written(record: Record) -> tuple[bytes, bytes]:
    """(the Record as it is stored, SHA-256 of what it says wherever it came from).

    What is empty or unsaid is left out, which halves it; the schema version is not. Where it came from is written apart
    and put in its place before `partial`, the last field: so the rest is written once for both."""
    said = record.model_dump_json(exclude={"source", "additions", "schema_version"}, exclude_defaults=True).encode()
    end = b',"partial":true}' if record.partial else b"}"
    origin = b',"source":' + _json(record.source)
    if record.additions:
        origin += b',"additions":[%s]' % b",".join(map(_json, record.additions))
    body = b'{"schema_version":%d,%s%s%s' % (record.schema_version, said[1 : -len(end)], origin, end)
    return body, hashlib.sha256(said).digest()


def _json(source: Source) -> bytes:
    return source.model_dump_json(exclude_defaults=True).encode()


def _deletion(deletion: Deletion, ordinal: int) -> Item:
    return Item(
        ordinal=ordinal,
        id=deletion.id,
        right=deletion.right.value,
        office=deletion.office,
        provider=deletion.provider,
        collection=deletion.collection,
    )


def complaint_of(error: InputError) -> Complaint:
    """An input error as a line of `concord rejects`: its place stands in columns of their own."""
    reason = f"{error.message} {error.remedy}".strip().replace("\0", "\\0")
    if error.place.line is not None:
        reason = say("input.line", line=str(error.place.line), reason=reason)
    return Complaint(reason, error.place.field.replace("\0", "\\0"), rule=type(error).__name__)


def _mistake(where: str, error: Exception) -> Complaint:
    fault = f"{type(error).__name__}: {error}".replace("\0", "\\0")
    return Complaint(str(ConcordError(say("input.failed-on-it", step=where, fault=fault))), rule="internal")


@cache
def _format(name: str) -> Format:
    from indexer.formats.table import by_name

    return by_name(name)


# --- the process ---


def inline(function: Callable[..., Iterator[T]], *arguments: Any) -> Generator[T, None, None]:
    """As `remote`, in this process: for small deliveries, where starting a process takes longer than the work."""
    yield from function(*arguments)


def remote(function: Callable[..., Iterator[T]], *arguments: Any) -> Generator[T, None, None]:
    """What `function(*arguments)` yields, computed in another process at most one item ahead.

    Raises what the function raises; EngineError if the process ends without a word (out of memory, killed).
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(theirs, function, arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        while True:
            try:
                kind, value = ours.recv()
            except EOFError:
                process.join()
                raise EngineError(say("engines.reading-ended", code=str(process.exitcode))) from None
            if kind == "error":
                raise value
            if kind == "end":
                return
            yield value
    finally:
        ours.close()
        process.terminate()
        process.join()
        process.close()


def _serve(pipe: Connection, function: Callable[..., Iterator[Any]], arguments: Iterable[Any]) -> None:
    try:
        for value in function(*arguments):
            pipe.send(("item", value))
        pipe.send(("end", None))
    except BrokenPipeError:
        sys.exit(1)  # nobody listens any more
    except ConcordError as error:
        pipe.send(("error", error))
    finally:
        pipe.close()

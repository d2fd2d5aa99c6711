"""Packages: ordered by a beneficiary, built in the background, signed by the provider, downloaded while rights last.

A package holds what an agreement gives: all of it, one collection, a result set, or what changed after a page of its
changes; then it names the deletions too. It is built from the ledger in
pages, with rights read anew for each; a right that goes meanwhile ends the building. Its link works as long as the
rights it was made under are the very same: with revocation, suspension or other terms it is dead at once.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.access.agreements import Terms
from api.access.audit import append as audit_append
from api.access.audit import disclosures
from api.access.model import Caller, Group, Role, role_rules
from api.access.redaction import redact
from api.access.scope import HIDDEN, View
from api.access.scopes import current_version
from api.dependencies import Services
from api.exchange import asic, certificates, feed, volume
from api.exchange.container import LIMIT, Container, Given, Packed, Packer, Spool, pack
from api.exchange.feed import Position, Rights, rights
from api.exchange.negotiation import document
from api.exchange.originals import Originals
from api.exchange.signatures import Signed, sign, verify
from api.exchange.writers import FORMATS
from api.exchange.writers.shown import write_shown
from api.jobs import queue
from api.search.pictures import content_of
from api.search.records import LARGEST_SHARED_MEMBER, sees_everything
from common.errors import ConcordError, Conflict, EngineError, NotFound, UnwritableRecord, UsageError
from common.messages import say
from store.access import Agreement
from store.exchange import Holding, Package
from store.ingest import Delivery, Member, StoredRecord

JOB = "package"
SHARED_KEPT = 2_000
NOT_WHOLE = "the agreement does not give every part of the original"
NOT_IN_FORMAT = "the policy of the collection does not give it in this format"
UNREADABLE = "the image is too large, or none that can be read"
EXTENSIONS = {media_type: extension for extension, media_type in asic.PICTURES.items()}


def folder(services: Services) -> Path:
    return services.settings.home / "packages"


def path_of(services: Services, package: str) -> Path:
    return folder(services) / f"{package}.asice"


def receiver(entry: Package) -> Caller:
    """The caller that a package is made for: its office in the role that ordered it."""
    role = Role(entry.role)
    return Caller("package", entry.id, entry.office, role, role_rules()[role].permissions)


def order(
    session: Session, caller: Caller, purpose: str, agreement: int, request: dict[str, Any], ids: list[str] | None
) -> Package:
    """Enters a package to be built. `ids`: of a result set."""
    given = rights(session, caller, purpose, agreement)
    chosen_formats(given.terms, request)
    entry = Package(
        id=secrets.token_hex(16),
        agreement=agreement,
        office=caller.office,
        purpose=purpose,
        role=caller.role.value,
        basis="",
        request=request if ids is None else {**request, "ids": ids},
        created_by=caller.name,
    )
    session.add(entry)
    session.flush()
    queue.enqueue(session, JOB, caller, purpose, {"package": entry.id})
    return entry


def chosen_formats(terms: Terms, request: dict[str, Any]) -> tuple[str, ...]:
    """The formats that a package has beside record.json: those ordered, else those that the agreement names.

    Raises UsageError for one that there is not or that the agreement does not give.
    """
    wanted = tuple(dict.fromkeys(request.get("formats", terms.formats)))
    for name in wanted:
        if name not in FORMATS:
            raise UsageError(say("exports.format-unknown", format=name, formats=list(FORMATS)))
        if terms.formats and name not in terms.formats:
            raise UsageError(say("exchange.format-not-given", name=name, formats=list(terms.formats)))
    return wanted


def alive(session: Session, entry: Package, caller: Caller, purpose: str) -> Rights:
    """Rights under which the package's link works for `caller`. Raises as `rights`, and NotFound where they are not the
    very rights it was made under."""
    rights(session, caller, purpose, entry.agreement)
    given = rights(session, receiver(entry), entry.purpose, entry.agreement)
    if given.basis != entry.basis:
        raise NotFound("made under other rights")
    return given


# ------------------------------------------------------------------------------------------------------------ building


def build(services: Services, name: str, check: Callable[[int], None]) -> Package:
    """Builds a package that waits, or was broken off. `check` gets the number of records so far and may raise.

    Raises what stands in the way; a reason that no repetition cures is written into the package.
    """
    with services.database.session() as session:
        entry = session.get_one(Package, name, with_for_update=True)
        if entry.state not in ("building", "failed"):
            return entry
        entry.state, entry.error, entry.finished = "building", None, None
    try:
        Builder(services, entry, check).run()
    except EngineError:
        raise
    except ConcordError as error:
        fail(services, name, str(error))
        raise
    with services.database.session() as session:
        return session.get_one(Package, name)


def fail(services: Services, name: str, why: str) -> None:
    """Writes down why a package cannot be built."""
    with services.database.session() as session:
        entry = session.get_one(Package, name)
        entry.state, entry.error, entry.finished = "failed", why, dt.datetime.now(dt.UTC)


@dataclass(slots=True)
class FormatReport:
    """What became of a package's records in one format."""

    written: int = 0
    unwritten: Counter[str] = field(default_factory=Counter)
    """Why → records."""
    not_carried: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(field of the record, why) → records of which the format has no place for it."""

    def as_json(self) -> dict[str, Any]:
        lost = [{"field": name, "why": why, "records": n} for (name, why), n in sorted(self.not_carried.items())]
        return {"written": self.written, "unwritten": dict(self.unwritten), "not_carried": lost}


@dataclass(slots=True)
class Shown:
    """A record as the package holds it."""

    id: str
    collection: str
    source: dict[str, Any]
    """Where it came from, as in the record."""
    view: View
    content: bytes
    """JSON of what may be seen of it, as volume.written."""
    digest: bytes
    """SHA-256 of that, as volume.digest."""
    formats: tuple[str, ...]
    """In which the agreement, and the collection's policy, let it be written, of those that the package has."""
    pictures: tuple[tuple[int, str], ...]
    """(place from 1 in the record's order, SHA-256) of the images that may be seen and that the platform holds."""
    whole: bool = False
    """Whether its original may be seen too."""


@dataclass(slots=True)
class Builder:
    """One package while it is built."""

    services: Services
    entry: Package
    check: Callable[[int], None] = lambda records: None
    """Called before each page with the number of records so far; ends the building by raising."""
    records: int = 0
    deletions: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    without_original: Counter[str] = field(default_factory=Counter)
    pictures: int = 0
    without_picture: Counter[str] = field(default_factory=Counter)
    formats: tuple[str, ...] = ()
    _in_formats: dict[str, FormatReport] = field(default_factory=dict)
    _shared: dict[str, bool] = field(default_factory=dict)
    _deliveries: dict[int, dict[str, Any]] = field(default_factory=dict)
    _gone: list[bytes] = field(default_factory=list)
    """Lines of the page's deletions."""
    _known: tuple[tuple[int, dt.date], Rights] | None = None
    """Rights, and (version of the access tables, day) at which they were worked out."""

    @property
    def _after(self) -> str | None:
        """Cursor of the page of changes after which it begins."""
        found: str | None = self.entry.request.get("after")
        return found

    def run(self) -> None:
        folder(self.services).mkdir(parents=True, exist_ok=True)
        path = path_of(self.services, self.entry.id)
        container = Container(path)
        try:
            manifest = self._fill(container)
        except BaseException:
            container.discard()
            raise
        self._sign(container, manifest)

    def _fill(self, container: Container) -> bytes:
        """Everything but the signature. Returns the manifest's SHA-256."""
        container.add(pack(Given("mimetype", asic.MIMETYPE, stored=True)))
        path = path_of(self.services, self.entry.id)
        originals = Originals(self.services.archive)
        provenance, manifest = Spool(path.with_suffix(".provenance")), Spool(path.with_suffix(".manifest"))
        deletions = Spool(path.with_suffix(".deletions"))

        def written(members: list[Packed]) -> None:
            manifest.write(b"".join(asic.reference(member.name, member.sha256) for member in members))

        try:
            manifest.write(asic.HEAD)
            with container.packing(written) as packer:
                with self.services.database.session() as session:
                    given = self._rights(session)
                basis = given.basis
                packer.add(asic.AGREEMENT, document(given.agreement, given.version))
                self.formats = chosen_formats(given.terms, self.entry.request)
                self._in_formats = {name: FormatReport() for name in self.formats}
                for page in self._pages(given):
                    self.check(self.records)
                    self._write(page, packer, originals, provenance)
                    deletions.write(b"".join(self._gone))
                packer.add("report.json", orjson.dumps(self._report(given)))
            for name, spool in {"provenance": provenance, **({"deletions": deletions} if self._after else {})}.items():
                container.add_spool(f"{name}.jsonl", spool)
                manifest.write(asic.reference(f"{name}.jsonl", spool.sha256))
            manifest.write(asic.TAIL)
            container.add_spool(asic.MANIFEST, manifest)
        finally:
            originals.close()
            provenance.close()
            deletions.close()
            manifest.close()
        self.entry.basis = basis
        return manifest.sha256

    def _pages(self, given: Rights) -> Iterator[list[Shown]]:
        """What the package holds of the records that it may be about, page by page."""
        wanted = self.entry.request.get("collection")
        collections = [name for name in given.collections if wanted in (None, name)]
        ids = self.entry.request.get("ids")
        if ids is not None:
            for start in range(0, len(ids), feed.ROWS_AT_ONCE):
                condition = StoredRecord.id.in_(ids[start : start + feed.ROWS_AT_ONCE])
                yield self._page(given.basis, condition, StoredRecord.collection.in_(collections))[0]
            return
        since = Position()
        if self._after:
            since = feed.read_cursor(self.services.keys, given.agreement, self._after)
            with self.services.database.session() as session:
                collections = sorted({*collections, *feed.covered(session, given.agreement.id, wanted)})
        seq: int | None = 0
        if since.basis == given.basis:
            # What was put off when the receiver stood there, and is due: it has not changed since.
            place = since.deferred
            while True:
                with self.services.database.session() as session:
                    due = feed.due(session, given, place)
                if not due:
                    break
                condition = StoredRecord.id.in_([record for _, record in due])
                older = StoredRecord.collection.in_(collections), StoredRecord.seq <= since.seq
                yield self._page(given.basis, condition, *older)[0]
                place = (due[-1][0].isoformat(), due[-1][1])
            seq = since.seq
        while True:
            page, seq = self._page(given.basis, StoredRecord.collection.in_(collections), StoredRecord.seq > seq)
            if seq is None:
                return
            yield page

    def _rights(self, session: Session) -> Rights:
        """What the agreement gives now: looked at anew with every page, worked out anew where anything changed."""
        state = (current_version(session), dt.datetime.now(dt.UTC).date())
        if self._known is None or self._known[0] != state:
            self._known = (state, rights(session, receiver(self.entry), self.entry.purpose, self.entry.agreement))
        return self._known[1]

    def _page(self, basis: str, *conditions: Any) -> tuple[list[Shown], int | None]:
        """One page: decided, counted and audited in one transaction, before any of it is written. With the sequence of
        its last record; None where there is none."""
        services = self.services
        shown: list[Shown] = []
        hidden: list[tuple[str, str]] = []
        last = None
        with services.database.session() as session:
            given = self._rights(session)
            if given.basis != basis:
                raise Conflict(say("exchange.rights-changed-package"))
            # A record is a hundred objects or so: of each, only what is written of it outlives its turn.
            for row in feed.rows(session, *conditions):
                last = row.seq
                view = given.scope.view(feed.deciding(row.record), given.today) if not row.deleted else HIDDEN
                if Group.BIBLIOGRAPHY not in view.groups:
                    hidden.append((row.id, row.collection))
                else:
                    record = redact(row.record, view)
                    content = volume.written(record)
                    digest = hashlib.sha256(content).digest()
                    pictures = _pictures(record) if Group.IMAGES in view.groups else ()
                    formats = self._allowed(given, row.record)
                    source = row.record["source"]
                    shown.append(Shown(row.id, row.collection, source, view, content, digest, formats, pictures))
            shown = self._within_volume(session, given, shown)
            for one in shown:
                one.whole = sees_everything(one.view) and self._whole(session, given, one.source)
            provider = given.agreement.provider
            lines = [(one.id, {"provider": provider, "collection": one.collection}, one.view) for one in shown]
            self._gone = self._taken_back(session, hidden) if self._after else []
            self.deletions += len(self._gone)
            details = {"agreement": self.entry.agreement, "package": self.entry.id, "deletions": len(self._gone)}
            caller = receiver(self.entry)
            entries = disclosures("package", caller, self.entry.purpose, lines, content=True, details=details)
            audit_append(session, services.keys, services.audit.chain, entries)
            self._load_deliveries(session, {one.source["delivery"] for one in shown})
        return shown, last

    def _allowed(self, given: Rights, record: dict[str, Any]) -> tuple[str, ...]:
        """The package's formats in which the record may be written: a policy may say less than the agreement."""
        if not any(grant.formats for grant in given.scope.grants):
            return self.formats
        document = feed.deciding(record)
        return tuple(name for name in self.formats if given.scope.view(document, given.today, format=name) != HIDDEN)

    def _taken_back(self, session: Session, hidden: list[tuple[str, str]]) -> list[bytes]:
        """Lines of those that the beneficiary was given once: of others it does not learn that there were any."""
        held = select(Holding.record).where(
            Holding.agreement == self.entry.agreement, Holding.record.in_([name for name, _ in hidden])
        )
        given = set(session.scalars(held)) if hidden else set()
        return [
            orjson.dumps({"id": name, "collection": collection}, option=orjson.OPT_APPEND_NEWLINE)
            for name, collection in hidden
            if name in given
        ]

    def _write(self, page: list[Shown], packer: Packer, originals: Originals, provenance: Spool) -> None:
        told_of: list[bytes] = []
        for one in page:
            base = f"records/{quote(one.id, safe='')}"
            packer.add(f"{base}/record.json", one.content, sha256=one.digest)
            told: dict[str, Any] = {
                "id": one.id,
                "record": f"{base}/record.json",
                "format": one.source["format"],
                "reader_version": one.source["reader_version"],
                "delivered": self._deliveries.get(one.source["delivery"]),
            }
            content = self._original(originals, one.source) if one.whole else None
            if content is None:
                told["original"], told["why"] = None, NOT_WHOLE
                self.without_original[NOT_WHOLE] += 1
            else:
                sha256 = hashlib.sha256(content)
                told["original"] = f"{base}/original.{_suffix(content)}"
                told["sha256"] = sha256.hexdigest()
                packer.add(told["original"], content, sha256=sha256.digest())
            if one.pictures:
                told["images"] = [self._picture(place, sha256, base, packer) for place, sha256 in one.pictures]
            if self.formats:
                told["formats"] = self._written(orjson.loads(one.content), one.formats, base, packer)
            told_of.append(orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE))
        provenance.write(b"".join(told_of))
        self.records += len(page)

    def _picture(self, place: int, sha256: str, base: str, packer: Packer) -> dict[str, Any]:
        """Adds an image as the office delivered it. Returns what is told of it; no member where it cannot be read."""
        told: dict[str, Any] = {"image": place, "sha256": sha256, "member": None}
        try:
            content, media_type = content_of(self.services, sha256)
        except NotFound:
            self.without_picture[UNREADABLE] += 1
            return told
        told["member"] = f"{base}/image-{place}.{EXTENSIONS[media_type]}"
        # Pictures are compressed in themselves.
        packer.add(told["member"], content, stored=True)
        self.pictures += 1
        return told

    def _written(
        self, record: dict[str, Any], allowed: tuple[str, ...], base: str, packer: Packer
    ) -> dict[str, str | None]:
        """Adds the record in each of the formats. Returns format → member, None where it could not be written."""
        told: dict[str, str | None] = {}
        for name in self.formats:
            report = self._in_formats[name]
            if name not in allowed:
                report.unwritten[NOT_IN_FORMAT] += 1
                told[name] = None
                continue
            try:
                written = write_shown(record, name)
            except UnwritableRecord as error:
                report.unwritten["; ".join(why for _, why in error.missing)] += 1
                told[name] = None
                continue
            report.written += 1
            report.not_carried.update({(loss.field, loss.reason) for loss in written.lost})
            stem = "record" if FORMATS[name].bulk else f"record.{name}"
            told[name] = f"{base}/{stem}.{written.extension}"
            packer.add(f"{base}/{stem}.{written.extension}", written.data)
        return told

    def _within_volume(self, session: Session, given: Rights, shown: list[Shown]) -> list[Shown]:
        """What the month's volume allows."""
        records = [(one.id, one.digest) for one in shown]
        kept = volume.within(session, given.agreement.id, given.terms.volume_cap, given.collections, records)
        if len(kept) < len(shown):
            self.skipped[volume.OVER] += len(shown) - len(kept)
        return [one for one in shown if one.id in kept]

    def _whole(self, session: Session, given: Rights, source: dict[str, Any]) -> bool:
        """Whether the original holds nothing that the beneficiary may not see: a part cut out of its file, or a file
        all of whose records it may see whole."""
        if source.get("byte_offset") is not None and source.get("byte_length") is not None:
            return True
        sha256 = source["sha256"]
        if sha256 not in self._shared:
            statement = (
                select(StoredRecord.id)
                .join(Member, Member.id == StoredRecord.member)
                .where(Member.sha256 == sha256)
                .limit(LARGEST_SHARED_MEMBER + 1)
            )
            held = list(session.scalars(statement))
            others = list(feed.rows(session, StoredRecord.id.in_(held))) if len(held) <= LARGEST_SHARED_MEMBER else []
            if len(self._shared) >= SHARED_KEPT:
                self._shared.clear()
            self._shared[sha256] = bool(others) and all(
                not other.deleted and sees_everything(given.scope.view(feed.deciding(other.record), given.today))
                for other in others
            )
        return self._shared[sha256]

    @staticmethod
    def _original(originals: Originals, source: dict[str, Any]) -> bytes:
        if source.get("byte_offset") is not None and source.get("byte_length") is not None:
            return originals.read(source["sha256"], source["byte_offset"], source["byte_length"])
        return originals.whole(source["sha256"])

    def _load_deliveries(self, session: Session, sequences: set[int]) -> None:
        wanted = sequences - self._deliveries.keys()
        if wanted:
            for found in session.scalars(select(Delivery).where(Delivery.sequence.in_(wanted))):
                # The file's name and its place in the provider's sequence are the provider's own business.
                self._deliveries[found.sequence] = {"provider": found.provider, "received": found.received}

    def _report(self, given: Rights) -> dict[str, Any]:
        return {
            "package": self.entry.id,
            "agreement": given.agreement.id,
            "version": given.version.version,
            "terms_sha256": given.version.digest.hex(),
            "provider": given.agreement.provider,
            "beneficiary": given.agreement.beneficiary,
            "purpose": self.entry.purpose,
            "made": dt.datetime.now(dt.UTC),
            "request": {name: value for name, value in self.entry.request.items() if name != "ids"},
            "records": self.records,
            "deletions": self.deletions,
            "left_out": dict(self.skipped),
            "without_original": dict(self.without_original),
            "images": self.pictures,
            "without_image": dict(self.without_picture),
            "formats": {name: report.as_json() for name, report in self._in_formats.items()},
            "notices": {name: list(texts) for name, texts in given.scope.notices.items()},
            "attribution": given.terms.attribution,
        }

    def _sign(self, container: Container, manifest: bytes) -> None:
        """With the provider's key where it left one here; otherwise the package waits for its signature."""
        with self.services.database.session() as session:
            entry = session.get_one(Package, self.entry.id)
            entry.basis, entry.records, entry.manifest = self.entry.basis, self.records, manifest.hex()
            agreement = session.get_one(Agreement, entry.agreement)
            found = certificates.signing_key(session, self.services.keys, agreement.provider)
            if found is None:
                container.suspend()
                entry.state = "unsigned"
                return
            _finish(entry, container, sign(manifest, *found))


def _finish(entry: Package, container: Container, signature: bytes) -> None:
    container.add(pack(Given(asic.SIGNATURE, signature, stored=True)))
    entry.size, entry.sha256 = container.close()
    entry.state, entry.finished = "ready", dt.datetime.now(dt.UTC)


def add_signature(services: Services, session: Session, entry: Package, provider: str, cms: bytes) -> Signed:
    """The provider's own signature over the manifest of a package that waits for it. Raises SignatureRefused."""
    if entry.state != "unsigned" or entry.manifest is None:
        raise Conflict(say("exchange.package-not-unsigned", state=entry.state))
    digests = {"sha256": bytes.fromhex(entry.manifest)}
    found = verify(cms, digests, certificates.of_office(session, provider))
    _finish(entry, Container(path_of(services, entry.id), resume=True), cms)
    return found


def manifest(services: Services, entry: Package) -> bytes:
    """The manifest of a package that waits for its signature: its last member so far."""
    path = path_of(services, entry.id)
    with path.with_suffix(".directory").open("rb") as directory:
        content = directory.read()
    start = content.rindex(asic.MANIFEST.encode()) - 46
    size, offset = int.from_bytes(content[start + 20 : start + 24], "little"), content[start + 42 : start + 46]
    place = int.from_bytes(offset, "little")
    if place == LIMIT:
        place = int.from_bytes(content[start + 46 + len(asic.MANIFEST) + 4 :][:8], "little")
    with path.open("rb") as source:
        source.seek(place + 30 + len(asic.MANIFEST))
        return zlib.decompress(source.read(size), -15)


def _pictures(record: Mapping[str, Any]) -> tuple[tuple[int, str], ...]:
    """(place, SHA-256) of the images of a record as shown whose content is held."""
    images = enumerate(record.get("images", ()), 1)
    return tuple((place, image["sha256"]) for place, image in images if image.get("sha256"))


def _suffix(content: bytes) -> str:
    start = content[:200].lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    return {b"<": "xml", b"{": "json", b"[": "json"}.get(start, "bin")


def sweep(services: Services) -> int:
    """Deletes the files of packages whose rights are gone. Returns how many."""
    gone = 0
    with services.database.session() as session:
        statement = select(Package).where(Package.state.in_(["ready", "unsigned"]))
        for entry in session.scalars(statement.with_for_update(skip_locked=True)):
            agreement = session.get_one(Agreement, entry.agreement)
            if agreement.state in ("revoked", "expired"):
                entry.state = "dead"
                path = path_of(services, entry.id)
                path.unlink(missing_ok=True)
                path.with_suffix(".directory").unlink(missing_ok=True)
                gone += 1
    return gone

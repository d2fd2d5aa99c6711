"""Certified packages: ASiC-E containers (ETSI EN 319 162-1 §4.4) with one detached signature over the manifest.

    mimetype                    first, stored
    agreement.json              the document that both offices signed, in the version in force
    provenance.jsonl            a line a record: what stands for it here, from which delivery, why a part is missing
    deletions.jsonl             where it holds changes: a line a record that is no longer given
    report.json                 counts, and what was left out and why
    records/ID/record.json      the harmonised record, as the beneficiary may see it
    records/ID/original.xml     the bytes as the office delivered them, where every part of them may be seen
    records/ID/image-1.png      its pictures as delivered, where images may be seen
    META-INF/ASiCManifest.xml   SHA-256 of each file above
    META-INF/signature.p7s      CMS signature of the provider over the manifest

By hand: `unzip`, `openssl cms -verify -binary -inform DER -in META-INF/signature.p7s -content META-INF/ASiCManifest.xml
-CAfile PROVIDER.pem`, and `sha256sum` of what the manifest lists. `verify` does all of it and names what is wrong.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from xml.sax.saxutils import quoteattr

import orjson
from cryptography import x509

from api.exchange.container import CHUNK, COMMENT_LENGTH
from api.exchange.signatures import DIGESTS, LONGEST, SignatureRefused, Signed, fingerprint, verify
from api.exchange.unpacking import Damaged, Member, Unpacker
from common.errors import InputError, Place
from indexer.formats import xml
from indexer.formats.reading import Context

MIMETYPE = b"application/vnd.etsi.asic-e+zip"
MANIFEST = "META-INF/ASiCManifest.xml"
SIGNATURE = "META-INF/signature.p7s"
ASIC = "http://uri.etsi.org/02918/v1.2.1#"
DSIG = "http://www.w3.org/2000/09/xmldsig#"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
AGREEMENT = "agreement.json"
LARGEST_AGREEMENT = 16 << 20

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    f'<asic:ASiCManifest xmlns:asic="{ASIC}" xmlns:ds="{DSIG}">\n'
    f'<asic:SigReference URI="{SIGNATURE}" MimeType="application/pkcs7-signature"/>\n'
).encode()
TAIL = b"</asic:ASiCManifest>\n"

PICTURES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "gif": "image/gif",
    "tif": "image/tiff",
    "webp": "image/webp",
}
TYPES = {
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "xml": "application/xml",
    "csv": "text/csv",
    **PICTURES,
}

PLAIN = re.compile(r"[\w/.%~-]*")
"""Names in which XML takes nothing for its own."""


def reference(name: str, sha256: bytes) -> bytes:
    """A file's line in the manifest."""
    kind = TYPES.get(name.rpartition(".")[2], "application/octet-stream")
    uri = f'"{name}"' if PLAIN.fullmatch(name) else quoteattr(name)
    return (
        f'<asic:DataObjectReference URI={uri} MimeType="{kind}"><ds:DigestMethod Algorithm="{SHA256}"/>'
        f"<ds:DigestValue>{binascii.b2a_base64(sha256, newline=False).decode()}</ds:DigestValue>"
        "</asic:DataObjectReference>\n"
    ).encode()


class PackageRefused(InputError):
    """A package that must not be trusted. `reason` in one word, `place.member` the member that is wrong."""

    def __init__(self, reason: str, message: str, *, member: str = "", file: str = "", remedy: str = "") -> None:
        super().__init__(message, place=Place(file, member), remedy=remedy or "Download the package again.")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Verified:
    """A package in which everything is as its signer left it."""

    members: int
    records: int
    signer: str
    """Subject of the certificate."""
    fingerprint: str
    signed_at: str | None
    agreement: dict[str, Any]


def check(path: Path, certificates: Mapping[str, x509.Certificate], *, at: dt.datetime | None = None) -> Verified:
    """Checks everything about a package, with memory that does not grow with it. `certificates`: the provider's own, by
    fingerprint.

    Raises PackageRefused with a reason of its own for each kind of fault: not-a-package, member-altered,
    member-missing, member-added, manifest-altered (signature over other bytes), container-altered, or the
    signature's own reason (other-signer, certificate-expired, …).
    """
    try:
        with Unpacker(path) as package, _Listed() as listed:
            return _Check(path, package, listed).run(certificates, at)
    except PackageRefused:
        raise
    except (Damaged, OSError, ValueError) as error:
        raise PackageRefused("not-a-package", f"It cannot be read as a zip file: {error}.", file=path.name) from error


class _Listed:
    """What the manifest lists, in a file that is gone when it is closed: URI → SHA-256, and whether it was found."""

    def __init__(self) -> None:
        self._table = sqlite3.connect("", isolation_level=None)
        self._table.execute("pragma cache_size = -4000")  # KiB in memory, the rest in the file
        self._table.execute("create table listed (name text primary key, sha256 blob, seen int) without rowid")
        self._table.execute("begin")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._table.close()

    def add(self, entries: Iterable[tuple[str, bytes]]) -> None:
        """Raises ValueError for a name that is listed already."""
        try:
            self._table.executemany("insert into listed values (?, ?, 0)", entries)
        except sqlite3.IntegrityError as error:
            raise ValueError("a member is listed twice") from error

    def find(self, name: str) -> tuple[bytes, bool] | None:
        """(SHA-256, whether it was found before) of what is listed under a name; None where nothing is."""
        row = self._table.execute("select sha256, seen from listed where name = ?", (name,)).fetchone()
        if row is None:
            return None
        self._table.execute("update listed set seen = 1 where name = ?", (name,))
        return row[0], bool(row[1])

    def not_found(self) -> str | None:
        row = self._table.execute("select name from listed where seen = 0 order by name limit 1").fetchone()
        return row[0] if row else None


class _Check:
    """One package while it is checked."""

    def __init__(self, path: Path, package: Unpacker, listed: _Listed) -> None:
        self.path = path
        self.package = package
        self.listed = listed
        self.members = 0
        self.records = 0
        self.agreement = b""

    def refuse(self, reason: str, message: str, member: str = "") -> PackageRefused:
        return PackageRefused(reason, message, member=member, file=self.path.name)

    def run(self, certificates: Mapping[str, x509.Certificate], at: dt.datetime | None) -> Verified:
        manifest, signature = self._find()
        signed = self._check_signature(manifest, signature, certificates, at)
        self._read_manifest(manifest)
        self._check_members()
        self._check_container()
        return Verified(
            self.members,
            self.records,
            signed.certificate.subject.rfc4514_string(),
            fingerprint(signed.certificate),
            signed.at.isoformat() if signed.at else None,
            orjson.loads(self.agreement),
        )

    def _find(self) -> tuple[Member, Member]:
        """The manifest and its signature."""
        found: dict[str, Member] = {}
        for position, member in enumerate(self.package.members()):
            if not position and (member.name != "mimetype" or member.offset or self._read(member, 1_000) != MIMETYPE):
                raise self.refuse("not-a-package", "It does not begin with the mimetype of ASiC-E.")
            if member.name in (MANIFEST, SIGNATURE):
                found.setdefault(member.name, member)
        for name in (MANIFEST, SIGNATURE):
            if name not in found:
                raise self.refuse("member-missing", f"There is no {name}.", name)
        return found[MANIFEST], found[SIGNATURE]

    def _check_signature(
        self,
        manifest: Member,
        signature: Member,
        certificates: Mapping[str, x509.Certificate],
        at: dt.datetime | None,
    ) -> Signed:
        # A manifest that reads but is not what was signed is told as that, not as a damaged member.
        digests = {name: hashlib.new(name) for name in DIGESTS}
        for piece in self._pieces(manifest):
            for digest in digests.values():
                digest.update(piece)
        given = self._read(signature, LONGEST)
        try:
            return verify(given, {name: digest.digest() for name, digest in digests.items()}, certificates, at=at)
        except SignatureRefused as error:
            reason = "manifest-altered" if error.reason == "content-changed" else str(error.reason)
            member = MANIFEST if reason == "manifest-altered" else SIGNATURE
            raise PackageRefused(
                reason, error.message, member=member, file=self.path.name, remedy=error.remedy
            ) from error

    def _read_manifest(self, manifest: Member) -> None:
        entries = xml.records(self.package.stream(manifest), {"DataObjectReference"}, Context(self.path.name, MANIFEST))
        try:
            self.listed.add(_reference(entry) for entry in entries)
        except (ValueError, KeyError, InputError) as error:
            raise self.refuse("manifest-altered", f"It cannot be read: {error}.", MANIFEST) from error

    def _check_members(self) -> None:
        apart: set[str] = set()
        for member in self.package.members():
            name = member.name
            self.members += 1
            self.records += name.endswith("/record.json")
            if name in ("mimetype", MANIFEST, SIGNATURE):
                if name in apart:
                    raise self.refuse("member-added", "The name stands twice.", name)
                apart.add(name)
                continue
            held = self.listed.find(name)
            if held is None:
                raise self.refuse("member-added", "The manifest does not list it.", name)
            sha256, before = held
            if before:
                raise self.refuse("member-added", "The name stands twice.", name)
            digest = hashlib.sha256()
            for piece in self._pieces(member):
                digest.update(piece)
            if digest.digest() != sha256:
                raise self.refuse("member-altered", "It is not what was signed.", name)
            if name == AGREEMENT:
                self.agreement = self._read(member, LARGEST_AGREEMENT)
        missing = self.listed.not_found()
        if missing is not None or not self.agreement:
            raise self.refuse("member-missing", "The manifest lists it.", missing or AGREEMENT)

    def _pieces(self, member: Member) -> Iterator[bytes]:
        try:
            yield from self.package.content(member)
        except Damaged as error:
            raise self.refuse("member-altered", f"It cannot be read: {error}.", member.name) from error

    def _read(self, member: Member, most: int) -> bytes:
        """All of a member that is small in every package."""
        if member.size > most:
            raise self.refuse("member-altered", f"It has {member.size} bytes, more than {most}.", member.name)
        return b"".join(self._pieces(member))

    def _check_container(self) -> None:
        """The comment is the SHA-256 of all before it."""
        left = self.path.stat().st_size - COMMENT_LENGTH
        digest = hashlib.sha256()
        with self.path.open("rb") as source:
            while left > 0 and (chunk := source.read(min(CHUNK, left))):
                digest.update(chunk)
                left -= len(chunk)
            comment = source.read()
        if comment != digest.hexdigest().encode():
            raise self.refuse(
                "container-altered",
                "Every member is as signed, but the container around them was changed or written anew.",
            )


def _reference(entry: xml.XmlRecord | InputError) -> tuple[str, bytes]:
    """(URI, SHA-256) of a line of the manifest. Raises ValueError, KeyError or what could not be read."""
    if isinstance(entry, InputError):
        raise entry
    element = entry.element
    if element.tag != f"{{{ASIC}}}DataObjectReference":
        raise ValueError(f"{element.tag} is in another namespace")
    method = element.find(f"{{{DSIG}}}DigestMethod")
    if method is None or method.get("Algorithm") != SHA256:
        raise ValueError("another digest than SHA-256")
    value = base64.b64decode(element.findtext(f"{{{DSIG}}}DigestValue") or "", validate=True)
    return str(element.attrib["URI"]), value

"""Certified packages: ASiC-E containers (ETSI EN 319 162-1 §4.4) with one detached signature over the manifest.

    mimetype                    first, stored
    agreement.json              the document that both offices signed, in the version in force
    provenance.jsonl            a line a record: what stands for it here, from which delivery, why a part is missing
    deletions.jsonl             where it holds changes: a line a record that is no longer given
    report.json                 counts, and what was left out and why
    records/ID/record.json      the harmonised record, as the beneficiary may see it
    records/ID/original.xml     the bytes as the office delivered them, where every part of them may be seen
    META-INF/ASiCManifest.xml   SHA-256 of each file above
    META-INF/signature.p7s      CMS signature of the provider over the manifest

By hand: `unzip`, `openssl cms -verify -binary -inform DER -in META-INF/signature.p7s -content META-INF/ASiCManifest.xml
-CAfile PROVIDER.pem`, and `sha256sum` of what the manifest lists. `verify` does all of it and names what is wrong.
"""

from __future__ import annotations

import base64
import hashlib
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import orjson
from cryptography import x509
from lxml import etree

from api.exchange.container import CHUNK, COMMENT_LENGTH
from api.exchange.signatures import SignatureRefused, fingerprint, verify
from common.errors import InputError, Place
from indexer.formats import xml

MIMETYPE = b"application/vnd.etsi.asic-e+zip"
MANIFEST = "META-INF/ASiCManifest.xml"
SIGNATURE = "META-INF/signature.p7s"
ASIC = "http://uri.etsi.org/02918/v1.2.1#"
DSIG = "http://www.w3.org/2000/09/xmldsig#"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
LARGEST_MANIFEST = 2 << 30

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    f'<asic:ASiCManifest xmlns:asic="{ASIC}" xmlns:ds="{DSIG}">\n'
    f'<asic:SigReference URI="{SIGNATURE}" MimeType="application/pkcs7-signature"/>\n'
).encode()
TAIL = b"</asic:ASiCManifest>\n"

TYPES = {"json": "application/json", "jsonl": "application/x-ndjson", "xml": "application/xml", "csv": "text/csv"}


def reference(name: str, sha256: bytes) -> bytes:
    """A file's line in the manifest."""
    kind = TYPES.get(name.rpartition(".")[2], "application/octet-stream")
    return (
        f'<asic:DataObjectReference URI={quoteattr(name)} MimeType="{kind}">'
        f'<ds:DigestMethod Algorithm="{SHA256}"/>'
        f"<ds:DigestValue>{base64.b64encode(sha256).decode()}</ds:DigestValue></asic:DataObjectReference>\n"
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


def check(path: Path, certificates: Mapping[str, x509.Certificate], *, at: Any = None) -> Verified:
    """Checks everything about a package. `certificates`: the provider's own, by fingerprint.

    Raises PackageRefused with a reason of its own for each kind of fault: not-a-package, member-altered,
    member-missing, member-added, manifest-altered (signature over other bytes), container-altered, or the
    signature's own reason (other-signer, certificate-expired, …).
    """
    try:
        with zipfile.ZipFile(path) as package:
            return _check(path, package, certificates, at)
    except PackageRefused:
        raise
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError, zlib.error, RuntimeError) as error:
        raise PackageRefused("not-a-package", f"It cannot be read as a zip file: {error}.", file=path.name) from error


def _check(path: Path, package: zipfile.ZipFile, certificates: Mapping[str, x509.Certificate], at: Any) -> Verified:
    file = path.name
    names = package.namelist()
    first = package.infolist()[0] if names else None
    if first is None or first.filename != "mimetype" or first.header_offset or _read(package, first, file) != MIMETYPE:
        raise PackageRefused("not-a-package", "It does not begin with the mimetype of ASiC-E.", file=file)
    for name in (MANIFEST, SIGNATURE):
        if name not in names:
            raise PackageRefused("member-missing", f"There is no {name}.", member=name, file=file)
    if package.getinfo(MANIFEST).file_size > LARGEST_MANIFEST:
        raise PackageRefused("not-a-package", "The manifest is too large.", member=MANIFEST, file=file)
    # A manifest that reads but is not what was signed is told as that, not as a damaged member.
    manifest = _read(package, package.getinfo(MANIFEST), file)
    signature = _read(package, package.getinfo(SIGNATURE), file)
    try:
        signed = verify(signature, manifest, certificates, at=at)
    except SignatureRefused as error:
        reason = "manifest-altered" if error.reason == "content-changed" else str(error.reason)
        member = MANIFEST if reason == "manifest-altered" else SIGNATURE
        raise PackageRefused(reason, error.message, member=member, file=file, remedy=error.remedy) from error
    listed = _listed(manifest, file)
    seen: set[str] = set()
    for info in package.infolist():
        if info.filename in seen:
            raise PackageRefused("member-added", "The name stands twice.", member=info.filename, file=file)
        seen.add(info.filename)
        if info.filename in ("mimetype", MANIFEST, SIGNATURE):
            continue
        if info.filename not in listed:
            raise PackageRefused("member-added", "The manifest does not list it.", member=info.filename, file=file)
        if _sha256(package, info, file) != listed[info.filename]:
            raise PackageRefused("member-altered", "It is not what was signed.", member=info.filename, file=file)
    missing = sorted(listed.keys() - seen)
    if missing:
        raise PackageRefused("member-missing", "The manifest lists it.", member=missing[0], file=file)
    _check_container(path)
    subject = signed.certificate.subject.rfc4514_string()
    return Verified(
        len(names),
        sum(name.endswith("/record.json") for name in names),
        subject,
        fingerprint(signed.certificate),
        signed.at.isoformat() if signed.at else None,
        orjson.loads(package.read("agreement.json")),
    )


def _read(package: zipfile.ZipFile, info: zipfile.ZipInfo, file: str) -> bytes:
    try:
        return package.read(info)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise PackageRefused(
            "member-altered", f"It cannot be read: {error}.", member=info.filename, file=file
        ) from error


def _sha256(package: zipfile.ZipFile, info: zipfile.ZipInfo, file: str) -> bytes:
    digest = hashlib.sha256()
    try:
        with package.open(info) as member:
            while chunk := member.read(CHUNK):
                digest.update(chunk)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise PackageRefused(
            "member-altered", f"It cannot be read: {error}.", member=info.filename, file=file
        ) from error
    return digest.digest()


def _listed(manifest: bytes, file: str) -> dict[str, bytes]:
    """URI → SHA-256 of the manifest."""
    try:
        root = etree.fromstring(manifest, xml.parser())
        found: dict[str, bytes] = {}
        for entry in root.iterfind(f"{{{ASIC}}}DataObjectReference"):
            method = entry.find(f"{{{DSIG}}}DigestMethod")
            if method is None or method.get("Algorithm") != SHA256:
                raise ValueError("another digest than SHA-256")
            found[str(entry.attrib["URI"])] = base64.b64decode(
                entry.findtext(f"{{{DSIG}}}DigestValue") or "", validate=True
            )
        return found
    except (ValueError, KeyError, etree.XMLSyntaxError) as error:
        raise PackageRefused("manifest-altered", f"It cannot be read: {error}.", member=MANIFEST, file=file) from error


def _check_container(path: Path) -> None:
    """The comment is the SHA-256 of all before it."""
    size = path.stat().st_size - COMMENT_LENGTH
    digest = hashlib.sha256()
    with path.open("rb") as source:
        left = size
        while left > 0 and (chunk := source.read(min(CHUNK, left))):
            digest.update(chunk)
            left -= len(chunk)
        comment = source.read()
    if comment != digest.hexdigest().encode():
        raise PackageRefused(
            "container-altered",
            "Every member is as signed, but the container around them was changed or written anew.",
            file=path.name,
        )

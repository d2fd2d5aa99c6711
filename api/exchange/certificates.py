"""Offices' X.509 certificates: registered by the office itself, withdrawn, and used to sign where the office lets the
platform hold its key."""

from __future__ import annotations

import datetime as dt
import hashlib

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.access.secret import Keys
from api.exchange.signatures import PrivateKey, belongs, fingerprint, load_certificate, load_private_key
from common.errors import AccessDenied, Conflict, NotFound, UsageError
from common.messages import say
from store.exchange import OfficeCertificate

SEALED = "office-key"


class CertificateRefused(AccessDenied):
    """A client certificate that lets nobody in; `reason` says why. Only who has its private key is told."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The client certificate is refused: {reason}.")
        self.reason = reason


def register(
    session: Session, keys: Keys, office: str, pem: str, *, by: str, key_pem: str | None = None, use: str = "sign"
) -> OfficeCertificate:
    """Enters a certificate of `office`. Raises UsageError for what is none, is expired or does not fit its key,
    Conflict where it is registered already."""
    certificate = load_certificate(pem)
    if certificate.not_valid_after_utc <= dt.datetime.now(dt.UTC):
        raise UsageError(say("exchange.certificate-expired", date=f"{certificate.not_valid_after_utc:%Y-%m-%d}"))
    name = fingerprint(certificate)
    if session.get(OfficeCertificate, name) is not None:
        raise Conflict(say("exchange.certificate-known"))
    sealed = None
    if key_pem is not None:
        key = load_private_key(key_pem.encode())
        if not belongs(key, certificate):
            raise UsageError(say("exchange.key-of-another"))
        plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        sealed = keys.seal(SEALED, plain, name.encode())
    entry = OfficeCertificate(
        fingerprint=name,
        office=office,
        use=use,
        pem=certificate.public_bytes(Encoding.PEM).decode(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        sealed_key=sealed,
        registered_by=by,
    )
    session.add(entry)
    session.flush()
    return entry


def withdraw(session: Session, office: str, name: str) -> OfficeCertificate:
    """From now on the certificate signs nothing more; what it signed before stays signed."""
    entry = session.get(OfficeCertificate, name)
    if entry is None or entry.office != office:
        raise NotFound("no such certificate")
    entry.revoked = entry.revoked or dt.datetime.now(dt.UTC)
    return entry


def of_office(session: Session, office: str, use: str = "sign") -> dict[str, x509.Certificate]:
    """Fingerprint → certificate, of those that are not withdrawn (expired ones too: they have their own refusal)."""
    statement = select(OfficeCertificate).where(
        OfficeCertificate.office == office, OfficeCertificate.use == use, OfficeCertificate.revoked.is_(None)
    )
    return {entry.fingerprint: load_certificate(entry.pem) for entry in session.scalars(statement)}


def of_client(session: Session, der: bytes, now: dt.datetime) -> OfficeCertificate | None:
    """The registered client certificate that a connection came with; None for one that no office registered.

    Raises CertificateRefused for one that was withdrawn or is out of its time. Whether its chain is sound was TLS's
    business; that it is registered is what makes it the office's.
    """
    entry = session.get(OfficeCertificate, hashlib.sha256(der).hexdigest(), populate_existing=True)
    if entry is None or entry.use != "client":
        return None
    if entry.revoked is not None:
        raise CertificateRefused("certificate-withdrawn")
    if entry.not_after <= now:
        raise CertificateRefused("certificate-expired")
    if entry.not_before > now:
        raise CertificateRefused("certificate-not-yet-valid")
    return entry


def signing_key(session: Session, keys: Keys, office: str) -> tuple[x509.Certificate, PrivateKey] | None:
    """The newest valid certificate whose key the office left with the platform."""
    now = dt.datetime.now(dt.UTC)
    statement = (
        select(OfficeCertificate)
        .where(
            OfficeCertificate.office == office,
            OfficeCertificate.use == "sign",
            OfficeCertificate.revoked.is_(None),
            OfficeCertificate.sealed_key.is_not(None),
            OfficeCertificate.not_before <= now,
            OfficeCertificate.not_after > now,
        )
        .order_by(OfficeCertificate.registered.desc())
        .limit(1)
    )
    entry = session.scalars(statement).one_or_none()
    if entry is None or entry.sealed_key is None:
        return None
    plain = keys.open(SEALED, entry.sealed_key, entry.fingerprint.encode())
    return load_certificate(entry.pem), load_private_key(plain)

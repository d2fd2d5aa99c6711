"""Detached CMS signatures (RFC 5652) of offices, made and checked; each refusal says its own reason.

A signature of ours is CAdES-B (ETSI EN 319 122-1 §5.2): content type, message digest, signing time and the signing
certificate's digest are signed. One made elsewhere, e.g. by `openssl cms -sign -binary`, is as good: what counts is
that it is over these bytes and by a certificate that the office registered.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from asn1crypto import algos, cms, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from common.errors import ConcordError, UsageError
from common.messages import Message, say

SHORTEST_RSA = 2048
LONGEST = 200_000
"""Bytes of a signature: certificates chained to it included."""

DIGESTS: Mapping[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class Reason(StrEnum):
    """Why a signature is refused."""

    MALFORMED = "malformed"
    CONTENT = "content-changed"
    """The bytes are not those that were signed."""
    SIGNATURE = "signature-wrong"
    SIGNER = "other-signer"
    """Made with a certificate that the office did not register."""
    EXPIRED = "certificate-expired"
    NOT_YET = "certificate-not-yet-valid"
    ALGORITHM = "algorithm-refused"


class SignatureRefused(UsageError):
    """A signature that does not count; `reason` says why."""

    def __init__(self, reason: Reason, message: Message) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature that counts."""

    certificate: x509.Certificate
    fingerprint: str
    at: dt.datetime | None
    """As the signer says; None where it does not."""


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the certificate, 64 hexadecimal digits."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def load_certificate(pem: str | bytes) -> x509.Certificate:
    """Of PEM. Raises UsageError for anything else, and for keys that are too weak or cannot sign."""
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode() if isinstance(pem, str) else pem)
        key = certificate.public_key()
    except (ValueError, TypeError) as error:
        raise UsageError(say("exchange.no-certificate")) from error
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < SHORTEST_RSA:
            raise UsageError(say("exchange.key-short", bits=key.key_size, least=SHORTEST_RSA))
    elif not isinstance(key, ec.EllipticCurvePublicKey):
        raise UsageError(say("exchange.certificate-kind"))
    return certificate


def load_private_key(pem: bytes, password: bytes | None = None) -> PrivateKey:
    """Of PEM. Raises UsageError."""
    try:
        key = serialization.load_pem_private_key(pem, password)
    except (ValueError, TypeError) as error:
        raise UsageError(say("exchange.no-private-key")) from error
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise UsageError(say("exchange.key-kind"))
    return key


def belongs(key: PrivateKey, certificate: x509.Certificate) -> bool:
    """Whether the certificate is of this key."""
    spki = (Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key.public_key().public_bytes(*spki) == certificate.public_key().public_bytes(*spki)


# ------------------------------------------------------------------------------------------------------------- making


def sign(digest: bytes, certificate: x509.Certificate, key: PrivateKey, *, at: dt.datetime | None = None) -> bytes:
    """Detached CMS in DER over content whose SHA-256 is `digest`."""
    if not belongs(key, certificate):
        raise UsageError(say("exchange.key-of-another"))
    moment = (at or dt.datetime.now(dt.UTC)).replace(microsecond=0)
    own = asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))
    ess = tsp.SigningCertificateV2(
        {
            "certs": [
                {
                    "hash_algorithm": {"algorithm": "sha256"},
                    "cert_hash": hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest(),
                }
            ]
        }
    )
    attributes = cms.CMSAttributes(
        [
            {"type": "content_type", "values": ["data"]},
            {"type": "signing_time", "values": [cms.Time({"utc_time": moment})]},
            {"type": "message_digest", "values": [digest]},
            {"type": "signing_certificate_v2", "values": [ess]},
        ]
    )
    payload = attributes.dump()
    if isinstance(key, rsa.RSAPrivateKey):
        algorithm, value = "sha256_rsa", key.sign(payload, padding.PKCS1v15(), hashes.SHA256())
    else:
        algorithm, value = "sha256_ecdsa", key.sign(payload, ec.ECDSA(hashes.SHA256()))
    signed = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [algos.DigestAlgorithm({"algorithm": "sha256"})],
            "encap_content_info": {"content_type": "data"},
            "certificates": [own],
            "signer_infos": [
                {
                    "version": "v1",
                    "sid": {"issuer_and_serial_number": {"issuer": own.issuer, "serial_number": own.serial_number}},
                    "digest_algorithm": {"algorithm": "sha256"},
                    "signed_attrs": attributes,
                    "signature_algorithm": {"algorithm": algorithm},
                    "signature": value,
                }
            ],
        }
    )
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump())


# ----------------------------------------------------------------------------------------------------------- checking


def verify(
    signature: bytes,
    content: bytes | Mapping[str, bytes],
    registered: Mapping[str, x509.Certificate],
    *,
    at: dt.datetime | None = None,
) -> Signed:
    """Whether `signature` is over `content` and by one of the certificates (fingerprint → certificate) `registered`.

    `content`: the bytes, or their digests by name (`sha256`, …). `at`: the moment for which the certificate must be
    valid, now by default. Raises SignatureRefused.
    """
    try:
        return _verify(signature, content, registered, at or dt.datetime.now(dt.UTC))
    except ConcordError:
        raise
    # Whatever the two parsers make of hostile bytes means the same here.
    except Exception as error:
        raise SignatureRefused(Reason.MALFORMED, say("exchange.signature-no-cms", command=HOW)) from error


HOW = "openssl cms -sign -binary -outform DER -in FILE -signer CERT.pem -inkey KEY.pem -out FILE.p7s"


def _verify(
    signature: bytes, content: bytes | Mapping[str, bytes], registered: Mapping[str, x509.Certificate], at: dt.datetime
) -> Signed:
    if len(signature) > LONGEST:
        raise ValueError("too long")
    info = cms.ContentInfo.load(_der(signature), strict=True)
    if info["content_type"].native != "signed_data":
        raise ValueError("not signed data")
    data = info["content"]
    infos = data["signer_infos"]
    if len(infos) != 1:
        raise SignatureRefused(Reason.MALFORMED, say("exchange.signature-count", count=len(infos), command=HOW))
    signer = infos[0]
    certificate = _signer(signer, data, registered)
    name = signer["digest_algorithm"]["algorithm"].native
    if name not in DIGESTS:
        raise SignatureRefused(Reason.ALGORITHM, say("exchange.signature-digest", digest=str(name)))
    attributes = {attribute["type"].native: attribute["values"] for attribute in signer["signed_attrs"]}
    if "message_digest" not in attributes or attributes["content_type"][0].native != "data":
        raise ValueError("attributes are missing")
    given = attributes["message_digest"][0].native
    held = hashlib.new(name, content).digest() if isinstance(content, bytes) else content[name]
    # Over the signed attributes as a SET, not with their implicit tag (RFC 5652 §5.4).
    payload = signer["signed_attrs"].untag().dump()
    _check_value(certificate, signer, payload)
    if given != held:
        raise SignatureRefused(Reason.CONTENT, say("exchange.signature-content"))
    _check_time(certificate, at)
    time = attributes["signing_time"][0].native if "signing_time" in attributes else None
    return Signed(certificate, fingerprint(certificate), time)


def _der(signature: bytes) -> bytes:
    from asn1crypto import pem

    if pem.detect(signature):
        return bytes(pem.unarmor(signature)[2])
    return signature


def _signer(signer: Any, data: Any, registered: Mapping[str, x509.Certificate]) -> x509.Certificate:
    """The registered certificate that the signature names."""
    carried = [
        x509.load_der_x509_certificate(choice.chosen.dump())
        for choice in (data["certificates"] or ())
        if choice.name == "certificate"
    ]
    for certificate in carried:
        if _named(signer["sid"], certificate) and fingerprint(certificate) in registered:
            return registered[fingerprint(certificate)]
    if not carried:
        for certificate in registered.values():
            if _named(signer["sid"], certificate):
                return certificate
    raise SignatureRefused(Reason.SIGNER, say("exchange.signature-of-another"))


def _named(sid: Any, certificate: x509.Certificate) -> bool:
    if sid.name == "issuer_and_serial_number":
        own = asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))
        return bool(
            sid.chosen["serial_number"].native == certificate.serial_number and sid.chosen["issuer"] == own.issuer
        )
    try:
        held = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return False
    return bool(sid.chosen.native == held)


def _check_value(certificate: x509.Certificate, signer: Any, payload: bytes) -> None:
    key = certificate.public_key()
    value = signer["signature"].native
    algorithm = signer["signature_algorithm"]
    digest = DIGESTS[signer["digest_algorithm"]["algorithm"].native]
    try:
        if isinstance(key, rsa.RSAPublicKey):
            if algorithm.signature_algo != "rsassa_pkcs1v15":
                said = say("exchange.signature-algorithm", algorithm=str(algorithm.signature_algo), command=HOW)
                raise SignatureRefused(Reason.ALGORITHM, said)
            key.verify(value, payload, padding.PKCS1v15(), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(value, payload, ec.ECDSA(digest))
        else:
            raise SignatureRefused(Reason.ALGORITHM, say("exchange.signature-kind"))
    except InvalidSignature as error:
        raise SignatureRefused(Reason.SIGNATURE, say("exchange.signature-wrong")) from error


def _check_time(certificate: x509.Certificate, at: dt.datetime) -> None:
    if at > certificate.not_valid_after_utc:
        day = f"{certificate.not_valid_after_utc:%Y-%m-%d}"
        raise SignatureRefused(Reason.EXPIRED, say("exchange.certificate-expired", date=day))
    if at < certificate.not_valid_before_utc:
        day = f"{certificate.not_valid_before_utc:%Y-%m-%d}"
        raise SignatureRefused(Reason.NOT_YET, say("exchange.signed-too-early", day=day))

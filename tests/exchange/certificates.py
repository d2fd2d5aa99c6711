"""Keys and certificates of sample offices, made for each test."""

from __future__ import annotations

import datetime as dt
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from api.exchange.signatures import PrivateKey, fingerprint

NOW = dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Holder:
    """An office with its own key."""

    office: str
    key: PrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.certificate)


def holder(office: str, *, days: int = 365, since: int = 1, kind: str = "ec") -> Holder:
    """A self-signed certificate, valid from `since` days ago until `days` from now."""
    key: PrivateKey = ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, 2048)
    name = x509.Name(
        [x509.NameAttribute(NameOID.COUNTRY_NAME, office), x509.NameAttribute(NameOID.COMMON_NAME, f"Sample {office}")]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - dt.timedelta(days=since))
        .not_valid_after(NOW + dt.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(True, True, *[False] * 7), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Holder(office, key, certificate)


def openssl(folder: Path, command: str) -> subprocess.CompletedProcess[bytes]:
    """Runs `openssl COMMAND` in a folder."""
    return subprocess.run(["openssl", *command.split()], cwd=folder, capture_output=True, check=False)

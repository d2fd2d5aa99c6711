"""Signatures: ours are read by openssl, openssl's are read by us, and each fault has its own reason."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from typer.testing import CliRunner

from api.exchange.signatures import Reason, SignatureRefused, sign, verify
from cli.main import application
from common.errors import UsageError
from tests.exchange.certificates import holder

CONTENT = b'{"terms":"sample"}'


def refusal(signature: bytes, content: bytes, *registered: object) -> Reason:
    with pytest.raises(SignatureRefused) as caught:
        verify(signature, content, {h.fingerprint: h.certificate for h in registered})  # type: ignore[attr-defined]
    return caught.value.reason


@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_openssl_reads_our_signatures(tmp_path: Path, kind: str) -> None:
    office = holder("XA", kind=kind)
    (tmp_path / "content").write_bytes(CONTENT)
    (tmp_path / "cert.pem").write_text(office.pem)
    (tmp_path / "sig.p7s").write_bytes(sign(hashlib.sha256(CONTENT).digest(), office.certificate, office.key))
    command = "openssl cms -verify -binary -inform DER -in sig.p7s -content content -CAfile cert.pem -out out -cades"
    done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert (tmp_path / "out").read_bytes() == CONTENT


@pytest.mark.parametrize("kind", ["ec", "rsa"])
@pytest.mark.parametrize("form", ["DER", "PEM"])
@pytest.mark.parametrize("options", [[], ["-cades"], ["-nocerts"], ["-md", "sha512"]])
def test_we_read_signatures_of_openssl(tmp_path: Path, kind: str, form: str, options: list[str]) -> None:
    office = holder("XA", kind=kind)
    (tmp_path / "content").write_bytes(CONTENT)
    (tmp_path / "cert.pem").write_text(office.pem)
    (tmp_path / "key.pem").write_text(office.key_pem)
    command = f"openssl cms -sign -binary -outform {form} -in content -signer cert.pem -inkey key.pem -out sig"
    subprocess.run([*command.split(), *options], cwd=tmp_path, check=True, capture_output=True)
    found = verify((tmp_path / "sig").read_bytes(), CONTENT, {office.fingerprint: office.certificate})
    assert found.fingerprint == office.fingerprint
    assert found.at is not None


def test_the_command_signs_where_the_key_is(tmp_path: Path) -> None:
    office = holder("XA")
    (tmp_path / "terms.json").write_bytes(CONTENT)
    (tmp_path / "cert.pem").write_text(office.pem)
    encrypted = office.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"sample word"))
    for key, password, right in (
        (office.key_pem.encode(), "", True),
        (encrypted, "sample word", True),
        (encrypted, "other", False),
    ):
        (tmp_path / "key.pem").write_bytes(key)
        command = [str(tmp_path / name) for name in ("terms.json", "cert.pem", "key.pem")]
        command = ["sign", command[0], "--certificate", command[1], "--key", command[2]]
        done = CliRunner().invoke(application(), command, env={"CONCORD_KEY_PASSWORD": password})
        if not right:
            assert isinstance(done.exception, UsageError)
            continue
        assert done.exit_code == 0, done.output
        signature = tmp_path / "terms.json.p7s"
        found = verify(signature.read_bytes(), CONTENT, {office.fingerprint: office.certificate})
        assert found.fingerprint == office.fingerprint
        check = (
            "openssl cms -verify -binary -inform DER -in terms.json.p7s -content terms.json -CAfile cert.pem -out out"
        )
        assert subprocess.run(check.split(), cwd=tmp_path, capture_output=True, check=False).returncode == 0
        signature.unlink()


def test_each_fault_has_its_own_reason() -> None:
    office, other = holder("XA"), holder("XB")
    digest = hashlib.sha256(CONTENT).digest()
    good = sign(digest, office.certificate, office.key)
    assert refusal(good, CONTENT + b" ", office) is Reason.CONTENT
    assert refusal(good, CONTENT, other) is Reason.SIGNER
    assert refusal(good, CONTENT) is Reason.SIGNER
    assert refusal(b"no signature", CONTENT, office) is Reason.MALFORMED
    assert refusal(good[:-1] + bytes([good[-1] ^ 1]), CONTENT, office) is Reason.SIGNATURE
    expired, future = holder("XA", days=-1, since=30), holder("XA", since=-2)
    for late, reason in ((expired, Reason.EXPIRED), (future, Reason.NOT_YET)):
        assert refusal(sign(digest, late.certificate, late.key), CONTENT, late) is reason


def test_no_byte_of_a_signature_can_change_what_it_says() -> None:
    """A flipped byte is refused, or lies outside of what is signed and leaves signer and content as they were."""
    office = holder("XA")
    good = sign(hashlib.sha256(CONTENT).digest(), office.certificate, office.key)
    registered = {office.fingerprint: office.certificate}
    refused = 0
    for position in range(len(good)):
        altered = bytearray(good)
        altered[position] ^= 0x01
        try:
            found = verify(bytes(altered), CONTENT, registered)
        except SignatureRefused:
            refused += 1
        else:
            assert found.fingerprint == office.fingerprint
        with pytest.raises(SignatureRefused):
            verify(bytes(altered), CONTENT + b"!", registered)
    assert refused > len(good) * 0.9

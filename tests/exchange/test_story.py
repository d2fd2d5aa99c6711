"""The whole story of two offices over HTTP, from the request to the purge."""

# ruff: noqa: ASYNC240 - small files of a test

from __future__ import annotations

import base64
import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from api.access import audit
from api.exchange.asic import MANIFEST, SIGNATURE
from store.access import AuditEntry
from tests.exchange.certificates import openssl
from tests.exchange.offices import Party, Receiver, load, party
from tests.exchange.test_packages import check, ordered
from tests.exchange.test_pull import listening
from tests.pipeline.docdb import document as doc
from tests.pipeline.docdb import record_id
from tests.platforms import Platform

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORD = "turbinewheel"


async def signed_offline(party: Party, agreement: int, folder: Path) -> Any:
    """Takes the document over HTTP, signs it with openssl where the key is, and brings the signature back."""
    document = await party.raw("GET", f"/exchange/agreements/{agreement}/document")
    folder.mkdir()
    for name, content in (("cert.pem", party.holder.pem), ("key.pem", party.holder.key_pem)):
        (folder / name).write_text(content)
    (folder / "terms.json").write_bytes(document.content)
    command = "cms -sign -binary -outform DER -in terms.json -signer cert.pem -inkey key.pem -out terms.p7s"
    assert openssl(folder, command).returncode == 0
    signature = base64.b64encode((folder / "terms.p7s").read_bytes()).decode()
    body = {"version": int(document.headers["concord-version"]), "signature": signature}
    return await party.call("POST", f"/exchange/agreements/{agreement}/signatures", 201, json=body)


async def fetched_in_two(party: Party, package: dict[str, Any], path: Path) -> Path:
    """A download that breaks off and goes on where it stopped."""
    content = f"/exchange/packages/{package['id']}/content"
    half = package["size"] // 2
    first = await party.raw("GET", content, headers={"range": f"bytes=0-{half - 1}"})
    rest = await party.raw("GET", content, headers={"range": f"bytes={half}-", "if-range": first.headers["etag"]})
    assert (first.status_code, rest.status_code) == (206, 206)
    path.write_bytes(first.content + rest.content)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == package["sha256"]
    return path


async def test_from_request_to_purge(platform: Platform, provider: Party, beneficiary: Party, tmp_path: Path) -> None:
    async with listening(platform) as url:
        await tell(platform, replace(provider, url=url), replace(beneficiary, url=url), tmp_path)


async def tell(platform: Platform, provider: Party, beneficiary: Party, tmp_path: Path) -> None:
    async def found() -> int:
        return int((await beneficiary.call("GET", f"/search?q={WORD}&mode=keyword"))["total"])

    # Request, offer, counter-offer, both signatures.
    await provider.register(with_key=True)
    await beneficiary.register()
    asked = {"provider": provider.office, "template": "examination", "message": "For examination.", "due_days": 14}
    number = int((await beneficiary.call("POST", "/exchange/requests", 201, json=asked))["id"])
    path = f"/exchange/agreements/{number}"
    offer: dict[str, Any] = {"template": "examination", "message": "Gladly, with a cap.", "terms": {"volume_cap": 100}}
    await provider.call("POST", f"{path}/offers", 201, json=offer)
    groups = ["bibliography", "full-text", "images", "legal-status", "personal-data"]
    counter = {**offer, "terms": {"volume_cap": 100, "groups": groups}, "message": "With addresses, please."}
    await beneficiary.call("POST", f"{path}/offers", 201, json=counter)
    assert (await signed_offline(beneficiary, number, tmp_path / "EP"))["state"] == "offered"
    assert (await signed_offline(provider, number, tmp_path / "DE"))["state"] == "active"

    # The provider loads a delivery; the beneficiary searches, and pulls changes.
    await load(platform, provider.office, tmp_path / "1.xml", [doc(n, f"{WORD} number {n}") for n in range(5)])
    assert await found() == 5
    receiver = Receiver(beneficiary, number)
    assert await receiver.follow() == [("record", record_id(n, provider.office)) for n in range(5)]

    # A certified package, checked by openssl and by the platform's own check.
    package = await ordered(beneficiary, number)
    file = await fetched_in_two(beneficiary, package, tmp_path / "package.asice")
    assert check(file, provider.holder).records == 5
    with zipfile.ZipFile(file) as content:
        content.extractall(tmp_path / "unpacked")
    certificates = (await beneficiary.call("GET", f"/exchange/certificates?office={provider.office}"))["certificates"]
    (tmp_path / "provider.pem").write_text(certificates[0]["certificate"])
    command = f"cms -verify -binary -inform DER -in {SIGNATURE} -content {MANIFEST} -CAfile ../provider.pem -out seen"
    assert openssl(tmp_path / "unpacked", command).returncode == 0

    # A correction and a deletion arrive and flow.
    changes = [doc(1, f"{WORD} corrected"), doc(2, status="D")]
    await load(platform, provider.office, tmp_path / "2.xml", changes)
    assert await receiver.follow() == [
        ("correction", record_id(1, provider.office)),
        ("deletion", record_id(2, provider.office)),
    ]
    assert receiver.held[record_id(1, provider.office)]["texts"][0]["text"] == f"{WORD} corrected"
    assert await found() == 4

    # Revocation: access gone, links dead, purge notice acknowledged.
    await provider.call("POST", f"/agreements/{number}/state", json={"to": "revoked"})
    assert await found() == 0
    await beneficiary.call("GET", f"/records/{record_id(1, provider.office)}", 404)
    await receiver.page(status=409)
    assert (await beneficiary.raw("GET", f"/exchange/packages/{package['id']}/content")).status_code == 409
    waiting = (await beneficiary.call("GET", "/exchange/inbox"))["waiting"]
    notice = next(entry for entry in waiting if entry["what"] == "purge")
    assert (notice["agreement"], notice["records"]) == (number, 4)
    await beneficiary.call("POST", f"{path}/purge", json={"records": len(receiver.held)})
    assert not (await beneficiary.call("GET", "/exchange/inbox"))["waiting"]
    counted = {"agreements": 1, "active": 0, "held": 0, "purged": 4, "withdrawn": 1, "acknowledged": 5, "packages": 1}
    pair = {"provider": provider.office, "beneficiary": beneficiary.office, **counted}
    for one in (provider, beneficiary):
        assert (await one.call("GET", "/exchange/statistics"))["pairs"] == [pair]
    assert (await party(platform).call("GET", "/exchange/statistics"))["pairs"] == []

    # Every step stands in the audit, and its chains are whole.
    with platform.database.session() as session:
        told = [e.action for e in session.scalars(select(AuditEntry)) if e.details.get("agreement") == number]
        assert audit.verify(session, platform.services.keys).faults == ()
    for action in ("agreement-request", "agreement-offer", "agreement-signature", "agreement-active", "exchange"):
        assert action in told
    for action in ("exchange-acknowledged", "package-ordered", "package", "agreement-state", "agreement-purged"):
        assert action in told

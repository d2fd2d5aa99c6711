"""The whole story of two offices over HTTP, from the request to the purge."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from api.access import audit
from api.exchange.asic import MANIFEST, SIGNATURE
from store.access import AuditEntry
from tests.exchange.certificates import openssl
from tests.exchange.offices import Party, Receiver, load
from tests.exchange.test_packages import check, fetched, ordered
from tests.pipeline.docdb import document as doc
from tests.pipeline.docdb import record_id
from tests.platforms import Platform

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORD = "turbinewheel"


async def test_from_request_to_purge(platform: Platform, provider: Party, beneficiary: Party, tmp_path: Path) -> None:
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
    assert (await beneficiary.sign(number))["state"] == "offered"
    assert (await provider.sign(number))["state"] == "active"

    # The provider loads a delivery; the beneficiary searches, and pulls changes.
    await load(platform, provider.office, tmp_path / "1.xml", [doc(n, f"{WORD} number {n}") for n in range(5)])
    assert await found() == 5
    receiver = Receiver(beneficiary, number)
    assert await receiver.follow() == [("record", record_id(n, provider.office)) for n in range(5)]

    # A certified package, checked by openssl and by the platform's own check.
    package = await ordered(beneficiary, number)
    file = await fetched(beneficiary, package, tmp_path / "package.asice")
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

    # Every step stands in the audit, and its chains are whole.
    with platform.database.session() as session:
        told = [e.action for e in session.scalars(select(AuditEntry)) if e.details.get("agreement") == number]
        assert audit.verify(session, platform.services.keys).faults == ()
    for action in ("agreement-request", "agreement-offer", "agreement-signature", "agreement-active", "exchange"):
        assert action in told
    for action in ("exchange-acknowledged", "package-ordered", "package", "agreement-state", "agreement-purged"):
        assert action in told

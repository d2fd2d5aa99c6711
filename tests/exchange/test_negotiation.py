"""Requests, offers, counter-offers, signatures: what both sides see, and what the platform refuses."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from api.access import audit
from api.access.agreements import State, Terms
from api.access.model import Role
from api.exchange import global_policy, jobs, negotiation
from store.access import Agreement, AuditEntry
from store.exchange import OfficeCertificate
from tests.exchange.certificates import holder, openssl
from tests.exchange.offices import Party, agreed, party
from tests.platforms import Platform, make_record

pytestmark = pytest.mark.asyncio(loop_scope="session")


TERMS: dict[str, Any] = {"tier": "content", "groups": ["full-text"], "purposes": ["examination"]}


async def asked(provider: Party, beneficiary: Party, **more: Any) -> int:
    body = {"provider": provider.office, "terms": TERMS, "title": "Sample", **more}
    return int((await beneficiary.call("POST", "/exchange/requests", 201, json=body))["id"])


async def test_from_request_to_force_with_every_step_in_thread_and_audit(
    platform: Platform, provider: Party, beneficiary: Party
) -> None:
    for one in (provider, beneficiary):
        await one.register()
    number = await asked(provider, beneficiary, message="May we?", due_days=10)
    waiting = (await provider.call("GET", "/exchange/inbox"))["waiting"]
    assert [(w["agreement"], w["with"]) for w in waiting] == [(number, beneficiary.office)]
    assert waiting[0]["due"] == (dt.datetime.now(dt.UTC).date() + dt.timedelta(days=10)).isoformat()

    path = f"/exchange/agreements/{number}"
    await provider.call("POST", f"{path}/offers", 201, json={"template": "statistics", "message": "This much."})
    assert (await provider.call("GET", "/exchange/inbox"))["waiting"] == []
    await provider.sign(number)
    counter = {"terms": {**TERMS, "volume_cap": 10}, "message": "With full text, and no more than ten."}
    assert (await beneficiary.call("POST", f"{path}/offers", 201, json=counter))["version"] == 3
    await beneficiary.call("POST", f"{path}/messages", 201, json={"message": "Is that well?"})
    # The provider's signature was under version 2: it counts no more.
    assert (await beneficiary.sign(number))["state"] == "offered"
    assert (await provider.sign(number))["state"] == "active"

    for one in (provider, beneficiary):
        whole = await one.call("GET", path)
        assert [e["kind"] for e in whole["thread"]] == [
            "request",
            "offer",
            "signature",
            "offer",
            "message",
            "signature",
            "signature",
            "active",
        ]
        assert [(s["version"], s["office"]) for s in whole["signatures"]] == [
            (2, provider.office),
            (3, beneficiary.office),
            (3, provider.office),
        ]
        assert whole["versions"][-1]["terms"]["volume_cap"] == 10
        assert whole["turn"] is None

    with platform.database.session() as session:
        actions = [
            entry.action
            for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.at))
            if entry.details.get("agreement") == number
        ]
        assert sorted(actions) == sorted(f"agreement-{e['kind']}" for e in whole["thread"])
        assert audit.verify(session, platform.services.keys).faults == ()


async def test_an_agreement_gives_with_the_second_signature_and_stops_with_suspension(
    platform: Platform, provider: Party, beneficiary: Party
) -> None:
    record = make_record(provider.office, 1, "Sample valve", claims="a secret valve")
    platform.policy(record.collection)
    await platform.index([record])
    path = f"/records/{record.id}"
    await beneficiary.call("GET", path, 404)
    number = await agreed(provider, beneficiary, **TERMS)
    assert (await beneficiary.call("GET", path))["id"] == record.id
    state = f"/agreements/{number}/state"
    for to, seen in (("suspended", 404), ("active", 200), ("revoked", 404)):
        await provider.call("POST", state, json={"to": to})
        await beneficiary.call("GET", path, seen)
    await provider.call("POST", state, 403, json={"to": "active"})
    thread = (await beneficiary.call("GET", f"/exchange/agreements/{number}"))["thread"]
    assert [e["kind"] for e in thread][-4:] == ["active", "suspended", "active", "revoked"]
    await platform.remove([record])


async def test_openssl_signs_offline_and_checks_what_the_other_side_signed(
    provider: Party, beneficiary: Party, tmp_path: Path
) -> None:
    import base64

    for one in (provider, beneficiary):
        await one.register()
    number = await asked(provider, beneficiary)
    await provider.call("POST", f"/exchange/agreements/{number}/offers", 201, json={"terms": TERMS})
    document = await provider.raw("GET", f"/exchange/agreements/{number}/document")
    (tmp_path / "terms.json").write_bytes(document.content)
    (tmp_path / "cert.pem").write_text(provider.holder.pem)
    (tmp_path / "key.pem").write_text(provider.holder.key_pem)
    command = "cms -sign -binary -outform DER -in terms.json -signer cert.pem -inkey key.pem -out terms.p7s"
    assert openssl(tmp_path, command).returncode == 0
    body = {"version": 2, "signature": base64.b64encode((tmp_path / "terms.p7s").read_bytes()).decode()}
    await provider.call("POST", f"/exchange/agreements/{number}/signatures", 201, json=body)
    held = await beneficiary.raw("GET", f"/exchange/agreements/{number}/signatures/2/{provider.office}")
    (tmp_path / "held.p7s").write_bytes(held.content)
    command = "cms -verify -binary -inform DER -in held.p7s -content terms.json -CAfile cert.pem -out out"
    done = openssl(tmp_path, command)
    assert done.returncode == 0, done.stderr


async def test_signatures_that_do_not_count(platform: Platform, provider: Party, beneficiary: Party) -> None:
    await provider.register()
    number = await asked(provider, beneficiary)
    path = f"/exchange/agreements/{number}"
    nothing_yet = await provider.signature(number)
    await provider.call("POST", f"{path}/signatures", 409, json=nothing_yet)
    await provider.call("POST", f"{path}/offers", 201, json={"terms": TERMS})

    unregistered = await beneficiary.sign(number, 400)
    assert unregistered["reason"] == "other-signer"
    assert (await provider.sign(number, 400, signer=beneficiary.holder))["reason"] == "other-signer"
    good = await provider.signature(number)
    assert (await provider.sign(number, 400, signer=holder(provider.office)))["reason"] == "other-signer"
    await provider.call("POST", f"{path}/signatures", 409, json={**good, "version": 1})
    other = await asked(provider, beneficiary)
    await provider.call("POST", f"/exchange/agreements/{other}/offers", 201, json={"terms": TERMS})
    replayed = await provider.call("POST", f"/exchange/agreements/{other}/signatures", 400, json=good)
    assert replayed["reason"] == "content-changed"
    await provider.call("POST", f"{path}/signatures", 201, json=good)
    await provider.call("POST", f"{path}/signatures", 409, json=good)

    expired = holder(beneficiary.office, days=-1, since=30)
    times = {
        "not_before": expired.certificate.not_valid_before_utc,
        "not_after": expired.certificate.not_valid_after_utc,
    }
    with platform.database.session() as session:
        # It was registered in its time.
        known = OfficeCertificate(fingerprint=expired.fingerprint, office=expired.office, pem=expired.pem, **times)
        known.registered_by = "test"
        session.add(known)
    assert (await beneficiary.sign(number, 400, signer=expired))["reason"] == "certificate-expired"

    await beneficiary.register()
    held = [
        one
        for one in (await beneficiary.call("GET", "/exchange/certificates"))["certificates"]
        if one["fingerprint"] == beneficiary.holder.fingerprint
    ]
    await beneficiary.call("DELETE", f"/exchange/certificates/{held[0]['fingerprint']}")
    assert (await beneficiary.sign(number, 400))["reason"] == "other-signer"
    stranger = party(platform)
    await stranger.register()
    await stranger.call("POST", f"{path}/signatures", 404, json=good)


async def test_strangers_and_small_roles_learn_nothing(platform: Platform, provider: Party, beneficiary: Party) -> None:
    number = await asked(provider, beneficiary)
    stranger = party(platform)
    for method, path, body in (
        ("GET", "", None),
        ("GET", "/document", None),
        ("POST", "/messages", {"message": "hello"}),
        ("POST", "/offers", {"terms": {}}),
        ("POST", "/refusal", {}),
    ):
        await stranger.call(method, f"/exchange/agreements/{number}{path}", 404, json=body)
        await stranger.call(method, f"/exchange/agreements/999999{path}", 404, json=body)
    examiner = Party(platform, provider.holder, platform.key(provider.office, Role.EXAMINER))
    await examiner.call("GET", f"/exchange/agreements/{number}", 403)
    agent = Party(platform, provider.holder, platform.key(provider.office, Role.OFFICE_AGENT))
    await agent.call("POST", "/exchange/certificates", 403, json={"certificate": provider.holder.pem})


async def test_a_request_does_not_tell_which_collections_exist(
    platform: Platform, provider: Party, beneficiary: Party
) -> None:
    real = f"{provider.office.lower()}-patent-real"
    platform.policy(real)
    for name in (real, f"{provider.office.lower()}-patent-imagined"):
        await asked(provider, beneficiary, terms={**TERMS, "collections": [name]})


async def test_the_beneficiary_waits_and_may_withdraw_and_the_provider_may_decline(
    provider: Party, beneficiary: Party
) -> None:
    number = await asked(provider, beneficiary)
    path = f"/exchange/agreements/{number}"
    await beneficiary.call("POST", f"{path}/offers", 409, json={"terms": TERMS})
    assert (await beneficiary.call("POST", f"{path}/refusal", json={}))["state"] == "withdrawn"
    await provider.call("POST", f"{path}/offers", 409, json={"terms": TERMS})
    number = await asked(provider, beneficiary)
    refused = await provider.call("POST", f"/exchange/agreements/{number}/refusal", json={"message": "Not now."})
    assert refused["state"] == "declined"


@pytest.mark.parametrize(
    ("terms", "point"),
    [
        ({"tier": "content", "groups": ["personal-data"]}, "needs a stated purpose"),
        ({"tier": "content", "groups": ["personal-data"], "purposes": ["statistics"]}, "not be given for statistics"),
        (
            {"tier": "content", "groups": ["unpublished"], "purposes": ["examination"], "onward": "offices"},
            "not be shared onwards",
        ),
        ({"valid_from": "2026-01-01", "valid_until": "2060-01-01"}, "longer than 10 years"),
        ({"purposes": ["curiosity"]}, "unknown purpose"),
        ({"tier": "everything"}, "tier"),
    ],
)
async def test_no_terms_wider_than_the_platforms_policy(
    provider: Party, beneficiary: Party, terms: dict[str, Any], point: str
) -> None:
    body = {"provider": provider.office, "terms": terms}
    refused = await beneficiary.call("POST", "/exchange/requests", 400, json=body)
    assert point in refused["detail"]


async def test_no_policy_wider_than_the_platforms_and_no_offer_wider_than_the_policy(
    platform: Platform, provider: Party, beneficiary: Party
) -> None:
    name = f"{provider.office.lower()}-patent-x"
    platform.policy(name)
    policy = f"/collections/{name}/policy"
    wide = {"tier": "content", "groups": ["bibliography", "personal-data"]}
    refused = await provider.call("PUT", policy, 400, json=wide)
    assert "personal-data may not be open to everybody" in refused["detail"]
    assert (await provider.call("GET", policy))["tier"] == "none"
    await provider.call("PUT", policy, json={"tier": "none", "denied": [beneficiary.office], "formats": ["st96"]})
    number = await asked(provider, beneficiary)
    offers = f"/exchange/agreements/{number}/offers"
    assert "denied" in (await provider.call("POST", offers, 400, json={"terms": TERMS}))["detail"]
    await provider.call("PUT", policy, json={"tier": "none", "formats": ["st96"]})
    surplus = {"terms": {**TERMS, "formats": ["st96", "csv"]}}
    assert "not given as csv" in (await provider.call("POST", offers, 400, json=surplus))["detail"]
    await provider.call("POST", offers, 201, json={"terms": {**TERMS, "formats": ["st96"]}})


async def test_an_offer_of_what_was_asked_for_as_far_as_the_policies_go(
    platform: Platform, provider: Party, beneficiary: Party
) -> None:
    opened, closed = (f"{provider.office.lower()}-patent-{name}" for name in ("open", "closed"))
    platform.policy(opened, formats=["st96", "csv"])
    platform.policy(closed, denied=[beneficiary.office])
    number = await asked(provider, beneficiary, terms={**TERMS, "formats": ["st96", "st36"]})
    offers = f"/exchange/agreements/{number}/offers"
    made = await provider.call("POST", offers, 201, json={"as_asked": True, "terms": {"volume_cap": 10}})
    assert made["left_out"] == [f"{closed} is denied to {beneficiary.office}", f"{opened} is not given as st36"]
    terms = (await provider.call("GET", f"/exchange/agreements/{number}"))["versions"][-1]["terms"]
    assert (terms["collections"], terms["formats"], terms["volume_cap"]) == ([opened], ["st96"], 10)
    assert (terms["groups"], terms["purposes"]) == (["full-text"], ["examination"])
    platform.policy(opened, formats=["csv"])
    refused = await provider.call("POST", offers, 400, json={"as_asked": True})
    assert "not given as st96" in refused["detail"]


async def test_every_template_is_within_the_policy() -> None:
    for name in negotiation.templates():
        global_policy.check_terms(negotiation.from_template(name), {}, "XA")


async def test_time_expires_agreements_and_reminds_once(
    platform: Platform, provider: Party, beneficiary: Party
) -> None:
    today = dt.datetime.now(dt.UTC).date()
    number = await agreed(provider, beneficiary, **TERMS, valid_until=today.isoformat())
    waiting = await asked(provider, beneficiary, due_days=2)
    keys = platform.services.keys
    jobs.tick(platform.services)
    assert (await provider.call("GET", f"/exchange/agreements/{number}"))["state"] == "active"
    with platform.database.session() as session:
        negotiation.tick(session, keys, 0, today + dt.timedelta(days=1))
    assert (await provider.call("GET", f"/exchange/agreements/{number}"))["state"] == "expired"
    for _ in range(2):
        jobs.tick(platform.services)
    told = await beneficiary.call("GET", f"/exchange/agreements/{waiting}")
    assert [e["kind"] for e in told["thread"]] == ["request", "reminder"]
    purge = next(w for w in (await beneficiary.call("GET", "/exchange/inbox"))["waiting"] if w["what"] == "purge")
    assert purge["agreement"] == number
    await provider.call("POST", f"/exchange/agreements/{number}/purge", 409, json={"records": 0})
    await beneficiary.call("POST", f"/exchange/agreements/{number}/purge", json={"records": 0})
    await beneficiary.call("POST", f"/exchange/agreements/{number}/purge", 409, json={"records": 0})


async def test_certificates_that_are_refused(provider: Party) -> None:
    other = holder(provider.office)
    for body, point in (
        ({"certificate": "no certificate"}, "no X.509"),
        ({"certificate": provider.holder.pem, "private_key": other.key_pem}, "not the certificate's"),
        ({"certificate": holder(provider.office, days=-1, since=9).pem}, "expired"),
    ):
        assert point in (await provider.call("POST", "/exchange/certificates", 400, json=body))["detail"]
    await provider.register()
    await provider.call("POST", "/exchange/certificates", 409, json={"certificate": provider.holder.pem})


async def test_the_signed_bytes_name_parties_version_and_terms(provider: Party, beneficiary: Party) -> None:
    number = await agreed(provider, beneficiary, **TERMS)
    document = (await provider.raw("GET", f"/exchange/agreements/{number}/document")).json()
    assert (document["provider"], document["beneficiary"]) == (provider.office, beneficiary.office)
    assert document["terms_sha256"] == Terms.model_validate(document["terms"]).digest.hex()
    with provider.platform.database.session() as session:
        held = session.get(Agreement, number)
        assert held is not None
        assert State(held.state) is State.ACTIVE

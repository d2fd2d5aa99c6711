"""Exchange between offices over HTTP: certificates, requests and agreements, the inbox."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.access.agreements import Terms
from api.access.audit import append, change
from api.access.model import Permission
from api.access.routes import in_transaction
from api.dependencies import Access, Guard
from api.exchange import certificates, global_policy, negotiation
from api.exchange.negotiation import Ledger
from api.search.routes import json_response
from common.errors import AccessDenied, NotFound, UsageError
from common.messages import say
from store.access import Agreement
from store.exchange import OfficeCertificate

router = APIRouter(prefix="/v1/exchange", tags=["exchange"])
T = TypeVar("T")

Anyone = Annotated[Access, Depends(Guard(Permission.SEARCH))]
Exchanger = Annotated[Access, Depends(Guard(Permission.EXCHANGE))]
OfficeManager = Annotated[Access, Depends(Guard(Permission.MANAGE_OFFICE))]

Message = Annotated[str, Field(max_length=20_000)]
LONGEST_DUE_DAYS = 365


class In(BaseModel):
    model_config = ConfigDict(extra="forbid")


async def with_ledger(access: Access, work: Callable[[Ledger], T]) -> T:
    """`work` in one transaction, with its lines in the thread and the audit."""
    services = access.services
    return await in_transaction(
        access, lambda session: work(Ledger(session, services.keys, services.audit.chain, access.caller))
    )


def from_base64(text: str) -> bytes:
    """Raises UsageError."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UsageError(say("exchange.no-base64")) from error


# ------------------------------------------------------------------------------------------------ policy, templates


@router.get("/policy", summary="The platform's data-access policy")
async def read_global_policy(access: Anyone) -> Response:
    """The outermost limits: every collection's policy and every agreement stays within them."""
    return json_response(global_policy.document())


@router.get("/templates", summary="Agreements to start from")
async def read_templates(access: Anyone) -> Response:
    return json_response({"templates": negotiation.templates()})


# ----------------------------------------------------------------------------------------------------- certificates


class CertificateIn(In):
    certificate: Annotated[str, Field(max_length=20_000)]
    """PEM."""
    private_key: SecretStr | None = Field(default=None, max_length=20_000)
    """PEM, where the platform shall sign packages for the office; kept sealed."""
    use: Annotated[str, Field(pattern="^(sign|client)$")] = "sign"


@router.get("/certificates", summary="Certificates of an office")
async def list_certificates(
    access: Exchanger, office: Annotated[str | None, "ST.3 code; one's own by default"] = None
) -> Response:
    """With their PEM: who checks a package by other means takes the provider's certificate from here."""
    wanted = (office or access.caller.office or "").upper()
    statement = (
        select(OfficeCertificate).where(OfficeCertificate.office == wanted).order_by(OfficeCertificate.registered)
    )
    found = await in_transaction(access, lambda s: list(s.scalars(statement)))
    return json_response({"certificates": [certificate_out(entry) for entry in found]})


@router.get("/certificates/{fingerprint}", summary="A certificate as a file", response_class=Response)
async def read_certificate(fingerprint: str, access: Exchanger) -> Response:
    """In PEM, as `openssl` and `concord verify` take it. Compare its fingerprint with what the office told you."""
    found = await in_transaction(access, lambda s: s.get(OfficeCertificate, fingerprint))
    if found is None:
        raise NotFound("no such certificate")
    name = f"{found.office}-{fingerprint[:12]}.pem"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(found.pem, media_type="application/x-pem-file", headers=headers)


def certificate_out(entry: OfficeCertificate) -> dict[str, Any]:
    return {
        "fingerprint": entry.fingerprint,
        "office": entry.office,
        "use": entry.use,
        "certificate": entry.pem,
        "not_before": entry.not_before,
        "not_after": entry.not_after,
        "signs_here": entry.sealed_key is not None,
        "revoked": entry.revoked,
    }


def own_office(access: Access) -> str:
    if access.caller.office is None:
        raise AccessDenied("no office")
    return access.caller.office


@router.post("/certificates", status_code=201, summary="Register a certificate of one's office")
async def register_certificate(access: OfficeManager, given: CertificateIn) -> Response:
    office = own_office(access)
    key = given.private_key.get_secret_value() if given.private_key else None

    def work(ledger: Ledger) -> OfficeCertificate:
        entry = certificates.register(
            ledger.session,
            ledger.keys,
            office,
            given.certificate,
            by=access.caller.name,
            key_pem=key,
            use=given.use,
        )
        line = change(access.caller, "certificate-registered", fingerprint=entry.fingerprint, use=entry.use)
        append(ledger.session, ledger.keys, ledger.chain, [line])
        return entry

    return json_response(certificate_out(await with_ledger(access, work)), 201)


@router.delete("/certificates/{fingerprint}", summary="Withdraw a certificate of one's office")
async def withdraw_certificate(fingerprint: str, access: OfficeManager) -> Response:
    office = own_office(access)

    def work(ledger: Ledger) -> None:
        certificates.withdraw(ledger.session, office, fingerprint)
        line = change(access.caller, "certificate-withdrawn", fingerprint=fingerprint)
        append(ledger.session, ledger.keys, ledger.chain, [line])

    await with_ledger(access, work)
    return json_response({"fingerprint": fingerprint, "revoked": True})


# ------------------------------------------------------------------------------------------------------ negotiation


class Negotiated(In):
    message: Message = ""
    due_days: Annotated[int, Field(ge=0, le=LONGEST_DUE_DAYS)] | None = None
    """Days within which the other side is asked to answer."""

    @property
    def due(self) -> dt.date | None:
        if self.due_days is None:
            return None
        return dt.datetime.now(dt.UTC).date() + dt.timedelta(days=self.due_days)


class RequestIn(Negotiated):
    provider: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    title: Annotated[str, Field(max_length=300)] = ""
    template: str | None = None
    """Terms to start from; `terms` replace what they name."""
    terms: dict[str, Any] = {}


class OfferIn(Negotiated):
    as_asked: bool = False
    """Start from what was asked for or offered last, as far as the policies of the collections allow it."""
    template: str | None = None
    terms: dict[str, Any] = {}


def terms_of(given: RequestIn | OfferIn) -> Terms:
    """Raises UsageError naming each field that is wrong."""
    return _sound(negotiation.from_template(given.template) if given.template else None, given.terms)


def _sound(base: Terms | None, changes: dict[str, Any]) -> Terms:
    try:
        return Terms.model_validate({**(base.model_dump(mode="json") if base else {}), **changes})
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'terms'}: {fault['msg']}" for fault in error.errors())
        raise UsageError(say("exchange.terms-unsound", faults=faults)) from error


def brief(entry: Agreement) -> dict[str, Any]:
    return {
        "id": entry.id,
        "provider": entry.provider,
        "beneficiary": entry.beneficiary,
        "state": entry.state,
        "version": entry.version,
    }


@router.post("/requests", status_code=201, summary="Ask an office for its data")
async def make_request(access: Exchanger, given: RequestIn) -> Response:
    terms = terms_of(given)
    return json_response(
        await with_ledger(
            access, lambda x: brief(x.request(given.provider, given.title, terms, given.message, given.due))
        ),
        201,
    )


@router.get("/agreements/{agreement}", summary="An agreement with its whole thread")
async def read_agreement(agreement: int, access: Exchanger) -> Response:
    return json_response(await with_ledger(access, lambda x: negotiation.thread(x.session, x.find(agreement))))


@router.post("/agreements/{agreement}/offers", status_code=201, summary="Offer terms, or other terms than offered")
async def make_offer(agreement: int, access: Exchanger, given: OfferIn) -> Response:
    """A new version. Signatures under the one before count no more. `left_out`: what was asked for and the policies of
    the collections do not allow."""
    if given.as_asked and given.template:
        raise UsageError(say("exchange.offer-of-what"))
    terms = None if given.as_asked else terms_of(given)

    def work(ledger: Ledger) -> dict[str, Any]:
        left_out: tuple[str, ...] = ()
        offered = terms
        if offered is None:
            asked, left_out = ledger.as_asked(agreement)
            offered = _sound(asked, given.terms)
        return {**brief(ledger.offer(agreement, offered, given.message, given.due)), "left_out": left_out}

    return json_response(await with_ledger(access, work), 201)


class Said(In):
    message: Annotated[str, Field(min_length=1, max_length=20_000)]


@router.post("/agreements/{agreement}/messages", status_code=201, summary="Write to the other office")
async def send_message(agreement: int, access: Exchanger, given: Said) -> Response:
    return json_response(await with_ledger(access, lambda x: brief(x.say(agreement, given.message))), 201)


class Refusal(In):
    message: Message = ""


@router.post("/agreements/{agreement}/refusal", summary="Decline a request, or withdraw one's own")
async def refuse(agreement: int, access: Exchanger, given: Refusal) -> Response:
    return json_response(await with_ledger(access, lambda x: brief(x.decline(agreement, given.message))))


@router.get("/agreements/{agreement}/document", summary="The bytes that both offices sign")
async def read_document(agreement: int, access: Exchanger) -> Response:
    """Canonical JSON. Sign it where your key is: `concord sign`, or `openssl cms -sign -binary`."""

    def work(ledger: Ledger) -> tuple[bytes, int]:
        entry = ledger.find(agreement)
        return ledger.document(entry), entry.version

    content, version = await with_ledger(access, work)
    name = f"agreement-{agreement}-{version}.json"
    return Response(
        content,
        media_type="application/json",
        headers={"content-disposition": f'attachment; filename="{name}"', "concord-version": str(version)},
    )


class SignatureIn(In):
    version: int
    """The version that was signed."""
    signature: Annotated[str, Field(max_length=300_000)]
    """Detached CMS (DER or PEM) in base64."""


@router.post(
    "/agreements/{agreement}/signatures",
    status_code=201,
    summary="Sign with one's office's registered certificate",
    responses={400: {"description": "Refused; the problem's `reason` says why."}},
)
async def sign_agreement(agreement: int, access: Exchanger, given: SignatureIn) -> Response:
    """The second office's signature puts the agreement in force."""
    cms = from_base64(given.signature)
    return json_response(await with_ledger(access, lambda x: brief(x.sign(agreement, given.version, cms))), 201)


@router.get("/agreements/{agreement}/signatures/{version}/{office}", summary="A signature, to be checked elsewhere")
async def read_signature(agreement: int, version: int, office: str, access: Exchanger) -> Response:
    from store.exchange import AgreementSignature

    def work(ledger: Ledger) -> bytes:
        ledger.find(agreement)
        statement = select(AgreementSignature.cms).where(
            AgreementSignature.agreement == agreement,
            AgreementSignature.version == version,
            AgreementSignature.office == office.upper(),
        )
        found = ledger.session.scalars(statement).one_or_none()
        if found is None:
            raise NotFound("no such signature")
        return found

    return Response(await with_ledger(access, work), media_type="application/pkcs7-signature")


class PurgeIn(In):
    records: Annotated[int, Field(ge=0)]
    """How many were deleted."""


@router.post("/agreements/{agreement}/purge", summary="Acknowledge that what was held is deleted")
async def acknowledge_purge(agreement: int, access: Exchanger, given: PurgeIn) -> Response:
    return json_response(await with_ledger(access, lambda x: brief(x.purged(agreement, given.records))))


@router.get("/inbox", summary="What waits for one's office")
async def read_inbox(access: Exchanger) -> Response:
    """Requests and offers to answer, with due dates; purges to carry out."""
    office = own_office(access)
    today = dt.datetime.now(dt.UTC).date()
    return json_response({"waiting": await in_transaction(access, lambda s: negotiation.inbox(s, office, today))})


@router.get("/statistics", summary="Exchange per pair of offices")
async def read_statistics(access: Exchanger) -> Response:
    office = own_office(access)

    def work(session: Session) -> list[dict[str, Any]]:
        return negotiation.statistics(session, office)

    return json_response({"pairs": await in_transaction(access, work)})

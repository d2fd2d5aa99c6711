"""Sessions, offices, people, keys, collections with their policies, agreements and the audit over HTTP."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from api.access import accounts, agreements, keys, offices, policies
from api.access.audit import change, report
from api.access.model import Permission, Role, Tier, anonymous
from api.access.policies import PolicyTerms
from api.dependencies import COOKIE, Access, Guard, open_to_all, services_of
from api.errors import TooManyRequests, Unidentified
from api.exchange import negotiation
from api.search.routes import json_response
from common.errors import AccessDenied, NotFound
from store.access import Account, Agreement, AgreementVersion, ApiKey, Collection, KeyUse

router = APIRouter(prefix="/v1", tags=["access"])
T = TypeVar("T")

Anyone = Annotated[Access, Depends(Guard(Permission.SEARCH))]
SignedIn = Annotated[Access, Depends(Guard(None, known=True))]
OfficeManager = Annotated[Access, Depends(Guard(Permission.MANAGE_OFFICE))]
PlatformManager = Annotated[Access, Depends(Guard(Permission.MANAGE_PLATFORM))]
AuditReader = Annotated[Access, Depends(Guard(Permission.AUDIT_OFFICE))]

PLATFORM_ROLES = frozenset({Role.PLATFORM_STEWARD, Role.AUDITOR})


class In(BaseModel):
    model_config = ConfigDict(extra="forbid")


async def in_transaction(access: Access, work: Callable[[Session], T]) -> T:
    def run() -> T:
        with access.services.database.session() as session:
            return work(session)

    return await asyncio.to_thread(run)


# --------------------------------------------------------------------------------------------------------- sessions


class SignIn(In):
    account: Annotated[str, Field(max_length=100)]
    password: SecretStr = Field(max_length=1_000)
    code: Annotated[str, Field(max_length=10)]
    """Six digits of the authenticator app."""


@router.post(
    "/session",
    dependencies=[Depends(open_to_all)],
    summary="Sign in",
    responses={401: {"description": "Wrong, or locked for a while."}},
)
async def sign_in(request: Request, given: SignIn) -> Response:
    """Sets the session's cookie and returns the CSRF token that every changing request must carry as X-CSRF-Token."""
    services = services_of(request)
    for subject in (f"peer:{request.client.host if request.client else ''}", f"sign-in:{given.account.lower()}"):
        wait = services.public_limits.take(subject)
        if wait:
            raise TooManyRequests(wait)

    def run() -> accounts.SignedIn | None:
        with services.database.session() as session:
            try:
                return accounts.sign_in(
                    session, services.keys, given.account.lower(), given.password.get_secret_value(), given.code
                )
            except AccessDenied:
                return None

    found = await asyncio.to_thread(run)
    if found is None:
        await services.record([change(anonymous(), "sign-in-refused", account=given.account.lower())])
        raise Unidentified("sign-in refused")
    await services.record([change(found.caller, "sign-in")])
    answer = json_response({"csrf": found.csrf, "expires": found.expires, "account": found.caller.id})
    answer.set_cookie(
        COOKIE,
        found.token,
        expires=found.expires,
        path="/",
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


@router.delete("/session", summary="Sign out")
async def sign_out(access: SignedIn) -> Response:
    token = access.credentials.cookie
    if token is not None:
        await in_transaction(access, lambda session: accounts.sign_out(session, token))
    answer = json_response({"signed_out": True})
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return answer


@router.get("/me", summary="Who I am and what I may do")
async def me(access: Anyone) -> Response:
    caller = access.caller
    return json_response(
        {
            "caller": caller.name,
            "office": caller.office,
            "role": caller.role,
            "purpose": access.purpose,
            "purposes": sorted(caller.purposes),
            "permissions": sorted(caller.permissions),
            "csrf": access.identity.csrf,
        }
    )


# ------------------------------------------------------------------------------------------------ offices and people


@router.get("/offices", summary="Offices on the platform")
async def list_offices(access: Anyone) -> Response:
    found = await in_transaction(access, offices.everyone)
    return json_response(
        {"offices": [{"code": o.code, "name": o.name, "contact": o.contact} for o in found if o.active]}
    )


class OfficeIn(In):
    code: Annotated[str, Field(pattern=r"^[A-Za-z]{2}$")]
    name: Annotated[str, Field(min_length=1, max_length=300)]
    contact: Annotated[str, Field(max_length=300)] = ""


@router.post("/offices", status_code=201, summary="Add an office")
async def add_office(access: PlatformManager, given: OfficeIn) -> Response:
    office = await in_transaction(access, lambda s: offices.add(s, given.code, given.name, given.contact))
    await access.services.record([change(access.caller, "office-added", code=office.code)])
    return json_response({"code": office.code, "name": office.name, "contact": office.contact}, 201)


class Activity(In):
    active: bool


@router.put("/offices/{code}/active", summary="Close or reopen an office")
async def set_office_active(code: str, access: PlatformManager, given: Activity) -> Response:
    await in_transaction(access, lambda s: offices.set_active(s, code, given.active))
    await access.services.record([change(access.caller, "office-active", code=code.upper(), active=given.active)])
    return json_response({"code": code.upper(), "active": given.active})


class AccountIn(In):
    name: Annotated[str, Field(max_length=100)]
    role: Role
    office: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    password: SecretStr | None = Field(default=None, max_length=1_000)
    oidc_issuer: Annotated[str, Field(max_length=500)] | None = None
    oidc_subject: Annotated[str, Field(max_length=500)] | None = None


@router.get("/users", summary="People of one's office")
async def list_users(access: OfficeManager) -> Response:
    statement = select(Account).order_by(Account.name)
    if not access.caller.may(Permission.MANAGE_PLATFORM):
        statement = statement.where(Account.office == access.caller.office)
    found = await in_transaction(access, lambda s: list(s.scalars(statement)))
    return json_response(
        {"users": [{"name": a.name, "office": a.office, "role": a.role, "active": a.active} for a in found]}
    )


@router.post("/users", status_code=201, summary="Add an account")
async def add_user(access: OfficeManager, given: AccountIn) -> Response:
    """Returns the otpauth:// address of the second factor, shown once."""
    _may_appoint(access, given.office, given.role)
    oidc = (given.oidc_issuer, given.oidc_subject) if given.oidc_issuer and given.oidc_subject else None
    password = given.password.get_secret_value() if given.password else None
    address = await in_transaction(
        access,
        lambda s: accounts.create(
            s,
            access.services.keys,
            name=given.name.lower(),
            office=given.office,
            role=given.role,
            password=password,
            oidc=oidc,
        ),
    )
    await access.services.record(
        [change(access.caller, "user-added", account=given.name.lower(), office_of=given.office, role_of=given.role)]
    )
    return json_response({"name": given.name.lower(), "second_factor": address}, 201)


@router.put("/users/{name}/active", summary="Close or reopen an account")
async def set_user_active(name: str, access: OfficeManager, given: Activity) -> Response:
    def work(session: Session) -> None:
        account = session.get(Account, name)
        if account is None or not _manages(access, account.office):
            raise NotFound("no such account")
        account.active = given.active

    await in_transaction(access, work)
    await access.services.record([change(access.caller, "user-active", account=name, active=given.active)])
    return json_response({"name": name, "active": given.active})


# ------------------------------------------------------------------------------------------------------------- keys


class KeyIn(In):
    role: Role
    office: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    label: Annotated[str, Field(max_length=200)] = ""
    permissions: list[Permission] | None = None
    purposes: list[str] | None = None
    days: Annotated[int, Field(ge=1, le=3650)] | None = None


@router.get("/keys", summary="Keys of one's office")
async def list_keys(access: OfficeManager) -> Response:
    statement = (
        select(ApiKey, KeyUse.last_used).outerjoin(KeyUse, KeyUse.key == ApiKey.id).order_by(ApiKey.created, ApiKey.id)
    )
    if not access.caller.may(Permission.MANAGE_PLATFORM):
        statement = statement.where(ApiKey.office == access.caller.office)
    found = await in_transaction(access, lambda s: [(row[0], row[1]) for row in s.execute(statement)])
    return json_response({"keys": [key_out(entry, used) for entry, used in found]})


def key_out(entry: ApiKey, used: dt.datetime | None) -> dict[str, Any]:
    return {
        "id": entry.id,
        "office": entry.office,
        "role": entry.role,
        "label": entry.label,
        "permissions": entry.permissions,
        "purposes": entry.purposes,
        "created": entry.created,
        "expires": entry.expires,
        "revoked": entry.revoked,
        "last_used": used,
    }


@router.post("/keys", status_code=201, summary="Create a key")
async def create_key(access: OfficeManager, given: KeyIn) -> Response:
    """The key is shown this once."""
    _may_appoint(access, given.office, given.role)
    expires = dt.datetime.now(dt.UTC) + dt.timedelta(days=given.days) if given.days else None
    made = await in_transaction(
        access,
        lambda s: keys.create(
            s,
            office=given.office,
            role=given.role,
            by=access.caller.name,
            label=given.label,
            permissions=given.permissions,
            purposes=given.purposes,
            expires=expires,
        ),
    )
    await access.services.record(
        [change(access.caller, "key-created", key=made.id, office_of=given.office, role_of=given.role)]
    )
    return json_response({"id": made.id, "key": made.key, "expires": made.expires}, 201)


@router.delete("/keys/{key_id}", summary="Revoke a key")
async def revoke_key(key_id: str, access: OfficeManager) -> Response:
    office = None if access.caller.may(Permission.MANAGE_PLATFORM) else access.caller.office
    await in_transaction(access, lambda s: keys.revoke(s, key_id, office=office))
    await access.services.record([change(access.caller, "key-revoked", key=key_id)])
    return json_response({"id": key_id, "revoked": True})


def _manages(access: Access, office: str | None) -> bool:
    if access.caller.may(Permission.MANAGE_PLATFORM):
        return True
    return office is not None and office == access.caller.office


def _may_appoint(access: Access, office: str | None, role: Role) -> None:
    """An office's steward appoints for its own office only, and nobody for the platform."""
    if not _manages(access, office) or (role in PLATFORM_ROLES and not access.caller.may(Permission.MANAGE_PLATFORM)):
        raise AccessDenied("not one's own office")


# ------------------------------------------------------------------------------------------ collections and policies


@router.get("/collections", summary="Collections of which I may see something")
async def list_collections(access: Anyone) -> Response:
    """With the most that any of their records shows, and the provider's notices."""
    found = await in_transaction(access, lambda s: list(s.scalars(select(Collection).order_by(Collection.id))))
    scope = access.scope
    own = access.caller.office if access.caller.reads_for_office else None
    shown = []
    for entry in found:
        tier = Tier.CONTENT if own is not None and entry.provider == own else scope.tier(entry.id)
        if tier is not Tier.NONE:
            shown.append(
                {
                    "id": entry.id,
                    "provider": entry.provider,
                    "right": entry.right,
                    "title": entry.title,
                    "tier": tier.label,
                    "notices": list(scope.notices.get(entry.id, ())),
                }
            )
    return json_response({"collections": shown})


def _own_collection(session: Session, access: Access, collection: str) -> Collection:
    entry = session.get(Collection, collection)
    if entry is None or entry.provider != access.caller.office:
        raise NotFound("no such collection of one's own")
    return entry


@router.get("/collections/{collection}/policy", summary="Policy of one's own collection")
async def read_policy(collection: str, access: OfficeManager) -> Response:
    def work(session: Session) -> PolicyTerms:
        _own_collection(session, access, collection)
        return policies.get_policy(session, collection)

    terms = await in_transaction(access, work)
    return json_response(terms.model_dump(mode="json"))


@router.put("/collections/{collection}/policy", summary="Set the policy of one's own collection")
async def write_policy(collection: str, access: OfficeManager, given: PolicyTerms) -> Response:
    """In force for the next request of anybody."""

    def work(session: Session) -> None:
        _own_collection(session, access, collection)
        policies.set_policy(session, collection, given, by=access.caller.name)

    await in_transaction(access, work)
    await access.services.record(
        [change(access.caller, "policy-set", collection=collection, terms=given.model_dump(mode="json"))]
    )
    return json_response(given.model_dump(mode="json"))


# ------------------------------------------------------------------------------------------------------- agreements


@router.get("/agreements", summary="Agreements of one's office")
async def list_agreements(access: SignedIn) -> Response:
    office = access.caller.office

    def work(session: Session) -> list[dict[str, Any]]:
        statement = (
            select(Agreement, AgreementVersion)
            .join(
                AgreementVersion,
                (AgreementVersion.agreement == Agreement.id) & (AgreementVersion.version == Agreement.version),
            )
            .where(or_(Agreement.provider == office, Agreement.beneficiary == office))
            .order_by(Agreement.id)
        )
        return [agreement_out(entry, version) for entry, version in session.execute(statement)]

    return json_response({"agreements": [] if office is None else await in_transaction(access, work)})


def agreement_out(entry: Agreement, version: AgreementVersion) -> dict[str, Any]:
    return {
        "id": entry.id,
        "provider": entry.provider,
        "beneficiary": entry.beneficiary,
        "title": entry.title,
        "state": entry.state,
        "version": entry.version,
        "version_id": version.id,
        "terms": version.terms,
        "digest": version.digest.hex(),
    }


class Step(In):
    to: agreements.State


PROVIDER_STEPS = frozenset({agreements.State.SUSPENDED, agreements.State.ACTIVE, agreements.State.REVOKED})


@router.post("/agreements/{agreement}/state", summary="Suspend, resume or revoke what one's office gives")
async def step_agreement(agreement: int, access: OfficeManager, given: Step) -> Response:
    """Effective with the next request, the next page and the next part of a stream."""

    def work(session: Session) -> str:
        entry = session.get(Agreement, agreement)
        if entry is None or entry.provider != access.caller.office:
            raise NotFound("no such agreement")
        resumes = given.to is agreements.State.ACTIVE and entry.state != agreements.State.SUSPENDED
        if given.to not in PROVIDER_STEPS or resumes:
            raise AccessDenied("this step belongs to the negotiation")
        by = access.caller
        return negotiation.enter_step(session, agreement, given.to, office=by.office, by=by.name).state

    state = await in_transaction(access, work)
    await access.services.record([change(access.caller, "agreement-state", agreement=agreement, state=state)])
    return json_response({"id": agreement, "state": state})


# ------------------------------------------------------------------------------------------------------------ audit


@router.get("/audit", summary="Who read my office's records")
async def read_audit(access: AuditReader, since: dt.date | None = None, until: dt.date | None = None) -> Response:
    """By day, office, purpose, action, collection and ground; the platform's auditor sees every provider's."""
    provider = None if access.caller.may(Permission.AUDIT_PLATFORM) else access.caller.office
    if provider is None and not access.caller.may(Permission.AUDIT_PLATFORM):
        raise AccessDenied("no office")
    lines = await in_transaction(access, lambda s: report(s, provider, since=since, until=until))
    return json_response({"accesses": lines})

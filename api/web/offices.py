"""An office's desk: its collections and who may see them, its agreements, its keys, and who read its records."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from api.access import routes as api
from api.access.agreements import ONWARD
from api.access.model import GRANTABLE, PURPOSES, Permission, Role, Tier
from api.access.policies import PolicyTerms
from api.exchange import routes as exchange_api
from api.exchange.writers import FORMATS
from api.web.language import Fault
from api.web.page import AuditReader, OfficeManager, SignedIn, of_api, pages, render
from common.errors import UsageError
from common.messages import say

router = pages()

KEY_ROLES = (Role.EXAMINER, Role.OFFICE_AGENT, Role.DATA_QUALITY, Role.PROVIDER_STEWARD)
KEY_DAYS = (30, 90, 365)
STEPS = {"active": ("suspended", "revoked"), "suspended": ("active", "revoked")}
"""What a provider may do with an agreement in a state, from the desk."""


@router.get("/office")
async def desk(request: Request, access: SignedIn) -> Response:
    collections = (await of_api(api.list_collections(access)))["collections"]
    own = [entry for entry in collections if entry["provider"] == access.caller.office]
    if access.caller.may(Permission.MANAGE_OFFICE):
        for entry in own:
            entry["policy"] = await of_api(api.read_policy(entry["id"], access))
    agreements = (await of_api(api.list_agreements(access)))["agreements"]
    exchanges = access.caller.may(Permission.EXCHANGE) and access.caller.office is not None
    waiting = (await of_api(exchange_api.read_inbox(access)))["waiting"] if exchanges else []
    return render(
        request, access, "office.html", own=own, agreements=agreements, steps=STEPS, waiting=waiting,
        others=[entry for entry in collections if entry["provider"] != access.caller.office],
    )  # fmt: skip


@router.post("/office/agreements/{agreement}")
async def step(request: Request, agreement: int, access: OfficeManager) -> Response:
    """Suspends, resumes or ends what one's office gives."""
    given = await request.form()
    try:
        await api.step_agreement(agreement, access, api.Step.model_validate({"to": given.get("to")}))
    except ValidationError as error:
        raise UsageError(say("pages.no-step")) from error
    return RedirectResponse("/office", 303)


# ------------------------------------------------------------------------------------------------------- policies


@router.get("/office/collections/{collection}")
async def policy(request: Request, collection: str, access: OfficeManager) -> Response:
    terms = await of_api(api.read_policy(collection, access))
    return _policy_page(request, access, collection, terms)


def _policy_page(
    request: Request, access: OfficeManager, collection: str, terms: dict[str, Any], fault: Fault = ""
) -> Response:
    return render(
        request, access, "policy.html", http_status=400 if fault else 200, collection=collection, terms=terms,
        fault=fault, tiers=[tier.label for tier in Tier], groups=[group.value for group in GRANTABLE],
        purposes=PURPOSES, formats=list(FORMATS), onward=ONWARD,
    )  # fmt: skip


@router.post("/office/collections/{collection}")
async def write_policy(request: Request, collection: str, access: OfficeManager) -> Response:
    form = await request.form()

    def one(name: str) -> str:
        value = form.get(name, "")
        return value.strip() if isinstance(value, str) else ""

    def many(name: str) -> list[str]:
        return [value for value in form.getlist(name) if isinstance(value, str)]

    before = await of_api(api.read_policy(collection, access))
    given = {
        "tier": one("tier"),
        "groups": many("groups"),
        "embargo": one("embargo") or "none",
        "embargo_days": one("embargo_days") or 0,
        "embargo_until": (one("embargo_until") or None) if one("embargo") == "fixed" else None,
        "purposes": many("purposes"),
        "denied": one("denied").upper().replace(",", " ").split(),
        "notices": [line.strip() for line in one("notices").splitlines() if line.strip()],
        "formats": many("formats"),
        "agreements": {
            "tier": one("agreement_tier") or before["agreements"]["tier"],
            "groups": many("agreement_groups") if one("agreement_limits") else None,
            "purposes": many("agreement_purposes") if one("agreement_limits") else None,
            "onward": one("agreement_onward") or before["agreements"]["onward"],
        },
    }
    try:
        terms = PolicyTerms.model_validate(given)
    except ValidationError as error:
        return _policy_page(request, access, collection, {**before, **given}, error)
    try:
        await api.write_policy(collection, access, terms)
    except UsageError as error:
        return _policy_page(request, access, collection, {**before, **given}, error)
    return RedirectResponse("/office", 303)


# ----------------------------------------------------------------------------------------------------------- keys


@router.get("/office/keys")
async def keys(request: Request, access: OfficeManager) -> Response:
    return await _keys_page(request, access)


async def _keys_page(request: Request, access: OfficeManager, made: dict[str, Any] | None = None) -> Response:
    held = (await of_api(api.list_keys(access)))["keys"]
    now = dt.datetime.now(dt.UTC).isoformat()
    return render(
        request,
        access,
        "keys.html",
        held=held,
        made=made,
        roles=[role.value for role in KEY_ROLES],
        days=KEY_DAYS,
        now=now,
    )


@router.post("/office/keys")
async def create_key(request: Request, access: OfficeManager) -> Response:
    """Makes a key and shows it, this once."""
    form = await request.form()
    try:
        given = api.KeyIn.model_validate(
            {
                "role": form.get("role"),
                "office": form.get("office") or access.caller.office,
                "label": form.get("label") or "",
                "days": form.get("days") or None,
            }
        )
    except ValidationError as error:
        raise UsageError(say("pages.key-unsound", reason=str(error.errors()[0]["msg"]))) from error
    return await _keys_page(request, access, await of_api(api.create_key(access, given)))


@router.post("/office/keys/{key_id}/revoke")
async def revoke_key(key_id: str, access: OfficeManager) -> Response:
    await api.revoke_key(key_id, access)
    return RedirectResponse("/office/keys", 303)


# ---------------------------------------------------------------------------------------------------------- audit


@router.get("/office/audit")
async def audit(request: Request, access: AuditReader) -> Response:
    """Who read the office's records: the API's report, newest first."""
    since, until = (_day(request.query_params.get(name)) for name in ("since", "until"))
    lines = (await of_api(api.read_audit(access, since, until)))["accesses"]
    by_office: dict[str, int] = {}
    for line in lines:
        if line["office"] != line["provider"]:
            by_office[line["office"] or ""] = by_office.get(line["office"] or "", 0) + line["records"]
    return render(
        request, access, "audit.html", lines=lines[::-1][:500], more=max(0, len(lines) - 500), since=since, until=until,
        by_office=sorted(by_office.items(), key=lambda pair: -pair[1]),
    )  # fmt: skip


def _day(given: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat(given) if given else None
    except ValueError as error:
        raise UsageError(say("pages.no-date", value=quote(given or ""))) from error

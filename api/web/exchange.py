"""Exchange between offices on the page: agreements as a conversation, packages, certificates, what was exchanged."""

from __future__ import annotations

import base64
import datetime as dt
from typing import Any

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile

from api.access import routes as access_routes
from api.access.agreements import ONWARD, State, Terms
from api.access.model import GRANTABLE, PURPOSES, Permission, Tier
from api.exchange import feeds
from api.exchange import package_routes as packages
from api.exchange import push_routes as push_api
from api.exchange import routes as api
from api.exchange.writers import FORMATS
from api.web.language import Fault
from api.web.page import Exchanger, OfficeManager, of_api, pages, render
from api.webhooks import routes as webhooks
from common.errors import AccessDenied, ConcordError, Conflict, NotFound, UsageError
from common.messages import say

router = pages()

DUE_DAYS = (7, 14, 30)
LARGEST_UPLOAD = 200_000
"""Bytes of a signature or a certificate."""
TIERS = [tier.label for tier in Tier if tier is not Tier.NONE]


# ----------------------------------------------------------------------------------------------------- agreements


@router.get("/office/requests/new")
async def request_form(request: Request, access: Exchanger) -> Response:
    return await _request_page(request, access)


async def _request_page(
    request: Request, access: Exchanger, given: dict[str, Any] | None = None, fault: Fault = ""
) -> Response:
    offices = (await of_api(access_routes.list_offices(access)))["offices"]
    templates = (await of_api(api.read_templates(access)))["templates"]
    return render(
        request, access, "request.html", http_status=400 if fault else 200,
        offices=[office for office in offices if office["code"] != access.caller.office], templates=templates,
        days=DUE_DAYS, given=given or {}, fault=fault,
    )  # fmt: skip


@router.post("/office/requests/new")
async def make_request(request: Request, access: Exchanger) -> Response:
    form = await request.form()
    given = {name: _text(form, name) for name in ("provider", "title", "template", "message", "collections")}
    try:
        asked = api.RequestIn(
            provider=given["provider"].upper(),
            title=given["title"],
            template=given["template"] or None,
            terms={"collections": given["collections"].split()} if given["collections"] else {},
            message=given["message"],
            due_days=_whole(form, "due_days"),
        )
        made = await of_api(api.make_request(access, asked))
    except ValidationError as error:
        return await _request_page(request, access, given, error.errors()[0]["msg"])
    except UsageError as error:
        return await _request_page(request, access, given, error)
    return RedirectResponse(f"/office/agreements/{made['id']}", 303)


@router.get("/office/agreements/{agreement}")
async def conversation(request: Request, agreement: int, access: Exchanger) -> Response:
    return await _conversation_page(request, access, agreement)


async def _conversation_page(
    request: Request, access: Exchanger, agreement: int, *, fault: Fault = "", said: dict[str, str] | None = None
) -> Response:
    shown = await of_api(api.read_agreement(agreement, access))
    office = access.caller.office
    current = next(v for v in shown["versions"] if v["version"] == shown["version"])
    before = next((v for v in shown["versions"] if v["version"] == shown["version"] - 1), None)
    signed = [s["office"] for s in shown["signatures"] if s["version"] == shown["version"]]
    inbox = await of_api(api.read_inbox(access))
    steps = allowed(shown, office or "", signed)
    if any(entry["what"] == "purge" and entry["agreement"] == agreement for entry in inbox["waiting"]):
        steps.add("purge")
    return render(
        request,
        access,
        "agreement.html",
        http_status=400 if fault else 200,
        shown=shown,
        terms=current["terms"],
        changed=changed(before["terms"], current["terms"]) if before else set(),
        signed=signed,
        provides=office == shown["provider"],
        steps=steps,
        next_step=next_step(shown, signed),
        tiers=TIERS,
        groups=[group.value for group in GRANTABLE],
        purposes=PURPOSES,
        formats=list(FORMATS),
        onward=ONWARD,
        days=DUE_DAYS,
        certificates=[c for c in (await of_api(api.list_certificates(access)))["certificates"] if not c["revoked"]],
        fault=fault,
        said=said or {},
    )


def allowed(shown: dict[str, Any], office: str, signed: list[str]) -> set[str]:
    """What the office may do now: offer, sign, refuse, order."""
    provides = office == shown["provider"]
    match State(shown["state"]):
        case State.REQUESTED:
            return {"offer", "refuse"} if provides else {"refuse"}
        case State.OFFERED:
            return {"offer", "refuse"} | ({"sign"} if office not in signed else set())
        case State.ACTIVE:
            return set() if provides else {"order"}
    return set()


def next_step(shown: dict[str, Any], signed: list[str]) -> tuple[str, str]:
    """(office whose turn it is or "", code of what it does next)."""
    match State(shown["state"]):
        case State.REQUESTED:
            return shown["provider"], "answer"
        case State.OFFERED:
            return shown["turn"] or "", "countersign" if signed else "sign"
        case State.ACTIVE:
            return shown["beneficiary"], "fetch"
        case State.SUSPENDED:
            return shown["provider"], "resume"
        case State.EXPIRED | State.REVOKED:
            return shown["beneficiary"], "purge"
    return "", "ended"


def changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """Names of the terms that another version says otherwise."""
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


@router.post("/office/agreements/{agreement}/say")
async def speak(request: Request, agreement: int, access: Exchanger) -> Response:
    form = await request.form()
    message = _text(form, "message")
    match _text(form, "do"):
        case "refuse":
            await api.refuse(agreement, access, api.Refusal(message=message))
        case "purge":
            await api.acknowledge_purge(agreement, access, api.PurgeIn(records=_whole(form, "records") or 0))
        case _:
            if not message:
                raise UsageError(say("pages.write-something"))
            await api.send_message(agreement, access, api.Said(message=message))
    return RedirectResponse(f"/office/agreements/{agreement}", 303)


@router.post("/office/agreements/{agreement}/offer")
async def offer(request: Request, agreement: int, access: Exchanger) -> Response:
    """Other terms than those that stand: what the form does not name stays."""
    form = await request.form()
    message, due_days = _text(form, "message"), _whole(form, "due_days")
    if _text(form, "do") == "as-asked":
        asked = api.OfferIn(as_asked=True, message=message, due_days=due_days)
        try:
            await api.make_offer(agreement, access, asked)
        except UsageError as error:
            return await _conversation_page(request, access, agreement, fault=error, said={"message": message})
        return RedirectResponse(f"/office/agreements/{agreement}", 303)
    shown = await of_api(api.read_agreement(agreement, access))
    terms = next(v["terms"] for v in shown["versions"] if v["version"] == shown["version"])
    given: dict[str, Any] = {
        **terms,
        "tier": _text(form, "tier") or terms["tier"],
        "groups": [str(value) for value in form.getlist("groups")],
        "purposes": [str(value) for value in form.getlist("purposes")],
        "collections": _text(form, "collections").split(),
        "classes": _text(form, "classes").split(),
        "valid_from": _text(form, "valid_from") or None,
        "valid_until": _text(form, "valid_until") or None,
        "volume_cap": _whole(form, "volume_cap"),
        "formats": [str(value) for value in form.getlist("formats")],
        "onward": _text(form, "onward") or terms["onward"],
        "correction_days": _whole(form, "correction_days"),
        "conditions": [line.strip() for line in _text(form, "conditions").splitlines() if line.strip()],
    }
    try:
        Terms.model_validate(given)
        await api.make_offer(agreement, access, api.OfferIn(terms=given, message=message, due_days=due_days))
    except ValidationError as error:
        return await _conversation_page(request, access, agreement, fault=error, said={"message": message})
    except UsageError as error:
        return await _conversation_page(request, access, agreement, fault=error, said={"message": message})
    return RedirectResponse(f"/office/agreements/{agreement}", 303)


@router.post("/office/agreements/{agreement}/sign")
async def sign(request: Request, agreement: int, access: Exchanger) -> Response:
    """Takes a signature that was made where the office's key is: a detached CMS, as a file."""
    form = await request.form()
    content = await _file(form, "signature")
    version = _whole(form, "version")
    if not content or version is None:
        return await _conversation_page(request, access, agreement, fault=say("pages.choose-signature"))
    given = api.SignatureIn(version=version, signature=base64.b64encode(content).decode())
    try:
        await api.sign_agreement(agreement, access, given)
    except UsageError as error:
        return await _conversation_page(request, access, agreement, fault=error)
    return RedirectResponse(f"/office/agreements/{agreement}", 303)


# ------------------------------------------------------------------------------------------------------- packages


@router.get("/office/packages")
async def list_packages(request: Request, access: Exchanger) -> Response:
    """Packages of one's office and those that wait for its signature."""
    return await _packages_page(request, access, {"agreement": request.query_params.get("agreement", "")})


async def _packages_page(request: Request, access: Exchanger, asked: dict[str, Any], fault: Fault = "") -> Response:
    held = (await of_api(packages.list_packages(access)))["packages"]
    agreements = (await of_api(access_routes.list_agreements(access)))["agreements"]
    by_id = {entry["id"]: entry for entry in agreements}
    given = [e for e in agreements if e["beneficiary"] == access.caller.office and e["state"] == State.ACTIVE]
    return render(
        request, access, "packages.html", http_status=400 if fault else 200, held=held, by_id=by_id, given=given,
        asked=asked, fault=fault, formats=given_formats(given),
        busy=any(entry["state"] == "building" for entry in held),
        signing=any(
            entry["state"] == "unsigned" and by_id[entry["agreement"]]["provider"] == access.caller.office
            for entry in held
        ),
    )  # fmt: skip


def given_formats(agreements: list[dict[str, Any]]) -> dict[str, list[int]]:
    """Format → the agreements that give their data in it; one that names no formats gives any."""
    terms = {entry["id"]: entry["terms"]["formats"] for entry in agreements}
    found = {name: [number for number, formats in terms.items() if not formats or name in formats] for name in FORMATS}
    return {name: numbers for name, numbers in found.items() if numbers}


@router.post("/office/packages")
async def order(request: Request, access: Exchanger) -> Response:
    form = await request.form()
    asked: dict[str, Any] = {name: _text(form, name) for name in ("agreement", "collection", "query")}
    asked["formats"] = [str(value) for value in form.getlist("formats")]
    given = {name: value for name, value in asked.items() if value}
    try:
        await packages.order_package(access, packages.PackageIn.model_validate(given))
    except ValidationError:
        return await _packages_page(request, access, asked, say("pages.choose-agreement"))
    except ConcordError as error:
        if isinstance(error, AccessDenied | NotFound):
            raise
        return await _packages_page(request, access, asked, error)
    return RedirectResponse("/office/packages", 303)


@router.post("/office/packages/{package}/sign")
async def sign_package(request: Request, package: str, access: Exchanger) -> Response:
    content = await _file(await request.form(), "signature")
    if not content:
        raise UsageError(say("pages.choose-signature"))
    signature = base64.b64encode(content).decode()
    await packages.sign_package(package, access, packages.PackageSignature(signature=signature))
    return RedirectResponse("/office/packages", 303)


# --------------------------------------------------------------------------------------------- certificates, usage


@router.get("/office/certificates")
async def certificates(request: Request, access: Exchanger) -> Response:
    return await _certificates_page(request, access)


async def _certificates_page(request: Request, access: Exchanger, fault: Fault = "") -> Response:
    asked = request.query_params.get("office", "").upper()
    office = asked if asked != access.caller.office else ""
    held = (await of_api(api.list_certificates(access, office or None)))["certificates"]
    return render(
        request, access, "certificates.html", http_status=400 if fault else 200, held=held, fault=fault, office=office,
        now=dt.datetime.now(dt.UTC).isoformat(),
    )  # fmt: skip


@router.post("/office/certificates")
async def register(request: Request, access: OfficeManager) -> Response:
    form = await request.form()
    content = await _file(form, "certificate")
    try:
        given = api.CertificateIn.model_validate(
            {"certificate": content.decode("ascii", "replace"), "use": _text(form, "use") or "sign"}
        )
        await api.register_certificate(access, given)
    except ValidationError as error:
        return await _certificates_page(request, access, error.errors()[0]["msg"])
    except UsageError as error:
        return await _certificates_page(request, access, error)
    return RedirectResponse("/office/certificates", 303)


@router.post("/office/certificates/{fingerprint}/withdraw")
async def withdraw(fingerprint: str, access: OfficeManager) -> Response:
    await api.withdraw_certificate(fingerprint, access)
    return RedirectResponse("/office/certificates", 303)


@router.get("/office/exchanged")
async def exchanged(request: Request, access: Exchanger) -> Response:
    """How the changes of each agreement stand, whence changes are pulled, and all of it by pair of offices."""
    return await _exchanged_page(request, access)


async def _exchanged_page(request: Request, access: Exchanger, fault: Fault = "") -> Response:
    pairs = (await of_api(api.read_statistics(access)))["pairs"]
    told = await of_api(feeds.read_feeds(access))
    ours = (await of_api(webhooks.list_endpoints(access)))["endpoints"] if access.caller.may(Permission.EXPORT) else []
    return render(
        request, access, "exchanged.html", http_status=400 if fault else 200, pairs=pairs, feeds=told["feeds"],
        sources=told["sources"], most=max((pair["held"] for pair in pairs), default=0) or 1, fault=fault,
        endpoints=[entry for entry in ours if entry["active"] and entry["owner"] == access.caller.name],
    )  # fmt: skip


@router.post("/office/agreements/{agreement}/push")
async def push(request: Request, agreement: int, access: Exchanger) -> Response:
    """Has an agreement's changes pushed to an endpoint, or stops that."""
    form = await request.form()
    try:
        if _text(form, "do") == "stop":
            await push_api.stop_push(agreement, access)
        else:
            await push_api.start_push(agreement, access, push_api.PushIn(endpoint=_text(form, "endpoint")))
    except (UsageError, Conflict) as error:
        return await _exchanged_page(request, access, error)
    return RedirectResponse("/office/exchanged", 303)


# -------------------------------------------------------------------------------------------------------- helpers


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def _whole(form: FormData, name: str) -> int | None:
    value = _text(form, name)
    return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else None


async def _file(form: FormData, name: str) -> bytes:
    """What was uploaded under a name; nothing where nothing was. Raises UsageError for one that is too large."""
    given = form.get(name)
    if not isinstance(given, UploadFile):
        return b""
    content = await given.read(LARGEST_UPLOAD + 1)
    if len(content) > LARGEST_UPLOAD:
        raise UsageError(say("pages.file-too-large"))
    return content

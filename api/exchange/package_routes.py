"""Packages over HTTP: ordered, signed, downloaded in ranges."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Response
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from api import downloads
from api.access.audit import Entry
from api.access.routes import in_transaction
from api.access.scope import Scope
from api.dependencies import Access
from api.exchange import packages
from api.exchange.feed import read_cursor, rights
from api.exchange.negotiation import Ledger
from api.exchange.packages import alive, path_of
from api.exchange.routes import Exchanger, In, from_base64, with_ledger
from api.search import representations
from api.search.routes import Accept, json_response
from api.search.service import Search, plan
from common.errors import Conflict, NotFound, UsageError
from common.messages import say
from store.access import Agreement
from store.exchange import Package

router = APIRouter(prefix="/v1/exchange", tags=["exchange"])

LARGEST_RESULT = 50_000
CONTAINER_TYPES = ("application/vnd.etsi.asic-e+zip", "application/zip")


class PackageIn(In):
    agreement: int
    collection: Annotated[str, Field(max_length=200)] | None = None
    """One collection; otherwise all that the agreement gives."""
    query: Annotated[str, Field(max_length=10_000)] | None = None
    """A result set: what this query finds under the agreement, at most 50,000 records."""
    after: Annotated[str, Field(max_length=2_000)] | None = None
    """Cursor of a page of /v1/exchange/changes: what changed since, with the deletions."""
    formats: Annotated[list[Annotated[str, Field(max_length=20)]], Field(max_length=10)] | None = None
    """What each record is written in beside the platform's JSON, of what the agreement gives; all of that by
    default."""


def package_out(entry: Package) -> dict[str, Any]:
    return {
        "id": entry.id,
        "agreement": entry.agreement,
        "state": entry.state,
        "records": entry.records,
        "size": entry.size,
        "sha256": entry.sha256,
        "manifest_sha256": entry.manifest,
        "error": entry.error,
        "created": entry.created,
        "finished": entry.finished,
        "content": f"/v1/exchange/packages/{entry.id}/content" if entry.state == "ready" else None,
    }


@router.post("/packages", status_code=202, summary="Order a certified package")
async def order_package(access: Exchanger, given: PackageIn) -> Response:
    """Built in the background: ask for it until its state is `ready`."""
    if given.query is not None and given.after is not None:
        raise UsageError(say("exchange.package-of-what"))
    ids = await _found(access, given) if given.query is not None else None
    request = given.model_dump(exclude={"agreement"}, exclude_none=True)

    def work(ledger: Ledger) -> dict[str, Any]:
        if given.after is not None:
            read_cursor(ledger.keys, ledger.find(given.agreement), given.after)
        entry = packages.order(ledger.session, access.caller, access.purpose, given.agreement, request, ids)
        ledger.audit("package-ordered", ledger.find(given.agreement), package=entry.id)
        return package_out(entry)

    return json_response(await with_ledger(access, work), 202)


async def _found(access: Access, given: PackageIn) -> list[str]:
    """Ids of what the query finds under the agreement, and under nothing else that the caller may see."""

    async def scope() -> Scope:
        return await in_transaction(access, lambda s: rights(s, access.caller, access.purpose, given.agreement).scope)

    asked = await plan(access, Search(q=given.query or "", mode="keyword", facets=[]))
    ids: list[str] = []
    async for _, hits in access.services.engine.stream(scope, asked.query, filters=asked.filters):
        ids += [hit.id for hit in hits]
        if len(ids) > LARGEST_RESULT:
            raise UsageError(
                say("exchange.package-too-large", most=LARGEST_RESULT),
            )
    return ids


def _own(session: Session, access: Access, package: str) -> tuple[Package, Agreement]:
    """The package and its agreement, for the beneficiary or the provider."""
    entry = session.get(Package, package)
    agreement = session.get(Agreement, entry.agreement) if entry is not None else None
    if entry is None or agreement is None or access.caller.office not in (entry.office, agreement.provider):
        raise NotFound("no such package")
    return entry, agreement


@router.get("/packages", summary="Packages of one's office, and those that wait for its signature")
async def list_packages(access: Exchanger) -> Response:
    def work(session: Session) -> list[dict[str, Any]]:
        office = access.caller.office
        statement = (
            select(Package)
            .join(Agreement, Agreement.id == Package.agreement)
            .where((Package.office == office) | (Agreement.provider == office))
            .order_by(Package.created.desc())
            .limit(500)
        )
        return [package_out(entry) for entry in session.scalars(statement)]

    return json_response({"packages": await in_transaction(access, work)})


@router.get("/packages/{package}", summary="State of a package")
async def read_package(package: str, access: Exchanger) -> Response:
    return json_response(await in_transaction(access, lambda s: package_out(_own(s, access, package)[0])))


@router.get("/packages/{package}/manifest", summary="The manifest of a package, for its signer")
async def read_manifest(package: str, access: Exchanger) -> Response:
    """What the provider signs where it keeps its key: `openssl cms -sign -binary`."""

    def work(session: Session) -> bytes:
        entry, agreement = _own(session, access, package)
        if access.caller.office != agreement.provider:
            raise NotFound("not the signer")
        if entry.state != "unsigned":
            raise Conflict(say("exchange.package-not-unsigned", state=entry.state))
        return packages.manifest(access.services, entry)

    return Response(await in_transaction(access, work), media_type="application/xml")


class PackageSignature(In):
    signature: Annotated[str, Field(max_length=300_000)]
    """Detached CMS over the manifest, in base64."""


@router.post("/packages/{package}/signature", summary="Sign a package as its provider")
async def sign_package(package: str, access: Exchanger, given: PackageSignature) -> Response:
    cms = from_base64(given.signature)

    def work(ledger: Ledger) -> dict[str, Any]:
        entry, agreement = _own(ledger.session, access, package)
        if access.caller.office != agreement.provider:
            raise NotFound("not the signer")
        entry = ledger.session.get_one(Package, package, with_for_update=True, populate_existing=True)
        found = packages.add_signature(access.services, ledger.session, entry, agreement.provider, cms)
        ledger.audit("package-signed", agreement, package=package, fingerprint=found.fingerprint)
        return package_out(entry)

    return json_response(await with_ledger(access, work))


@router.get(
    "/packages/{package}/content",
    summary="Download a package",
    response_class=Response,
    responses={
        206: {"description": "The range asked for."},
        409: {"description": "Rights under which it was made are gone."},
        406: {"description": "A package is an ASiC-E container (a zip file), and you take neither."},
        416: {"description": "No such range."},
    },
)
async def download(
    package: str,
    access: Exchanger,
    range_: Annotated[str | None, Header(alias="range")] = None,
    if_range: Annotated[str | None, Header(alias="if-range")] = None,
    accept: Accept = None,
) -> Response:
    """In one piece or by ranges (RFC 9110 §14). Rights are looked at for each request, and again on the way: once they
    are gone, no further byte leaves."""

    def look(session: Session, now: Access) -> Package:
        entry, _ = _own(session, now, package)
        if now.caller.office != entry.office:
            raise NotFound("not the beneficiary")
        if entry.state != "ready":
            raise NotFound("not ready, or dead")
        alive(session, entry, now.caller, now.purpose)
        return entry

    entry = await in_transaction(access, lambda s: look(s, access))
    media = representations.best(accept, CONTAINER_TYPES)
    file = downloads.Download(
        path_of(access.services, package),
        entry.size or 0,
        entry.sha256 or "",
        f"{package}.asice",
        media,
    )
    part = downloads.wanted(file, range_, if_range)
    if isinstance(part, Response):
        return part
    first, last, status = part
    caller = access.caller
    line = Entry(
        "package-downloaded",
        caller.name,
        caller.role.value,
        access.purpose,
        caller.office,
        details={"package": package, "from": first, "to": last},
    )
    await access.services.record([line])

    async def still(now: Access) -> None:
        await in_transaction(access, lambda s: look(s, now))

    return downloads.send(file, first, last, status, access, still)

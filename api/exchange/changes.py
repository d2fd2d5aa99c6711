"""Changes of an agreement over HTTP: pages, and the receiver's acknowledgement."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field
from sqlalchemy.orm import Session

from api.access.audit import Entry, append, disclosures
from api.access.model import Caller
from api.access.routes import in_transaction
from api.access.scopes import current_version
from api.dependencies import Services
from api.exchange import feed
from api.exchange.feed import Page, Rights, rights
from api.exchange.routes import Exchanger, In, with_ledger
from api.search.routes import json_response
from common.errors import Conflict
from common.messages import say
from store.access import Agreement

router = APIRouter(prefix="/v1/exchange", tags=["exchange"])

PAGE = 200


def page_out(given: Rights, page: Page) -> dict[str, Any]:
    terms = given.terms
    return {
        "agreement": {
            "id": given.agreement.id,
            "version": given.version.version,
            "digest": given.version.digest.hex(),
            "provider": given.agreement.provider,
            "beneficiary": given.agreement.beneficiary,
            "attribution": terms.attribution,
            "onward": given.onward,
            "correction_days": terms.correction_days,
        },
        "notices": {name: list(texts) for name, texts in given.scope.notices.items()},
        "items": [item.out() for item in page.items],
        "cursor": page.cursor,
        "more": page.more,
        "unacknowledged": page.unacknowledged,
        "deferred_by_volume": page.deferred_by_volume,
    }


def next_page(
    services: Services,
    session: Session,
    caller: Caller,
    purpose: str,
    agreement: int,
    cursor: str | None,
    limit: int,
    until: str | None = None,
    **details: Any,
) -> tuple[Rights, Page]:
    """A page and its lines in the audit, in the session's transaction; rights are read again before it is given out.
    Raises as `feed.rights` and `feed.page`, and Conflict where rights changed meanwhile. `until`: as for `feed.page`;
    `details`: for the audit."""
    before = current_version(session)
    given = rights(session, caller, purpose, agreement)
    page = feed.page(session, services.keys, given, cursor, limit, until)
    shown = [
        (item.record_id, {"provider": given.agreement.provider, "collection": item.collection}, item.view)
        for item in page.items
        if item.record is not None
    ]
    told = {"agreement": agreement, "deletions": len(page.items) - len(shown), **details}
    lines = disclosures("exchange", caller, purpose, shown, content=True, details=told)
    append(session, services.keys, services.audit.chain, lines)
    if current_version(session) != before and rights(session, caller, purpose, agreement).basis != given.basis:
        raise Conflict(say("exchange.rights-changed-page"))
    return given, page


@router.get(
    "/changes",
    summary="Changes under an agreement",
    responses={
        404: {"description": "No such agreement of yours."},
        409: {"description": "The agreement is not in force, or items wait to be acknowledged."},
    },
)
async def read_changes(
    access: Exchanger,
    agreement: int,
    cursor: Annotated[str | None, Query(max_length=2_000, description="From the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=feed.LARGEST_PAGE)] = PAGE,
) -> Response:
    """New records, corrections and deletions, in order. Start without a cursor; store a page, acknowledge it, go on
    with its cursor. The same cursor gives the same items again: apply an item only if its `order` is above the one you
    hold for the record."""

    def work(session: Session) -> dict[str, Any]:
        return page_out(*next_page(access.services, session, access.caller, access.purpose, agreement, cursor, limit))

    return json_response(await in_transaction(access, work))


class AckIn(In):
    agreement: int
    cursor: Annotated[str, Field(max_length=2_000)]
    """Of the last page that is stored."""


@router.post("/changes/ack", summary="Acknowledge changes")
async def acknowledge_changes(access: Exchanger, given: AckIn) -> Response:
    def work(ledger: Any) -> dict[str, Any]:
        held = rights(ledger.session, access.caller, access.purpose, given.agreement)
        confirmed = feed.acknowledge(ledger.session, ledger.keys, held, given.cursor)
        entry: Agreement = held.agreement
        line = Entry(
            "exchange-acknowledged",
            access.caller.name,
            access.caller.role.value,
            access.purpose,
            access.caller.office,
            entry.provider,
            agreements=(held.version.id,),
            records=confirmed,
            details={"agreement": entry.id},
        )
        append(ledger.session, ledger.keys, ledger.chain, [line])
        return {"agreement": entry.id, "acknowledged": confirmed}

    return json_response(await with_ledger(access, work))

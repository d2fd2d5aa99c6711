"""Pushing an agreement's changes, over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import Field

from api.exchange import feed, push
from api.exchange.negotiation import Ledger
from api.exchange.routes import Exchanger, In, with_ledger
from api.search.routes import json_response
from store.exchange import Feed, Push

router = APIRouter(prefix="/v1/exchange/agreements/{agreement}/push", tags=["exchange"])

ITEMS = 100


class PushIn(In):
    endpoint: Annotated[str, Field(max_length=100)]
    """One's own, of /v1/webhooks: its secret signs the messages, its list of messages shows them."""
    cursor: Annotated[str, Field(max_length=2_000)] | None = None
    """Of the last page that was pulled; without one everything comes, from the start."""
    items: Annotated[int, Field(ge=1, le=feed.LARGEST_PAGE)] = ITEMS
    """Most that one message holds."""


def push_out(ledger: Ledger, entry: Push) -> dict[str, Any]:
    held = ledger.session.get(Feed, entry.agreement)
    return {
        "agreement": entry.agreement,
        "endpoint": entry.endpoint,
        "purpose": entry.purpose,
        "items": entry.items,
        "state": entry.state,
        "why": entry.why,
        "message": entry.message,
        "cursor": entry.cursor,
        "unacknowledged": held.position - held.acknowledged if held else 0,
        "created": entry.created,
    }


@router.post("", status_code=201, summary="Have an agreement's changes pushed to an endpoint")
async def start_push(agreement: int, access: Exchanger, given: PushIn) -> Response:
    """Each message holds what a page of /v1/exchange/changes holds, in order, the next one when the one before was
    answered with 2xx. What is stored is to be acknowledged as with every page."""

    def work(ledger: Ledger) -> dict[str, Any]:
        entry = push.start(
            access.services, ledger, access.purpose, agreement, given.endpoint, given.cursor, given.items
        )
        return push_out(ledger, entry)

    return json_response(await with_ledger(access, work), 201)


@router.get("", summary="How a push goes")
async def read_push(agreement: int, access: Exchanger) -> Response:
    """`stopped`: a message died; it is among the endpoint's messages, and goes on when that was sent again. `why` says
    what an active one waits for."""
    return json_response(await with_ledger(access, lambda x: push_out(x, push.own(x, agreement))))


@router.delete("", status_code=204, summary="Stop a push")
async def stop_push(agreement: int, access: Exchanger) -> Response:
    await with_ledger(access, lambda x: push.stop(x, agreement))
    return Response(status_code=204)

"""Endpoints and what was sent to them, over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.access.audit import append, change
from api.access.model import Permission
from api.access.routes import In, in_transaction
from api.dependencies import Access, Guard
from api.search.routes import json_response
from api.webhooks import sender
from common.errors import NotFound
from store.jobs import WebhookDelivery, WebhookEndpoint

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])
SignedInExporter = Annotated[Access, Depends(Guard(Permission.EXPORT, known=True))]


class EndpointIn(In):
    url: Annotated[str, Field(min_length=1, max_length=2_000)]
    """https, at a public address."""
    kinds: Annotated[list[Annotated[str, Field(max_length=50)]], Field(max_length=20)] = []  # noqa: RUF012
    """What it wants to be told: job.finished, alert, agreement."""
    label: Annotated[str, Field(max_length=200)] = ""


def endpoint_out(entry: WebhookEndpoint) -> dict[str, Any]:
    return {
        "id": entry.id,
        "url": entry.url,
        "kinds": entry.kinds,
        "label": entry.label,
        "active": entry.active,
        "owner": entry.owner,
        "office": entry.office,
        "created": entry.created,
    }


def delivery_out(entry: WebhookDelivery) -> dict[str, Any]:
    return {
        "id": entry.id,
        "kind": entry.kind,
        "state": entry.state,
        "attempts": entry.attempts,
        "next_at": entry.next_at,
        "status": entry.status,
        "error": entry.error,
        "created": entry.created,
        "finished": entry.finished,
        "message": orjson.loads(entry.body),
    }


@router.post("", status_code=201, summary="Register an endpoint")
async def register_endpoint(access: SignedInExporter, given: EndpointIn) -> Response:
    """The answer holds the secret of its signatures; it is shown this once."""

    def work(session: Session) -> dict[str, Any]:
        networks = access.services.settings.webhook_networks
        made = sender.register(
            session, access.services.keys, access.caller, given.url, given.kinds, networks=networks, label=given.label
        )
        line = change(access.caller, "webhook-registered", endpoint=made.entry.id)
        append(session, access.services.keys, access.services.audit.chain, [line])
        return {**endpoint_out(made.entry), "secret": made.secret}

    return json_response(await in_transaction(access, work), 201)


@router.get("", summary="One's endpoints, and what can be told")
async def list_endpoints(access: SignedInExporter) -> Response:
    def work(session: Session) -> list[dict[str, Any]]:
        return [endpoint_out(entry) for entry in sender.listed(session, access.caller)]

    return json_response({"endpoints": await in_transaction(access, work), "kinds": sender.KINDS})


@router.delete("/{endpoint}", status_code=204, summary="Delete an endpoint and what waits for it")
async def delete_endpoint(endpoint: str, access: SignedInExporter) -> Response:
    def work(session: Session) -> None:
        session.delete(sender.own(session, access.caller, endpoint))
        line = change(access.caller, "webhook-deleted", endpoint=endpoint)
        append(session, access.services.keys, access.services.audit.chain, [line])

    await in_transaction(access, work)
    return Response(status_code=204)


@router.post("/{endpoint}/secret", summary="Another secret in place of the old one")
async def renew_secret(endpoint: str, access: SignedInExporter) -> Response:
    def work(session: Session) -> dict[str, Any]:
        entry = sender.own(session, access.caller, endpoint)
        line = change(access.caller, "webhook-secret-renewed", endpoint=endpoint)
        append(session, access.services.keys, access.services.audit.chain, [line])
        return {**endpoint_out(entry), "secret": sender.renew_secret(access.services.keys, entry)}

    return json_response(await in_transaction(access, work))


@router.post("/{endpoint}/test", status_code=202, summary="Send a message that means nothing, to try it")
async def send_test(endpoint: str, access: SignedInExporter) -> Response:
    def work(session: Session) -> dict[str, Any]:
        entry = sender.own(session, access.caller, endpoint)
        return {"message": sender.send(session, entry.id, sender.TEST, {})}

    return json_response(await in_transaction(access, work), 202)


@router.get("/{endpoint}/messages", summary="What was sent to an endpoint, the latest first")
async def list_messages(
    endpoint: str,
    access: SignedInExporter,
    state: Annotated[str | None, Query(pattern="^(waiting|delivered|dead)$")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    def work(session: Session) -> list[dict[str, Any]]:
        entry = sender.own(session, access.caller, endpoint)
        wanted = select(WebhookDelivery).where(WebhookDelivery.endpoint == entry.id)
        if state is not None:
            wanted = wanted.where(WebhookDelivery.state == state)
        wanted = wanted.order_by(WebhookDelivery.created.desc(), WebhookDelivery.id).limit(limit)
        return [delivery_out(found) for found in session.scalars(wanted)]

    return json_response({"messages": await in_transaction(access, work)})


@router.post("/{endpoint}/messages/{message}/resend", status_code=202, summary="Send a message anew, dead or taken")
async def resend_message(endpoint: str, message: str, access: SignedInExporter) -> Response:
    def work(session: Session) -> dict[str, Any]:
        entry = sender.own(session, access.caller, endpoint)
        found = session.get(WebhookDelivery, message, with_for_update=True)
        if found is None or found.endpoint != entry.id:
            raise NotFound("no such message")
        sender.resend(session, found)
        return delivery_out(found)

    return json_response(await in_transaction(access, work), 202)

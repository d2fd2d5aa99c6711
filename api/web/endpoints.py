"""Endpoints of the office's own programs: registered, tried, and what was sent to them, with every attempt."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from api.web.language import Fault
from api.web.page import Exporter, of_api, pages, render
from api.webhooks import routes as api
from common.errors import Conflict, UsageError
from common.messages import say

router = pages()

STATES = ("waiting", "delivered", "dead")
SHOWN = 200
"""Messages on a page, the latest first."""


@router.get("/office/endpoints")
async def endpoints(request: Request, access: Exporter) -> Response:
    return await _endpoints_page(request, access)


async def _endpoints_page(
    request: Request,
    access: Exporter,
    *,
    made: dict[str, Any] | None = None,
    given: dict[str, Any] | None = None,
    fault: Fault = "",
) -> Response:
    held = await of_api(api.list_endpoints(access))
    return render(
        request, access, "office_endpoints.html", http_status=400 if fault else 200, held=held["endpoints"],
        kinds=list(held["kinds"]), made=made, given=given or {}, fault=fault,
    )  # fmt: skip


@router.post("/office/endpoints")
async def register(request: Request, access: Exporter) -> Response:
    """Registers one and shows its secret, this once."""
    form = await request.form()
    given = {"url": str(form.get("url", "")).strip(), "label": str(form.get("label", "")).strip()}
    kinds = [str(kind) for kind in form.getlist("kinds")]
    try:
        made = await of_api(api.register_endpoint(access, api.EndpointIn.model_validate({**given, "kinds": kinds})))
    except ValidationError as error:
        return await _endpoints_page(request, access, given=given, fault=error)
    except (UsageError, Conflict) as error:
        return await _endpoints_page(request, access, given=given, fault=error)
    return await _endpoints_page(request, access, made=made)


@router.get("/office/endpoints/{endpoint}")
async def endpoint(request: Request, endpoint: str, access: Exporter) -> Response:
    """One endpoint with what was sent to it."""
    state = request.query_params.get("state")
    wanted = state if state in STATES else None
    held = (await of_api(api.list_endpoints(access)))["endpoints"]
    messages = (await of_api(api.list_messages(endpoint, access, wanted, SHOWN)))["messages"]
    return render(
        request, access, "office_endpoint.html", entry=next(one for one in held if one["id"] == endpoint),
        messages=messages, state=wanted or "", states=STATES,
        busy=any(message["state"] == "waiting" for message in messages),
    )  # fmt: skip


@router.post("/office/endpoints/{endpoint}")
async def change(request: Request, endpoint: str, access: Exporter) -> Response:
    """Tries an endpoint, gives it another secret, or deletes it."""
    match (await request.form()).get("do"):
        case "test":
            await api.send_test(endpoint, access)
        case "secret":
            return await _endpoints_page(request, access, made=await of_api(api.renew_secret(endpoint, access)))
        case "delete":
            await api.delete_endpoint(endpoint, access)
            return RedirectResponse("/office/endpoints", 303)
        case _:
            raise UsageError(say("pages.no-step"))
    return RedirectResponse(f"/office/endpoints/{endpoint}", 303)


@router.post("/office/endpoints/{endpoint}/messages/{message}")
async def resend(endpoint: str, message: str, access: Exporter) -> Response:
    await api.resend_message(endpoint, message, access)
    return RedirectResponse(f"/office/endpoints/{endpoint}", 303)

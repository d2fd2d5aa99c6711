"""Priority documents on the page: deposited by the office of first filing, retrieved with the applicant's code."""

from __future__ import annotations

import base64
from typing import Any

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from api.exchange import priority as api
from api.web.language import Fault
from api.web.page import Exchanger, of_api, pages, render
from common.errors import Conflict, NotFound, UsageError
from common.messages import say

router = pages()


@router.get("/office/priority")
async def documents(request: Request, access: Exchanger) -> Response:
    return await _page(request, access)


async def _page(
    request: Request,
    access: Exchanger,
    *,
    made: dict[str, Any] | None = None,
    given: dict[str, str] | None = None,
    fault: Fault = "",
    status: int = 200,
) -> Response:
    held = (await of_api(api.list_documents(access)))["documents"]
    return render(
        request, access, "office_priority.html", http_status=status, held=held, made=made, given=given or {},
        fault=fault, rights=api.RIGHTS, media_types=list(api.MEDIA_TYPES),
    )  # fmt: skip


@router.post("/office/priority")
async def deposit(request: Request, access: Exchanger) -> Response:
    """Takes a certified copy and shows its access code, this once."""
    form = await request.form()
    given = {name: str(form.get(name, "")).strip() for name in ("right", "number", "date", "offices")}
    upload = form.get("document")
    content = await upload.read() if isinstance(upload, UploadFile) else b""
    try:
        asked = api.Deposit.model_validate(
            {
                **given,
                "document": base64.b64encode(content).decode(),
                "media_type": form.get("media_type"),
                "offices": given["offices"].upper().replace(",", " ").split(),
            }
        )
        made = await of_api(api.deposit(access, asked))
    except ValidationError as error:
        return await _page(request, access, given=given, fault=error, status=400)
    except (UsageError, Conflict) as error:
        return await _page(request, access, given=given, fault=error, status=400)
    return await _page(request, access, made=made)


@router.post("/office/priority/retrieval")
async def retrieve(request: Request, access: Exchanger) -> Response:
    """The certified copy itself, as a download."""
    form = await request.form()
    given = {name: str(form.get(name, "")).strip() for name in ("office", "right", "number", "date", "code")}
    given["office"] = given["office"].upper()
    try:
        return await api.retrieve(access, api.Retrieval.model_validate(given))
    except ValidationError as error:
        return await _page(request, access, given=given, fault=error, status=400)
    except NotFound:
        return await _page(request, access, given=given, fault="none", status=404)
    except UsageError as error:
        return await _page(request, access, given=given, fault=error, status=400)


@router.post("/office/priority/{document}")
async def change(request: Request, document: str, access: Exchanger) -> Response:
    """A new code, or the document is withdrawn."""
    match (await request.form()).get("do"):
        case "code":
            return await _page(request, access, made=await of_api(api.renew_code(document, access)))
        case "withdraw":
            await api.withdraw(document, access)
            return RedirectResponse("/office/priority", 303)
    raise UsageError(say("pages.no-step"))

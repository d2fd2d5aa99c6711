"""Signing in and out, by account or by key, and what the signed-in person may do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from fastapi import Depends, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from api.access import accounts
from api.access import routes as access_routes
from api.access.audit import change
from api.access.model import anonymous
from api.dependencies import COOKIE, open_to_all, services_of
from api.errors import TooManyRequests
from api.web.page import Searcher, SignedIn, local_target, of_api, pages, render, same_site
from common.errors import AccessDenied

router = pages()
LONGEST_FIELD = 1_000


@router.get("/sign-in", dependencies=[Depends(open_to_all)])
async def form(request: Request) -> Response:
    return render(request, None, "sign_in.html", next=local_target(request.query_params.get("next")), refused=False,
                  ended="ended" in request.query_params)  # fmt: skip


@router.post("/sign-in", dependencies=[Depends(open_to_all)])
async def sign_in(request: Request) -> Response:
    """With a key, or with account, password and code. One sentence for every reason of a refusal."""
    same_site(request)
    given = await request.form()
    text = {name: value[:LONGEST_FIELD] for name, value in given.items() if isinstance(value, str)}
    services = services_of(request)
    account = text.get("account", "").strip().lower()[:100]
    for subject in (f"peer:{request.client.host if request.client else ''}", f"sign-in:{account}"):
        wait = services.public_limits.take(subject)
        if wait:
            raise TooManyRequests(wait)
    work: Callable[[Session], accounts.SignedIn]
    if text.get("credential", "").strip():
        key = text["credential"]
        work = lambda session: accounts.sign_in_with_key(session, key)  # noqa: E731
    else:
        password, code = text.get("password", ""), text.get("code", "")
        work = lambda session: accounts.sign_in(session, services.keys, account, password, code)  # noqa: E731

    def run() -> accounts.SignedIn | None:
        with services.database.session() as session:
            try:
                return work(session)
            except AccessDenied:
                # The failure was counted in this transaction: let it be committed.
                return None

    found = await asyncio.to_thread(run)
    target = local_target(text.get("next"))
    if found is None:
        await services.record([change(anonymous(), "sign-in-refused", account=account or "by key")])
        return render(request, None, "sign_in.html", http_status=401, next=target, refused=True, ended=False)
    await services.record([change(found.caller, "sign-in")])
    answer = RedirectResponse(target, 303)
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


@router.post("/sign-out")
async def sign_out(access: SignedIn) -> Response:
    await access_routes.sign_out(access)
    answer = RedirectResponse("/", 303)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return answer


@router.get("/me")
async def me(request: Request, access: Searcher) -> Response:
    """Who I am, what I may do, and which collections I see how much of."""
    who = await of_api(access_routes.me(access))
    seen = await of_api(access_routes.list_collections(access))
    return render(request, access, "me.html", who=who, collections=seen["collections"])

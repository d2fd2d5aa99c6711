"""The frame of every page: who reads it, in which language, and how an answer or an error becomes HTML.

A page is a function with one guard that calls the same functions as the API's routes, with the same Access, and
gives what they return to `render`. To add one: a module with a router made by `pages()`, a template that extends
frame.html, its router in routes.py, its strings by `python -m api.web.catalogue update`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from functools import lru_cache, partial
from typing import Annotated, Any
from urllib.parse import quote, urlencode, urlsplit

import orjson
from babel.support import Translations
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, Undefined
from markupsafe import Markup
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.model import Permission
from api.dependencies import COOKIE, SAFE_METHODS, Access, Credentials, Guard, credentials_of
from api.errors import MEDIA_TYPE, Unidentified
from api.web import language
from api.web.language import Tongue, tongue
from common.errors import AccessDenied, ConcordError
from common.messages import say

STATIC = language.ROOM / "static"
LANGUAGE_KEPT_S = 365 * 24 * 3600
CSRF_FIELD = "csrf"


# --------------------------------------------------------------------------------------------------------- access


class PageGuard(Guard):
    """The API's guard for a page: a form carries its CSRF token in a field, since it has no headers of its own."""

    async def credentials(self, request: Request) -> Credentials:
        given = credentials_of(request)
        if request.method in SAFE_METHODS or given.csrf is not None:
            return given
        return Credentials(given.bearer, given.cookie, await self.token(request), given.purpose, given.unsafe)

    async def token(self, request: Request) -> str | None:
        """The form's token, if there is one."""
        token = (await request.form()).get(CSRF_FIELD)
        return token if isinstance(token, str) else None


Searcher = Annotated[Access, Depends(PageGuard(Permission.SEARCH))]
Viewer = Annotated[Access, Depends(PageGuard(Permission.VIEW))]
OriginalReader = Annotated[Access, Depends(PageGuard(Permission.ORIGINAL))]
SignedIn = Annotated[Access, Depends(PageGuard(None, known=True))]
OfficeManager = Annotated[Access, Depends(PageGuard(Permission.MANAGE_OFFICE))]
AuditReader = Annotated[Access, Depends(PageGuard(Permission.AUDIT_OFFICE))]
Reviewer = Annotated[Access, Depends(PageGuard(Permission.REVIEW))]
Reader = Annotated[Access, Depends(PageGuard(Permission.VIEW, known=True))]
KnownSearcher = Annotated[Access, Depends(PageGuard(Permission.SEARCH, known=True))]
Exporter = Annotated[Access, Depends(PageGuard(Permission.EXPORT, known=True))]
PlatformManager = Annotated[Access, Depends(PageGuard(Permission.MANAGE_PLATFORM))]
Exchanger = Annotated[Access, Depends(PageGuard(Permission.EXCHANGE))]


async def of_api(answer: Awaitable[Response]) -> Any:
    """What a route of the API answers, as JSON: pages show what the API says, with the same rights."""
    return orjson.loads((await answer).body)


# --------------------------------------------------------------------------------------------------------- routes


class PageRoute(APIRoute):
    """A route whose errors are pages too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def shown(request: Request) -> Response:
            try:
                return await handler(request)
            except Unidentified:
                return to_sign_in(request)
            except Exception as error:
                return failure(request, await problem_of(request, error), error)
            finally:
                await request.close()  # the files of a form

        return shown


def pages() -> APIRouter:
    """A router for pages. They are no part of the API's description."""
    return APIRouter(route_class=PageRoute, include_in_schema=False, default_response_class=HTMLResponse)


def to_sign_in(request: Request) -> Response:
    """Somebody must sign in first, or again: the session's cookie is dropped, or every page would end here."""
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    ended = "&ended=1" if request.cookies.get(COOKIE) else ""
    target = back if request.method in SAFE_METHODS else "/"
    answer = RedirectResponse(f"/sign-in?next={quote(target, safe='')}{ended}", 303)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return answer


async def problem_of(request: Request, error: Exception) -> Response:
    """What the API answers to an error, by the handlers of `errors.install`; they write what is worth it to the log."""
    handlers: Mapping[Any, Any] = request.app.exception_handlers
    handler = next(handlers[kind] for kind in type(error).__mro__ if kind in handlers)
    answer: Response = await handler(request, error)
    return answer


def failure(request: Request, problem: Response, error: Exception | None = None) -> Response:
    """The page for an error: it says what the API's problem details say, in the reader's language."""
    told = orjson.loads(problem.body)
    said = say(told["code"], **told["params"]) if "code" in told else told["detail"]
    if isinstance(error, ConcordError):
        said = error
    if problem.status_code in (401, 403, 404, 405, 413, 422, 429, 500, 502, 503):
        said = None
    return render(request, None, "error.html", http_status=problem.status_code, failed=problem.status_code, said=said)


class FailuresAsPages:
    """Around everything: what was refused before a page's route was found, or took too long there, is told to whoever
    wants to read a page by one too. Programs get the problem details as they are."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/v1/") or not _reads_pages(scope):
            await self.app(scope, receive, send)
            return
        held: Message | None = None
        body = bytearray()

        async def turned(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start" and _is_problem(message):
                held = message
                return
            if held is None:
                await send(message)
                return
            body.extend(message.get("body", b""))
            if not message.get("more_body"):
                page = failure(Request(scope), Response(bytes(body), held["status"]))
                own = {name for name, _ in page.raw_headers} | {b"content-type", b"content-length"}
                kept = [pair for pair in held["headers"] if pair[0] not in own]
                await send({**held, "headers": [*kept, *page.raw_headers]})
                await send({"type": "http.response.body", "body": page.body})

        await self.app(scope, receive, turned)


def _reads_pages(scope: Scope) -> bool:
    return b"text/html" in dict(scope["headers"]).get(b"accept", b"")


def _is_problem(message: Message) -> bool:
    return bool(dict(message["headers"]).get(b"content-type", b"").startswith(MEDIA_TYPE.encode()))


def local_target(given: str | None) -> str:
    """Where to go after signing in: a path of ours, never another site."""
    if not given or not given.startswith("/") or given.startswith(("//", "/\\")):
        return "/"
    parts = urlsplit(given)
    return given if not parts.scheme and not parts.netloc else "/"


def same_site(request: Request) -> None:
    """Refuses a form that another site sent. For forms before there is a session, and so no token of one."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is None and origin is None:
        return  # no browser
    own = site in ("same-origin", "none") if site is not None else urlsplit(origin or "").netloc == request.url.netloc
    if not own:
        raise AccessDenied("the form came from another site")


# ------------------------------------------------------------------------------------------------------ templates


@lru_cache(maxsize=1)
def assets() -> Mapping[str, bytes]:
    """The static files by name: few and small, held in memory."""
    return {path.name: path.read_bytes() for path in sorted(STATIC.iterdir()) if path.is_file()}


@lru_cache(maxsize=32)
def asset(name: str) -> str:
    """Address of a static file; it changes with the content, so browsers may keep it for good."""
    return f"/static/{name}?v={hashlib.sha256(assets()[name]).hexdigest()[:12]}"


@lru_cache(maxsize=len(language.LANGUAGES))
def environment(code: str) -> Environment:
    """Templates in one language. Everything that is not marked safe is escaped."""
    speaker = tongue(code)
    made = Environment(
        loader=FileSystemLoader(language.ROOM / "templates"),
        autoescape=True,
        undefined=Undefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    _install(made, speaker.translations)
    made.filters.update(
        number=speaker.number,
        percent=speaker.percent,
        date=speaker.date,
        moment=speaker.moment,
        period=speaker.period,
        size=speaker.size,
        took=speaker.took,
        age=speaker.age,
        place=speaker.place,
        tongue=speaker.language,
        said=speaker.say,
        told=speaker.tell,
        text=language.isolated,
        ltr=lambda value: language.isolated(str(value), None, "ltr"),
    )
    made.globals.update(
        word=speaker.word,
        finding=speaker.finding,
        asset=asset,
        page_language=code,
        page_direction=speaker.direction,
        languages=language.LANGUAGES,
        direction=language.direction,
        bar=bar,
        compact=compact,
        icon=icon,
    )
    return made


def warm() -> None:
    """Reads what the first page of each language would wait for."""
    for code in language.LANGUAGES:
        for name in ("start.html", "search.html", "record.html", "record_overview.html"):
            environment(code).get_template(name)


def _install(made: Environment, translations: Translations) -> None:
    install: Any = made.install_gettext_translations  # type: ignore[attr-defined]
    install(translations, newstyle=True)


def speaker(request: Request) -> Tongue:
    return tongue(language.chosen(request))


def render(
    request: Request, access: Access | None, name: str, *, http_status: int = 200, **context: Any
) -> HTMLResponse:
    """A page from a template, in the reader's language. `access` is None where nobody was identified."""
    code = language.chosen(request)
    template = environment(code).get_template(name)
    caller = access.caller if access is not None and access.caller.kind != "anonymous" else None
    here = partial(address, request)
    html = template.render(
        caller=caller,
        signed_in=caller is not None or (access is None and COOKIE in request.cookies),
        may=(lambda name: access is not None and access.caller.may(Permission(name))),
        csrf=access.identity.csrf if access is not None else None,
        purpose=access.purpose if access is not None else None,
        path=request.url.path,
        here=here,
        **context,
    )
    # Forms of our own pages say where they come from; other sites learn nothing.
    headers = {"vary": "Accept-Language, Cookie", "referrer-policy": "same-origin"}
    answer = HTMLResponse(html, http_status, headers=headers)
    if request.query_params.get("lang") in language.LANGUAGES:
        answer.set_cookie(
            language.COOKIE,
            code,
            max_age=LANGUAGE_KEPT_S,
            path="/",
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
    return answer


def address(request: Request, **changes: str | Iterable[str] | None) -> str:
    """The page's own address with some parameters changed; None takes one out. The language is in the cookie."""
    kept = [
        (name, value)
        for name, value in request.query_params.multi_items()
        if name not in changes and name != "lang" and value
    ]
    for name, value in changes.items():
        if isinstance(value, str):
            kept.append((name, value))
        elif value is not None:
            kept.extend((name, single) for single in value)
    return f"{request.url.path}?{urlencode(kept)}" if kept else request.url.path


def bar(share: float) -> Markup:
    """A small horizontal bar: attributes of SVG, since the security policy allows no inline style."""
    width = max(0.0, min(1.0, share)) * 100
    return Markup(
        '<svg class="bar" viewBox="0 0 100 2" preserveAspectRatio="none" aria-hidden="true">'
        '<rect width="100" height="2" class="bar-room"/><rect width="{}" height="2" class="bar-part"/></svg>'
    ).format(f"{max(width, 1.0 if share else 0.0):.1f}")


ICONS = {
    "search": "M10.5 3.5a7 7 0 1 0 4.3 12.5l4.6 4.6 1.2-1.2-4.6-4.6a7 7 0 0 0-5.5-11.3Zm0 1.7a5.3 5.3 0 1 1 0 10.6"
    " 5.3 5.3 0 0 1 0-10.6Z",
    "close": "m6 7.2 1.2-1.2 4.8 4.8 4.8-4.8 1.2 1.2-4.8 4.8 4.8 4.8-1.2 1.2-4.8-4.8-4.8 4.8-1.2-1.2 4.8-4.8Z",
    "picture": "M3.5 5h17v14h-17Zm1.6 1.6v8.300l4-4.200 4 4.200 2.300-2.100 3.500 3.200V6.600Z",
}
"""Shapes on a field of 24 by 24."""


def icon(name: str) -> Markup:
    return Markup('<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="{}"/></svg>').format(ICONS[name])


def compact(text: str, limit: int = 300) -> str:
    """A text cut at a length that a list can bear."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[:limit].rstrip() + "…"

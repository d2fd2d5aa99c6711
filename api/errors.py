"""RFC 9457 problem details. What does not exist and what the caller may not know of give the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
import psycopg
import sqlalchemy.exc
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from api.web.language import DEFAULT, chosen, tongue
from common.errors import (
    AccessDenied,
    ConcordError,
    Conflict,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    NotAcceptable,
    NotFound,
    QueryError,
    UsageError,
)
from common.messages import Message, say
from common.validation import what

log = structlog.get_logger("api")

MEDIA_TYPE = "application/problem+json"


class Unidentified(AccessDenied):
    """No valid credentials where some are needed, or credentials that are not valid."""


class TooManyRequests(ConcordError):
    """The caller's rate limit is used up."""

    def __init__(self, wait_s: float) -> None:
        self.wait_s = max(1, round(wait_s + 0.5))
        super().__init__(say("api.too-many-requests", seconds=self.wait_s))


EXPECTED = (NotFound, NotAcceptable, AccessDenied, QueryError, UsageError, Conflict, TooManyRequests)
"""Errors that the caller made: not worth a line in the log."""


def problem(status: int, detail: str, *, headers: dict[str, str] | None = None, **members: Any) -> Problem:
    """A problem details response. `type` is about:blank (RFC 9457 §4.2.1): the title is the status's own. A message
    of the tables brings its code and parameters."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **members}
    if isinstance(detail, Message):
        body |= {"code": detail.code, "params": detail.params}
    return Problem(body, status, headers)


class Problem(Response):
    media_type = MEDIA_TYPE

    def __init__(self, body: dict[str, Any], status: int, headers: dict[str, str] | None) -> None:
        super().__init__(orjson.dumps(body), status, {"cache-control": "no-store", **(headers or {})})
        self.said = {member: words for member, words in body.items() if isinstance(words, Message)}

    def told(self, language: str) -> Problem:
        """The same answer with its words in the language that the caller likes best, where the tables have them. Codes,
        parameters and all else stay as they are."""
        if language != DEFAULT:
            says = tongue(language)
            words = {member: says.tell_plainly(said) for member, said in self.said.items()}
            self.body = orjson.dumps({**orjson.loads(self.body), **words})
            self.headers["content-length"] = str(len(self.body))
            self.headers["content-language"] = language
            self.headers["vary"] = "accept-language"
        return self


def respond(error: ConcordError) -> Problem:
    """What a caller learns of one of our errors, in English. The engines' own words stay in the log."""
    match error:
        case NotFound():
            return problem(404, say("api.nothing-here"))
        case Unidentified():
            return problem(401, say("api.unidentified"), headers={"www-authenticate": 'Bearer realm="ip-concord"'})
        case AccessDenied():
            return problem(403, say("api.denied"), **_reason(error))
        case NotAcceptable():
            return problem(406, error.message, remedy=error.remedy, available=error.available)
        case QueryError():
            place: dict[str, Any] = (
                {} if error.position is None else {"position": error.position, "length": error.length}
            )
            if error.suggestion is not None:
                place["suggestion"] = error.suggestion
            return problem(400, error.message, remedy=error.remedy, **place)
        case UsageError():
            return problem(400, error.message, remedy=error.remedy, **_reason(error))
        case Conflict():
            return problem(409, error.message, remedy=error.remedy, **_reason(error))
        case TooManyRequests():
            return problem(429, error.message, remedy=error.remedy, headers={"retry-after": str(error.wait_s)})
        case EngineTimeout():
            return problem(503, error.message, remedy=error.remedy, reason="time", headers={"retry-after": "5"})
        case EngineUnavailable():
            return problem(503, say("api.overloaded"), headers={"retry-after": "5"})
        case EngineError():
            return problem(502, say("api.not-carried-out"))
    return problem(500, say("api.our-fault"))


def _reason(error: ConcordError) -> dict[str, Any]:
    """For programs: why, in one word, where the error has one."""
    reason = getattr(error, "reason", None)
    return {"reason": str(reason)} if reason else {}


def _fault(fault: Mapping[str, Any], language: str) -> dict[str, Any]:
    said = what(fault)
    words = said if language == DEFAULT else tongue(language).tell_plainly(said)
    shown = {"where": ".".join(map(str, fault["loc"])), "what": str(words)}
    return {**shown, "code": said.code, "params": said.params} if isinstance(said, Message) else shown


def _route(request: Request) -> str:
    """The template: an address names what somebody looked at."""
    return getattr(request.scope.get("route"), "path", "unknown")


def install(app: FastAPI) -> None:
    """Handlers for every kind of error."""

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, ConcordError)
        if not isinstance(error, EXPECTED):
            log.error("request failed", route=_route(request), kind=type(error).__name__, error=str(error))
        return respond(error).told(chosen(request))

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        # The value itself is left out: it may be a password.
        language = chosen(request)
        faults = [_fault(fault, language) for fault in error.errors()]
        return problem(422, say("api.shape"), errors=faults).told(language)

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 404:
            return problem(404, say("api.nothing-here")).told(chosen(request))
        return problem(error.status_code, str(error.detail), headers=dict(error.headers or {}))

    async def unkeepable(request: Request, fault: Exception) -> Response:
        # What no table can hold: an id beyond 2^63, or NUL in a text.
        log.warning("value refused by the database", route=_route(request), kind=type(fault).__name__)
        error = UsageError(say("input.unkeepable"))
        return respond(error).told(chosen(request))

    async def unexpected(request: Request, error: Exception) -> Response:
        log.error("request failed", route=_route(request), kind=type(error).__name__, exc_info=error)
        return problem(500, say("api.our-fault")).told(chosen(request))

    app.add_exception_handler(ConcordError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(sqlalchemy.exc.DataError, unkeepable)
    app.add_exception_handler(psycopg.DataError, unkeepable)
    app.add_exception_handler(Exception, unexpected)

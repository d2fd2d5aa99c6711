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
NOT_FOUND_DETAIL = "There is nothing here, or you may not know of it."
DENIED_DETAIL = "You may not do this."
UNIDENTIFIED_DETAIL = "The credentials are missing, wrong, expired or revoked."


class Unidentified(AccessDenied):
    """No valid credentials where some are needed, or credentials that are not valid."""


class TooManyRequests(ConcordError):
    """The caller's rate limit is used up."""

    def __init__(self, wait_s: float) -> None:
        super().__init__("Too many requests.", remedy=f"Wait {max(1, round(wait_s + 0.5))} s.")
        self.wait_s = max(1, round(wait_s + 0.5))


EXPECTED = (NotFound, NotAcceptable, AccessDenied, QueryError, UsageError, Conflict, TooManyRequests)
"""Errors that the caller made: not worth a line in the log."""


def problem(status: int, detail: str, *, headers: dict[str, str] | None = None, **members: Any) -> Response:
    """A problem details response. `type` is about:blank (RFC 9457 §4.2.1): the title is the status's own. A message
    of the tables brings its code and parameters."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **members}
    if isinstance(detail, Message):
        body |= {"code": detail.code, "params": detail.params}
    return _Problem(body, status, headers)


class _Problem(Response):
    media_type = MEDIA_TYPE

    def __init__(self, body: dict[str, Any], status: int, headers: dict[str, str] | None) -> None:
        super().__init__(orjson.dumps(body), status, {"cache-control": "no-store", **(headers or {})})


def respond(error: ConcordError) -> Response:
    """What a caller learns of one of our errors, in English. The engines' own words stay in the log."""
    match error:
        case NotFound():
            return problem(404, NOT_FOUND_DETAIL)
        case Unidentified():
            return problem(401, UNIDENTIFIED_DETAIL, headers={"www-authenticate": 'Bearer realm="ip-concord"'})
        case AccessDenied():
            return problem(403, DENIED_DETAIL, **_reason(error))
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
            return problem(429, str(error), headers={"retry-after": str(error.wait_s)})
        case EngineTimeout():
            return problem(503, error.message, remedy=error.remedy, reason="time", headers={"retry-after": "5"})
        case EngineUnavailable():
            return problem(503, "The platform is overloaded or starting.", headers={"retry-after": "5"})
        case EngineError():
            return problem(502, "The request could not be carried out.")
    return problem(500, "Something went wrong on our side.")


def in_language(answer: Response, error: ConcordError, language: str) -> Response:
    """The same answer with its words in the language that the caller likes best, where the tables have them. Codes,
    parameters and all else stay as they are."""
    if language == DEFAULT:
        return answer
    body = orjson.loads(answer.body)
    says = tongue(language)
    for member, words in (("detail", error.message), ("remedy", error.remedy)):
        if words and body.get(member) == words:
            body[member] = says.tell_plainly(words)
    answer.body = orjson.dumps(body)
    answer.headers["content-length"] = str(len(answer.body))
    answer.headers["content-language"] = language
    answer.headers["vary"] = "accept-language"
    return answer


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
        return in_language(respond(error), error, chosen(request))

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        # The value itself is left out: it may be a password.
        language = chosen(request)
        faults = [_fault(fault, language) for fault in error.errors()]
        return problem(422, "The request does not have the expected shape.", errors=faults)

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 404:
            return problem(404, NOT_FOUND_DETAIL)
        return problem(error.status_code, str(error.detail), headers=dict(error.headers or {}))

    async def unkeepable(request: Request, fault: Exception) -> Response:
        # What no table can hold: an id beyond 2^63, or NUL in a text.
        log.warning("value refused by the database", route=_route(request), kind=type(fault).__name__)
        error = UsageError(say("input.unkeepable"))
        return in_language(respond(error), error, chosen(request))

    async def unexpected(request: Request, error: Exception) -> Response:
        log.error("request failed", route=_route(request), kind=type(error).__name__, exc_info=error)
        return problem(500, "Something went wrong on our side.")

    app.add_exception_handler(ConcordError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(sqlalchemy.exc.DataError, unkeepable)
    app.add_exception_handler(psycopg.DataError, unkeepable)
    app.add_exception_handler(Exception, unexpected)

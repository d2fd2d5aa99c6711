"""What every answer and every request goes through: security headers, limits on size and time, secrets kept out of
URLs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.keys import SHAPE
from api.errors import Problem, problem
from api.web.language import chosen
from common.messages import say

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=()"),
)
HSTS = (b"strict-transport-security", b"max-age=31536000")
SECRET_NAMES = frozenset({"key", "api_key", "apikey", "token", "access_token", "password", "secret", "authorization"})


class Hardening:
    """Everything but observation goes through it.

    `body_limit` in bytes; `time_limit` in seconds until the answer starts (a stream that has started may take
    longer, since each of its parts checks rights again). What is posted to `uploads` has `upload_limit` instead,
    and as long as something comes: their routes give up on a body that stands still. `limits`: by path, where more than
    `body_limit` is allowed.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        body_limit: int,
        time_limit: float,
        upload_limit: int = 0,
        uploads: tuple[str, ...] = (),
        limits: Mapping[str, int] | None = None,
    ) -> None:
        self.app = app
        self.body_limit = body_limit
        self.time_limit = time_limit
        self.upload_limit = upload_limit
        self.uploads = uploads
        self.limits = limits or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answering = Answering()

        async def send_hardened(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _hardened(message, scope)
                answering.begin()
            await send(message)

        await self._run(scope, receive, send_hardened, answering)

    async def _run(self, scope: Scope, receive: Receive, send: Send, answering: Answering) -> None:

        async def told(answer: Problem) -> None:
            await answer.told(chosen(Request(scope)))(scope, receive, send)

        if _secret_in_query(scope):
            said = say("access.secret-in-address")
            await told(problem(400, said, remedy=said.remedy))
            return
        upload = scope["method"] == "POST" and scope["path"] in self.uploads
        limit = self.upload_limit if upload else max(self.body_limit, self.limits.get(scope["path"], 0))
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length) > limit:
            await told(problem(413, say("api.body-too-large", limit=limit)))
            return
        received = 0

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > limit:
                    raise _TooLarge
            return message

        async def send_within_limit(message: Message) -> None:
            # Whoever read the body may have taken the cut for a fault of its own and answered so.
            if received <= limit or answering.begun:
                await send(message)

        late = False
        try:
            async with asyncio.timeout(None if upload else self.time_limit) as answering.patience:
                await self.app(scope, receive_limited, send_within_limit)
        except TimeoutError:
            late = True
        except _TooLarge:
            pass
        answering.patience = None
        if answering.begun:
            return
        if late:
            await told(problem(503, say("api.too-late"), headers={"retry-after": "5"}))
        elif received > limit:
            await told(problem(413, say("api.body-too-large", limit=limit)))


class Answering:
    """Whether the answer has begun: from then on it may take as long as it takes."""

    def __init__(self) -> None:
        self.begun = False
        self.patience: asyncio.Timeout | None = None

    def begin(self) -> None:
        self.begun = True
        if self.patience is not None and not self.patience.expired():
            self.patience.reschedule(None)


class _TooLarge(Exception):
    pass


def _hardened(message: Message, scope: Scope) -> list[tuple[bytes, bytes]]:
    headers: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
    present = {name.lower() for name, _ in headers}
    wanted = (*HEADERS, (b"cache-control", b"no-store"), *((HSTS,) if scope.get("scheme") == "https" else ()))
    return [*headers, *(pair for pair in wanted if pair[0] not in present)]


def _secret_in_query(scope: MutableMapping[str, Any]) -> bool:
    query: bytes = scope.get("query_string", b"")
    if not query:
        return False
    given = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    return any(name.lower() in SECRET_NAMES or SHAPE.search(value) for name, value in given)

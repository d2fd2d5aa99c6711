"""Messages to addresses that somebody registered: signed, delivered at least once, tried again for about two days,
then dead and to be sent anew by hand.

A message says that something happened and where to fetch it, never what a record holds: what is fetched is fetched
with a key, under the rights of that moment, while a message may lie for days. The one kind that holds records,
`exchange.changes`, is kept as a reference, and what it refers to is put in anew for each attempt (`MADE`), under the
rights of that attempt.

    sender.emit(session, "agreement", {"agreement": 7}, office="EP")   # to EP's endpoints that want the kind
    sender.send(session, endpoint_id, "alert", {"saved_search": "…"})  # to one endpoint

Both write in the caller's transaction; a worker delivers after its commit.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import secrets
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, cast

import httpx
import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.access import acting
from api.access.model import Caller, Permission
from api.access.secret import Keys
from api.dependencies import Services
from api.jobs import queue
from api.webhooks import addresses, signing
from common.errors import Conflict, NotFound, UsageError
from common.messages import Message, say
from store.jobs import WebhookDelivery, WebhookEndpoint

SEAL = "webhook-secret"
JOB_FINISHED, ALERT, AGREEMENT, TEST = "job.finished", "alert", "agreement", "test"
CHANGES = "exchange.changes"
KINDS = {
    JOB_FINISHED: "a job of yours is done, failed or was cancelled",
    ALERT: "a saved search of yours found something new",
    AGREEMENT: "an agreement of your office: a request, an offer, a message, a signature, a reminder, another state",
}
"""What an endpoint can ask to be told, and what that means."""
MADE = {CHANGES: "api.exchange.push"}
"""Kinds whose content is made for each attempt, and the module that makes it (`Maker`), imported when first needed:
rooms know the webhooks, the webhooks do not know the rooms."""
BACKOFF_S = (10, 60, 300, 1_800, 7_200, 21_600, 43_200, 86_400)
"""Before the second attempt, the third …; a message that none of them brings is dead."""
TIMEOUT_S = 10
ANSWERS = (
    (range(300, 400), "webhooks.redirected"),
    ((401, 403), "webhooks.wants-login"),
    ((404, 405, 410), "webhooks.not-there"),
    ((413,), "webhooks.takes-less"),
    ((429,), "webhooks.takes-fewer"),
    (range(400, 500), "webhooks.refuses"),
    (range(500, 600), "webhooks.broken"),
)
"""Statuses of an answer that are none of 2xx, and the message with what its owner can do; the first row that has the
status counts."""
FAILURES = ((httpx.ConnectError, "webhooks.unreachable"), (httpx.HTTPError, "webhooks.broken-off"))
"""What stands in the way of an answer besides the time, and the message with what the endpoint's owner can do."""
MOST_ENDPOINTS = 20
LARGEST_BODY = 256 << 10


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    entry: WebhookEndpoint
    secret: str
    """Shown this once."""


def register(
    session: Session, keys: Keys, caller: Caller, url: str, kinds: list[str], *, networks: str, label: str = ""
) -> NewEndpoint:
    """An endpoint of the caller. `networks`: as the setting `webhook_networks`.

    Raises Forbidden for an address that is not to be reached, UsageError for an unknown kind, Conflict for too many.
    """
    unknown = sorted(set(kinds) - set(KINDS))
    if unknown:
        raise UsageError(say("webhooks.no-kind", names=list(unknown), known=list(KINDS)))
    addresses.resolve(url, networks)
    held = session.scalars(select(WebhookEndpoint.id).where(WebhookEndpoint.owner == caller.name)).all()
    if len(held) >= MOST_ENDPOINTS:
        raise Conflict(say("webhooks.most", count=len(held)))
    secret = signing.new_secret()
    entry = WebhookEndpoint(
        id=secrets.token_hex(12), owner=caller.name, office=caller.office, url=url, secret=b"", kinds=kinds, label=label
    )
    entry.secret = keys.seal(SEAL, secret.encode(), entry.id.encode())
    session.add(entry)
    session.flush()
    session.refresh(entry)
    return NewEndpoint(entry, secret)


def renew_secret(keys: Keys, entry: WebhookEndpoint) -> str:
    """Another secret in place of the old one, from the next attempt on."""
    secret = signing.new_secret()
    entry.secret = keys.seal(SEAL, secret.encode(), entry.id.encode())
    return secret


def own(session: Session, caller: Caller, endpoint: str) -> WebhookEndpoint:
    """The caller's endpoint, or one of the office that it manages. Raises NotFound, the same for another's and none."""
    entry = session.get(WebhookEndpoint, endpoint)
    if entry is None or not _sees(caller, entry):
        raise NotFound("no such endpoint")
    return entry


def listed(session: Session, caller: Caller) -> list[WebhookEndpoint]:
    mine = WebhookEndpoint.owner == caller.name
    if caller.may(Permission.MANAGE_OFFICE) and caller.reads_for_office:
        mine = mine | (WebhookEndpoint.office == caller.office)
    return list(session.scalars(select(WebhookEndpoint).where(mine).order_by(WebhookEndpoint.created)))


def _sees(caller: Caller, entry: WebhookEndpoint) -> bool:
    managing = caller.may(Permission.MANAGE_OFFICE) and caller.reads_for_office
    return entry.owner == caller.name or (managing and entry.office is not None and entry.office == caller.office)


# -------------------------------------------------------------------------------------------------------- sending


def emit(
    session: Session,
    kind: str,
    content: dict[str, Any],
    *,
    owner: str | None = None,
    office: str | None = None,
    needs: Permission | None = None,
) -> list[str]:
    """A message to each active endpoint that wants the kind, of one owner or of a whole office; of those whose owners
    may do what the message `needs`. Returns the messages' ids."""
    if (owner is None) == (office is None):
        raise TypeError("A message is for an owner or for an office.")
    whose = WebhookEndpoint.owner == owner if owner is not None else WebhookEndpoint.office == office
    wanting = select(WebhookEndpoint).where(whose, WebhookEndpoint.active, WebhookEndpoint.kinds.contains([kind]))
    now = dt.datetime.now(dt.UTC)
    return [
        _enter(session, entry, kind, content)
        for entry in session.scalars(wanting)
        if needs is None or ((caller := acting.find(session, entry.owner, now)) is not None and caller.may(needs))
    ]


def send(session: Session, endpoint: str, kind: str, content: dict[str, Any]) -> str | None:
    """A message to one endpoint, whatever kinds it wants. Returns its id; None where the endpoint is gone or closed."""
    entry = session.get(WebhookEndpoint, endpoint)
    return None if entry is None or not entry.active else _enter(session, entry, kind, content)


def _enter(session: Session, endpoint: WebhookEndpoint, kind: str, content: dict[str, Any]) -> str:
    message = f"msg_{secrets.token_hex(16)}"
    now = dt.datetime.now(dt.UTC)
    body = orjson.dumps({"id": message, "type": kind, "timestamp": now, "data": content})
    if len(body) > LARGEST_BODY:
        raise UsageError(say("webhooks.message-too-large", size=len(body)))
    session.add(WebhookDelivery(id=message, endpoint=endpoint.id, kind=kind, body=body, next_at=now))
    session.flush()
    queue.defer(session, queue.WEBHOOK, queue.QUICK, delivery=message)
    return message


def resend(session: Session, entry: WebhookDelivery) -> None:
    """Sends a message again, under its own id. Raises Conflict for one that is on its way."""
    if entry.state == "waiting":
        raise Conflict(say("webhooks.on-its-way"))
    entry.state, entry.attempts, entry.error, entry.finished = "waiting", 0, None, None
    entry.next_at = dt.datetime.now(dt.UTC)
    session.flush()
    queue.defer(session, queue.WEBHOOK, queue.QUICK, delivery=entry.id)


# ------------------------------------------------------------------------------------------------------ delivering


@dataclass(frozen=True, slots=True)
class Content:
    """What a message holds in this attempt."""

    data: Any
    """JSON."""
    mark: str
    """Given back to `taken`."""


class Maker(Protocol):
    """What a module of `MADE` has. Each runs in the transaction that looks at the message's state, or writes it."""

    def make(self, services: Services, session: Session, caller: Caller, message: WebhookDelivery) -> Content | None:
        """What the message holds now; None where there is nothing to say (any more): it goes as if it never was."""

    def taken(self, services: Services, session: Session, message: WebhookDelivery, mark: str) -> None:
        """The receiver has it."""

    def died(self, session: Session, message: WebhookDelivery) -> None:
        """No attempt brought it."""


def _maker(kind: str) -> Maker | None:
    return cast(Maker, import_module(MADE[kind])) if kind in MADE else None


@dataclass(frozen=True, slots=True)
class _Message:
    url: str
    secret: str
    body: bytes
    attempts: int
    mark: str


async def deliver(services: Services, delivery: str) -> None:
    """One attempt at a message; what becomes of it is written down, with the next attempt in the queue."""
    message = await asyncio.to_thread(_load, services, delivery)
    if message is None:
        return
    status: int | None = None
    try:
        networks = services.settings.webhook_networks
        target = await asyncio.to_thread(addresses.resolve, message.url, networks)
        status = await _post(target, signing.headers(message.secret, delivery, message.body), message.body)
        error = None if 200 <= status < 300 else _kept(answered(message.url, status))
    except addresses.Forbidden as forbidden:
        error = str(forbidden)
    except httpx.HTTPError as failed:
        error = _kept(unreached(message.url, failed))
    await asyncio.to_thread(_note, services, delivery, message, status, error)


def answered(url: str, status: int) -> Message:
    """What a receiver's answer that is no 2xx means, where; its remedy is what its owner can do."""
    code = next((code for statuses, code in ANSWERS if status in statuses), "webhooks.not-taken")
    return say(code, address=url, status=status)


def unreached(url: str, failed: httpx.HTTPError) -> Message:
    """The same where there is no answer."""
    fault = type(failed).__name__
    if isinstance(failed, httpx.TimeoutException):
        return say("webhooks.timed-out", address=url, seconds=TIMEOUT_S, fault=fault)
    return say(next(code for kind, code in FAILURES if isinstance(failed, kind)), address=url, fault=fault)


def _kept(said: Message) -> str:
    """As a column keeps it: with its remedy, both known again where they are shown."""
    return f"{said} {said.remedy}"


async def _post(target: addresses.Target, headers: dict[str, str], body: bytes) -> int:
    """The answer's status; of its content nothing is read."""
    sent = {**headers, "host": target.host, "content-type": "application/json", "user-agent": "ip-concord"}
    extensions = {"sni_hostname": target.name}
    # No proxy of the environment's: the address that was looked at is the one that is reached.
    async with (
        httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False) as client,
        client.stream("POST", target.url, content=body, headers=sent, extensions=extensions) as answer,
    ):
        return answer.status_code


def _load(services: Services, delivery: str) -> _Message | None:
    with services.database.session() as session:
        entry = session.get(WebhookDelivery, delivery, with_for_update=True)
        if entry is None or entry.state != "waiting":
            return None
        endpoint = session.get_one(WebhookEndpoint, entry.endpoint)
        caller = acting.find(session, endpoint.owner, dt.datetime.now(dt.UTC))
        maker = _maker(entry.kind)
        if caller is None or not endpoint.active:
            entry.state, entry.next_at, entry.finished = "dead", None, dt.datetime.now(dt.UTC)
            entry.error = _kept(say("webhooks.closed"))
            if maker is not None:
                maker.died(session, entry)
            return None
        body, mark = entry.body, ""
        if maker is not None:
            made = maker.make(services, session, caller, entry)
            if made is None:
                session.delete(entry)
                return None
            body, mark = orjson.dumps({**orjson.loads(entry.body), "data": made.data}), made.mark
        secret = services.keys.open(SEAL, endpoint.secret, endpoint.id.encode()).decode()
        return _Message(endpoint.url, secret, body, entry.attempts, mark)


def _note(services: Services, delivery: str, message: _Message, status: int | None, error: str | None) -> None:
    now = dt.datetime.now(dt.UTC)
    with services.database.session() as session:
        entry = session.get(WebhookDelivery, delivery, with_for_update=True)
        if entry is None or entry.state != "waiting" or entry.attempts != message.attempts:
            return
        entry.attempts += 1
        entry.status, entry.error, entry.next_at = status, error, None
        maker = _maker(entry.kind)
        if error is None:
            entry.state, entry.finished = "delivered", now
            if maker is not None:
                maker.taken(services, session, entry, message.mark)
        elif entry.attempts > len(BACKOFF_S):
            entry.state, entry.finished = "dead", now
            if maker is not None:
                maker.died(session, entry)
        else:
            pause_s = BACKOFF_S[entry.attempts - 1]
            entry.next_at = queue.later(session, pause_s)
            queue.defer(session, queue.WEBHOOK, queue.QUICK, after_s=pause_s, delivery=delivery)

"""Changes of an agreement that go to the beneficiary by themselves, as messages of a webhook endpoint of its own.

A message holds what a page of `/v1/exchange/changes` holds. It is kept as a reference (agreement and cursor) and filled
anew for each attempt, under the rights of that attempt: what was suspended, revoked or narrowed meanwhile is not in it.
A receiver may know by a message's id that it has it already, so an attempt never holds more than the first one did:
what changed meanwhile comes with a later message, and where the rights changed another one takes the message's place.
The next message is made when the one before was taken (2xx), so they arrive in order and nothing overtakes what died.
2xx means received; that it is stored, the receiver acknowledges with the cursor, as everybody does who pulls.
"""

from __future__ import annotations

import datetime as dt

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.access import acting
from api.access.model import Caller, Permission
from api.dependencies import Services
from api.exchange import feed
from api.exchange.changes import next_page, page_out
from api.exchange.debts import ENDED
from api.exchange.feed import BadCursor, Ended, rights
from api.exchange.negotiation import Ledger
from api.webhooks import sender
from api.webhooks.sender import Content
from common.errors import ConcordError, Conflict, NotFound
from common.messages import say
from store.access import Agreement
from store.exchange import Push
from store.jobs import WebhookDelivery, WebhookEndpoint

LARGEST_MESSAGE = 4 << 20
"""Bytes of a message's content; one that would be larger is made of fewer items. A single item may be larger."""
STOPPED = "A message died: see it, and send it again, at the endpoint."


def start(
    services: Services, ledger: Ledger, purpose: str, agreement: int, endpoint: str, cursor: str | None, items: int
) -> Push:
    """Pushes the agreement's changes after `cursor` (None: all that it gives) to an endpoint of the caller's.

    Raises NotFound for what is not the caller's, Conflict where they are pushed already, BadCursor, and as `rights`.
    """
    session, caller = ledger.session, ledger.caller
    assert caller is not None
    given = rights(session, caller, purpose, agreement)
    target = session.get(WebhookEndpoint, endpoint)
    if target is None or target.owner != caller.name:
        raise NotFound("no such endpoint")
    if cursor is not None:
        feed.read_cursor(ledger.keys, given.agreement, cursor)
    if session.get(Push, agreement, with_for_update=True) is not None:
        raise Conflict(say("exchange.pushed-already"))
    entry = Push(
        agreement=agreement, endpoint=endpoint, purpose=purpose, items=items, cursor=cursor, created_by=caller.name
    )
    session.add(entry)
    session.flush()
    session.refresh(entry)
    ledger.audit("push-started", given.agreement, endpoint=endpoint)
    _go_on(services, session, entry)
    return entry


def own(ledger: Ledger, agreement: int) -> Push:
    """The push of an agreement in which the caller's office is the beneficiary. Raises NotFound."""
    found = ledger.find(agreement)
    entry = ledger.session.get(Push, agreement, with_for_update=True)
    if entry is None or found.beneficiary != ledger.office:
        raise NotFound("no such push")
    return entry


def stop(ledger: Ledger, agreement: int) -> None:
    """Ends it: what is on its way goes with the next attempt, and is in no later one."""
    entry = own(ledger, agreement)
    ledger.session.delete(entry)
    ledger.audit("push-stopped", ledger.find(agreement))


def wake(services: Services) -> int:
    """Enters a message wherever something waits and none is on its way. Returns how many."""
    made = 0
    with services.database.session() as session:
        waiting = select(Push.agreement).where(Push.state == "active", Push.message.is_(None))
        names = list(session.scalars(waiting.order_by(Push.agreement)))
    for name in names:
        with services.database.session() as session:
            entry = session.get(Push, name, with_for_update={"skip_locked": True})
            if entry is not None and entry.state == "active" and entry.message is None:
                made += _go_on(services, session, entry)
    return made


def _go_on(services: Services, session: Session, entry: Push) -> bool:
    """Enters the next message, where there may be something to say and the rights are there."""
    endpoint = session.get_one(WebhookEndpoint, entry.endpoint)
    try:
        caller = acting.find(session, endpoint.owner, dt.datetime.now(dt.UTC))
        if caller is None or not caller.may(Permission.EXCHANGE):
            raise NotFound("the endpoint's owner may not exchange any more")
        given = rights(session, caller, entry.purpose, entry.agreement)
        if not feed.pending(session, services.keys, given, entry.cursor):
            entry.why = ""
            return False
    except BadCursor:
        # The platform has another secret since: from the start, nothing is lost.
        entry.cursor = None
    except ConcordError as error:
        _hold(session, entry, error)
        return False
    entry.why = ""
    told = {"agreement": entry.agreement, "cursor": entry.cursor}
    entry.message = sender.send(session, entry.endpoint, sender.CHANGES, told)
    return entry.message is not None


def _hold(session: Session, entry: Push, error: ConcordError) -> None:
    """What keeps it from going on: it ends with its agreement, and otherwise waits until that is over."""
    state = session.scalar(select(Agreement.state).where(Agreement.id == entry.agreement))
    over = isinstance(error, Ended) and state in {one.value for one in ENDED}
    entry.message, entry.why, entry.state = None, error.message, "ended" if over else "active"


# ---------------------------------------------------------------------------------------------- as sender.Maker


def make(services: Services, session: Session, caller: Caller, message: WebhookDelivery) -> Content | None:
    """The page that the message refers to, as the agreement gives it now."""
    whole = orjson.loads(message.body)
    told = whole["data"]
    entry = session.get(Push, told["agreement"], with_for_update=True)
    if entry is None or entry.endpoint != message.endpoint:
        return None
    current = entry.message == message.id
    limit = entry.items
    try:
        while True:
            if not caller.may(Permission.EXCHANGE):
                raise NotFound("the endpoint's owner may not exchange any more")
            with session.begin_nested() as attempt:
                given, page = next_page(
                    services,
                    session,
                    caller,
                    entry.purpose,
                    entry.agreement,
                    told["cursor"],
                    limit,
                    told.get("until"),
                    message=message.id,
                )
                content = page_out(given, page)
                changed = current and told.get("basis") not in (None, given.basis)
                if changed:
                    attempt.rollback()
                    break
                if len(page.items) > 1 and len(orjson.dumps(content)) > LARGEST_MESSAGE:
                    limit = len(page.items) // 2
                    attempt.rollback()
                    continue
            break
    except ConcordError as error:
        if current:
            _hold(session, entry, error)
            entry.cursor = None if isinstance(error, BadCursor) else entry.cursor
        return None
    if page.items and not changed:
        if "until" not in told:
            message.body = orjson.dumps({**whole, "data": {**told, "until": page.cursor, "basis": given.basis}})
        return Content(content, page.cursor)
    if current:
        entry.cursor = entry.cursor if changed else page.cursor
        entry.message, entry.state = None, "active"
        _go_on(services, session, entry)
    return None


def taken(services: Services, session: Session, message: WebhookDelivery, mark: str) -> None:
    """Goes on behind it. One that was taken before, and was sent anew by hand, moves nothing."""
    entry = session.scalars(select(Push).where(Push.message == message.id).with_for_update()).one_or_none()
    if entry is not None:
        entry.cursor, entry.message, entry.state = mark, None, "active"
        _go_on(services, session, entry)


def died(session: Session, message: WebhookDelivery) -> None:
    """Stops there: what comes after it waits until it was sent again and taken."""
    entry = session.scalars(select(Push).where(Push.message == message.id).with_for_update()).one_or_none()
    if entry is not None:
        entry.state, entry.why = "stopped", STOPPED

"""Tables of work in the background: jobs that people see, and webhooks with what is sent to them.

Queueing itself (who runs what next, heartbeats of workers) is procrastinate's, in tables of its own named
`procrastinate_…` (revision 0010). A row here and its entry in the queue are made in one transaction.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, func, text
from sqlalchemy.orm import Mapped, mapped_column

from store.base import Base

JOB_LOCK = 0x434F4E46
"""First half of the advisory lock of a job that is running; the second is a hash of its id."""

JOB_STATES = ("queued", "running", "done", "failed", "cancelled")
DELIVERY_STATES = ("waiting", "delivered", "dead")


class Job(Base):
    """One piece of work, from the moment it was asked for."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_owner_created", "owner", "created"),
        Index("ix_jobs_office_created", "office", "created"),
        CheckConstraint(f"state in {JOB_STATES}", name="state"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    """32 hexadecimal digits, drawn: numbers would tell how much others do."""
    kind: Mapped[str]
    """As api/jobs/kinds.py."""
    owner: Mapped[str]
    """Caller's name (`key:…`, `user:…`), whose rights the job runs under; `platform` for the platform's own work."""
    office: Mapped[str | None]
    purpose: Mapped[str] = mapped_column(server_default="")
    request: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    state: Mapped[str] = mapped_column(server_default="queued")
    """queued, running, done, failed (a dead letter: it can be queued again), cancelled."""
    phase: Mapped[str] = mapped_column(server_default="")
    """What it is at, in a word."""
    done: Mapped[int] = mapped_column(server_default="0")
    total: Mapped[int | None]
    """Of what `done` counts; None while it is not known."""
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    """How often it was begun. The number is the lease: only who holds the latest may write."""
    forgiven: Mapped[int] = mapped_column(Integer, server_default="0")
    """Attempts that do not count: those before a person queued it again, and those that ended with their worker's."""
    cancel: Mapped[bool] = mapped_column(server_default="false")
    """Somebody asked for its end."""
    error: Mapped[str | None]
    """Of the last attempt that failed."""
    result: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    """What it made, for its owner; names that begin with `_` are the platform's own."""
    created: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    started: Mapped[dt.datetime | None]
    """Of the latest attempt."""
    finished: Mapped[dt.datetime | None]


class WebhookEndpoint(Base):
    """An address that somebody wants to be told at."""

    __tablename__ = "webhook_endpoints"
    __table_args__ = (Index("ix_webhook_endpoints_owner", "owner"), Index("ix_webhook_endpoints_office", "office"))

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    """Caller's name; what it may no longer do, its endpoint is no longer told."""
    office: Mapped[str | None]
    url: Mapped[str]
    secret: Mapped[bytes]
    """Of the signature, sealed with the platform's key."""
    kinds: Mapped[list[str]]
    """Kinds of messages that it wants; empty: none but those sent to it by name."""
    label: Mapped[str] = mapped_column(server_default="")
    active: Mapped[bool] = mapped_column(server_default="true")
    created: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class WebhookDelivery(Base):
    """One message to one endpoint: tried until it is taken or dead."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        Index("ix_webhook_deliveries_endpoint_created", "endpoint", "created"),
        CheckConstraint(f"state in {DELIVERY_STATES}", name="state"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    """The same with every attempt: the receiver knows by it what it has already."""
    endpoint: Mapped[str] = mapped_column(ForeignKey("webhook_endpoints.id", ondelete="CASCADE"))
    kind: Mapped[str]
    body: Mapped[bytes]
    """As sent, byte for byte: the signature is of these."""
    state: Mapped[str] = mapped_column(server_default="waiting")
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    """Since it was made or sent anew."""
    next_at: Mapped[dt.datetime | None]
    """When it will be tried again."""
    status: Mapped[int | None] = mapped_column(Integer)
    """HTTP status of the last answer."""
    error: Mapped[str | None]
    created: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    finished: Mapped[dt.datetime | None]

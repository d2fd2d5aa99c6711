"""Tables of access: who there is, what belongs to whom, who may see what, and who saw what.

Any change of offices, accounts, keys, collections, policies or agreements raises `access_version` and notifies
`CHANNEL`, by trigger (revision 0002): a right that was taken away can be noticed by one small read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ForeignKey, Identity, Index, Integer, SmallInteger, UniqueConstraint, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from store.base import Base

CHANNEL = "concord_access"
"""LISTEN on this to learn at once that rights changed; the payload is the new version."""

NONE_LISTED = text("'[]'::jsonb")


class Office(Base):
    """An office or organisation, by its ST.3 code."""

    __tablename__ = "offices"

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    contact: Mapped[str] = mapped_column(server_default="")
    """Whom to ask for access, as shown beside what only exists for the asker."""
    active: Mapped[bool] = mapped_column(server_default="true")
    created: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class Account(Base):
    """A person: signs in to the page with password and code, or through an identity provider."""

    __tablename__ = "accounts"
    __table_args__ = (UniqueConstraint("oidc_issuer", "oidc_subject"),)

    name: Mapped[str] = mapped_column(primary_key=True)
    office: Mapped[str | None] = mapped_column(ForeignKey("offices.code"))
    role: Mapped[str]
    password_hash: Mapped[str | None]
    """argon2id."""
    totp_secret: Mapped[bytes | None]
    """Sealed with the platform's key."""
    oidc_issuer: Mapped[str | None]
    oidc_subject: Mapped[str | None]
    active: Mapped[bool] = mapped_column(server_default="true")
    created: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class IdentityProvider(Base):
    """An OIDC issuer whose bearer tokens are accepted for the accounts that name it."""

    __tablename__ = "identity_providers"

    issuer: Mapped[str] = mapped_column(primary_key=True)
    audience: Mapped[str]
    jwks_uri: Mapped[str | None]
    """None: as the issuer's discovery document says."""


class ApiKey(Base):
    """A machine client's key. Only its hash is kept."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    hash: Mapped[bytes] = mapped_column(unique=True)
    """SHA-256 of the key, which has 256 random bits: a slow hash would protect nothing more."""
    office: Mapped[str | None] = mapped_column(ForeignKey("offices.code"))
    role: Mapped[str]
    label: Mapped[str] = mapped_column(server_default="")
    permissions: Mapped[list[str] | None]
    """Fewer than the role has; None: all of the role's."""
    purposes: Mapped[list[str] | None]
    """Purposes that the key may declare, the first by default; None: any."""
    created: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    created_by: Mapped[str]
    expires: Mapped[dt.datetime | None]
    revoked: Mapped[dt.datetime | None]


class KeyUse(Base):
    """When a key was last used; apart from the key so that using it does not look like a change of rights."""

    __tablename__ = "key_uses"

    key: Mapped[str] = mapped_column(ForeignKey("api_keys.id"), primary_key=True)
    last_used: Mapped[dt.datetime]


class WebSession(Base):
    """A signed-in browser, for an account or for a key. The cookie's token is kept as a hash."""

    __tablename__ = "web_sessions"

    hash: Mapped[bytes] = mapped_column(primary_key=True)
    account: Mapped[str | None] = mapped_column(ForeignKey("accounts.name"))
    key: Mapped[str | None] = mapped_column(ForeignKey("api_keys.id"))
    """Instead of an account: the session ends when the key does."""
    csrf: Mapped[str]
    created: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    seen: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    expires: Mapped[dt.datetime]


class SignInAttempts(Base):
    """Failures in a row, also for names that do not exist, so that a lock-out does not tell which do."""

    __tablename__ = "sign_in_attempts"

    account: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int] = mapped_column(Integer, server_default="0")
    locked_until: Mapped[dt.datetime | None]
    last_code: Mapped[int | None]
    """Time step of the last accepted code: a code opens once."""


class Collection(Base):
    """Provider × right × data set: the unit about which a provider decides."""

    __tablename__ = "collections"
    __table_args__ = (Index("ix_collections_provider", "provider"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    """`PROVIDER-right-NAME` in lower case."""
    provider: Mapped[str]
    right: Mapped[str]
    name: Mapped[str]
    title: Mapped[str] = mapped_column(server_default="")
    created: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class Policy(Base):
    """What everybody may see of a collection, and what agreements may give of it. One without a policy is closed."""

    __tablename__ = "policies"

    collection: Mapped[str] = mapped_column(ForeignKey("collections.id"), primary_key=True)
    tier: Mapped[str] = mapped_column(server_default="none")
    groups: Mapped[list[str]] = mapped_column(server_default=NONE_LISTED)
    """Field groups of the content tier."""
    embargo: Mapped[str] = mapped_column(server_default="none")
    """none; publication: until the publication date plus `embargo_days`; fixed: until `embargo_until`. For everyone but
    the provider, agreements or not."""
    embargo_days: Mapped[int] = mapped_column(Integer, server_default="0")
    embargo_until: Mapped[dt.date | None]
    purposes: Mapped[list[str]] = mapped_column(server_default=NONE_LISTED)
    """Empty: any."""
    denied: Mapped[list[str]] = mapped_column(server_default=NONE_LISTED)
    """Offices that see nothing of it, whatever else says."""
    notices: Mapped[list[str]] = mapped_column(server_default=NONE_LISTED)
    formats: Mapped[list[str]] = mapped_column(server_default=NONE_LISTED)
    agreements: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    """What agreements may give at most (api/access/agreements.py, Limits); what is not named stands as there."""
    changed: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    changed_by: Mapped[str]


class Agreement(Base):
    """Between a provider and a beneficiary office. What it gives stands in its versions."""

    __tablename__ = "agreements"
    __table_args__ = (Index("ix_agreements_beneficiary_state", "beneficiary", "state"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    provider: Mapped[str] = mapped_column(ForeignKey("offices.code"))
    beneficiary: Mapped[str] = mapped_column(ForeignKey("offices.code"))
    title: Mapped[str] = mapped_column(server_default="")
    state: Mapped[str] = mapped_column(server_default="requested")
    """requested, offered, signed, active, suspended, expired, revoked (and declined, withdrawn)."""
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    """The version in force, or under negotiation."""
    created: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    changed: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class AgreementVersion(Base):
    """The terms at one time. Never changed; a new version replaces it."""

    __tablename__ = "agreement_versions"
    __table_args__ = (UniqueConstraint("agreement", "version"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    agreement: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    version: Mapped[int] = mapped_column(Integer)
    terms: Mapped[dict[str, Any]]
    """As api/access/agreements.py `Terms`."""
    digest: Mapped[bytes]
    """SHA-256 of the terms in canonical JSON: what is signed."""
    created: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    created_by: Mapped[str]


class AccessVersion(Base):
    """One row; raised by trigger with every change of rights."""

    __tablename__ = "access_version"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    version: Mapped[int]


class AuditEntry(Base):
    """Append-only, by trigger. Each entry of a chain holds the hash of the one before."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_provider_at", "provider", "at"), Index("ix_audit_office_at", "office", "at"))

    chain: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime]
    action: Mapped[str]
    """search, view, original, export, … or what was changed."""
    caller: Mapped[str]
    office: Mapped[str | None]
    role: Mapped[str]
    purpose: Mapped[str]
    provider: Mapped[str | None]
    collection: Mapped[str | None]
    agreements: Mapped[list[int]] = mapped_column(server_default=NONE_LISTED)
    """Ids of the agreement versions that gave access; empty: the collection's policy, or its own people."""
    tier: Mapped[str | None]
    records: Mapped[int] = mapped_column(server_default="0")
    ids: Mapped[list[str] | None]
    """Where content was shown."""
    details: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    hash: Mapped[bytes]


class AuditHead(Base):
    """Last entry of each chain: a chain cut short at its end is noticed."""

    __tablename__ = "audit_heads"

    chain: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    seq: Mapped[int]
    hash: Mapped[bytes]
    seal: Mapped[bytes]
    """Of seq and hash, with the platform's key: who holds only the database cannot make another."""


def ensure_collections(session: Session, collections: Iterable[tuple[str, str, str, str]]) -> None:
    """Makes (id, provider, right, name) known, closed to everyone but the provider; those known stay as they are."""
    rows = [{"id": i, "provider": p, "right": r, "name": n} for i, p, r, n in sorted(set(collections))]
    known = set(session.scalars(select(Collection.id).where(Collection.id.in_([row["id"] for row in rows]))))
    rows = [row for row in rows if row["id"] not in known]
    if rows:
        session.execute(insert(Collection).values(rows).on_conflict_do_nothing())

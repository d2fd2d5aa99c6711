"""Agreements: their terms, their states, and what they give.

    requested → offered → signed → active ⇄ suspended → expired | revoked
             ↘ declined, withdrawn

Only an active agreement gives anything, and only between its dates. Negotiating and signing come with the exchange
room; here stand the terms, the legal steps between states, and making an agreement count.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.access.model import GRANTABLE, PURPOSES, Group, Role, Tier
from api.access.scope import Condition
from common.errors import Conflict, NotFound, UsageError
from common.messages import say
from store.access import Agreement, AgreementVersion, Collection, Office


class State(StrEnum):
    REQUESTED = "requested"
    OFFERED = "offered"
    SIGNED = "signed"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    REVOKED = "revoked"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


STEPS: dict[State, frozenset[State]] = {
    State.REQUESTED: frozenset({State.OFFERED, State.DECLINED, State.WITHDRAWN}),
    State.OFFERED: frozenset({State.OFFERED, State.SIGNED, State.DECLINED, State.WITHDRAWN}),
    State.SIGNED: frozenset({State.ACTIVE, State.REVOKED}),
    State.ACTIVE: frozenset({State.SUSPENDED, State.EXPIRED, State.REVOKED}),
    State.SUSPENDED: frozenset({State.ACTIVE, State.EXPIRED, State.REVOKED}),
    State.EXPIRED: frozenset(),
    State.REVOKED: frozenset(),
    State.DECLINED: frozenset(),
    State.WITHDRAWN: frozenset(),
}

CLASS_FIELDS = ("ipc", "cpc", "fi", "fterm", "uspc", "nice", "vienna", "locarno")
ONWARD = ("none", "offices", "public")
"""How far something may be passed on, the strictest first."""


class Limits(BaseModel):
    """What agreements may give of a collection at most: a part of its policy, which refines the platform's. It holds
    for agreements that are in force too, from the next request on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tier: Literal["none", "existence", "metadata", "content"] = "content"
    groups: tuple[Group, ...] | None = None
    """Field groups of the content tier; None: all that the platform's policy lets agreements give."""
    purposes: tuple[str, ...] | None = None
    """None: those of the policy, where it names any."""
    onward: Literal["none", "offices", "public"] = "public"

    @model_validator(mode="after")
    def _known(self) -> Limits:
        check_words(self.groups or (), self.purposes or ())
        return self


def agreed_purposes(limits: Limits, purposes: Iterable[str]) -> frozenset[str] | None:
    """For which an agreement may give a collection whose policy says `limits` and `purposes`; None: for any."""
    if limits.purposes is not None:
        return frozenset(limits.purposes)
    return frozenset(purposes) or None


def check_words(groups: tuple[Group, ...], purposes: tuple[str, ...]) -> None:
    """Raises ValueError for a group that cannot be granted and a purpose that there is not."""
    for group in groups:
        if group not in GRANTABLE:
            raise ValueError(f"{group} cannot be granted")
    for purpose in purposes:
        if purpose not in PURPOSES:
            raise ValueError(f"unknown purpose {purpose!r}; known: {', '.join(PURPOSES)}")


UNLIMITED = Limits()
"""As far as the platform's policy goes."""


class Terms(BaseModel):
    """What an agreement gives. Stored as JSON, signed by its digest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    collections: tuple[str, ...] = ()
    """Ids; empty: every collection of the provider."""
    rights: tuple[Literal["patent", "trademark", "design", "copyright", "gi"], ...] = ()
    offices: tuple[str, ...] = ()
    """Only records of these offices (ST.3)."""
    published_from: dt.date | None = None
    published_to: dt.date | None = None
    classes: tuple[str, ...] = ()
    """`scheme:symbol`, e.g. `ipc:H01M`, `nice:9`: the symbol and all below it."""
    tier: Literal["existence", "metadata", "content"] = "metadata"
    groups: tuple[Group, ...] = ()
    """Field groups of the content tier."""
    roles: tuple[Role, ...] = ()
    """Only these roles of the beneficiary; empty: every role that reads for its office."""
    purposes: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    volume_cap: Annotated[int, Field(ge=0)] | None = None
    """Records a month by export and exchange."""
    onward: Literal["none", "offices", "public"] = "none"
    attribution: Annotated[str, Field(max_length=2_000)] = ""
    correction_days: Annotated[int, Field(ge=0, le=365)] | None = None
    """Days within which the beneficiary applies a correction or deletion."""
    conditions: tuple[Annotated[str, Field(max_length=5_000)], ...] = ()
    """What else the parties agree, in words."""
    valid_from: dt.date | None = None
    valid_until: dt.date | None = None
    """Last day, UTC."""

    @model_validator(mode="after")
    def _known(self) -> Terms:
        check_words(self.groups, self.purposes)
        for entry in self.classes:
            scheme, _, symbol = entry.partition(":")
            if scheme not in CLASS_FIELDS or not symbol:
                raise ValueError(f"{entry!r} is not scheme:symbol with a scheme of {', '.join(CLASS_FIELDS)}")
        if self.valid_from and self.valid_until and self.valid_from > self.valid_until:
            raise ValueError("valid_from is after valid_until")
        return self

    @property
    def digest(self) -> bytes:
        """SHA-256 of the canonical JSON (sorted keys, no spaces, UTF-8)."""
        return hashlib.sha256(orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)).digest()

    def condition(self) -> Condition:
        return Condition(
            offices=frozenset(self.offices),
            rights=frozenset(self.rights),
            date_from=self.published_from,
            date_to=self.published_to,
            classes=frozenset((s, c) for s, _, c in (entry.partition(":") for entry in self.classes)),
            unpublished=Group.UNPUBLISHED in self.groups and self.tier == "content",
        )


def granted_groups(tier: Tier, groups: frozenset[Group]) -> frozenset[Group]:
    """Field groups that come of a tier: existence shows none, metadata the bibliography, content what was named too."""
    if tier is Tier.NONE:
        return frozenset()
    if tier is Tier.EXISTENCE:
        return frozenset({Group.EXISTENCE})
    base = frozenset({Group.EXISTENCE, Group.BIBLIOGRAPHY})
    return base | groups if tier is Tier.CONTENT else base


def propose(
    session: Session,
    provider: str,
    beneficiary: str,
    terms: Terms,
    *,
    by: str,
    title: str = "",
    state: State = State.REQUESTED,
    check: bool = True,
) -> Agreement:
    """A new agreement in its first version. Raises NotFound for an unknown office or, with `check`, a collection not
    the provider's: who only asks is not told which exist."""
    for code in (provider, beneficiary):
        if session.get(Office, code) is None:
            raise NotFound(f"There is no office {code}.", remedy="Add it: concord offices add.")
    if provider == beneficiary:
        raise UsageError(say("exchange.own-agreement"))
    if check:
        _check_collections(session, provider, terms)
    agreement = Agreement(provider=provider, beneficiary=beneficiary, title=title, state=state.value, version=1)
    session.add(agreement)
    session.flush()
    session.add(_version(agreement.id, 1, terms, by))
    session.flush()
    return agreement


def amend(session: Session, agreement_id: int, terms: Terms, *, by: str, check: bool = True) -> AgreementVersion:
    """A new version of the terms; in force at once where the agreement is active."""
    agreement = session.get(Agreement, agreement_id, with_for_update=True)
    if agreement is None:
        raise NotFound(f"There is no agreement {agreement_id}.")
    if not STEPS[State(agreement.state)]:
        raise Conflict(say("exchange.agreement-over", agreement=agreement_id, state=agreement.state))
    if check:
        _check_collections(session, agreement.provider, terms)
    agreement.version += 1
    version = _version(agreement.id, agreement.version, terms, by)
    session.add(version)
    session.flush()
    return version


def step(session: Session, agreement_id: int, to: State) -> Agreement:
    """Takes one legal step. Raises Conflict for any other."""
    agreement = session.get(Agreement, agreement_id, with_for_update=True)
    if agreement is None:
        raise NotFound(f"There is no agreement {agreement_id}.")
    if to not in STEPS[State(agreement.state)]:
        raise Conflict(
            say(
                "exchange.agreement-step",
                agreement=agreement_id,
                state=agreement.state,
                step=to,
                steps=sorted(STEPS[State(agreement.state)]) or "–",
            ),
        )
    agreement.state = to.value
    agreement.changed = dt.datetime.now(dt.UTC)
    session.flush()
    return agreement


def _version(agreement: int, number: int, terms: Terms, by: str) -> AgreementVersion:
    return AgreementVersion(
        agreement=agreement, version=number, terms=terms.model_dump(mode="json"), digest=terms.digest, created_by=by
    )


def _check_collections(session: Session, provider: str, terms: Terms) -> None:
    if not terms.collections:
        return
    statement = select(Collection.id).where(Collection.provider == provider, Collection.id.in_(terms.collections))
    unknown = set(terms.collections) - set(session.scalars(statement))
    if unknown:
        raise NotFound(f"{provider} has no collection {', '.join(sorted(unknown))}.")

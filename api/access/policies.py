"""Collections' policies: read and set, with every value checked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from api.access.agreements import Limits, agreed_purposes, check_words
from api.access.model import Group
from api.access.scopes import load_origins
from api.exchange.global_policy import check_policy
from common.errors import NotFound, UsageError
from common.messages import say
from store.access import Collection, Policy, ensure_collections

RIGHTS = ("patent", "trademark", "design", "copyright", "gi")


class PolicyTerms(BaseModel):
    """What everybody may see of a collection, and what agreements may give of it at most."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tier: Literal["none", "existence", "metadata", "content"] = "none"
    groups: tuple[Group, ...] = ()
    """Field groups of the content tier, besides the bibliography."""
    embargo: Literal["none", "publication", "fixed"] = "none"
    embargo_days: Annotated[int, Field(ge=0, le=36_500)] = 0
    embargo_until: dt.date | None = None
    purposes: tuple[str, ...] = ()
    """Empty: any. Agreements are held to them too, unless `agreements` names their own."""
    denied: tuple[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], ...] = ()
    notices: tuple[Annotated[str, Field(max_length=2_000)], ...] = ()
    formats: tuple[str, ...] = ()
    """In which it leaves the platform, agreements or not; empty: any."""
    agreements: Limits = Limits()

    @model_validator(mode="after")
    def _sound(self) -> PolicyTerms:
        check_words(self.groups, self.purposes)
        if (self.embargo == "fixed") != (self.embargo_until is not None):
            raise ValueError("embargo_until goes with embargo=fixed, and only with it")
        return self

    @property
    def agreed_purposes(self) -> frozenset[str] | None:
        """Those for which an agreement may give the collection; None: any."""
        return agreed_purposes(self.agreements, self.purposes)


def parse_collection(collection: str) -> tuple[str, str, str]:
    """(provider, right, name) of `PROVIDER-right-NAME` in lower case. Raises UsageError."""
    provider, _, rest = collection.partition("-")
    right, _, name = rest.partition("-")
    if len(provider) != 2 or collection != collection.lower() or right not in RIGHTS or not name:
        raise UsageError(say("access.no-collection", collection=collection))
    return provider.upper(), right, name


def set_policy(session: Session, collection: str, terms: PolicyTerms, *, by: str, create: bool = False) -> None:
    """Replaces a collection's policy. NotFound for an unknown collection unless it is to be made known by this; Widens
    where it opens more than the platform's data-access policy allows; UsageError where it opens to everybody what was
    given to one office."""
    if create:
        provider, right, name = parse_collection(collection)
        ensure_collections(session, [(collection, provider, right, name)])
    if session.get(Collection, collection) is None:
        raise NotFound(f"There is no collection {collection}.")
    check_policy(terms)
    origin = load_origins(session).get(collection)
    if terms.tier != "none" and origin is not None and origin.onward != "public":
        raise UsageError(
            say("access.bound-elsewhere", collection=collection),
        )
    values: dict[str, Any] = {
        **terms.model_dump(mode="json", exclude={"embargo_until"}),
        "embargo_until": terms.embargo_until,
        "changed": dt.datetime.now(dt.UTC),
        "changed_by": by,
    }
    session.execute(
        insert(Policy)
        .values(collection=collection, **values)
        .on_conflict_do_update(index_elements=["collection"], set_=values)
    )


def get_policy(session: Session, collection: str) -> PolicyTerms:
    """The policy in force; a collection without one is closed."""
    row = session.get(Policy, collection)
    if row is None:
        return PolicyTerms()
    return PolicyTerms(
        tier=row.tier,
        groups=tuple(Group(name) for name in row.groups),
        embargo=row.embargo,
        embargo_days=row.embargo_days,
        embargo_until=row.embargo_until,
        purposes=tuple(row.purposes),
        denied=tuple(row.denied),
        notices=tuple(row.notices),
        formats=tuple(row.formats),
        agreements=Limits.model_validate(row.agreements),
    )


def given_by(session: Session, provider: str, collections: Sequence[str]) -> dict[str, PolicyTerms]:
    """The policies of a provider's collections, of those named or, where none is, of all."""
    statement = select(Collection.id).where(Collection.provider == provider)
    if collections:
        statement = statement.where(Collection.id.in_(collections))
    return {name: get_policy(session, name) for name in session.scalars(statement)}

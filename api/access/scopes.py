"""Compiles a Scope from policies and agreements, and keeps compiled ones until anything changes.

Decision order: deny > embargo > agreement > default (closed). A deny list takes the collection away from that office
whatever an agreement says; an embargo holds for agreements as for everybody; an agreement adds to what the policy
gives to all; a collection without policy or agreement gives nothing. What another platform gave under an agreement is
passed on only as far as that agreement lets it, whatever policies and agreements here say. An agreement gives no more
than the collection's policy lets agreements give, in force or not when that was set. A provider's own people see all of
its collections.
"""

from __future__ import annotations

import datetime as dt
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from threading import Lock

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.access.agreements import ONWARD, UNLIMITED, Limits, State, Terms, agreed_purposes, granted_groups
from api.access.model import Caller, Group, Tier
from api.access.scope import Condition, Grant, Scope, merge
from common.errors import ConfigurationError
from store.access import AccessVersion, Agreement, AgreementVersion, Collection, Policy
from store.exchange import CollectionOrigin

OWN_GROUPS = frozenset(Group)
NO_FORMAT = frozenset({"none"})
"""Of what may be written in no format at all: an empty set would mean any."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Under what terms another platform gave a collection."""

    onward: str
    """How far it may be passed on: none, offices (by agreement), public."""
    offices: frozenset[str]
    """To whom it was given."""


@dataclass(frozen=True, slots=True)
class CollectionRules:
    """One collection and its policy, as compiled from the tables."""

    id: str
    provider: str
    right: str
    tier: Tier = Tier.NONE
    groups: frozenset[Group] = frozenset()
    embargo: str = "none"
    embargo_days: int = 0
    embargo_until: dt.date | None = None
    purposes: frozenset[str] = frozenset()
    denied: frozenset[str] = frozenset()
    notices: tuple[str, ...] = ()
    formats: frozenset[str] = frozenset()
    origin: Origin | None = None
    """Where another platform gave the collection."""
    limits: Limits = UNLIMITED
    """What agreements may give at most."""

    def bounded(self, terms: Terms) -> tuple[Tier, frozenset[Group], frozenset[str]]:
        """(tier, field groups, formats) of what an agreement gives of the collection, within its policy."""
        tier = min(Tier.parse(terms.tier), Tier.parse(self.limits.tier))
        groups = frozenset(terms.groups)
        if self.limits.groups is not None:
            groups &= frozenset(self.limits.groups)
        formats = frozenset(terms.formats) or self.formats
        if terms.formats and self.formats:
            formats = formats & self.formats or NO_FORMAT
        return tier, granted_groups(tier, groups), formats


@dataclass(frozen=True, slots=True)
class AgreementRules:
    """The version in force of one active agreement."""

    version_id: int
    provider: str
    beneficiary: str
    terms: Terms


def compile(session: Session, caller: Caller, purpose: str, *, now: dt.datetime | None = None) -> Scope:
    """What `caller` may see for `purpose`, now."""
    version = current_version(session)
    rules = load_rules(session)
    agreements = load_agreements(session, caller.office) if caller.reads_for_office and caller.office else ()
    return decide(caller, purpose, rules, agreements, version=version, now=now)


def decide(
    caller: Caller,
    purpose: str,
    collections: Iterable[CollectionRules],
    agreements: Iterable[AgreementRules],
    *,
    version: int = 0,
    now: dt.datetime | None = None,
) -> Scope:
    """The decision itself, without a database."""
    moment = now or dt.datetime.now(dt.UTC)
    today = moment.date()
    changes: list[dt.date] = []
    known = {rules.id: rules for rules in collections}
    open_to_caller: dict[str, CollectionRules] = {}
    grants: list[Grant] = []
    own = caller.office if caller.reads_for_office else None
    if own:
        grants.append(Grant(Tier.CONTENT, OWN_GROUPS, Condition(unpublished=True), provider=own))
    for rules in known.values():
        if rules.provider == own or (caller.office is not None and caller.office in rules.denied):
            continue
        if rules.embargo == "fixed" and (rules.embargo_until is None or today < rules.embargo_until):
            if rules.embargo_until:
                changes.append(rules.embargo_until)
            continue
        open_to_caller[rules.id] = rules
        passed_on = rules.origin is None or rules.origin.onward == "public"
        open_to_all = passed_on and rules.tier is not Tier.NONE
        if open_to_all and (not rules.purposes or purpose in rules.purposes):
            groups = granted_groups(rules.tier, rules.groups)
            condition = _under_embargo(Condition(unpublished=Group.UNPUBLISHED in groups), rules)
            grants.append(Grant(rules.tier, groups, condition, frozenset({rules.id}), formats=rules.formats))
    for agreement in agreements:
        terms = agreement.terms
        if agreement.beneficiary != own or (terms.roles and caller.role not in terms.roles):
            continue
        if terms.valid_until and terms.valid_until < today:
            continue
        if terms.valid_until:
            changes.append(terms.valid_until + dt.timedelta(days=1))
        if terms.valid_from and today < terms.valid_from:
            changes.append(terms.valid_from)
            continue
        if terms.purposes and purpose not in terms.purposes:
            continue
        for rules in _covered(agreement, known, open_to_caller):
            if rules.origin is not None and rules.origin.onward == "none" and own not in rules.origin.offices:
                continue
            purposes = agreed_purposes(rules.limits, rules.purposes)
            tier, groups, formats = rules.bounded(terms)
            if tier is Tier.NONE or (purposes is not None and purpose not in purposes):
                continue
            given = replace(terms.condition(), rights=frozenset(), unpublished=Group.UNPUBLISHED in groups)
            condition = _under_embargo(given, rules)
            grants.append(
                Grant(
                    tier,
                    groups,
                    condition,
                    frozenset({rules.id}),
                    basis={rules.id: agreement.version_id},
                    formats=formats,
                )
            )
    merged = merge(grants)
    seen = {name for grant in merged for name in grant.collections}
    notices = {name: known[name].notices for name in sorted(seen) if known[name].notices}
    midnight = dt.datetime.combine(min(changes), dt.time(), dt.UTC) if changes else None
    return Scope(caller, purpose, merged, version, midnight, notices)


def _covered(
    agreement: AgreementRules, known: dict[str, CollectionRules], open_to_caller: dict[str, CollectionRules]
) -> list[CollectionRules]:
    terms = agreement.terms
    wanted = terms.collections or [name for name, rules in known.items() if rules.provider == agreement.provider]
    return [
        open_to_caller[name]
        for name in wanted
        if name in open_to_caller
        and open_to_caller[name].provider == agreement.provider
        and (not terms.rights or open_to_caller[name].right in terms.rights)
    ]


def _under_embargo(condition: Condition, rules: CollectionRules) -> Condition:
    return replace(condition, embargo_days=rules.embargo_days) if rules.embargo == "publication" else condition


# ----------------------------------------------------------------------------------------------------------- loading


def current_version(session: Session) -> int:
    version = session.scalar(select(AccessVersion.version).where(AccessVersion.id == 1))
    if version is None:
        raise ConfigurationError("The database has no access version.", remedy="Run the migrations: concord up.")
    return version


def load_rules(session: Session) -> tuple[CollectionRules, ...]:
    """Every collection with its policy."""
    statement = select(
        Collection.id,
        Collection.provider,
        Collection.right,
        Policy.tier,
        Policy.groups,
        Policy.embargo,
        Policy.embargo_days,
        Policy.embargo_until,
        Policy.purposes,
        Policy.denied,
        Policy.notices,
        Policy.formats,
        Policy.agreements,
    ).outerjoin(Policy, Policy.collection == Collection.id)
    origins = load_origins(session)
    return tuple(
        CollectionRules(row.id, row.provider, row.right, origin=origins.get(row.id))
        if row.tier is None
        else CollectionRules(
            row.id,
            row.provider,
            row.right,
            Tier.parse(row.tier),
            frozenset(Group(name) for name in row.groups),
            row.embargo,
            row.embargo_days,
            row.embargo_until,
            frozenset(row.purposes),
            frozenset(row.denied),
            tuple(row.notices),
            frozenset(row.formats),
            origin=origins.get(row.id),
            limits=Limits.model_validate(row.agreements),
        )
        for row in session.execute(statement)
    )


def load_origins(session: Session) -> dict[str, Origin]:
    """Of the collections that came from other platforms; of several sources the strictest counts."""
    found: dict[str, Origin] = {}
    for entry in session.scalars(select(CollectionOrigin)):
        held = found.get(entry.collection, Origin("public", frozenset()))
        onward = min(held.onward, entry.onward, key=ONWARD.index)
        found[entry.collection] = Origin(onward, held.offices | {entry.office})
    return found


def load_agreements(session: Session, beneficiary: str) -> tuple[AgreementRules, ...]:
    """The versions in force of the office's active agreements."""
    statement = (
        select(AgreementVersion.id, Agreement.provider, Agreement.beneficiary, AgreementVersion.terms)
        .join(
            AgreementVersion,
            (AgreementVersion.agreement == Agreement.id) & (AgreementVersion.version == Agreement.version),
        )
        .where(Agreement.beneficiary == beneficiary, Agreement.state == State.ACTIVE.value)
    )
    return tuple(
        AgreementRules(row.id, row.provider, row.beneficiary, Terms.model_validate(row.terms))
        for row in session.execute(statement)
    )


# ----------------------------------------------------------------------------------------------------------- keeping


class ScopeCache:
    """Compiled scopes, each good for the version of rights it was compiled from and until time alone changes it."""

    def __init__(self, size: int = 2_000) -> None:
        self.size = size
        self._scopes: OrderedDict[tuple[Caller, str], Scope] = OrderedDict()
        self._rules: tuple[int, tuple[CollectionRules, ...]] | None = None
        self._lock = Lock()

    def held(self, caller: Caller, purpose: str, version: int, now: dt.datetime) -> Scope | None:
        """The caller's scope at this version, if it is kept."""
        key = (caller, purpose)
        with self._lock:
            held = self._scopes.get(key)
            if held is None or held.version != version or (held.valid_until is not None and now >= held.valid_until):
                return None
            self._scopes.move_to_end(key)
            return held

    def get(self, session: Session, caller: Caller, purpose: str, version: int) -> Scope:
        """The caller's scope at this version, which the caller of this method has just read."""
        now = dt.datetime.now(dt.UTC)
        key = (caller, purpose)
        held = self.held(caller, purpose, version, now)
        if held is not None:
            return held
        with self._lock:
            rules = self._rules[1] if self._rules and self._rules[0] == version else None
        if rules is None:
            rules = load_rules(session)
        agreements = load_agreements(session, caller.office) if caller.reads_for_office and caller.office else ()
        # Read once more: had anything changed between the reads, the scope is used now but not kept as this version's.
        settled = current_version(session) == version
        scope = decide(caller, purpose, rules, agreements, version=version, now=now)
        if settled:
            with self._lock:
                self._rules = (version, rules)
                self._scopes[key] = scope
                while len(self._scopes) > self.size:
                    self._scopes.popitem(last=False)
        return scope

    def clear(self) -> None:
        with self._lock:
            self._scopes.clear()
            self._rules = None

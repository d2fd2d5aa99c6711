"""Scope: what one caller may see, for one purpose, as OpenSearch filters and as a check in Python of the same rule.

A Scope is a set of grants. Each grant says: of these collections, the records that meet these conditions, with these
field groups. What a caller sees of a record is the union of the grants that cover *that record*, never of all
grants that it holds. Deny rules and embargoes are already worked into the grants by `scopes.compile`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from api.access.model import Caller, Group, Tier

Query = dict[str, Any]

NOTHING: Query = {"match_none": {}}


@dataclass(frozen=True, slots=True)
class Condition:
    """Which records of a collection a grant covers. Empty sets and None mean: no limit."""

    offices: frozenset[str] = frozenset()
    rights: frozenset[str] = frozenset()
    date_from: dt.date | None = None
    date_to: dt.date | None = None
    """Publication dates, both included. A record without one is outside every date limit."""
    classes: frozenset[tuple[str, str]] = frozenset()
    """(index field, symbol), e.g. (`ipc`, `H01M`): the symbol or anything below it."""
    embargo_days: int | None = None
    """Only what was published at least so many days ago; 0: from its publication date on. None: no embargo."""
    unpublished: bool = False
    """Whether records that the office has not published are covered."""

    def clauses(self, today: dt.date) -> list[Query]:
        found: list[Query] = []
        if self.offices:
            found.append({"terms": {"office": sorted(self.offices)}})
        if self.rights:
            found.append({"terms": {"right": sorted(self.rights)}})
        span = {}
        if self.date_from:
            span["gte"] = self.date_from.isoformat()
        latest = self._latest(today)
        if latest:
            span["lte"] = latest.isoformat()
        if span:
            found.append({"range": {"publication_date": span}})
        if self.classes:
            by_field: dict[str, list[str]] = {}
            for name, symbol in sorted(self.classes):
                by_field.setdefault(name, []).append(symbol)
            terms = [{"terms": {f"{name}.any": symbols}} for name, symbols in by_field.items()]
            found.append(terms[0] if len(terms) == 1 else {"bool": {"should": terms, "minimum_should_match": 1}})
        if not self.unpublished:
            found.append({"term": {"unpublished": False}})
        return found

    def matches(self, document: Mapping[str, Any], today: dt.date) -> bool:
        """The same rule over an index document (its top-level fields; `record` is not looked at)."""
        if self.offices and document.get("office") not in self.offices:
            return False
        if self.rights and document.get("right") not in self.rights:
            return False
        latest = self._latest(today)
        if self.date_from or latest:
            published = document.get("publication_date")
            days = [str(day)[:10] for day in (published if isinstance(published, list) else [published]) if day]
            first = self.date_from.isoformat() if self.date_from else ""
            last = latest.isoformat() if latest else "9999-12-31"
            if not any(first <= day <= last for day in days):
                return False
        if self.classes and not any(symbol in _any_class(document, name) for name, symbol in self.classes):
            return False
        return self.unpublished or document.get("unpublished") is False

    def covers(self, other: Condition) -> bool:
        """Whether every record that meets `other` surely meets this one."""
        return (
            _wider(self.offices, other.offices)
            and _wider(self.rights, other.rights)
            and _wider(self.classes, other.classes)
            and (self.date_from is None or (other.date_from is not None and self.date_from <= other.date_from))
            and (self.date_to is None or (other.date_to is not None and self.date_to >= other.date_to))
            and (
                self.embargo_days is None
                or (other.embargo_days is not None and self.embargo_days <= other.embargo_days)
            )
            and (self.unpublished or not other.unpublished)
        )

    def _latest(self, today: dt.date) -> dt.date | None:
        if self.embargo_days is None:
            return self.date_to
        free = today - dt.timedelta(days=self.embargo_days)
        return min(self.date_to, free) if self.date_to else free

    def as_json(self) -> dict[str, Any]:
        return {
            "offices": sorted(self.offices),
            "rights": sorted(self.rights),
            "date_from": self.date_from,
            "date_to": self.date_to,
            "classes": sorted(self.classes),
            "embargo_days": self.embargo_days,
            "unpublished": self.unpublished,
        }


def _wider(mine: frozenset[Any], other: frozenset[Any]) -> bool:
    return not mine or (bool(other) and mine >= other)


def _any_class(document: Mapping[str, Any], name: str) -> Iterable[str]:
    entry = document.get(name) or {}
    held = entry.get("any", ()) if isinstance(entry, Mapping) else ()
    return (held,) if isinstance(held, str) else held


@dataclass(frozen=True, slots=True)
class Grant:
    """Collections that share one condition and one set of field groups."""

    tier: Tier
    groups: frozenset[Group]
    condition: Condition = Condition()
    collections: frozenset[str] = frozenset()
    provider: str | None = None
    """Instead of collections: everything of this provider (its own people's grant)."""
    basis: Mapping[str, int] = field(default_factory=dict, hash=False)
    """Collection → version id of the agreement that gives this; absent where the collection's policy does."""
    formats: frozenset[str] = frozenset()
    """Formats in which the grant may be exported; empty: any."""

    def matches(self, document: Mapping[str, Any], today: dt.date) -> bool:
        if self.provider is not None:
            if document.get("provider") != self.provider:
                return False
        elif document.get("collection") not in self.collections:
            return False
        return self.condition.matches(document, today)


@dataclass(frozen=True)
class View:
    """What the caller sees of one record."""

    tier: Tier
    groups: frozenset[Group]
    agreements: tuple[int, ...]
    """Versions of the agreements that gave it; empty where a policy or the caller's own office did."""


HIDDEN = View(Tier.NONE, frozenset(), ())


@dataclass(frozen=True)
class Scope:
    """All that one caller may see for one purpose. Built by `scopes.compile`; the engine does nothing without one."""

    caller: Caller
    purpose: str
    grants: tuple[Grant, ...]
    version: int = 0
    """Of the access tables from which it was compiled."""
    valid_until: dt.datetime | None = None
    """When time alone changes it: an agreement or an embargo starts or ends."""
    notices: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    """Collection → notices to show beside its records."""
    _filters: dict[tuple[Group, dt.date], Query] = field(
        default_factory=dict, init=False, repr=False, compare=False, hash=False
    )
    _placed: dict[tuple[str, Any], list[Grant]] = field(
        default_factory=dict, init=False, repr=False, compare=False, hash=False
    )
    """("collection" | "provider", its name) → grants that name it."""

    def filter(self, today: dt.date | None = None) -> Query:
        """Query of every record of which the caller may know that it exists."""
        return self.group_filter(Group.EXISTENCE, today)

    def group_filter(self, group: Group, today: dt.date | None = None) -> Query:
        """Query of the records of which the caller may read (so also search, sort and count) this field group."""
        day = today or utc_today()
        cached = self._filters.get((group, day))
        if cached is None:
            cached = covered([grant for grant in self.grants if group in grant.groups], day)
            self._filters[(group, day)] = cached
        return cached

    def clauses(self) -> int:
        """How many clauses these rights alone put into a query: on what may be read, and on each group of fields that
        comes with some of the records only."""
        given = frozenset[Group]().union(*(grant.groups for grant in self.grants))
        asked = {group for group in given if not self.grants_everywhere(group)}
        asked |= {Group.BIBLIOGRAPHY, *([Group.EXISTENCE] if self.has_existence_only else [])}
        return sum(_clauses(self.group_filter(group)) for group in asked)

    def grants_everywhere(self, group: Group) -> bool:
        """Whether every record whose bibliography the caller reads comes with `group` too."""
        return all(group in grant.groups for grant in self.grants if Group.BIBLIOGRAPHY in grant.groups)

    @property
    def has_existence_only(self) -> bool:
        return any(Group.BIBLIOGRAPHY not in grant.groups for grant in self.grants)

    def view(self, document: Mapping[str, Any], today: dt.date | None = None, *, format: str | None = None) -> View:
        """What the caller sees of this index document: the union over the grants that cover it. `format`: over those
        alone that let the record be written in it (a name of api/exchange/writers)."""
        day = today or utc_today()
        covering = [
            grant
            for grant in self._grants_of(document)
            if (format is None or not grant.formats or format in grant.formats) and grant.matches(document, day)
        ]
        if not covering:
            return HIDDEN
        collection = document.get("collection", "")
        if len(covering) == 1:
            (grant,) = covering
            return View(grant.tier, grant.groups, (grant.basis[collection],) if collection in grant.basis else ())
        return View(
            max(grant.tier for grant in covering),
            frozenset().union(*(grant.groups for grant in covering)),
            tuple(sorted({grant.basis[collection] for grant in covering if collection in grant.basis})),
        )

    def _grants_of(self, document: Mapping[str, Any]) -> Iterable[Grant]:
        """Those that name the record's collection or provider: of hundreds of agreements one or two."""
        if not self._placed:
            placed: dict[tuple[str, Any], list[Grant]] = {}
            for grant in self.grants:
                keys = [("collection", name) for name in grant.collections]
                if grant.provider is not None:
                    keys = [("provider", grant.provider)]
                for key in keys:
                    placed.setdefault(key, []).append(grant)
            # At once: another thread sees all of them or none.
            self._placed.update(placed)
        named = (("collection", document.get("collection")), ("provider", document.get("provider")))
        return [grant for key in named for grant in self._placed.get(key, ())]

    def tier(self, collection: str) -> Tier:
        """The most that any record of the collection is shown at."""
        provider = collection.partition("-")[0].upper()
        return max(
            (g.tier for g in self.grants if collection in g.collections or g.provider == provider), default=Tier.NONE
        )

    def redact(self, record: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
        """The record JSON as this caller may see it; `document` holds the index fields that decide."""
        from api.access.redaction import redact

        return redact(record, self.view(document))

    @property
    def fingerprint(self) -> str:
        """Changes when, and only when, who asks, why, or what may be seen changes. 32 hexadecimal digits."""
        cached: str | None = self.__dict__.get("_fingerprint")
        if cached is None:
            parts = [
                {
                    "tier": grant.tier,
                    "groups": sorted(grant.groups),
                    "condition": grant.condition.as_json(),
                    "collections": sorted(grant.collections),
                    "provider": grant.provider,
                    "basis": sorted(grant.basis.items()),
                    "formats": sorted(grant.formats),
                }
                for grant in self.grants
            ]
            serial = sorted(orjson.dumps(part, option=orjson.OPT_SORT_KEYS) for part in parts)
            head = f"{self.caller.name}|{self.caller.office}|{self.caller.role}|{self.purpose}".encode()
            cached = hashlib.sha256(head + b"\n" + b"\n".join(serial)).hexdigest()[:32]
            object.__setattr__(self, "_fingerprint", cached)
        return cached


def covered(grants: Iterable[Grant], today: dt.date) -> Query:
    """Query of the records that any of the grants covers, in as few clauses as say it: the engine reads and weighs each
    of them for every search, though it keeps what all of them match."""
    parts: list[list[Query]] = []
    collections: dict[Condition, set[str]] = {}
    for grant in grants:
        if grant.provider is not None:
            parts.append([{"term": {"provider": grant.provider}}, *grant.condition.clauses(today)])
        else:
            collections.setdefault(grant.condition, set()).update(grant.collections)
    for condition, names in collections.items():
        parts.append([{"terms": {"collection": sorted(names)}}, *condition.clauses(today)])
    return _any_of(parts)


def _any_of(parts: Sequence[Sequence[Query]]) -> Query:
    """Records that meet every clause of one part at least. A clause that several parts share is written once."""
    left = [{_key(clause): clause for clause in part} for part in parts]
    found: list[Query] = []
    while left:
        counts = Counter(key for part in left for key in part)
        key, times = counts.most_common(1)[0]
        if times == 1:
            found += [_all_of(list(part.values())) for part in left]
            break
        sharing = [part for part in left if key in part]
        left = [part for part in left if key not in part]
        shared = sharing[0][key]
        others = [[clause for name, clause in part.items() if name != key] for part in sharing]
        found.append(_all_of([shared, _any_of(others)]) if all(others) else shared)
    if not found:
        return NOTHING
    return found[0] if len(found) == 1 else {"bool": {"should": found, "minimum_should_match": 1}}


def _all_of(clauses: Sequence[Query]) -> Query:
    flat: list[Query] = []
    for clause in clauses:
        inner = clause.get("bool", {})
        flat += inner["filter"] if set(inner) == {"filter"} else [clause]
    return flat[0] if len(flat) == 1 else {"bool": {"filter": flat}}


def _clauses(query: Query) -> int:
    """Those that hold no others."""
    inner = query.get("bool")
    if inner is None:
        return 1
    return sum(_clauses(part) for name in ("filter", "should", "must_not") for part in inner.get(name, ()))


def _key(clause: Query) -> bytes:
    return orjson.dumps(clause, option=orjson.OPT_SORT_KEYS)


def utc_today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


def merge(grants: Iterable[Grant]) -> tuple[Grant, ...]:
    """As few grants as say the same: what another grant of the same collection covers is dropped, and collections
    with the same condition and groups are put together. A scope of a thousand agreements stays a handful of clauses."""
    own = [grant for grant in grants if grant.provider is not None]
    per_collection: dict[str, list[Grant]] = {}
    for grant in grants:
        if grant.provider is None:
            for collection in grant.collections:
                per_collection.setdefault(collection, []).append(grant)
    together: dict[tuple[Tier, frozenset[Group], Condition, frozenset[str]], dict[str, int | None]] = {}
    for collection, held in per_collection.items():
        for position, grant in enumerate(held):
            if any(
                dominates(other, grant) and not (dominates(grant, other) and position < index)
                for index, other in enumerate(held)
                if index != position
            ):
                continue
            key = (grant.tier, grant.groups, grant.condition, grant.formats)
            together.setdefault(key, {})[collection] = grant.basis.get(collection)
    merged = [
        Grant(
            tier,
            groups,
            condition,
            frozenset(members),
            basis={name: version for name, version in members.items() if version is not None},
            formats=formats,
        )
        for (tier, groups, condition, formats), members in together.items()
    ]
    return (*own, *merged)


def dominates(one: Grant, other: Grant) -> bool:
    """Whether `one` gives all that `other` gives of a collection."""
    return (
        one.tier >= other.tier
        and one.groups >= other.groups
        and (not one.formats or (bool(other.formats) and one.formats >= other.formats))
        and one.condition.covers(other.condition)
    )

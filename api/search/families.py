"""The family of a record, as its viewer may see it: which visible records it hangs together with, and how.

Computed when asked, over records whose bibliography the viewer reads and over nothing else. Two of them are in one
extended family only if the way from one to the other goes over visible records; a hidden one connects nothing, so the
answer is the same whether it is held or not. What providers state about families stands apart, under `stated`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from api.access.scope import Scope
from api.dependencies import Access, disclosed
from api.search import records
from api.search.engine import Engine, Hit
from indexer.record import Right

Kind = Literal["simple", "extended"]

DEFINITIONS: dict[str, str] = {
    "simple": "Records with exactly the same set of priorities, as DOCDB counts a simple family.",
    "extended": "Records connected by shared priorities, directly or over other members, as INPADOC counts an extended "
    "family.",
}
LARGEST = 2_000
"""Members beyond which a family is cut, and says so."""
LONGEST_WAY = 40
"""Steps from the record to its farthest member, beyond which the search for more ends, and says so."""
VALUES_A_QUERY = 5_000

PARTS = (
    "title",
    "application_key",
    "family_simple",
    "family_link",
    *(
        f"record.{name}"
        for name in ("id", "right", "office", "provider", "collection", "kind", "kind_group", "numbers", "dates")
    ),
    *(f"record.{name}" for name in ("priorities", "families", "relations", "status")),
)


@dataclass(frozen=True, slots=True)
class Family:
    key: str | None
    """Of a simple family: the same for all its members, made from their priorities."""
    members: tuple[Hit, ...]
    complete: bool
    """False where it was cut at LARGEST or LONGEST_WAY."""


async def find(engine: Engine, scope: Scope, record_id: str, kind: Kind) -> Family | None:
    """The family of a record within a scope; None where the caller may not know of the record. Without members where
    it may know that it exists and no more."""
    start = await engine.matching(scope, {"term": {"id": record_id}}, parts=PARTS, size=1)
    if not start:
        return None if await engine.get(scope, record_id) is None else Family(None, (), True)
    right = start[0].document["right"]
    if kind == "simple":
        key = start[0].document["family_simple"]
        query = {"term": {"family_simple": key}}
        found = await engine.matching(scope, query, rights=(right,), parts=PARTS, size=LARGEST + 1)
        return Family(key, found[:LARGEST], len(found) <= LARGEST)
    return await _connected(engine, scope, start[0])


async def _connected(engine: Engine, scope: Scope, start: Hit) -> Family:
    """Step by step over shared applications: each step brings what shares one with the step before."""
    members = {start.id: start}
    known: set[str] = set()
    new = _links(start)
    for _ in range(LONGEST_WAY):
        if not new:
            return Family(None, _in_order(members.values()), True)
        known |= new
        values = sorted(new)
        new = set()
        for at in range(0, len(values), VALUES_A_QUERY):
            found = await engine.matching(
                scope,
                {"terms": {"family_link": values[at : at + VALUES_A_QUERY]}},
                rights=(start.document["right"],),
                parts=PARTS,
                size=LARGEST + 1,
            )
            for hit in found:
                if hit.id not in members:
                    members[hit.id] = hit
                    new |= _links(hit) - known
            if len(members) > LARGEST:
                return Family(None, _in_order(members.values())[:LARGEST], False)
    return Family(None, _in_order(members.values()), not new)


def _links(hit: Hit) -> set[str]:
    return set(_several(hit.document.get("family_link")))


def _in_order(hits: Iterable[Hit]) -> tuple[Hit, ...]:
    return tuple(sorted(hits, key=lambda hit: hit.id))


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


# ---------------------------------------------------------------------------------------------------------- the answer


async def answer(access: Access, record_id: str, kind: Kind) -> dict[str, Any]:
    """The family as JSON; written to the audit. Raises NotFound, the same for hidden and missing."""
    _, family = await disclosed(
        access,
        lambda now: find(now.services.engine, now.scope, record_id, kind),
        lambda now, found: now.shown("family", found.members if found is not None else ()),
    )
    if family is None:
        raise records.missing()
    return as_json(record_id, kind, family)


def as_json(record_id: str, kind: Kind, family: Family) -> dict[str, Any]:
    members = sorted((_Member.of(hit) for hit in family.members), key=lambda m: (m.day or "9999", m.id))
    relations = _relations(members)
    held = {member.application for member in members}
    return {
        "record": record_id if members else None,
        "kind": kind,
        "definition": DEFINITIONS[kind],
        "key": family.key,
        "complete": family.complete,
        "records": len(members),
        "publications": len({member.publication for member in members}),
        "applications": len(held),
        "offices": _counted(member.office for member in members),
        "priorities": _priorities(members),
        "members": [member.as_json(relations.get(member.id, [])) for member in members],
        "stated": _stated(members),
    }


@dataclass(slots=True)
class _Member:
    id: str
    record: dict[str, Any]
    titles: dict[str, str]
    application: str
    links: frozenset[str]
    numbers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @classmethod
    def of(cls, hit: Hit) -> _Member:
        record, document = hit.record, hit.document
        titles = {language: _several(texts)[0] for language, texts in sorted((document.get("title") or {}).items())}
        made = cls(hit.id, record, titles, document["application_key"], frozenset(_links(hit)))
        for number in record.get("numbers", ()):
            made.numbers.setdefault(number["type"], []).append(number)
        return made

    @property
    def office(self) -> str:
        return str(self.record["office"])

    @property
    def kind(self) -> str:
        return self.record.get("kind") or ""

    def number(self, *types: str) -> dict[str, Any] | None:
        """The first number of the first of the types, the record's own office's first."""
        for type in types:
            held = self.numbers.get(type, [])
            if held:
                return next((n for n in held if n["office"] == self.office), held[0])
        return None

    def date(self, type: str) -> str | None:
        return next((fact["date"] for fact in self.record.get("dates", ()) if fact["type"] == type), None)

    @property
    def published(self) -> dict[str, Any] | None:
        return self.number("publication", "pct-publication", "registration", "international")

    @property
    def publication(self) -> tuple[str, str]:
        """What two records of one publication share."""
        number = self.published or self.number("application", "pct-application")
        return (number["canonical"] if number else self.id, self.kind)

    @property
    def day(self) -> str | None:
        return self.date("publication") or self.date("registration") or self.date("filing")

    @property
    def correction(self) -> bool:
        """Kind digit 8 (corrected front page) or 9 (whole correction), WIPO ST.16."""
        return self.record["right"] == Right.PATENT.value and self.kind[1:2] in ("8", "9")

    def as_json(self, relations: list[dict[str, Any]]) -> dict[str, Any]:
        published, filed = self.published, self.number("application", "pct-application")
        return {
            "id": self.id,
            **{name: self.record.get(name) for name in ("right", "office", "provider", "collection", "kind")},
            "kind_group": self.record.get("kind_group"),
            "publication": _dated(published, self.date("publication") or self.date("registration")),
            "application": _dated(filed, self.date("filing")),
            "granted": self.date("grant"),
            "status": self.record.get("status"),
            "titles": self.titles,
            "priorities": [_priority(claim) for claim in self.record.get("priorities", ())],
            "relations": relations,
        }


def _dated(number: Mapping[str, Any] | None, date: str | None) -> dict[str, Any] | None:
    if number is None:
        return None
    return {"number": number["canonical"], "raw": number["raw"], "date": number.get("date") or date}


def _priority(claim: Mapping[str, Any]) -> dict[str, Any]:
    number = claim["number"]
    return {
        "number": number["canonical"],
        "office": number["office"],
        "date": claim.get("date") or number.get("date"),
        "type": claim.get("type"),
    }


def _priorities(members: list[_Member]) -> list[dict[str, Any]]:
    """Every priority that members claim, earliest first, with how many claim it."""
    found: dict[str, dict[str, Any]] = {}
    for member in members:
        for number, claim in {c["number"]["canonical"]: c for c in member.record.get("priorities", ())}.items():
            entry = found.setdefault(number, {**_priority(claim), "claimed_by": 0})
            entry["claimed_by"] += 1
            entry["date"] = entry["date"] or _priority(claim)["date"]
    return sorted(found.values(), key=lambda entry: (entry["date"] or "9999", entry["number"]))


def _stated(members: list[_Member]) -> list[dict[str, Any]]:
    """Families as providers state them, for the members: never mixed with what was computed."""
    found: dict[tuple[str, str, str], int] = {}
    for member in members:
        for family in member.record.get("families", ()):
            key = (family["provider"], family["definition"], family["identifier"])
            found[key] = found.get(key, 0) + 1
    return [
        {"provider": provider, "definition": definition, "identifier": identifier, "records": count}
        for (provider, definition, identifier), count in sorted(found.items())
    ]


def _counted(values: Iterable[str]) -> list[dict[str, Any]]:
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return [{"value": v, "count": n} for v, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]


# ----------------------------------------------------------------------------------------------------------- relations


def _relations(members: list[_Member]) -> dict[str, list[dict[str, Any]]]:
    """Member → how it stands to other members. By number: the same publication from another source, a correction, a
    later stage of one application. Stated: what the record itself names."""
    found: dict[str, list[dict[str, Any]]] = {}
    by_number: dict[str, list[_Member]] = {}
    for member in members:
        for number in (n["canonical"] for numbers in member.numbers.values() for n in numbers):
            by_number.setdefault(number, []).append(member)
    earlier: dict[str, list[_Member]] = {}
    for member in members:
        before = earlier.setdefault(member.application, [])
        relation = _to_earlier(member, before)
        if relation is not None:
            found.setdefault(member.id, []).append(relation)
        before.append(member)
    for member in members:
        for relation in member.record.get("relations", ()):
            number = relation.get("number")
            others = [m for m in by_number.get(number["canonical"], ()) if m.id != member.id] if number else []
            if others:
                other = next((m for m in others if m.record["collection"] == member.record["collection"]), others[0])
                entry = {"type": relation["type"], "to": other.id, "by": "stated"}
                if entry not in found.setdefault(member.id, []):
                    found[member.id].append(entry)
    return found


def _to_earlier(member: _Member, before: list[_Member]) -> dict[str, Any] | None:
    """How a publication stands to those of the same application that came before it."""

    def nearest(candidates: list[_Member]) -> _Member:
        return next((m for m in candidates if m.record["collection"] == member.record["collection"]), candidates[0])

    same = [m for m in before if m.publication == member.publication]
    if same:
        return {"type": "same-publication", "to": same[0].id, "by": "numbers"}
    if member.correction:
        corrected = [m for m in before if m.kind[:1] == member.kind[:1] and not m.correction]
        if corrected:
            return {"type": "corrects", "to": nearest(corrected).id, "by": "numbers"}
    others = [m for m in before if m.kind != member.kind and not m.correction]
    if others and member.kind:
        return {"type": "stage-of", "to": nearest(others).id, "by": "numbers"}
    return None

"""What follows for two records from their numbers, kinds and dates alone: the rule table, applied.

`keys` are the numbers under which a record must meet every other that a rule could speak about; `judge` applies the
rules of `rules.toml` to a pair. Only a deterministic key that a second fact supports merges; a kind is always part of a
publication's key, because offices used numbers again (JP A and B before 2000).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rapidfuzz import fuzz

from common.messages import say, templates
from indexer.duplicates.profile import Profile

TITLES_AGREE = 92
"""Ratio (0 to 100) from which two titles in one language are one; measured on words in any order."""
TITLES_DIFFER = 50
"""Ratio below which two titles in one language are of two subjects."""
OWNERS_ALIKE = 80
OWNERS_DIFFER = 45
STAGE_DAYS = 60
"""Days between two publications of one application from which the later one is another stage."""
SHORTEST_TITLE = 8
"""Characters below which equal titles say nothing (`Device`)."""
INTERNATIONAL_OFFICES = frozenset({"WO", "IB"})
IDENTIFIERS = ("isbn", "issn", "isrc", "iswc", "isan")
REFERENCES = {
    "divisional-of": "divisional",
    "continuation-of": "continuation",
    "continuation-in-part-of": "continuation",
    "basic-mark-of": "basic-mark",
    "designation-of": "designation",
}
"""Relation that a record states → rule."""
WEAK = frozenset({"same-priorities", "shared-priority", "register-entry", "related"})
"""Rules whose relation holds between a record and its own mistyped twin, too."""
_INDEX = re.compile(r"-(\d{4,})$")


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    rights: frozenset[str]
    relation: str
    action: str
    """merge, queue or relate."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a rule says about a pair. A directed relation goes from `source` to the other: source corrects other."""

    rule: str
    relation: str
    action: str
    why: str
    source: str | None = None

    @property
    def open(self) -> bool:
        """Whether the two may be the same all the same: a mistyped number leaves only a weak relation standing."""
        return self.action in ("queue", "merge") or self.rule in WEAK


@lru_cache(maxsize=1)
def rules() -> dict[str, Rule]:
    table = tomllib.loads(Path(__file__).with_name("rules.toml").read_text("utf-8"))
    return {name: Rule(name, frozenset(row["rights"]), row["relation"], row["action"]) for name, row in table.items()}


# -------------------------------------------------------------------------------------------------------------- keys


@dataclass(frozen=True, slots=True)
class Keys:
    """`own`: what the record is known by; `wanted`: what it must be met under. A key is 8 bytes of BLAKE2b."""

    own: tuple[int, ...]
    wanted: tuple[int, ...]
    families: tuple[int, ...] = ()
    """Priority numbers, its own application number among them: many records share them, so they are met sparingly."""


def key(*parts: str) -> int:
    digest = hashlib.blake2b("|".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def keys(found: Profile) -> Keys:
    right = found.right
    own = [key(right, "number", number) for number in _identifying(found)]
    references = [number for _, number in found.relations]
    wanted = [*own, *(key(right, "number", number) for number in references)]
    wanted += [key(right, "reference", number) for number in _identifying(found)]
    own += [key(right, "reference", number) for number in references]
    families = [key(right, "priority", number) for number, _ in found.priorities]
    if right in ("patent", "design"):
        families += [key(right, "priority", number) for number in found.numbers.get("application", ())]
    return Keys(tuple(dict.fromkeys(own)), tuple(dict.fromkeys(wanted)), tuple(dict.fromkeys(families)))


def _identifying(found: Profile) -> list[str]:
    numbers = [base_number(number) for held in found.numbers.values() for number in held]
    return list(dict.fromkeys(numbers))


def base_number(number: str) -> str:
    """Without the index of a design: `EM001136808-0001` is design 1 of EM001136808."""
    return _INDEX.sub("", number)


def index_of(found: Profile) -> str | None:
    """Which design of its application, as `0001`; None where nothing says so."""
    if found.design_index:
        return found.design_index
    for type_ in ("registration", "application", "international", "publication"):
        for number in found.numbers.get(type_, ()):
            if match := _INDEX.search(number):
                return match[1]
    return None


# ------------------------------------------------------------------------------------------------------------- judge


def judge(a: Profile, b: Profile) -> Judgement | None:
    """What a rule says about two records, or None: then only a score can tell. Their order is of no account."""
    if a.right != b.right or a.id == b.id:
        return None
    if (b.collection, b.id) < (a.collection, a.id):
        a, b = b, a
    if a.right == "patent":
        found = _patent(a, b)
    elif a.right == "copyright":
        found = _work(a, b)
    else:
        found = _mark(a, b)
    found = found or _reference(a, b) or _reference(b, a)
    if found is None and a.right in ("patent", "design"):
        found = _family(a, b)
    if found is not None and found.action == "merge" and (against := contradiction(a, b)):
        return Judgement(found.rule, found.relation, "queue", f"{found.why} {against}")
    if found is not None and found.action == "merge" and a.collection == b.collection:
        # One provider's data set holds each of its records once: two of them are a question, not an answer.
        return Judgement(found.rule, found.relation, "queue", f"{found.why} {say('duplicates.in-one-collection')}")
    return found


def _say(
    name: str, more: Mapping[str, str] | None = None, /, *, source: Profile | None = None, **facts: str | None
) -> Judgement:
    rule, template = rules()[name], templates()[f"duplicates.{name}"]
    why = template.fill({fact: {**facts, **(more or {})}.get(fact) or "" for fact in template.names})
    return Judgement(name, rule.relation, rule.action, why, source.id if source else None)


def _patent(a: Profile, b: Profile) -> Judgement | None:
    if a.office != b.office:
        return None
    published_a, published_b = _publications(a), _publications(b)
    number = _shared(published_a, published_b)
    application = _shared(a.numbers.get("application", ()), b.numbers.get("application", ()))
    both_applications = bool(a.numbers.get("application") and b.numbers.get("application"))
    day_a, day_b = a.dates.get("publication"), b.dates.get("publication")
    kinds = {"kind": a.kind or "?", "other_kind": b.kind or "?"}
    days = {"date": day_a or "?", "other_date": day_b or "?"}
    if number and a.kind and a.kind == b.kind:
        if both_applications and not application:
            return _say("same-number-other-date", days, number=number, kind=a.kind)
        if day_a and day_a == day_b:
            return _say("same-publication", number=number, kind=a.kind, date=day_a)
        if (not day_a or not day_b) and titles_agree(a, b):
            return _say("same-number-and-title", number=number, kind=a.kind)
        return _say("same-number-other-date", days, number=number, kind=a.kind)
    if a.kind and b.kind and a.kind != b.kind and (number or application):
        correcting = [one for one in (a, b) if one.kind and one.kind[1:] in ("8", "9")]
        if correcting and a.kind[0] == b.kind[0]:
            later = max(correcting, key=lambda one: (one.dates.get("publication", ""), one.kind or "", one.id))
            if number or application:
                return _say("correction", source=later, number=number or application, kind=later.kind)
    if number and a.kind and b.kind:
        if application or {n for n, _ in a.priorities} & {n for n, _ in b.priorities}:
            later = max((a, b), key=lambda one: (one.dates.get("publication", ""), one.kind or "", one.id))
            return _say("stage", kinds, source=later, number=application or number)
        if day_a and day_a == day_b and not both_applications:
            return _say("same-number-other-kind", kinds, number=number, date=day_a)
        if not both_applications and titles_agree(a, b):
            later = max((a, b), key=lambda one: (one.dates.get("publication", ""), one.kind or "", one.id))
            return _say("stage", kinds, source=later, number=number)
        return None
    if published_a and published_b and not (a.kind and b.kind) and application and _months_apart(day_a, day_b):
        later = max((a, b), key=lambda one: (one.dates.get("publication", ""), one.id))
        return _say("stage-without-kind", days, source=later, number=application)
    if application and not a.kind and not b.kind and (number or not (published_a and published_b)):
        filed_a, filed_b = a.dates.get("filing"), b.dates.get("filing")
        filed = (filed_a and filed_a == filed_b) or ((not filed_a or not filed_b) and titles_agree(a, b))
        if filed and (not day_a or not day_b or day_a == day_b):
            return _say("same-application-record", number=application, date=filed_a or filed_b)
        return _say("same-application-other-facts", number=application)
    if number and published_a and published_b:
        return _say("same-number-without-kind", number=number)
    if application and not (published_a and published_b):
        return _say("register-entry", source=a if not published_a else b, number=application)
    if application and a.kind and b.kind:
        if a.kind == b.kind:
            return _say("same-application-other-number", days, number=application, kind=a.kind)
        later = max((a, b), key=lambda one: (one.dates.get("publication", ""), one.kind or "", one.id))
        return _say("stage", kinds, source=later, number=application)
    return None


def _months_apart(one: str | None, other: str | None) -> bool:
    """Whether both days are known and further from each other than a slip explains: in another year on the same day,
    or with day and month swapped, they are not."""
    if not one or not other or one[4:] == other[4:] or (one[5:7], one[8:]) == (other[8:], other[5:7]):
        return False
    return abs((dt.date.fromisoformat(one) - dt.date.fromisoformat(other)).days) >= STAGE_DAYS


def _publications(found: Profile) -> tuple[str, ...]:
    return (
        found.numbers.get("publication", ())
        + found.numbers.get("pct-publication", ())
        + found.numbers.get("registration", ())
    )


def _mark(a: Profile, b: Profile) -> Judgement | None:
    """Marks, designs and indications: application or registration number, or international registration and office."""
    if (judged := _international(a, b)) is not None:
        return judged
    if a.office != b.office:
        return None
    for type_, rule in (("application", "same-mark-application"), ("registration", "same-mark-registration")):
        number = _shared(_bases(a, type_), _bases(b, type_))
        if number is None:
            continue
        if a.right == "design" and (judged := _indexes(a, b, number)) is not None:
            return judged
        if _contradict(a, b, "registration" if type_ == "application" else "application"):
            return _say("same-mark-number-only", number=number)
        date = _agreeing_date(a, b, "filing" if type_ == "application" else "registration")
        if date or (not _dates_contradict(a, b) and signs_agree(a, b)):
            return _say(rule, number=number, evidence=date or say("duplicates.sign-agrees"))
        return _say("same-mark-number-only", number=number)
    return None


def _indexes(a: Profile, b: Profile, number: str) -> Judgement | None:
    first, second = index_of(a), index_of(b)
    if first and second and first.lstrip("0") != second.lstrip("0"):
        return _say("sibling-design", number=number, kind=first, other_kind=second)
    if bool(first) != bool(second):
        return _say("design-without-index", number=number)
    return None


def _international(a: Profile, b: Profile) -> Judgement | None:
    number = _shared(_internationals(a), _internationals(b))
    if number is None:
        return None
    if a.right == "design" and (judged := _indexes(a, b, number)) is not None:
        return judged if a.office == b.office or judged.relation == "sibling" else _designation(a, b, number)
    if a.office == b.office:
        date = _agreeing_date(a, b, "registration") or _agreeing_date(a, b, "filing")
        if date or (not _dates_contradict(a, b) and signs_agree(a, b)):
            name = "same-international" if a.office in INTERNATIONAL_OFFICES else "same-designation"
            return _say(name, number=number)
        return _say("same-mark-number-only", number=number)
    return _designation(a, b, number)


def _designation(a: Profile, b: Profile, number: str) -> Judgement | None:
    if (a.office in INTERNATIONAL_OFFICES) != (b.office in INTERNATIONAL_OFFICES):
        national = b if a.office in INTERNATIONAL_OFFICES else a
        return _say("designation", source=national, number=number)
    return None


def _work(a: Profile, b: Profile) -> Judgement | None:
    if a.office == b.office and (number := _shared(a.numbers.get("work", ()), b.numbers.get("work", ()))):
        return _say("same-work-entry" if titles_agree(a, b) else "same-work-number-only", number=number)
    for type_ in IDENTIFIERS:
        if number := _shared(a.numbers.get(type_, ()), b.numbers.get(type_, ())):
            return _say("same-work-identifier", number=number)
    return None


def _reference(a: Profile, b: Profile) -> Judgement | None:
    """What `a` says about one of the numbers of `b`."""
    own = {base_number(n) for held in b.numbers.values() for n in held}
    for type_, number in a.relations:
        if base_number(number) in own:
            name = REFERENCES.get(type_, "related")
            if name == "designation" and a.right not in rules()["designation"].rights:
                name = "related"
            if a.right not in rules()[name].rights:
                name = "related"
            return _say(name, source=a, number=number)
    return None


def _family(a: Profile, b: Profile) -> Judgement | None:
    mine, others = {number for number, _ in a.priorities}, {number for number, _ in b.priorities}
    shared = mine & others
    if shared:
        same = mine == others
        return _say("same-priorities" if same else "shared-priority", number=min(shared))
    mine |= set(a.numbers.get("application", ()))
    others |= set(b.numbers.get("application", ()))
    if shared := (mine & others):
        return _say("shared-priority", number=min(shared))
    return None


# ------------------------------------------------------------------------------------------------------------- facts


def _shared(mine: tuple[str, ...], others: tuple[str, ...]) -> str | None:
    if not mine or not others:
        return None
    return next((number for number in mine if number in others), None)


def _bases(found: Profile, type_: str) -> tuple[str, ...]:
    return tuple(base_number(number) for number in found.numbers.get(type_, ()))


def _internationals(found: Profile) -> tuple[str, ...]:
    """Numbers of international registrations: at the International Bureau every number is one."""
    types = (
        ("international", "registration", "application")
        if found.office in INTERNATIONAL_OFFICES
        else ("international",)
    )
    return tuple(dict.fromkeys(number for type_ in types for number in _bases(found, type_)))


def _contradict(a: Profile, b: Profile, type_: str) -> bool:
    """Both give such a number, and none in common."""
    mine, others = _bases(a, type_), _bases(b, type_)
    return bool(mine and others and not set(mine) & set(others))


def _agreeing_date(a: Profile, b: Profile, type_: str) -> str | None:
    mine = a.dates.get(type_)
    return mine if mine and mine == b.dates.get(type_) else None


def _dates_contradict(a: Profile, b: Profile) -> bool:
    return any(
        a.dates[type_] != b.dates[type_]
        for type_ in ("filing", "registration")
        if type_ in a.dates and type_ in b.dates
    )


def titles_agree(a: Profile, b: Profile) -> bool:
    """Whether a title long enough to tell is the same in some language of both."""
    return any(
        min(len(a.titles[language]), len(b.titles[language])) >= SHORTEST_TITLE
        and fuzz.token_sort_ratio(a.titles[language], b.titles[language]) >= TITLES_AGREE
        for language in a.titles.keys() & b.titles.keys()
    )


def contradiction(a: Profile, b: Profile) -> str | None:
    """Why an agreeing key may still be a mistyped number, or None.

    Offices publish neighbouring numbers on one day, so a number with one wrong digit meets another publication of the
    same kind and date. Numbers that agree besides (application, priority) speak for the key.
    """
    if a.right != "copyright" and (
        _shared(a.numbers.get("application", ()), b.numbers.get("application", ()))
        and _shared(_publications(a), _publications(b))
    ):
        return None
    if {number for number, _ in a.priorities} & {number for number, _ in b.priorities}:
        return None
    common = [
        fuzz.token_sort_ratio(a.titles[language], b.titles[language]) for language in a.titles.keys() & b.titles.keys()
    ]
    if a.marks and b.marks:
        common.append(max(fuzz.ratio(one, other) for one in a.marks for other in b.marks))
    owners = owners_alike(a, b)
    if common and max(common) < TITLES_DIFFER:
        return None if owners is not None and owners >= OWNERS_ALIKE else say("duplicates.but-nothing-agrees")
    if not common and owners is not None and owners < OWNERS_DIFFER:
        return say("duplicates.but-owners-differ")
    return None


def owners_alike(a: Profile, b: Profile) -> float | None:
    """Best likeness (0 to 100) of two owners in one script; None where there is no such pair."""
    best: float | None = None
    for mine, mine_latin, _ in a.owners:
        for other, other_latin, _ in b.owners:
            latin = fuzz.token_set_ratio(mine_latin or mine, other_latin or other)
            same = mine.isascii() == other.isascii()
            if same or latin >= OWNERS_ALIKE:
                likeness = max(latin, fuzz.token_set_ratio(mine, other) if same else 0)
                best = likeness if best is None else max(best, likeness)
    return best


def signs_agree(a: Profile, b: Profile) -> bool:
    """The same verbal element, or, for what has none, agreeing titles."""
    if a.marks or b.marks:
        return bool(set(a.marks) & set(b.marks))
    return titles_agree(a, b)

"""The checks behind the rules: one small function a rule, registered by its name."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from indexer.quality.rules import Rule, rules
from indexer.record import (
    DateType,
    Finding,
    Layer,
    NumberType,
    PartyRole,
    Record,
    Right,
    TextType,
)


class Doubt(NamedTuple):
    """What a check returns: the value doubted, details for the message, and the field where the rule's own is too
    wide.
    """

    value: str | None = None
    details: Mapping[str, str] = MappingProxyType({})
    field: str | None = None


Check = Callable[["Facts"], Iterable[Doubt]]
CHECKS: dict[str, Check] = {}


def checks(name: str) -> Callable[[Check], Check]:
    def register(found: Check) -> Check:
        CHECKS[name] = found
        return found

    return register


class Facts:
    """A record with what many checks ask for, worked out once."""

    __slots__ = (
        "applications",
        "dates",
        "filing",
        "images",
        "mark_text",
        "publication",
        "record",
        "roles",
        "schemes",
        "text_types",
        "today",
    )

    def __init__(self, record: Record, today: dt.date) -> None:
        self.record = record
        self.today = today
        self.dates: dict[DateType, dt.date] = {}
        for fact in record.dates:
            self.dates.setdefault(fact.type, fact.date)
        self.filing = self.dates.get(DateType.FILING)
        self.publication = self.dates.get(DateType.PUBLICATION)
        self.text_types = {text.type for text in record.texts}
        self.roles = {party.role for party in record.parties}
        self.schemes = {c.scheme for c in record.classifications}
        self.images = {image.type for image in record.images}
        self.mark_text = TextType.MARK_TEXT in self.text_types
        self.applications = [n for n in record.numbers if n.type is NumberType.APPLICATION]


def check(record: Record, today: dt.date | None = None) -> tuple[Finding, ...]:
    """All findings on `record`: those it already has (from harmonising) and those of every rule that applies, none
    twice.

    `today` is the day against which dates lie in the future; the present day unless given.
    """
    facts = Facts(record, today or dt.date.today())
    found = list(record.findings)
    for rule, run in _applying(record.right, record.office):
        found.extend(_finding(rule, doubt) for doubt in run(facts))
    return tuple(dict.fromkeys(found)) if len(found) > len(record.findings) else record.findings


@lru_cache(maxsize=4096)
def _applying(right: Right, office: str) -> tuple[tuple[Rule, Check], ...]:
    return tuple(
        (rule, CHECKS[name]) for name, rule in rules().items() if name in CHECKS and rule.applies_to(right, office)
    )


_LONGEST = 200


def _finding(rule: Rule, doubt: Doubt) -> Finding:
    value = doubt.value if doubt.value is None or len(doubt.value) <= _LONGEST else doubt.value[:_LONGEST] + "…"
    field = doubt.field or rule.field
    return Finding.model_construct(
        rule=rule.name,
        severity=rule.severity,
        field=field,
        message=rule.message.format(value=value, field=field, **doubt.details),
        value=value,
    )


# ── dates ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _before_filing(facts: Facts, type: DateType) -> Iterator[Doubt]:
    date = facts.dates.get(type)
    if date is not None and facts.filing is not None and date < facts.filing:
        yield Doubt(date.isoformat(), {"filing": facts.filing.isoformat()})


@checks("publication-before-filing")
def _(facts: Facts) -> Iterator[Doubt]:
    return _before_filing(facts, DateType.PUBLICATION)


@checks("grant-before-filing")
def _(facts: Facts) -> Iterator[Doubt]:
    return _before_filing(facts, DateType.GRANT)


@checks("registration-before-filing")
def _(facts: Facts) -> Iterator[Doubt]:
    return _before_filing(facts, DateType.REGISTRATION)


@checks("expiry-before-filing")
def _(facts: Facts) -> Iterator[Doubt]:
    return _before_filing(facts, DateType.EXPIRY)


@checks("expiry-before-registration")
def _(facts: Facts) -> Iterator[Doubt]:
    expiry, registration = facts.dates.get(DateType.EXPIRY), facts.dates.get(DateType.REGISTRATION)
    if expiry and registration and expiry < registration:
        yield Doubt(expiry.isoformat(), {"registration": registration.isoformat()})


LONGEST_TERM = {Right.PATENT: 26, Right.DESIGN: 51}
"""Years from filing: 20 and 5 of a certificate (6 months more for children's medicines); 50 years of French
designs before 2001.
"""


@checks("term-too-long")
def _(facts: Facts) -> Iterator[Doubt]:
    expiry, filing = facts.dates.get(DateType.EXPIRY), facts.filing
    if expiry and filing and expiry.year - filing.year > LONGEST_TERM.get(facts.record.right, 1000):
        yield Doubt(expiry.isoformat(), {"years": str(expiry.year - filing.year)})


@checks("priority-after-filing")
def _(facts: Facts) -> Iterator[Doubt]:
    for priority in facts.record.priorities:
        if priority.date and facts.filing and priority.date > facts.filing:
            yield Doubt(priority.date.isoformat(), {"filing": facts.filing.isoformat()})


PRIORITY_DAYS = {Right.PATENT: (12, 366 + 62), Right.TRADEMARK: (6, 184 + 14), Right.DESIGN: (6, 184 + 62)}
"""Months of the Paris Convention (Article 4C) and days allowed here: two months of restoration (PLT Rule 13), and
weekends.
"""


@checks("priority-too-early")
def _(facts: Facts) -> Iterator[Doubt]:
    months, days = PRIORITY_DAYS[facts.record.right]
    if facts.filing is None or facts.record.relations or not facts.record.priorities:
        return
    if facts.record.number(NumberType.PCT_APPLICATION, NumberType.PCT_PUBLICATION):
        return
    dates = [p.date for p in facts.record.priorities if p.date and p.date <= facts.filing]
    latest = max(dates, default=None)
    if latest and (facts.filing - latest).days > days:
        yield Doubt(latest.isoformat(), {"filing": facts.filing.isoformat(), "months": str(months)})


@checks("publication-before-priority")
def _(facts: Facts) -> Iterator[Doubt]:
    for priority in facts.record.priorities:
        if priority.date and facts.publication and priority.date > facts.publication:
            yield Doubt(facts.publication.isoformat(), {"priority": priority.date.isoformat()})
            return


_HAPPENED = frozenset(
    {
        DateType.FILING,
        DateType.RECEIPT,
        DateType.GRANT,
        DateType.REGISTRATION,
        DateType.PUBLICATION,
        DateType.PRIORITY,
        DateType.CREATION,
        DateType.FIRST_USE,
    }
)


@checks("date-in-future")
def _(facts: Facts) -> Iterator[Doubt]:
    for fact in facts.record.dates:
        if (
            fact.type in _HAPPENED
            and fact.date > facts.today
            and not (fact.type is DateType.PUBLICATION and facts.record.unpublished)
        ):
            yield Doubt(fact.date.isoformat(), field=f"dates.{fact.type.value}")


@checks("date-before-office")
def _(facts: Facts) -> Iterator[Doubt]:
    oldest = 1850 if facts.record.right is Right.TRADEMARK else 1617
    for fact in facts.record.dates:
        if (
            fact.type in _HAPPENED
            and fact.type not in (DateType.CREATION, DateType.FIRST_USE)
            and fact.date.year < oldest
        ):
            yield Doubt(fact.date.isoformat(), field=f"dates.{fact.type.value}")


@checks("filing-date-missing")
def _(facts: Facts) -> Iterator[Doubt]:
    if facts.filing is None:
        yield Doubt()


@checks("publication-date-missing")
def _(facts: Facts) -> Iterator[Doubt]:
    if facts.publication is None and facts.record.number(NumberType.PUBLICATION):
        yield Doubt(facts.record.numbers[0].raw)


_YEAR_IN_NUMBER = re.compile(
    r"(?:JP|CN|KR(?:10|20|30|40)|DE(?:1\d|2\d|3\d|4\d)|FI|NO|RU|MX|BR\d\d)((?:19|20)\d\d)\d{4,8}"
)


@checks("number-year-mismatch")
def _(facts: Facts) -> Iterator[Doubt]:
    if facts.filing is None or facts.record.relations:
        return
    for number in facts.applications:
        match = _YEAR_IN_NUMBER.fullmatch(number.canonical)
        if match and number.office == facts.record.office and abs(int(match[1]) - facts.filing.year) > 1:
            if facts.record.number(NumberType.PCT_APPLICATION, NumberType.PCT_PUBLICATION):
                continue
            yield Doubt(number.canonical, {"year": match[1], "filing": facts.filing.isoformat()})


# ── texts ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@checks("title-missing")
def _(facts: Facts) -> Iterator[Doubt]:
    if TextType.TITLE not in facts.text_types:
        yield Doubt()


_PLACEHOLDERS = frozenset(
    {
        "-",
        "--",
        ".",
        "N/A",
        "NA",
        "TITLE",
        "UNTITLED",
        "NONE",
        "NULL",
        "TEST",
        "XXX",
        "UNKNOWN",
        "TBD",
        "NO TITLE",
        "ohne Titel".upper(),
        "不明",
        "無題",
        "无",
    }
)


@checks("title-placeholder")
def _(facts: Facts) -> Iterator[Doubt]:
    for text in facts.record.texts:
        if text.type is TextType.TITLE and text.text.strip().upper().strip("[]()<>.") in _PLACEHOLDERS | {""}:
            yield Doubt(text.text)


LONGEST_TITLE = 1000


@checks("title-overlong")
def _(facts: Facts) -> Iterator[Doubt]:
    for text in facts.record.texts:
        if text.type is TextType.TITLE and len(text.text) > LONGEST_TITLE:
            yield Doubt(text.text, {"length": str(len(text.text))})


@checks("abstract-is-title")
def _(facts: Facts) -> Iterator[Doubt]:
    titles = {text.text.strip().casefold() for text in facts.record.texts if text.type is TextType.TITLE}
    for text in facts.record.texts:
        if text.type is TextType.ABSTRACT and text.text.strip().casefold() in titles:
            yield Doubt(text.text)


_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_DAMAGE = re.compile(r"\ufffd|Ã[\x80-\xbf©¨¤¶¼§ª«±³º]|Â[\xa0-\xbf]|â€[™œ\x9d\x9c“”]|\?{4,}|ï»¿")
_MARKUP = re.compile(
    r"</?[a-zA-Z][\w:-]{0,20}(?:\s[^<>]{0,80})?/?>|&(?:amp|lt|gt|quot|nbsp|#\d{2,5}|#x[0-9a-fA-F]{2,5});"
)
_LOOKED_AT = 20_000
"""Characters of each text looked at for damage: it shows early, and descriptions are long."""


def _matching(facts: Facts, pattern: re.Pattern[str]) -> Iterator[Doubt]:
    for text in facts.record.texts:
        if match := pattern.search(text.text, 0, _LOOKED_AT):
            around = text.text[max(0, match.start() - 15) : match.end() + 15]
            yield Doubt(around, field=f"texts.{text.type.value}")


@checks("text-control-characters")
def _(facts: Facts) -> Iterator[Doubt]:
    return _matching(facts, _CONTROL)


@checks("text-encoding-damage")
def _(facts: Facts) -> Iterator[Doubt]:
    for text in facts.record.texts:
        if not text.text.isascii() or "????" in text.text:
            yield from _one(text.text, text.type, _DAMAGE)


def _one(text: str, type: TextType, pattern: re.Pattern[str]) -> Iterator[Doubt]:
    if match := pattern.search(text, 0, _LOOKED_AT):
        yield Doubt(text[max(0, match.start() - 15) : match.end() + 15], field=f"texts.{type.value}")


@checks("text-markup")
def _(facts: Facts) -> Iterator[Doubt]:
    for text in facts.record.texts:
        if "<" in text.text or "&" in text.text:
            yield from _one(text.text, text.type, _MARKUP)


@checks("text-same-in-languages")
def _(facts: Facts) -> Iterator[Doubt]:
    if len(facts.record.texts) < 2:
        return
    declared: dict[tuple[TextType, str], set[str]] = {}
    for text in facts.record.texts:
        if text.declared_language and len(text.text) >= 12 and text.class_symbol is None:
            declared.setdefault((text.type, text.text.casefold()), set()).add(text.declared_language.casefold())
    for (type, value), tags in declared.items():
        if len(tags) > 1:
            yield Doubt(value, {"languages": ", ".join(sorted(tags))}, f"texts.{type.value}")


@checks("text-language-unknown")
def _(facts: Facts) -> Iterator[Doubt]:
    for text in facts.record.texts:
        if (
            text.language == "xx"
            and text.type in (TextType.TITLE, TextType.ABSTRACT)
            and any(c.isalpha() for c in text.text)
        ):
            yield Doubt(text.text, field=f"texts.{text.type.value}")


@checks("title-only-machine-made")
def _(facts: Facts) -> Iterator[Doubt]:
    layers = {text.layer for text in facts.record.texts if text.type is TextType.TITLE}
    if layers and Layer.OFFICE not in layers:
        yield Doubt(" and ".join(sorted(layer.value for layer in layers)))


@checks("claims-missing")
def _(facts: Facts) -> Iterator[Doubt]:
    if (
        facts.record.kind_group == "grant"
        and TextType.DESCRIPTION in facts.text_types
        and TextType.CLAIMS not in facts.text_types
    ):
        yield Doubt()


LONGEST_TEXT = 1_000_000


@checks("oversized-text")
def _(facts: Facts) -> Iterator[Doubt]:
    for text in facts.record.texts:
        if len(text.text) > LONGEST_TEXT:
            yield Doubt(None, {"length": str(len(text.text))}, f"texts.{text.type.value}")


# ── parties ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@checks("applicant-missing")
def _(facts: Facts) -> Iterator[Doubt]:
    holders = {PartyRole.APPLICANT, PartyRole.OWNER}
    if facts.record.right is Right.PATENT:
        holders.add(PartyRole.INVENTOR)  # who applies where nobody else is named
    if not facts.roles & holders:
        yield Doubt()


def _missing(facts: Facts, role: PartyRole) -> Iterator[Doubt]:
    if role not in facts.roles:
        yield Doubt()


@checks("inventor-missing")
def _(facts: Facts) -> Iterator[Doubt]:
    return _missing(facts, PartyRole.INVENTOR)


@checks("designer-missing")
def _(facts: Facts) -> Iterator[Doubt]:
    return _missing(facts, PartyRole.DESIGNER)


@checks("author-missing")
def _(facts: Facts) -> Iterator[Doubt]:
    return _missing(facts, PartyRole.AUTHOR)


@checks("party-without-name")
def _(facts: Facts) -> Iterator[Doubt]:
    for party in facts.record.parties:
        if not party.name:
            yield Doubt(party.identifier, {"role": party.role.value}, f"parties.{party.role.value}")


@checks("party-name-damaged")
def _(facts: Facts) -> Iterator[Doubt]:
    for party in facts.record.parties:
        if (
            _CONTROL.search(party.name)
            or (not party.name.isascii() and _DAMAGE.search(party.name))
            or "??" in party.name
        ):
            yield Doubt(party.name, field=f"parties.{party.role.value}")


MOST_PARTIES = 1000


@checks("party-many")
def _(facts: Facts) -> Iterator[Doubt]:
    if len(facts.record.parties) > MOST_PARTIES:
        yield Doubt(str(len(facts.record.parties)))


_ADDRESS = re.compile(r",.*\d{4,}|\d{4,}.*,|\b\d{5}\b.*\b[A-Z]{2}\b")


@checks("party-address-in-name")
def _(facts: Facts) -> Iterator[Doubt]:
    for party in facts.record.parties:
        if len(party.name) > 40 and _ADDRESS.search(party.name):
            yield Doubt(party.name, field=f"parties.{party.role.value}")


# ── classes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _outside(facts: Facts, scheme: str, first: int, last: int) -> Iterator[Doubt]:
    for found in facts.record.classifications:
        if found.scheme == scheme and (match := re.match(r"\d+", found.symbol)) and not first <= int(match[0]) <= last:
            yield Doubt(found.symbol)


def _editions(facts: Facts, scheme: str, last: int) -> Iterator[Doubt]:
    for found in facts.record.classifications:
        if (
            found.scheme == scheme
            and found.edition
            and found.edition.isdigit()
            and len(found.edition) <= 2
            and not 1 <= int(found.edition) <= last
        ):
            yield Doubt(found.edition)
            return


@checks("nice-range")
def _(facts: Facts) -> Iterator[Doubt]:
    return _outside(facts, "NICE", 1, 45)


@checks("nice-missing")
def _(facts: Facts) -> Iterator[Doubt]:
    if "NICE" not in facts.schemes:
        yield Doubt()


@checks("nice-edition-unknown")
def _(facts: Facts) -> Iterator[Doubt]:
    return _editions(facts, "NICE", 13)


@checks("goods-missing")
def _(facts: Facts) -> Iterator[Doubt]:
    if "NICE" in facts.schemes and TextType.GOODS_SERVICES not in facts.text_types:
        yield Doubt()


@checks("goods-class-unlisted")
def _(facts: Facts) -> Iterator[Doubt]:
    listed = {c.symbol for c in facts.record.classifications if c.scheme == "NICE"}
    named = {t.class_symbol for t in facts.record.texts if t.type is TextType.GOODS_SERVICES and t.class_symbol}
    if listed:
        for symbol in sorted(named - listed):
            yield Doubt(symbol)


@checks("vienna-range")
def _(facts: Facts) -> Iterator[Doubt]:
    return _outside(facts, "VIENNA", 1, 29)


@checks("vienna-edition-unknown")
def _(facts: Facts) -> Iterator[Doubt]:
    return _editions(facts, "VIENNA", 10)


_FIGURATIVE = frozenset({"figurative", "combined"})


@checks("figurative-without-vienna")
def _(facts: Facts) -> Iterator[Doubt]:
    mark = facts.record.mark
    if mark and mark.feature in _FIGURATIVE and not facts.schemes & {"VIENNA", "US-DESIGN"}:
        yield Doubt(mark.feature)


@checks("locarno-range")
def _(facts: Facts) -> Iterator[Doubt]:
    return _outside(facts, "LOCARNO", 1, 32)


@checks("locarno-missing")
def _(facts: Facts) -> Iterator[Doubt]:
    if "LOCARNO" not in facts.schemes:
        yield Doubt()


@checks("locarno-edition-unknown")
def _(facts: Facts) -> Iterator[Doubt]:
    return _editions(facts, "LOCARNO", 15)


@checks("ipc-missing")
def _(facts: Facts) -> Iterator[Doubt]:
    if not facts.schemes:
        yield Doubt()


@checks("ipc-edition-odd")
def _(facts: Facts) -> Iterator[Doubt]:
    for found in facts.record.classifications:
        if (
            found.scheme == "IPC"
            and found.edition
            and not re.fullmatch(r"[1-8]|(?:19[6-9]\d|20\d\d)(?:\.\d\d)?", found.edition)
        ):
            yield Doubt(found.edition)
            return


# ── numbers, priorities, relations ───────────────────────────────────────────────────────────────────────────────────


@checks("priority-dangling")
def _(facts: Facts) -> Iterator[Doubt]:
    for priority in facts.record.priorities:
        if priority.date is None:
            yield Doubt(priority.number.canonical)


@checks("priority-office-unknown")
def _(facts: Facts) -> Iterator[Doubt]:
    for priority in facts.record.priorities:
        if priority.number.office == "XX":
            yield Doubt(priority.number.raw)


@checks("priority-is-self")
def _(facts: Facts) -> Iterator[Doubt]:
    own = {number.canonical for number in facts.applications}
    for priority in facts.record.priorities:
        if priority.number.canonical in own:
            yield Doubt(priority.number.canonical)


@checks("cites-itself")
def _(facts: Facts) -> Iterator[Doubt]:
    own = {(n.canonical, n.kind) for n in facts.record.numbers if n.type is NumberType.PUBLICATION}
    for citation in facts.record.citations:
        if citation.number and (citation.number.canonical, citation.number.kind) in own:
            yield Doubt(citation.number.canonical)


_SHARED = frozenset(
    {NumberType.OTHER, NumberType.PCT_APPLICATION, NumberType.PCT_PUBLICATION, NumberType.INTERNATIONAL}
)
"""Numbers that a national record and what it is related to have in common."""


@checks("relation-to-itself")
def _(facts: Facts) -> Iterator[Doubt]:
    if not facts.record.relations:
        return
    own = {(n.type, n.canonical, n.kind) for n in facts.record.numbers}
    for relation in facts.record.relations:
        number = relation.number
        if (
            number
            and number.type not in _SHARED
            and (number.type, number.canonical, number.kind) in own
            and relation.type.value not in ("corrects", "basic-mark-of")
        ):
            yield Doubt(number.canonical)


@checks("correction-without-original")
def _(facts: Facts) -> Iterator[Doubt]:
    if facts.record.kind_group == "correction" and not any(r.type.value == "corrects" for r in facts.record.relations):
        yield Doubt(facts.record.kind)


@checks("announcement-only")
def _(facts: Facts) -> Iterator[Doubt]:
    if facts.record.kind_group == "announcement":
        yield Doubt(facts.record.kind)


@checks("grant-number-conflict")
def _(facts: Facts) -> Iterator[Doubt]:
    for type in (NumberType.PUBLICATION, NumberType.APPLICATION):
        own = {
            n.canonical
            for n in facts.record.numbers
            if n.type is type and n.office == facts.record.office and n.kind == facts.record.kind
        }
        if len(own) > 1:
            yield Doubt(", ".join(sorted(own)), {"type": type.value}, f"numbers.{type.value}")


# ── images, marks, designs, works ────────────────────────────────────────────────────────────────────────────────────


@checks("mark-without-representation")
def _(facts: Facts) -> Iterator[Doubt]:
    if not facts.mark_text and not facts.record.images and TextType.MARK_DESCRIPTION not in facts.text_types:
        yield Doubt()


@checks("figurative-without-image")
def _(facts: Facts) -> Iterator[Doubt]:
    mark = facts.record.mark
    if mark and mark.feature in _FIGURATIVE and not facts.record.images:
        yield Doubt(mark.feature)


_UNSAFE = re.compile(r"(?:^|[/\\])\.\.(?:[/\\]|$)|^[/\\](?![/\\])|^[A-Za-z]:[\\/]|^\\\\")


@checks("image-reference-unsafe")
def _(facts: Facts) -> Iterator[Doubt]:
    for image in facts.record.images:
        if _UNSAFE.search(image.reference):
            yield Doubt(image.reference)


@checks("image-repeated")
def _(facts: Facts) -> Iterator[Doubt]:
    seen: set[tuple[str, int]] = set()
    for image in facts.record.images:
        if image.sequence is not None:
            if (image.type, image.sequence) in seen:
                yield Doubt(str(image.sequence))
            seen.add((image.type, image.sequence))


@checks("design-without-view")
def _(facts: Facts) -> Iterator[Doubt]:
    if not facts.record.images:
        yield Doubt()


@checks("design-index-beyond-total")
def _(facts: Facts) -> Iterator[Doubt]:
    design = facts.record.design
    if not design or not design.design_index or not design.design_index.isdigit() or not design.total_designs:
        return
    if int(design.design_index) > design.total_designs:
        yield Doubt(design.design_index, {"total": str(design.total_designs)})


@checks("product-missing")
def _(facts: Facts) -> Iterator[Doubt]:
    if not facts.text_types & {TextType.PRODUCT_INDICATION, TextType.TITLE}:
        yield Doubt()


@checks("work-search-missing")
def _(facts: Facts) -> Iterator[Doubt]:
    if TextType.DILIGENT_SEARCH not in facts.text_types:
        yield Doubt()


@checks("work-kind-missing")
def _(facts: Facts) -> Iterator[Doubt]:
    if facts.record.work is None or not facts.record.work.kinds:
        yield Doubt()


@checks("work-year-odd")
def _(facts: Facts) -> Iterator[Doubt]:
    work = facts.record.work
    if work and work.year and work.year > facts.today.year:
        yield Doubt(str(work.year))


# ── status and publicity ─────────────────────────────────────────────────────────────────────────────────────────────


@checks("status-active-after-expiry")
def _(facts: Facts) -> Iterator[Doubt]:
    expiry, status = facts.dates.get(DateType.EXPIRY), facts.record.status
    if status is None or status.state != "active" or expiry is None or expiry >= facts.today:
        return
    # a status of a day before the expiry said the truth then
    if status.as_of is None or status.as_of > expiry:
        yield Doubt(expiry.isoformat())


@checks("status-missing")
def _(facts: Facts) -> Iterator[Doubt]:
    if facts.record.status is None:
        yield Doubt()


@checks("event-before-filing")
def _(facts: Facts) -> Iterator[Doubt]:
    for event in facts.record.events:
        date = event.event_date or event.effective_date
        if date and facts.filing and date < facts.filing:
            yield Doubt(f"{event.raw_code} of {date.isoformat()}")


@checks("event-in-future")
def _(facts: Facts) -> Iterator[Doubt]:
    for event in facts.record.events:
        if event.event_date and event.event_date > facts.today:
            yield Doubt(f"{event.raw_code} of {event.event_date.isoformat()}")


@checks("event-withdrawn")
def _(facts: Facts) -> Iterator[Doubt]:
    for event in facts.record.events:
        if event.withdrawn:
            yield Doubt(event.raw_code)


@checks("unpublished-but-published")
def _(facts: Facts) -> Iterator[Doubt]:
    if facts.record.unpublished and facts.publication and facts.publication <= facts.today:
        yield Doubt(facts.publication.isoformat())


@checks("designation-empty")
def _(facts: Facts) -> Iterator[Doubt]:
    international = [n for n in facts.record.numbers if n.type is NumberType.INTERNATIONAL]
    if international and facts.record.office in ("WO", "IB") and not facts.record.designations:
        yield Doubt(international[0].canonical)

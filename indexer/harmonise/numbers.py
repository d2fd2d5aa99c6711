"""Canonical numbers: one writing for each publication, application and registration of each office.

`tables/number_rules.tsv` holds the rules; the first row of the office that matches decides. What no row knows keeps its
characters, so that two different numbers never become one.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from anyascii import anyascii

from indexer.harmonise.number_functions import FUNCTIONS, Answer, Question, de_kind, four_digit_year
from indexer.harmonise.offices import OFFICES, office_code
from indexer.harmonise.tables_reader import rows
from indexer.record import NumberType, Right


@dataclass(frozen=True, slots=True)
class CanonicalNumber:
    canonical: str
    """Office code and number, or the number's own form for PCT applications (`GB0204635W`)."""
    forms: tuple[str, ...] = ()
    """Other writings under which people look for it, without `canonical`."""
    kind: str | None = None
    """Kind code: the one given, one found in the number, or the one that replaces an old kind."""
    notes: tuple[str, ...] = ()
    """What was doubted or changed, for findings."""
    known: bool = True
    """False where no rule of the office knows this shape of number."""


_LETTERS = {
    "p": {NumberType.PUBLICATION},
    "r": {NumberType.REGISTRATION},
    "a": {NumberType.APPLICATION},
    "i": {NumberType.INTERNATIONAL},
    "w": {NumberType.PCT_PUBLICATION},
    "x": {NumberType.PCT_APPLICATION},
}
_RIGHTS = {Right.PATENT: "p", Right.TRADEMARK: "t", Right.DESIGN: "d", Right.COPYRIGHT: "c", Right.GI: "g"}
_FIELD = re.compile(r"\{(\w+)((?:\|\w+)*)\}")


@dataclass(frozen=True, slots=True)
class Rule:
    pattern: re.Pattern[str]
    canonical: str
    forms: tuple[str, ...]
    example: str


@lru_cache(maxsize=1)
def _table() -> dict[str, list[tuple[str, str, Rule]]]:
    table: dict[str, list[tuple[str, str, Rule]]] = {}
    for row in rows("number_rules"):
        rule = Rule(re.compile(row["pattern"]), row["canonical"], tuple(row["forms"].split()), row["example"])
        table.setdefault(row["office"], []).append((row["rights"], row["types"], rule))
    return table


@lru_cache(maxsize=4096)
def rules_for(office: str, type: NumberType, right: Right) -> tuple[Rule, ...]:
    """Rules for one office's numbers of one type, in the table's order; the rules for any office come first."""
    letter = _RIGHTS[right]
    return tuple(
        rule
        for rights, types, rule in (*_table().get("*", ()), *_table().get(office, ()), *_table().get("**", ()))
        if (rights == "*" or letter in rights) and (types == "*" or any(type in _LETTERS[t] for t in types))
    )


@lru_cache(maxsize=4096)
def _has_rules(office: str, type: NumberType, right: Right) -> bool:
    """Whether the office has rules of its own for these numbers: only then is another shape worth a doubt."""
    letter = _RIGHTS[right]
    return any(
        letter in rights and (types == "*" or any(type in _LETTERS[t] for t in types))
        for rights, types, _ in _table().get(office, ())
    )


def _filtered(value: str, filters: list[str], date: dt.date | None) -> str:
    for name in filters:
        if name == "int":
            value = str(int(value)) if value.isdigit() else value
        elif name == "year":
            value = str(four_digit_year(value, date))
        elif name == "yy":
            value = value[-2:]
        elif name == "dash":
            value = f"-{value}" if value else ""
        else:
            value = value.zfill(int(name)) if value else ""
    return value


def _filled(template: str, parts: dict[str, str], date: dt.date | None) -> str:
    def field(match: re.Match[str]) -> str:
        return _filtered(parts[match[1]], match[2].split("|")[1:], date)

    return _FIELD.sub(field, template)


_LOOKALIKES = str.maketrans("АВСЕНКМОРТХУасеорхуU", "ABCEHKMOPTXYaceopxyU")
"""Cyrillic letters typed where Latin ones are meant: а 2005 01234."""
_DASHES = re.compile(r"[\u2010-\u2015\u2212\u30fc\u301c\ufe58\ufe63\uff0d~]")
_SPACES = re.compile(r"[\s\u00a0\u3000,'’`]+")
_WORDS = re.compile(r"^(?:(?:NO|NR|N|NUM|SER|APPL|APP|PAT|SERIAL|REG)[.º°]+)+|^№|^#")
_KIND = re.compile(r"(?P<number>.*\d)[-_.]?(?P<kind>[A-Z]\d?)")
_KIND_IN_BRACKETS = re.compile(r"(?P<number>.*\d)\((?P<kind>[A-Z]\d?)\)")
_UNSAFE = re.compile(r"[^A-Z0-9]+")


@lru_cache(maxsize=65536)
def _body(raw: str) -> str:
    text = raw if raw.isascii() else _DASHES.sub("-", unicodedata.normalize("NFKC", raw)).translate(_LOOKALIKES)
    return _WORDS.sub("", _SPACES.sub("", text.upper()))


_OLD_CODES = {"GB": ("GB", "UK")}


_WRITTEN = re.compile(r"(?P<office>[A-Z]{2})[-/ ]+(?P<kind>[A-Z]\d?)[-/ ]+(?P<number>(?:\d|RE|PP|D|H|T|PI|MU).*)")


@lru_cache(maxsize=16384)
def written_out(raw: str) -> tuple[str, str, str] | None:
    """(office, kind, number) of a citation written out, as in `US-A- 5 948 634` or `WO-A-03/008444`; None for
    others.
    """
    match = _WRITTEN.fullmatch(_DASHES.sub("-", raw).strip().upper())
    if match and match["office"] in OFFICES:
        return match["office"], match["kind"], match["number"]
    return None


def _without_office(body: str, office: str) -> str:
    for prefix in _OLD_CODES.get(office, (office,)):
        rest = body.removeprefix(prefix)
        if rest != body and rest[:1] and (not rest[0].isalpha() or _LEADING_LETTERS.match(rest)):
            return rest.lstrip("-/.:_") if rest[0] in "-/.:_" else rest
    return body


_LEADING_LETTERS = re.compile(r"[A-Z]{1,4}[-/.]?\d|PCT|[^\x00-\x7f]")
_CODED = re.compile(r"[A-Z]{2}\d")


@lru_cache(maxsize=131072)
def canonical_number(
    raw: str,
    *,
    office: str,
    type: NumberType,
    right: Right,
    kind: str | None = None,
    date: dt.date | None = None,
    format: str | None = None,
) -> CanonicalNumber:
    """The canonical form of `raw`, a number that `office` (ST.3) gave.

    `date` is the number's own date and settles two-digit years and eras; `format` is `docdb`, `epodoc` or `original`
    where the delivery says so. Never raises: a number of unknown shape comes back with its own characters and
    known=False.
    """
    if len(raw) > LONGEST_NUMBER:
        return CanonicalNumber(_generic(_body(raw[:LONGEST_NUMBER]), office).canonical, (), kind, (), False)
    if type not in _RULED:
        return _identifier(raw, office, type)
    body = _body(raw)
    question = Question(office, type, right, kind, date, format)
    bare = _without_office(body, office)
    found = _apply(bare, question) or (_apply(body, question) if bare != body else None)
    if (
        found is None
        and right is Right.PATENT
        and (split := _KIND_IN_BRACKETS.fullmatch(bare) or _KIND.fullmatch(bare))
    ):
        own = split["kind"]
        question = Question(office, type, right, kind or own, date, format)
        found = _apply(split["number"], question)
        if found is None and not _has_rules(office, type, right):
            found = _generic(split["number"], office)
        if found is not None:
            kind = kind or own
    if found is None and office == "US" and "." in bare:
        found = _apply(bare.replace(".", ""), question)
    known = found is not None or not _has_rules(office, type, right)
    if found is None:
        found = _generic(bare, office)
    kind, notes = found.kind or kind, found.notes
    if office == "DE" and right is Right.PATENT and type is NumberType.PUBLICATION:
        kind, more = de_kind(found.canonical[2:], kind)
        notes += more
    forms = tuple(dict.fromkeys(form for form in found.forms if form != found.canonical))
    return CanonicalNumber(found.canonical, forms, kind, notes, known)


_APPLICATIONS = frozenset({NumberType.APPLICATION, NumberType.PCT_APPLICATION})
LONGEST_NUMBER = 200
"""Characters beyond which a text is no number; its beginning stands for it."""
_RULED = {type for types in _LETTERS.values() for type in types}


def _apply(body: str, question: Question) -> Answer | None:
    for rule in rules_for(question.office, question.type, question.right):
        match = rule.pattern.fullmatch(body)
        if match is None:
            continue
        parts = {name: value or "" for name, value in match.groupdict().items()}
        if rule.canonical.startswith("@"):
            answer = FUNCTIONS[rule.canonical[1:]](parts, question)
            if answer is not None:
                return answer
            continue
        return Answer(
            _filled(rule.canonical, parts, question.date),
            tuple(_filled(form, parts, question.date) for form in rule.forms),
        )
    return None


def _generic(body: str, office: str) -> Answer:
    """Separators become hyphens: `12/3` and `1/23` stay two numbers."""
    latin = body if body.isascii() else anyascii(body).upper()
    kept = _UNSAFE.sub("-", latin).strip("-")
    joined = kept.replace("-", "")
    return Answer(f"{office}{kept}", (f"{office}{joined}",) if joined != kept else ())


def _identifier(raw: str, office: str, type: NumberType) -> CanonicalNumber:
    """ISBN, ISSN, ISRC, ISWC, ISAN, work and other numbers: their own characters, the checks verified."""
    text = unicodedata.normalize("NFKC", raw).upper().strip()
    text = re.sub(rf"^(?:URN:)?{type.value.upper()}[\s:.-]*", "", text) if type.value.startswith("is") else text
    plain = _UNSAFE.sub("", text if text.isascii() else anyascii(text).upper())
    if type is NumberType.ISBN:
        return _isbn(plain)
    if type is NumberType.ISSN:
        ok = bool(re.fullmatch(r"\d{7}[\dX]", plain)) and _issn_check(plain[:7]) == plain[7]
        return CanonicalNumber(f"ISSN{plain}", (), None, () if ok else (f"ISSN {raw} fails its check",), ok)
    if type in (NumberType.ISRC, NumberType.ISWC, NumberType.ISAN):
        shapes = {"isrc": r"[A-Z]{2}[A-Z0-9]{3}\d{7}", "iswc": r"T\d{10}", "isan": r"[0-9A-F]{16}[0-9A-Z]?.*"}
        ok = bool(re.fullmatch(shapes[type.value], plain))
        name = type.value.upper()
        return CanonicalNumber(f"{name}{plain}", (), None, () if ok else (f"{name} {raw} has the wrong shape",), ok)
    kept = _UNSAFE.sub("-", (text if text.isascii() else anyascii(text).upper())).strip("-")
    bare = kept.removeprefix(office).lstrip("-") or kept
    return CanonicalNumber(f"{office}{bare}", (f"{office}{plain.removeprefix(office)}",) if plain != kept else ())


def _isbn(plain: str) -> CanonicalNumber:
    """ISBN-10 becomes ISBN-13; both are kept as forms."""
    if re.fullmatch(r"\d{9}[\dX]", plain):
        total = sum((10 - i) * (10 if c == "X" else int(c)) for i, c in enumerate(plain))
        if total % 11 == 0:
            thirteen = "978" + plain[:9]
            return CanonicalNumber(f"ISBN{thirteen}{_ean_check(thirteen)}", (f"ISBN{plain}",))
    if re.fullmatch(r"\d{13}", plain) and _ean_check(plain[:12]) == plain[12]:
        return CanonicalNumber(f"ISBN{plain}")
    return CanonicalNumber(f"ISBN{plain}", (), None, (f"ISBN {plain} fails its check",), False)


def _ean_check(digits: str) -> str:
    return str(-sum(int(d) * (1 + 2 * (i % 2)) for i, d in enumerate(digits)) % 10)


def _issn_check(digits: str) -> str:
    rest = -sum(int(d) * (8 - i) for i, d in enumerate(digits)) % 11
    return "X" if rest == 10 else str(rest)


# ── Numbers in queries ───────────────────────────────────────────────────────────────────────────────────────────────

_P, _T, _D = Right.PATENT, Right.TRADEMARK, Right.DESIGN
_PUB, _APP, _REG, _INT = (
    NumberType.PUBLICATION,
    NumberType.APPLICATION,
    NumberType.REGISTRATION,
    NumberType.INTERNATIONAL,
)
_EVERY = ((_PUB, _P), (_APP, _P), (_REG, _P), (_APP, _T), (_REG, _T), (_APP, _D), (_REG, _D), (_INT, _T), (_INT, _D))

_CUES: tuple[tuple[re.Pattern[str], str, tuple[tuple[NumberType, Right], ...], str | None], ...] = (
    (re.compile(r"^PCT[/-]?[A-Z]{2}"), "WO", ((NumberType.PCT_APPLICATION, _P),), None),
    (re.compile(r"^[A-Z]{2}\d{7,10}W$"), "WO", ((NumberType.PCT_APPLICATION, _P),), None),
    (re.compile(r"特開|特表|特許公開|公開特許|再表|再公表"), "JP", ((_PUB, _P),), "A"),
    (re.compile(r"特公|実公"), "JP", ((_PUB, _P),), None),
    (re.compile(r"実開|実全|登実|実用新案登録"), "JP", ((_PUB, _P), (_REG, _P)), None),
    (re.compile(r"特願|実願|特許出願"), "JP", ((_APP, _P),), None),
    (re.compile(r"^特許(?:第)?\d"), "JP", ((_PUB, _P), (_REG, _P)), "B"),
    (re.compile(r"意願|意匠登録|意登"), "JP", ((_APP, _D), (_REG, _D)), None),
    (re.compile(r"商願|商標登録|商登"), "JP", ((_APP, _T), (_REG, _T)), None),
    (re.compile(r"특허|실용신안|디자인|상표"), "KR", _EVERY, None),
    (re.compile(r"^[1-7]\d-?(?:19|20)\d\d-?\d{7}$|^[1-7]0-\d{7}(?:-?\d{2}-?\d{2})?$"), "KR", _EVERY, None),
    (re.compile(r"^ZL\d"), "CN", ((_APP, _P), (_APP, _D)), None),
    (re.compile(r"^(?:IR|MM)\d"), "WO", ((_INT, _T),), None),
    (re.compile(r"^DM[/-]?\d"), "WO", ((_INT, _D),), None),
    (re.compile(r"^UK0\d"), "GB", ((_APP, _T), (_REG, _T)), None),
    (re.compile(r"^(?:PI|MU|DI)\d{7}"), "BR", ((_PUB, _P), (_APP, _P)), None),
    (re.compile(r"^PA/[AU]/\d|^MX/[AUFE]/"), "MX", ((_APP, _P), (_PUB, _P)), None),
    (re.compile(r"^20\d\d/0\d{6}(?:A\d)?$"), "US", ((_PUB, _P),), None),
    (re.compile(r"^(?:RE|PP)\d{4,}(?:E\d?|P\d?)?$"), "US", ((_PUB, _P),), None),
    (re.compile(r"^\d{2}/\d{6}$"), "US", ((_APP, _P), (_APP, _T)), None),
    (re.compile(r"^\d+/[A-Z]{3,5}/(?:19|20)\d\d$"), "IN", ((_APP, _P), (_PUB, _P)), None),
    (re.compile(r"^ISBN"), "", ((NumberType.ISBN, Right.COPYRIGHT),), None),
    (re.compile(r"^ISSN"), "", ((NumberType.ISSN, Right.COPYRIGHT),), None),
    (re.compile(r"^ISRC"), "", ((NumberType.ISRC, Right.COPYRIGHT),), None),
    (re.compile(r"^ISWC"), "", ((NumberType.ISWC, Right.COPYRIGHT),), None),
)
_OFFICE_FIRST = re.compile(r"^(UK|[A-Z]{2})(?=[-/.:_]?(?:\d|[A-Z]{1,4}[-/.]?\d|[^\x00-\x7f]))")
_CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_NAME_FIRST = re.compile(r"^([^\W\d_]{3,}|OHIM|EUIPO)[\s:]+(?=\S*\d)")


def _readings(text: str) -> Iterator[tuple[str, str, tuple[tuple[NumberType, Right], ...], str | None]]:
    body = _body(text)
    named = _NAME_FIRST.match(text.strip())
    if named and (code := office_code(named[1])):
        rest = _body(text.strip()[named.end() :])
        yield rest, code, _EVERY, None
        return
    for pattern, office, readings, kind in _CUES:
        if pattern.search(body):
            yield body, office, readings, kind
            return
    first = _OFFICE_FIRST.match(body)
    letters = len(body) - len(body.lstrip(_CAPITALS))
    if first and sum(map(str.isdigit, body)) >= 3 and (letters <= 4 or " " not in text.strip()):
        code = "GB" if first[1] == "UK" else first[1]
        if code in OFFICES:
            rest = body[2:].lstrip("-/.:_")
            for pattern, office, readings, kind in _CUES:
                if office == code and pattern.search(rest):
                    yield rest, office, readings, kind
                    return
            yield rest, code, _EVERY, None


@lru_cache(maxsize=4096)
def number_readings(text: str) -> tuple[CanonicalNumber, ...]:
    """What a number as somebody writes it may be, office included, the likeliest first; empty where it is no number.

    `JP05-142789`, `特開平5-142789`, `US 2009/0220659`, `DE801283B`, `EP 1 234 567 A1`, `PCT/GB02/04635`,
    `ZL200880114428.X`. `kind` is what was written, or what stands for it today; None where no kind was written.
    """
    found: dict[str, CanonicalNumber] = {}
    if len(text) > 60 or not any(c.isdigit() for c in text):
        return ()
    for body, office, readings, kind in _readings(text):
        if readings is _EVERY and _KIND.fullmatch(body) and not body.endswith("W"):
            kinded = tuple(pair for pair in _EVERY if pair[1] is _P and pair[0] is not _APP)
            if canonical_number(body, office=office, type=_PUB, right=_P).kind:
                readings = kinded
        for type, right in readings:
            for question_kind in (kind, None) if kind else (None, "A"):
                number = canonical_number(body, office=office, type=type, right=right, kind=question_kind)
                if not number.known:
                    continue
                if question_kind is not kind:
                    # Asked with a kind that nobody wrote, or without the one that was: only the writings count.
                    number = replace(number, kind=None, notes=())
                found.setdefault(number.canonical, number)
                if number.forms != found[number.canonical].forms:
                    forms = dict.fromkeys((*found[number.canonical].forms, *number.forms))
                    found[number.canonical] = replace(found[number.canonical], forms=tuple(forms))
        if not found:
            generic = _generic(body, office).canonical
            found[generic] = CanonicalNumber(generic, known=False)
    return tuple(found.values())


def number_candidates(text: str) -> tuple[str, ...]:
    """Canonical forms to look up for a number as somebody writes it, without the kind code; empty where it is none."""
    readings = number_readings(text)
    forms = (form for reading in readings for form in reading.forms)
    return tuple(dict.fromkeys((*(reading.canonical for reading in readings), *forms)))


__all__ = ["CanonicalNumber", "canonical_number", "number_candidates", "number_readings", "rules_for"]

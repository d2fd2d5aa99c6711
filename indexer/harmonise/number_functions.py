"""Number rules that a pattern and a template cannot say: eras, series, check characters.

Each function takes the matched parts and the question, and returns (canonical, forms, kind, notes), or None where the
rule does not apply after all. Sources: EPO, "Concordance of number formats" (DOCDB and EPODOC); JPO, USPTO, KIPO and
CNIPA guides to their numbers.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from indexer.harmonise.dates import ERA_LETTERS
from indexer.record import NumberType, Right


@dataclass(frozen=True, slots=True)
class Question:
    office: str
    type: NumberType
    right: Right
    kind: str | None
    date: dt.date | None
    format: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    canonical: str
    forms: tuple[str, ...] = ()
    kind: str | None = None
    notes: tuple[str, ...] = ()


Function = Callable[[Mapping[str, str], Question], Answer | None]
FUNCTIONS: dict[str, Function] = {}


def function(found: Function) -> Function:
    FUNCTIONS[found.__name__] = found
    return found


def four_digit_year(year: str, date: dt.date | None = None, pivot: int = 50) -> int:
    """1998 for `98`. The date decides the century where it is at hand; otherwise years from `pivot` on are 19xx."""
    if len(year) == 4:
        return int(year)
    short = int(year)
    if date is not None and (near := date.year - (date.year - short) % 100) and date.year - near <= 3:
        return near
    return (1900 if short >= pivot else 2000) + short


# ── PCT ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@function
def pct(parts: Mapping[str, str], question: Question) -> Answer | None:
    """PCT/GB02/04635 → GB0204635W. Until 2003 DOCDB writes two digits of the year and five of the number."""
    year, serial = four_digit_year(parts["y"], question.date), int(parts["n"])
    office = parts.get("cc") or question.office
    if not 1978 <= year <= 2100:
        return None
    long = f"{office}{year}{serial:06d}W"
    short = f"{office}{year % 100:02d}{serial:05d}W" if serial < 100000 else long
    canonical = short if year < 2004 else long
    forms = (
        f"PCT{office}{year}{serial:06d}",
        f"WO{year}{office}{serial:05d}",
        f"WO{year}{office}{serial:06d}",
        short,
        long,
    )
    return Answer(canonical, forms)


@function
def dummy(parts: Mapping[str, str], question: Question) -> Answer | None:
    """DOCDB's made-up application numbers, where the true one is not known: 1258190X. The letter belongs to them."""
    return Answer(f"{question.office}{parts['n']}{parts['s']}")


@function
def serial_year(parts: Mapping[str, str], question: Question) -> Answer | None:
    """Serial number and year run together, as DOCDB does for CH: 45196 of 1996 is 451/96. Only the date can tell."""
    digits, date = parts["d"], question.date
    year = None if date is None else f"{date.year}"
    if year and digits.endswith(year) and len(digits) > 5:
        serial = digits[:-4]
    elif year and digits.endswith(year[2:]) and len(digits) <= 7:
        serial = digits[:-2]
    else:
        return None
    office = question.office
    return Answer(
        f"{office}{int(serial):05d}{year}", (f"{office}{int(serial)}{year[2:]}", f"{office}{int(serial)}{year}")
    )


# ── US ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


@function
def us_special(parts: Mapping[str, str], question: Question) -> Answer | None:
    """RE038000 → USRE38000. Printed with leading zeros to eight characters."""
    prefix = {"DES": "D", "PLT": "PP"}.get(parts["p"], parts["p"])
    serial = str(int(parts["n"]))
    return Answer(f"US{prefix}{serial}", (f"US{prefix}{serial.zfill(8 - len(prefix))}",))


_US_SERIES = (
    ("03", 1948, 1959),
    ("04", 1960, 1969),
    ("05", 1970, 1978),
    ("06", 1979, 1986),
    ("07", 1987, 1992),
    ("08", 1993, 1997),
    ("09", 1998, 2001),
    ("10", 2002, 2004),
    ("11", 2005, 2007),
    ("12", 2008, 2010),
    ("13", 2011, 2012),
)
_US_PROVISIONAL = (("60", 1995, 2007), ("61", 2008, 2012), ("62", 2013, 2019), ("63", 2020, 2026))


def _us_series(year: int, serial: int, kind: str | None) -> str | None:
    """Series code that an EPO form leaves out. In the last year of a series small serials belong to the next."""
    if kind == "F":
        return "29" if year >= 1993 else "07"
    series = _US_PROVISIONAL if kind == "P" else _US_SERIES
    for index, (code, first, last) in enumerate(series):
        if first <= year <= last:
            if year == last and serial < 150000 and index + 1 < len(series):
                return series[index + 1][0]
            return code
    return None


@function
def us_application(parts: Mapping[str, str], question: Question) -> Answer | None:
    """Canonical is series and serial: 09/083,597 → US09083597. DOCDB writes 8359798 (serial, year), EPODOC
    19980083597.
    """
    kind = question.kind[:1] if question.kind else None
    if parts.get("p"):
        kind = "P"
    date = question.date
    year = int(parts["y"]) if parts.get("y") else (date.year if date else None)
    series: str | None
    if parts.get("s"):
        series, serial = parts["s"].zfill(2), int(parts["n"])
    elif parts.get("y"):
        serial = int(parts["n"])
        series = _us_series(int(parts["y"]), serial, kind)
    else:
        digits = parts["d"]
        design = question.right is Right.DESIGN
        if question.format == "docdb" or (_ends_in_year(digits, date) and not _fits(digits.zfill(8)[:2], date)):
            year = four_digit_year(digits[-2:], date)
            serial = int(digits[:-2])
            series = _us_series(year, serial, "F" if design else kind)
        elif len(digits) >= 7:
            padded = digits.zfill(8)
            series, serial = padded[:2], int(padded[2:])
        elif year:
            serial = int(digits)
            series = _us_series(year, serial, "F" if design else kind)
        else:
            return None
    if series is None:
        return None
    forms: list[str] = [f"US{series}-{serial:06d}"]
    if year:
        forms += [f"US{year}0{serial:06d}", f"US{year}{series}{serial:06d}", f"US{serial}{year % 100:02d}"]
    return Answer(f"US{series}{serial:06d}", tuple(forms))


def _ends_in_year(digits: str, date: dt.date | None) -> bool:
    return date is not None and len(digits) in (7, 8) and digits.endswith(f"{date.year % 100:02d}")


def _fits(series: str, date: dt.date | None) -> bool:
    """Whether applications of `series` were filed about `date`, give or take the years in which series overlap."""
    year = date.year if date else 0
    for code, first, last in (*_US_SERIES, *_US_PROVISIONAL):
        if code == series:
            return first - 1 <= year <= last
    return series in {"14", "15", "16", "17", "18", "19", "29", "35", "90", "95", "96"}


# ── Japan ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_JP_ERAS = {"明": "M", "大": "T", "昭": "S", "平": "H", "令": "R"}
_JP_WORDS = re.compile(
    r"公報|特許公開|特許出願公開|公開特許公報|特許出願公告|特許出願|特開|特公|特願|特表|再公表|再表|特許|実用新案出願公開|実用新案出願公告|実用新案登録|"
    r"実用新案|実開|実公|実願|実登|登実|実全|意願|意匠登録|意登|商願|商標登録|商公|商登|国際登録|登録|公開|出願|JPO?|第|番号|号"
)
_JP_BODY = re.compile(r"(?P<era>[MTSHR]|[明大昭平令])?[治正和成]?(?P<year>\d{1,4})[-年](?P<serial>\d{1,7})")
_JP_COMPACT = re.compile(r"(?P<era>[MTSHR])(?P<year>\d{2})(?P<serial>\d{1,6})")


def jp_year(era: str | None, year: int, date: dt.date | None, kind: str | None) -> int | None:
    """Western year. Without an era: up to 11 is Heisei unless the date says Showa, 12 to 64 Showa, above that 19xx."""
    if era:
        return ERA_LETTERS[_JP_ERAS.get(era, era)] + year
    if year >= 1000:
        return year
    if date is not None:
        for base in (1988, 1925, 2018):
            if 0 <= date.year - (base + year) <= 3:
                return base + year
    if 1 <= year <= 11:
        return 1988 + year
    if year <= 64:
        return 1925 + year
    return 1900 + year if year < 100 else None


def _jp_era(year: int) -> str:
    """`H05` for 1993, `S60` for 1985. Numbers of 1989 bear S64 or H01; H01 is the DOCDB choice for what is not
    marked.
    """
    return f"H{year - 1988:02d}" if year >= 1989 else f"S{year - 1925:02d}" if year >= 1926 else f"T{year - 1911:02d}"


def _jp_yearly(era: str | None, year: int, serial: int, question: Question, application: bool) -> Answer:
    if year >= 2000:
        canonical = f"JP{year}{serial:06d}"
        forms = [f"JP{year}-{serial:06d}", f"JP{year}{serial}"]
        if application:
            forms.append(f"JP{year}0{serial:06d}")
        return Answer(canonical, tuple(forms))
    letter = _JP_ERAS.get(era or "", era or "")
    code = f"{letter}{year - ERA_LETTERS[letter]:02d}" if letter else _jp_era(year)
    short = code[1:]
    forms = [f"JP{code}{serial:06d}", f"JP{short}-{serial}", f"JP{short}-{serial:06d}"]
    if application:
        forms += [f"JP{serial}{year % 100:02d}", f"JP{year}0{serial:06d}"]
    else:
        forms += [f"JP{int(short)}{serial:06d}"]
    return Answer(f"JP{code}{serial}", tuple(forms))


_JP_UNSPECIFIC = {NumberType.APPLICATION, NumberType.PCT_APPLICATION}


_JP_KINDS = (("実開", "U"), ("実願", "U"), ("登実", "U"), ("実公", "Y2"), ("特開", "A"), ("特表", "A"), ("特公", "B2"))


@function
def jp_patent(parts: Mapping[str, str], question: Question) -> Answer | None:
    """As _jp_patent, with the kind that the words before the number name: 特開 is A, 特公 B2, 実開 U, 実公 Y2."""
    answer = _jp_patent(parts, question)
    if answer is None or question.kind is not None:
        return answer
    kind = next((code for word, code in _JP_KINDS if word in parts["b"]), None)
    return replace(answer, kind=kind)


def _jp_patent(parts: Mapping[str, str], question: Question) -> Answer | None:
    """特開平5-142789 → JPH05142789; 特開2005-12345 → JP2005012345; 特許第2500000号 → JP2500000."""
    raw = parts["b"]
    body = _JP_WORDS.sub("", raw).replace("/", "-") if "WO" not in raw else _JP_WORDS.sub("", raw)
    republished = re.fullmatch(r"(?:WO)-?/?(?P<y>\d{4}|\d{2})[/-]?(?P<n>\d{5,6})", body)
    if republished:
        year = four_digit_year(republished["y"], question.date)
        return Answer(f"JPWO{year}{int(republished['n']):06d}", (f"WO{year}{int(republished['n']):06d}",))
    application = question.type in _JP_UNSPECIFIC or "願" in raw
    if match := _JP_BODY.fullmatch(body) or _JP_COMPACT.fullmatch(body):
        told = jp_year(match["era"], int(match["year"]), question.date, question.kind)
        era = match["era"] or ("S" if match["year"] == "64" else None)
        return _jp_yearly(era, told, int(match["serial"]), question, application) if told else None
    if not body.isdigit():
        return None
    size = len(body)
    if size in (9, 10, 11) and 1900 <= int(body[:4]) <= 2100:
        return _jp_yearly(None, int(body[:4]), int(body[4:]), question, application)
    date = question.date
    if application and size >= 3:
        return _jp_application_digits(body, question)
    unexamined = (question.kind or "")[:1] in ("A", "U") and (date is None or date.year < 2000)
    if unexamined and size in (7, 8) and question.type is not NumberType.REGISTRATION:
        cut = size - 6
        told = jp_year(None, int(body[:cut]), date, question.kind)
        if told and told < 2000 and (date is None or abs(date.year - told) <= 2):
            return _jp_yearly(None, told, int(body[cut:]), question, False)
    return Answer(f"JP{int(body)}")


def _jp_application_digits(body: str, question: Question) -> Answer | None:
    """DOCDB 14278993 is serial and western year; a national 11158010 is era year and serial. The date tells which."""
    date = question.date
    national = None
    for cut in (2, 1):
        if len(body) - cut == 6:
            national = (jp_year(None, int(body[:cut]), date, question.kind), int(body[cut:]))
    docdb = (four_digit_year(body[-2:], date), int(body[:-2]))
    if date is not None:
        if national and national[0] == date.year and question.format != "docdb":
            return _jp_yearly(None, date.year, national[1], question, True)
        if docdb[0] == date.year and date.year < 2000:
            return _jp_yearly(None, docdb[0], docdb[1], question, True)
    if question.format == "docdb" and docdb[0] < 2000:
        return _jp_yearly(None, docdb[0], docdb[1], question, True)
    if national and national[0] and len(body) == 8 and int(body[:2]) <= 64 and national[0] < 2000:
        return _jp_yearly(None, national[0], national[1], question, True)
    return Answer(f"JP{int(body)}")


@function
def jp_mark_or_design(parts: Mapping[str, str], question: Question) -> Answer | None:
    body = _JP_WORDS.sub("", parts["b"]).replace("の", "-")
    if match := _JP_BODY.fullmatch(body) or _JP_COMPACT.fullmatch(body):
        year = jp_year(match["era"], int(match["year"]), question.date, None)
        if year and (int(match["year"]) < 100 or 1900 <= year <= 2100):
            return _jp_yearly(match["era"], year, int(match["serial"]), question, True)
    if re.fullmatch(r"(?:19|20)\d{8}", body):
        return _jp_yearly(None, int(body[:4]), int(body[4:]), question, True)
    if match := re.fullmatch(r"0*(\d{1,7})(?:[-/]0*(\d{1,4}))?", body):
        return Answer(f"JP{match[1]}" + (f"-{match[2]}" if match[2] else ""), (f"JP{int(match[1]):07d}",))
    return None


# ── Korea ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_KR_WORDS = re.compile(
    r"특허출원|특허등록|특허공개|특허|실용신안등록|실용신안|디자인등록|디자인|상표등록|상표|출원번호|등록번호|공개번호|출원|등록|공개|공고|제|호|특|실|KR"
)
_KR_CODES = {Right.PATENT: "10", Right.DESIGN: "30", Right.TRADEMARK: "40"}


@function
def kr(parts: Mapping[str, str], question: Question) -> Answer | None:
    """10-2005-0040647 → KR1020050040647; DOCDB leaves the right's code (10 patent, 20 utility model …) out of
    yearly numbers.
    """
    body = _KR_WORDS.sub("", parts["b"])
    yearly_first = question.type is not NumberType.REGISTRATION
    code = (
        "20"
        if question.right is Right.PATENT and (question.kind or "")[:1] in ("U", "Y")
        else _KR_CODES.get(question.right, "10")
    )
    design = re.fullmatch(r"(.+?)[-/]?(M\d{3})", body)
    index = ""
    if design:
        body, index = design[1], "-" + design[2]
    yearly = re.fullmatch(r"(?P<t>[1-7]\d)-?(?P<y>(?:19|20)\d\d)-?(?P<n>\d{7})", body)
    granted = re.fullmatch(r"(?P<t>[1-7]\d)-?(?P<n>\d{7})(?:-?(?P<a>\d{2})-?(?P<b>\d{2}))?", body)
    bare = re.fullmatch(r"(?P<y>(?:19|20)\d\d)-?(?P<n>\d{6,7})", body)
    if yearly and (yearly_first or not granted or "-" in body[3:8]):
        return _kr_yearly(yearly["t"], yearly["y"], yearly["n"], index)
    if granted and not (bare and yearly_first):
        # the last four digits count similar designs and divided marks; 0000 is the registration itself
        part = (granted["a"] or "00") + (granted["b"] or "00")
        suffix = index if part == "0000" else f"-{part}{index}"
        number = granted["t"], granted["n"]
        return Answer(
            f"KR{number[0]}{number[1]}{suffix}",
            (f"KR{number[0]}-{number[1]}{suffix}", f"KR{number[0]}{number[1]}{part}{index}"),
        )
    if bare:
        return _kr_yearly(code, bare["y"], bare["n"].zfill(7), index)
    if match := re.fullmatch(r"(?P<y>[6-9]\d)-?(?P<n>\d{4,7})", body):
        return _kr_yearly(code, f"19{match['y']}", match["n"].zfill(7), index)
    if match := re.fullmatch(r"0*(?P<n>\d{1,7})(?:0000)?", body):
        return Answer(f"KR{code}{match['n'].zfill(7)}{index}", (f"KR{match['n'].zfill(7)}{index}",))
    return None


def _kr_yearly(code: str, year: str, serial: str, index: str) -> Answer:
    return Answer(
        f"KR{code}{year}{serial}{index}",
        (f"KR{year}{serial}{index}", f"KR{code}-{year}-{serial}{index}", f"KR{year[2:]}{serial}{index}"),
    )


# ── China ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def cn_check_character(digits: str) -> str:
    """Check character of an application number: weights 2 to 9 and again from 2, modulo 11, X for ten (ZC
    0006-2003).
    """
    total = sum(int(digit) * (2 + position % 8) for position, digit in enumerate(digits))
    rest = total % 11
    return "X" if rest == 10 else str(rest)


@function
def cn_application(parts: Mapping[str, str], question: Question) -> Answer | None:
    """ZL200880114428.X → CN200880114428: the check character is verified and left out."""
    digits, check = parts["n"], parts.get("c")
    right_check = cn_check_character(digits)
    notes = () if not check or check == right_check else (f"check character {check} should be {right_check}",)
    checks = dict.fromkeys((right_check, check or right_check))
    return Answer(f"CN{digits}", tuple(f"CN{digits}{one}" for one in checks), notes=notes)


# ── Germany ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@function
def de_application(parts: Mapping[str, str], question: Question) -> Answer | None:
    """10027360.2 → DE10027360, EPODOC DE20001027360 (year, right, 0, serial); P 44 12 345.6 → DE4412345."""
    digits = parts["n"]
    forms: tuple[str, ...] = ()
    if len(digits) == 8:
        coded = int(digits[1:3])
        year = (1900 if coded >= 50 else 2000) + coded
        forms = (f"DE{year}{digits[0]}0{digits[3:]}",)
    elif len(digits) == 7:
        # patents count the year from 1950 (P 44 is 1994), utility models as it is (G 82 is 1982)
        coded = int(digits[:2])
        forms = (f"DE{(1900 if coded >= 68 else 1950) + coded}{digits}",)
    if parts.get("p"):
        forms += (f"DE{parts['p']}{digits}",)
    return Answer(f"DE{digits}", forms)


@function
def de_epodoc(parts: Mapping[str, str], question: Question) -> Answer | None:
    """20001027360 → DE10027360, the years 1995 to 2003 only; before that 19944412345 → DE4412345."""
    year = int(parts["y"] + parts["z"])
    if not 1995 <= year <= 2003:
        return None
    return Answer(f"DE{parts['t']}{parts['z']}{parts['n']}", (f"DE{year}{parts['t']}0{parts['n']}",))


def de_kind(number: str, kind: str | None) -> tuple[str | None, tuple[str, ...]]:
    """DOCDB's kind for an old German publication: below 1,000,000 printed A or B is C; 1.0 to 1.4 million printed
    A is B.
    """
    if not number.isdigit() or kind not in ("A", "B"):
        return kind, ()
    value = int(number)
    if value < 1_000_000:
        return "C", (f"printed kind {kind} is kind C below DE1000000 (DOCDB)",)
    if value < 1_400_000 and kind == "A":
        return "B", ("printed kind A is kind B between DE1000000 and DE1400000 (DOCDB)",)
    return kind, ()


# ── Others ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@function
def tw_epodoc(parts: Mapping[str, str], question: Question) -> Answer | None:
    year = int(parts["y"]) - 1911
    return Answer(f"TW{year}{parts['n']}", (f"TW{year:03d}{parts['n']}", f"TW{parts['y']}0{parts['n']}"))


_IN_OFFICES = {"DEL": "DE", "MUM": "MU", "CHE": "CH", "KOL": "KO", "MAS": "MA", "CAL": "CA", "BOM": "BO"}
_IN_OFFICES |= {"DELNP": "DN", "MUMNP": "MN", "CHENP": "CN", "KOLNP": "KN"}


@function
def in_application(parts: Mapping[str, str], question: Question) -> Answer | None:
    """1234/DEL/2005 → IN2005DE01234 (DOCDB order: year, office, number)."""
    office = _IN_OFFICES.get(parts["c"], parts["c"])
    long = next((name for name, short in _IN_OFFICES.items() if short == office), office)
    serial = int(parts["n"])
    return Answer(
        f"IN{parts['y']}{office}{serial:05d}",
        (f"IN{serial}{long}{parts['y']}", f"IN{serial:04d}{long}{parts['y']}", f"IN{serial}-{long}-{parts['y']}"),
    )

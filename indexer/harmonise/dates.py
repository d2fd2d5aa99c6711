"""Dates as deliveries write them, and the ones that are none.

A date that cannot be read for certain stays unread: nothing is invented, not even a first of January.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Problem = Literal["sentinel", "incomplete", "impossible", "ambiguous", "unreadable"]

ERAS = {"明治": 1867, "大正": 1911, "昭和": 1925, "平成": 1988, "令和": 2018}
ERA_LETTERS = {"M": 1867, "T": 1911, "S": 1925, "H": 1988, "R": 2018}
"""Japanese era → the year before its first (Showa 1 is 1926)."""

ROC = 1911
"""Republic of China calendar: year 103 is 2014."""

FIRST_YEAR = 1400
"""Before any patent: an earlier year is filler, not a date (some providers write 0001-01-01)."""
LAST_YEAR = 2200

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january janv janvier januar jänner enero ene janeiro gennaio gen",
            "feb february févr fevr février februar febrero fevereiro fev febbraio",
            "mar march mars märz marzo março mrz",
            "apr april avr avril abril abr aprile",
            "may mai mayo maio maggio mag",
            "jun june juin juni junio junho giugno giu",
            "jul july juil juillet juli julio julho luglio lug",
            "aug august août aout agosto ago",
            "sep sept september septembre septiembre setembro settembre set",
            "oct october octobre oktober okt octubre outubro out ottobre ott",
            "nov november novembre noviembre novembro",
            "dec december déc décembre dezember dez diciembre dic dezembro dicembre",
        ),
        start=1,
    )
    for name in names.split()
}


@dataclass(frozen=True, slots=True)
class ReadDate:
    """`date` or the problem that stands in its way."""

    date: dt.date | None
    problem: Problem | None = None


_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T?\d{2,6})?")
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ].*|Z|[+-]\d{2}:?\d{2})?")
_DAY_FIRST = re.compile(r"(\d{1,2})[.-](\d{1,2})[.-](\d{4})")
_SLASH = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_ROC = re.compile(r"(?:民國|民国|ROC)?\s*(\d{2,3})[/.年-](\d{1,2})[/.月-](\d{1,2})日?")
_ERA = re.compile(r"(明治|大正|昭和|平成|令和)(元|\d{1,2})年(\d{1,2})月(\d{1,2})日?")
_ERA_LETTER = re.compile(r"([MTSHR])(\d{1,2})[./-](\d{1,2})[./-](\d{1,2})", re.IGNORECASE)
_CJK = re.compile(r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일]?")
_DAY_MONTH_NAME = re.compile(
    r"(\d{1,2})(?:st|nd|rd|th|er|º|\.)?[\s.-]*(?:de\s+)?([^\W\d_]+)\.?[\s,.-]*(?:de\s+|del\s+)?(\d{4})"
)
_MONTH_NAME_DAY = re.compile(r"([^\W\d_]+)\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})")
_YEAR = re.compile(r"\d{4}(?:[-/.]?\d{2})?(?:Z|[+-]\d{2}:\d{2})?")


def _made(year: int, month: int, day: int) -> ReadDate:
    if year == 9999 or year <= 1 or (year < FIRST_YEAR and year != 0) or year > LAST_YEAR:
        return ReadDate(None, "sentinel")
    if month == 0 or day == 0:
        return ReadDate(None, "incomplete" if year else "sentinel")
    try:
        return ReadDate(dt.date(year, month, day))
    except ValueError:
        return ReadDate(None, "impossible")


LONGEST_DATE = 60


def read_date(raw: str | None, office: str | None = None) -> ReadDate:
    """The date that `raw` says.

    `office` (ST.3) settles two readings: TW writes years of the Republic (`103/06/01`), US puts the month first
    (`12/31/2020`) where others put the day first. Empty text is no date and no problem.
    """
    if raw is None:
        return ReadDate(None)
    return _read_date(raw, office) if len(raw) <= LONGEST_DATE else ReadDate(None, "unreadable")


@lru_cache(maxsize=65536)
def _read_date(raw: str, office: str | None) -> ReadDate:
    text = unicodedata.normalize("NFKC", raw).strip() if not raw.isascii() else raw.strip()
    if not text:
        return ReadDate(None)
    if match := _COMPACT.fullmatch(text):
        year, month, day = (int(part) for part in match.groups())
        return _made(year, month, day)
    if match := _ISO.fullmatch(text):
        year, month, day = (int(part) for part in match.groups())
        return _made(year, month, day)
    if match := _ERA.fullmatch(text.replace(" ", "")):
        era, year_text, month_text, day_text = match.groups()
        return _made(ERAS[era] + (1 if year_text == "元" else int(year_text)), int(month_text), int(day_text))
    if match := _CJK.fullmatch(text):
        return _made(*(int(part) for part in match.groups()))
    if match := _DAY_FIRST.fullmatch(text):
        day, month, year = (int(part) for part in match.groups())
        return _made(year, month, day)
    if match := _SLASH.fullmatch(text):
        return _slashed(*(int(part) for part in match.groups()), office=office)
    if match := _ERA_LETTER.fullmatch(text):
        letter, *rest = match.groups()
        year, month, day = (int(part) for part in rest)
        return _made(ERA_LETTERS[letter.upper()] + year, month, day)
    if (match := _ROC.fullmatch(text)) and (office == "TW" or len(match[1]) == 3 or text[0] in "民R"):
        year, month, day = (int(part) for part in match.groups())
        return _made(ROC + year, month, day) if year else ReadDate(None, "sentinel")
    if office == "TW" and (match := re.fullmatch(r"(\d{2,3})(\d{2})(\d{2})", text)):
        year, month, day = (int(part) for part in match.groups())
        return _made(ROC + year, month, day) if year else ReadDate(None, "sentinel")
    if match := _DAY_MONTH_NAME.fullmatch(text):
        return _named(match[1], match[2], match[3])
    if match := _MONTH_NAME_DAY.fullmatch(text):
        return _named(match[2], match[1], match[3])
    if _YEAR.fullmatch(text):
        return ReadDate(None, "sentinel" if text[:4] in ("0000", "0001", "9999") else "incomplete")
    if set(text) <= set("0-/. 9"):
        return ReadDate(None, "sentinel")
    return ReadDate(None, "unreadable")


def _slashed(first: int, second: int, year: int, *, office: str | None) -> ReadDate:
    if office == "US" or second > 12:
        return _made(year, first, second)
    if office is None and first <= 12 and first != second:
        return ReadDate(None, "ambiguous")
    return _made(year, second, first)


def _named(day: str, month: str, year: str) -> ReadDate:
    number = MONTHS.get(month.casefold())
    if number is None:
        return ReadDate(None, "unreadable")
    return _made(int(year), number, int(day))

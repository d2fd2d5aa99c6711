"""Offices, states and organisations by WIPO ST.3 code, and every other way in which deliveries name them.

Codes: `tables/offices.tsv` (ST.3 Annex A and B as enumerated in ST.96 V6, plus ISO 3166-1 codes that ST.3 leaves out).
Names: `tables/office_aliases.tsv`, then the territory names of Unicode CLDR (Babel) in the languages of LOCALES.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from babel import Locale

from indexer.harmonise.tables_reader import rows

LOCALES = (
    "en",
    "fr",
    "es",
    "de",
    "it",
    "pt",
    "ru",
    "ar",
    "ja",
    "ko",
    "zh_Hans",
    "zh_Hant",
    "nl",
    "sv",
    "da",
    "fi",
    "nb",
    "pl",
    "cs",
    "hu",
    "tr",
    "uk",
    "el",
    "ro",
    "bg",
    "hr",
    "sr",
    "sk",
    "sl",
    "lt",
    "lv",
    "et",
    "vi",
    "th",
)

OfficeType = Literal["state", "territory", "organisation", "former", "private", "unknown"]


@dataclass(frozen=True, slots=True)
class Office:
    code: str
    name: str
    type: OfficeType
    alpha3: str | None = None
    """ISO 3166-1 alpha-3."""
    first_year: int | None = None
    last_year: int | None = None
    """Last year in which a former code was in force."""
    successor: str | None = None
    """Code that took a former code's place."""

    @property
    def former(self) -> bool:
        return self.type == "former"


def _load() -> dict[str, Office]:
    return {
        row["code"]: Office(
            code=row["code"],
            name=row["name"],
            type=row["type"],  # type: ignore[arg-type]
            alpha3=row["alpha3"] or None,
            first_year=int(row["from"]) if row["from"] else None,
            last_year=int(row["to"]) if row["to"] else None,
            successor=row["successor"] or None,
        )
        for row in rows("offices")
    }


OFFICES: dict[str, Office] = _load()
_ALPHA3 = {office.alpha3: code for code, office in OFFICES.items() if office.alpha3}
_NOISE = re.compile(r"[^\w]+")


def _fold(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name)
    return _NOISE.sub("", "".join(c for c in decomposed if not unicodedata.combining(c)).casefold())


@lru_cache(maxsize=1)
def _aliases() -> dict[str, str]:
    return {_fold(row["name"]): row["code"] for row in rows("office_aliases")}


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    """Folded CLDR territory name → code. English first: a later language never takes a name away."""
    names: dict[str, str] = {_fold(office.name): code for code, office in OFFICES.items() if office.type != "private"}
    for locale in LOCALES:
        for territory, name in Locale.parse(locale).territories.items():
            if territory in OFFICES:
                names.setdefault(_fold(name), territory)
    return names


LONGEST_NAME = 120
"""Longer texts are no name of an office; they are not worth a place in the cache either."""


def office_code(name: str | None) -> str | None:
    """ST.3 code for a code of any list or a name in many languages; None where it is none of these.

    `UK` is GB, `USPTO` is US, `日本` is JP, `DEU` is DE. Former and private-use codes are returned as they are.
    """
    return _office_code(name) if name and len(name) <= LONGEST_NAME else None


@lru_cache(maxsize=16384)
def _office_code(name: str) -> str | None:
    text = name.strip()
    upper = text.upper()
    if upper in OFFICES:
        return upper
    if len(upper) == 3 and upper in _ALPHA3:
        return _ALPHA3[upper]
    folded = _fold(text)
    if not folded:
        return None
    return _aliases().get(folded) or _names().get(folded)


def is_known(code: str) -> bool:
    return code in OFFICES

"""Party names: legal form apart, script, Latin form, and a canonical writing to match and count by.

Equal canonical names do not make one legal entity; they only make a candidate.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from anyascii import anyascii

from indexer.harmonise.scripts import script_of
from indexer.harmonise.tables_reader import rows


@dataclass(frozen=True, slots=True)
class Name:
    canonical: str
    """Capitals, no marks on letters, no punctuation, no legal form. Never empty for a name with any letter or digit."""
    legal_form: str | None
    script: str | None
    latin: str | None
    """Machine-made Latin form of a name in another script, legal form kept as written."""
    organisation: bool
    """True where a legal form or a word like UNIVERSITY says so."""


_MARKED = re.compile(r"[^\w&+]+")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def _fold(text: str) -> str:
    """Capitals without marks; letters that have no decomposition (ø, ł, ß, æ) as their usual Latin writing."""
    text = unicodedata.normalize("NFKC", text)
    if not text.isascii():
        text = text.translate(_SPECIAL)
        text = "".join(
            c
            if _keeps_marks(c)
            else "".join(d for d in unicodedata.normalize("NFD", c) if not unicodedata.combining(d))
            for c in text
        )
        text = unicodedata.normalize("NFC", text)
    return text.upper()


_SPECIAL = str.maketrans(
    {
        "ß": "ss",
        "ẞ": "SS",
        "æ": "ae",
        "Æ": "AE",
        "ø": "o",
        "Ø": "O",
        "œ": "oe",
        "Œ": "OE",
        "ł": "l",
        "Ł": "L",
        "đ": "d",
        "Đ": "D",
        "ð": "d",
    }
    | {"þ": "th", "Þ": "TH", "ı": "i", "İ": "I", "ё": "е", "Ё": "Е"}
)


def _keeps_marks(character: str) -> bool:
    """Marks are part of the letter in kana, Hangul and Indic scripts, and й is not и."""
    code = ord(character)
    return (code > 0x0900 and not 0x1E00 <= code <= 0x1FFF) or character in "йЙїЇ"


@dataclass(frozen=True, slots=True)
class _Form:
    form: str
    pattern: re.Pattern[str]


def _writing(text: str) -> str:
    """Pattern of one writing in folded text: dots, commas and blanks optional, words whole."""
    if _CJK.search(text):
        return re.escape(_fold(text))
    letters = []
    for character in _fold(text):
        if character in ". ,":
            letters.append(r"[\s.,]*")
        else:
            letters.append(re.escape(character))
    if "." in text and len(text) <= 12:
        pattern = r"[\s.]*".join(re.escape(c) for c in _fold(text) if c not in ". ,")
        return pattern + r"\.?"
    return "".join(letters)


@lru_cache(maxsize=1)
def _forms() -> tuple[re.Pattern[str], re.Pattern[str], dict[str, str]]:
    """(pattern at the end, pattern at the start, writing without punctuation → form)."""
    ends: list[tuple[int, str]] = []
    starts: list[tuple[int, str]] = []
    names: dict[str, str] = {}
    for row in rows("legal_forms"):
        for text in row["writings"].split("|"):
            names.setdefault(_key(text), row["form"])
            cjk = bool(_CJK.search(text)) or (not text.isascii() and not text[0].isalpha())
            pattern = _writing(text)
            if row["place"] in ("end", "any"):
                ends.append((len(text), pattern if cjk else rf"(?:(?<=[\s,.)])|(?<=\W)){pattern}"))
            if row["place"] in ("start", "any"):
                starts.append((len(text), pattern if cjk else rf"{pattern}(?=[\s,.\"«“(]|$)"))
    end = "|".join(pattern for _, pattern in sorted(ends, key=lambda pair: -pair[0]))
    start = "|".join(pattern for _, pattern in sorted(starts, key=lambda pair: -pair[0]))
    return (
        re.compile(rf"(?P<form>{end})[\s,.)]*$"),
        re.compile(rf"^[\s(]*(?P<form>{start})[\s,.)\"«]*"),
        names,
    )


def _key(text: str) -> str:
    return re.sub(r"[\s.,()（）]+", "", _fold(text))


_ORGANISATION = re.compile(
    r"\b(?:UNIVERSIT\w*|UNIV|INSTITUT\w*|INST|HOSPITAL\w*|MINIST\w+|FOUNDATION|STIFTUNG|FONDATION|COLLEGE|ACADEM\w+|"
    r"LABORATOR\w+|HOLDINGS?|"
    r"CENTRE NATIONAL|COMMISSARIAT|COUNCIL|GOVERNMENT|SECRETARY OF STATE|"
    r"УНИВЕРСИТЕТ|ИНСТИТУТ|ЗАВОД|ПРЕДПРИЯТИЕ)\b|"
    r"大学|大學|研究所|研究院|公司|会社|會社|학교|연구원|대학교|法人"
    r"|جامعة|معهد|مؤسسة|وزارة"
)


@lru_cache(maxsize=1)
def _endings() -> frozenset[str]:
    """Last two letters (or the only one) of every form: the long pattern need not be tried on other names."""
    return frozenset(_key(text)[-2:] for row in rows("legal_forms") for text in row["writings"].split("|"))


def _may_end_in_form(core: str) -> bool:
    letters = _NOT_LETTERS.sub("", core[-12:])
    return letters[-2:] in _endings() or letters[-1:] in _endings()


_NOT_LETTERS = re.compile(r"[\s.,()（）]+")
TAIL = 120
"""Characters at the end of a name in which its legal form is looked for."""
_JOINTS = " \t,.-("
LONGEST_NAME = 500
"""Longer texts are no names: their beginning is read, so that neither time nor the cache suffers."""


def read_name(raw: str) -> Name:
    """Parts of a name as written. Cached: the same applicants come back all day."""
    return _read_name(raw if len(raw) <= LONGEST_NAME else raw[:LONGEST_NAME])


@lru_cache(maxsize=65536)
def _read_name(raw: str) -> Name:
    end_pattern, start_pattern, names = _forms()
    folded = _fold(raw).strip()
    script = script_of(raw)
    form: str | None = None
    core = folded
    for _ in range(2):
        match = end_pattern.search(core, max(0, len(core) - TAIL)) if _may_end_in_form(core) else None
        if match and core[: match.start()].rstrip(_JOINTS):
            form = names.get(_key(match["form"]), form) if form is None else form
            core = core[: match.start()].rstrip(_JOINTS)
            continue
        match = start_pattern.match(core)
        if match and match.end() < len(core):
            form = names.get(_key(match["form"]), form) if form is None else form
            core = core[match.end() :]
            continue
        break
    canonical = " ".join(_MARKED.sub(" ", core).replace("_", " ").split())
    if not canonical:
        canonical, form = " ".join(_MARKED.sub(" ", folded).split()) or folded, None
    if form is None and (inner := _inner_form(folded)):
        form = inner
    organisation = form is not None or bool(_ORGANISATION.search(folded))
    latin = _latin(raw) if script not in (None, "Latn") else None
    return Name(canonical, form, script, latin, organisation)


def _inner_form(folded: str) -> str | None:
    """DOCDB turns names round and leaves the form inside: BOSCH GMBH ROBERT. The name itself is left as it is."""
    match = re.search(r"\s(GMBH|KABUSHIKI KAISHA|LTD|INC|CORP|S\.?P\.?A|LLC)\s", folded)
    return {"KABUSHIKI KAISHA": "KK", "S.P.A": "SPA"}.get(match[1], match[1]) if match else None


def _latin(raw: str) -> str:
    return " ".join(anyascii(unicodedata.normalize("NFKC", raw)).split())


def entity_of(
    given: Literal["person", "organisation", "unknown"], name: Name
) -> Literal["person", "organisation", "unknown"]:
    """What the file says; otherwise an organisation where the name says so. Nothing makes somebody a person but
    the file.
    """
    if given != "unknown":
        return given
    return "organisation" if name.organisation else "unknown"

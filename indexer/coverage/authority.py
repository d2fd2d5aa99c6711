"""Reads WIPO ST.37 authority files: XML by schema (Annex III), XML by DTD (Annex IV), text (Annex II).

Four elements are mandatory for each publication (ST.37, paragraph 8): office, number, kind code, date. An exception
code says why there is no document to be had; with one, kind and date may be unknown. A file is read in one pass and
never held whole.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from lxml import etree

from common.errors import MalformedInput, Place
from indexer.formats import xml
from indexer.formats.reading import Context
from indexer.harmonise.numbers import canonical_number
from indexer.harmonise.offices import OFFICES
from indexer.harmonise.tables_reader import rows
from indexer.record import NumberType, Right

CATEGORIES = ("full", "incremental", "differential")
ENTRIES = ("AuthorityFileEntry", "authority-file-entry")
DEFINITIONS = ("AuthorityFileDefinition", "authority-file-definition")
LONGEST_LINE = 10_000
SEPARATORS = ("\t", ";", "|", ",")
HEADINGS = {
    "office": {"office", "country", "countrycode", "ipofficecode", "publishingoffice", "st3"},
    "number": {"number", "docnumber", "publicationnumber", "pubnumber"},
    "kind": {"kind", "kindcode", "patentdocumentkindcode", "documentkind"},
    "date": {"date", "publicationdate", "pubdate"},
    "exception": {"exception", "exceptioncode", "publicationexceptioncode"},
}
ORDER = ("office", "number", "kind", "date", "exception")
"""Of the columns of a text without headings."""


@dataclass(frozen=True, slots=True)
class Definition:
    """What a definition says about its authority file."""

    office: str | None = None
    produced: dt.date | None = None
    category: str | None = None
    """full, incremental, differential; None: not said."""
    grouped: bool = False
    exceptions: dict[str, str] = field(default_factory=dict)
    """Exception code → the office's own description."""
    kinds: dict[str, str] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)
    """Kind code, or `exception X` → number of documents declared."""
    ranges: tuple[dict[str, str], ...] = ()
    """Attributes of number and date ranges, as given."""
    text: str = ""
    """Of a definition in plain words."""

    def as_json(self) -> dict[str, Any]:
        return {
            "exceptions": self.exceptions,
            "kinds": self.kinds,
            "totals": self.totals,
            "ranges": list(self.ranges),
            "text": self.text,
        }


@dataclass(frozen=True, slots=True)
class Entry:
    """One assigned number."""

    office: str
    raw: str
    number: str
    """Canonical."""
    kind: str
    date: dt.date | None
    exception: str
    line: int


def read(stream: BinaryIO, file: str) -> Iterator[Definition | Entry | MalformedInput]:
    """Entries in file order, the definition where it stands, a MalformedInput (not raised) for each that is wrong."""
    head = stream.read(4096)
    rest = _Rewound(head, stream)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<") or head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        yield from _xml(rest, file)
    else:
        yield from _text(rest, file)


def read_definition(stream: BinaryIO, file: str) -> Definition:
    """A definition file on its own: XML, or words, which are kept as they are. Raises MalformedInput."""
    head = stream.read(4096)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        for item in _xml(_Rewound(head, stream), file):
            if isinstance(item, Definition):
                return item
            if isinstance(item, MalformedInput):
                raise item
        raise MalformedInput(
            "no definition stands in the file.", place=Place(file), remedy="Give the authority file's definition file."
        )
    return Definition(text=(head + stream.read(1_000_000)).decode("utf-8-sig", "replace"))


class _Rewound:
    """A stream whose first bytes were read already."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head, self._stream = head, stream

    def read(self, size: int = -1) -> bytes:
        if not self._head:
            return self._stream.read(size)
        if size < 0:
            head, self._head = self._head, b""
            return head + self._stream.read()
        head, self._head = self._head[:size], self._head[size:]
        return head

    def lines(self) -> Iterator[bytes]:
        """Lines without their ends; one longer than LONGEST_LINE comes cut just beyond it."""
        held = b""
        while chunk := self.read(256 * 1024):
            # a bare carriage return ends a line too, unless it is the first half of a pair
            *whole, held = re.split(rb"\r\n|\n|\r(?!\n|\Z)", held + chunk)
            yield from (line[: LONGEST_LINE + 1] for line in whole)
            if len(held) > 100 * LONGEST_LINE:
                break
        if held.rstrip(b"\r"):
            yield held.rstrip(b"\r")[: LONGEST_LINE + 1]


# ---------------------------------------------------------------------------------------------------------------- XML


def _xml(stream: Any, file: str) -> Iterator[Definition | Entry | MalformedInput]:
    defined = False
    root: dict[str, str] = {}
    for found in xml.records(stream, (*ENTRIES, *DEFINITIONS), Context(file)):
        if not isinstance(found, xml.XmlRecord):
            yield found if isinstance(found, MalformedInput) else MalformedInput(found.message, place=found.place)
            continue
        if not root and found.ancestors:
            root = found.ancestors[0][1]
        if xml.local(found.element) in DEFINITIONS:
            defined = True
            yield _definition(found.element, root)
            continue
        if not defined:
            defined = True
            yield _definition(None, root)
        identification = _identification(found.element)
        values = {name: _first(identification, names) for name, names in XML_NAMES.items()}
        code = _first(found.element, EXCEPTION_NAMES)
        yield _entry({**values, "exception": code}, file, found.line)


XML_NAMES = {
    "office": ("IPOfficeCode", "country"),
    "number": ("PublicationNumber", "doc-number"),
    "kind": ("PatentDocumentKindCode", "kind"),
    "date": ("PublicationDate", "date"),
}
EXCEPTION_NAMES = ("PublicationExceptionCode", "ExceptionCode", "exception-code", "publication-exception-code")


def _identification(entry: etree._Element) -> etree._Element:
    """The element that holds the publication's number: application and priorities have numbers too."""
    for element in entry.iter():
        if isinstance(element.tag, str) and xml.local(element) in ("PublicationNumber", "publication-reference"):
            found = element if xml.local(element) == "publication-reference" else element.getparent()
            return found if found is not None else entry
    return entry


def _first(element: etree._Element, names: tuple[str, ...]) -> str:
    for child in element.iter():
        if isinstance(child.tag, str) and xml.local(child) in names:
            return (xml.text(child) or child.get("code") or "").strip()
    return ""


def _definition(element: etree._Element | None, root: dict[str, str]) -> Definition:
    said = {_plain(name): value for name, value in root.items()}
    exceptions: dict[str, str] = {}
    kinds: dict[str, str] = {}
    totals: dict[str, int] = {}
    ranges: list[dict[str, str]] = []
    last = ""
    for node in element.iter() if element is not None else ():
        if not isinstance(node.tag, str):
            continue
        name, text = _plain(xml.local(node)), (xml.text(node) or "").strip()
        said.update({_plain(str(key)): str(value) for key, value in node.attrib.items()} if node is element else {})
        parent = node.getparent()
        around = _plain(xml.local(parent)) if parent is not None and node is not element else ""
        if name in ("exceptioncode", "publicationexceptioncode"):
            last = f"exception {text}"
            if "definition" in around:
                exceptions.setdefault(text, "")
        elif name in ("kind", "patentdocumentkindcode"):
            last = text
            if "definition" in around:
                kinds.setdefault(text, "")
        elif name.endswith(("description", "descriptiontext")):
            (exceptions if last.startswith("exception ") else kinds)[last.removeprefix("exception ")] = text
        elif name == "documenttotalquantity" and text.isdigit() and last:
            totals[last] = int(text)
        elif name.endswith("range"):
            ranges.append({str(key): str(value) for key, value in node.attrib.items()})
        elif not len(node) and text:
            said.setdefault(name, text)
    category = next((value.strip().lower() for key, value in said.items() if "update" in key and "cat" in key), "")
    grouped = next((value.strip().lower() for key, value in said.items() if "grouped" in key or "content" in key), "")
    office = next((said[key].strip().upper() for key in ("country", "ipofficecode") if said.get(key)), None)
    produced = next((said[key] for key in ("dateproduced", "productiondate") if said.get(key)), "")
    return Definition(
        office,
        _date(produced),
        category if category in CATEGORIES else None,
        grouped in ("yes", "true", "grouped"),
        exceptions,
        kinds,
        totals,
        tuple(ranges),
    )


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.rpartition("}")[2].lower())


# --------------------------------------------------------------------------------------------------------------- text


def _text(stream: _Rewound, file: str) -> Iterator[Definition | Entry | MalformedInput]:
    separator: str | None = None
    columns: dict[str, int] | None = None
    for number, data in enumerate(stream.lines(), start=1):
        if len(data) > LONGEST_LINE:
            yield _wrong(f"the line is longer than {LONGEST_LINE} bytes.", file, number, "", "Is this the right file?")
            return
        if b"\0" in data:
            yield _wrong("the line holds a NUL byte.", file, number, "", "Deliver plain text in UTF-8.")
            return
        try:
            line = data.decode("utf-8-sig" if number == 1 else "utf-8").strip(" ")
        except UnicodeDecodeError:
            yield _wrong("the line is not UTF-8.", file, number, "", "Save the file in UTF-8.")
            continue
        if not line.strip() or line.startswith("#"):
            continue
        if columns is None:
            separator = next((mark for mark in SEPARATORS if mark in line), None)
            columns = _headings(_cells(line, separator))
            if columns is not None:
                continue
            columns = {name: place for place, name in enumerate(ORDER)}
        cells = _cells(line, separator)
        values = {name: cells[place].strip() if place < len(cells) else "" for name, place in columns.items()}
        if len(cells) < 4 and not values.get("exception"):
            yield _wrong(
                f"{len(cells)} of the four mandatory elements.",
                file,
                number,
                "",
                "Each line has office, number, kind and date, in this order.",
            )
            continue
        yield _entry(values, file, number)


def _cells(line: str, separator: str | None) -> list[str]:
    return line.split() if separator is None else next(csv.reader([line], delimiter=separator), [])


def _headings(cells: list[str]) -> dict[str, int] | None:
    """Column of each element, where the line is one of headings."""
    names = [_plain(cell) for cell in cells]
    found = {wanted: names.index(known) for wanted, words in HEADINGS.items() for known in names if known in words}
    return found if {"office", "number", "kind", "date"} <= set(found) else None


# -------------------------------------------------------------------------------------------------------------- entry


def _entry(values: dict[str, str], file: str, line: int) -> Entry | MalformedInput:
    office = values.get("office", "").upper()
    raw, kind = values.get("number", "").strip(), values.get("kind", "").strip().upper()
    exception = values.get("exception", "").strip().upper()
    if office not in OFFICES:
        return _wrong(f"{office!r} is no office of ST.3.", file, line, "office", "Write the two-letter code.")
    if exception and exception not in exceptions():
        known = ", ".join(exceptions())
        return _wrong(f"{exception!r} is no exception code.", file, line, "exception", f"ST.37 knows {known}.")
    if not raw or not re.search(r"\d", raw):
        return _wrong(f"{raw!r} is no publication number.", file, line, "number", "Give the number that was assigned.")
    if len(raw) > 50:
        return _wrong("the number has more than 50 characters.", file, line, "number", "Give the number alone.")
    if not re.fullmatch(r"[A-Z]\d?", kind) and not (exception and not kind):
        return _wrong(f"{kind!r} is no kind code.", file, line, "kind", "ST.16 codes are a letter and at most a digit.")
    given = values.get("date", "").strip()
    date = _date(given)
    if date is None and not (exception and _filler(given)):
        what = f"{given!r} is no date" if given else "the date is missing"
        return _wrong(
            f"{what}.", file, line, "date", "Write YYYYMMDD; only a number with an exception code may lack it."
        )
    right = Right.DESIGN if kind.startswith("S") else Right.PATENT
    canonical = canonical_number(
        raw, office=office, type=NumberType.PUBLICATION, right=right, kind=kind or None, date=date
    )
    return Entry(office, raw, canonical.canonical, canonical.kind or kind, date, exception, line)


def _wrong(message: str, file: str, line: int, field: str, remedy: str) -> MalformedInput:
    return MalformedInput(message, place=Place(file, field=field, line=line), remedy=remedy)


def _date(text: str) -> dt.date | None:
    match = re.fullmatch(r"(\d{4})([-/]?)(\d{2})\2(\d{2})", text.strip()[:10])
    try:
        return dt.date(int(match[1]), int(match[3]), int(match[4])) if match else None
    except ValueError:
        return None


def _filler(text: str) -> bool:
    return not text or not text.strip("0-/") or not text.strip("9-/")


@lru_cache(maxsize=1)
def exceptions() -> dict[str, str]:
    """Exception code → name, of ST.37."""
    return {row["code"]: row["name"] for row in rows("exceptions", Path(__file__).parent)}

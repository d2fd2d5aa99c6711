"""Proof that a reader loses nothing: every value of a record must stand somewhere in its Draft.

Every text node and every attribute value of at least two characters is looked for in the strings of the Drafts that
came of the record (white space left out on both sides; values of up to three characters must match a whole word or part
of a short string such as a class symbol or date). What is found nowhere is a leftover. A test lists the paths that a
reader leaves unread on purpose, each with the reason:

    NOT_READ = {"*@id": "numbers the element within the file", "*/B000/*": "production data of the publisher"}
    assert_everything_read(files, ("ep-patent-document",), read, NOT_READ)

Paths are local names joined by `/`, attributes after `@`: `exchange-document/bibliographic-data/invention-title@lang`.
Patterns are those of fnmatch, where `*` also matches `/`. A pattern that explains nothing in the files given is an
error too, so that the table stays true. Messages name paths, never values: the files hold people's names. To see values
while writing a reader:

    python -m tests.formats.coverage FORMAT FILE RECORD-ELEMENT…
"""

from __future__ import annotations

import dataclasses
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import Enum
from fnmatch import fnmatchcase
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from lxml import etree

from common.errors import InputError
from indexer.formats.draft import Draft
from indexer.formats.reading import Context, Reader
from indexer.formats.xml import XmlRecord, local, records

SHORTEST = 2
LONG = 3
"""Longer values are looked for anywhere in the Draft's strings; others must be words of their own."""
WORD = re.compile(r"\w+")
SPACE = re.compile(r"\s+")


class Leftover(NamedTuple):
    path: str
    value: str


class Haystack:
    """The strings of some Drafts, ready to be searched."""

    def __init__(self, drafts: Iterable[Draft]) -> None:
        strings = [string for draft in drafts for string in _strings(draft)]
        self.squeezed = "\x00".join(SPACE.sub("", string) for string in strings)
        self.words = {word for string in strings for word in WORD.findall(string)}
        self.words |= {SPACE.sub("", string) for string in strings}
        short = [string for string in strings if len(string) < 40]
        self.codes = "\x00".join(SPACE.sub("", string) for string in short)
        self.known: dict[str, bool] = {}

    def holds(self, value: str) -> bool:
        if value not in self.known:
            self.known[value] = self._holds(value)
        return self.known[value]

    def _holds(self, value: str) -> bool:
        squeezed = SPACE.sub("", value)
        if len(squeezed) < SHORTEST:
            return True
        if len(squeezed) > LONG:
            return squeezed in self.squeezed
        return squeezed in self.words or (squeezed.isascii() and squeezed in self.codes)


def leftovers(values: Iterable[tuple[str, str]], drafts: Collection[Draft]) -> list[Leftover]:
    """Those of `values` (path, value) that stand nowhere in `drafts`. Lines of a value may stand apart."""
    haystack = Haystack(drafts)
    return [Leftover(path, value) for path, value in values if not all(map(haystack.holds, value.splitlines()))]


def xml_values(
    element: etree._Element, path: str = "", mixed: str | None = None, without: Collection[str] = ()
) -> Iterator[tuple[str, str]]:
    """(path, value) of every text node and attribute in an element.

    In running text (an element with words and elements side by side) a piece too short to be told from others stands
    for the whole: `CHR` before `<sub>1</sub>` is looked for as the paragraph it is in. Elements named in `without` are
    no part of a text (page headers, line numbers) and are passed over.
    """
    path = f"{path}/{local(element)}" if path else local(element)
    for name, found in element.attrib.items():
        yield f"{path}@{etree.QName(name).localname}", str(found)
    children = [child for child in element if isinstance(child.tag, str)]
    if (
        mixed is None
        and children
        and any(part.strip() for part in (element.text or "", *(c.tail or "" for c in children)))
    ):
        mixed = " ".join("".join(_running(element, without)).split())
    for node, inner in ((element.text, None), *((child.tail, child) for child in element)):
        if inner is not None and isinstance(inner.tag, str) and local(inner) not in without:
            yield from xml_values(inner, path, mixed, without)
        value = (node or "").strip()
        yield path, mixed if mixed is not None and SHORTEST <= len(SPACE.sub("", value)) <= LONG else value


def _running(element: etree._Element, without: Collection[str]) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if isinstance(child.tag, str) and local(child) not in without:
            yield from _running(child, without)
        yield child.tail or ""


def json_values(found: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """(path, value) of every string and number in parsed JSON; positions in lists are left out of the path."""
    if isinstance(found, dict):
        for key, inner in found.items():
            yield from json_values(inner, f"{path}/{key}" if path else str(key))
    elif isinstance(found, list):
        for inner in found:
            yield from json_values(inner, path)
    elif isinstance(found, str | int | float) and not isinstance(found, bool):
        yield path, str(found)


def xml_leftovers(
    data: bytes, names: Collection[str], read: Reader, context: Context | None = None, without: Collection[str] = ()
) -> list[Leftover]:
    """Leftovers of an XML member cut into records as the reader cuts it; refused records are left out."""
    context = context or Context("file")
    by_offset: dict[int | None, list[Draft]] = defaultdict(list)
    everything: list[Draft] = []
    for outcome in read(BytesIO(data), context):
        if isinstance(outcome, Draft):
            by_offset[outcome.byte_offset].append(outcome)
            everything.append(outcome)
    found: list[Leftover] = []
    for record in records(BytesIO(data), names, context):
        if isinstance(record, XmlRecord):
            drafts = by_offset.get(record.byte_offset, []) if record.byte_offset is not None else everything
            if drafts:
                found += leftovers(xml_values(record.element, without=without), drafts)
    return found


def unexplained(found: Iterable[Leftover], not_read: Mapping[str, str], used: set[str] | None = None) -> list[Leftover]:
    """Those leftovers that no pattern of `not_read` explains. Patterns that explain one are added to `used`."""
    rest = []
    for leftover in found:
        pattern = next((pattern for pattern in not_read if fnmatchcase(leftover.path, pattern)), None)
        if pattern is None:
            rest.append(leftover)
        elif used is not None:
            used.add(pattern)
    return rest


def assert_nothing_left(found: Iterable[Leftover], not_read: Mapping[str, str]) -> None:
    """Fail with the paths of leftovers that `not_read` does not explain, and with patterns that explain nothing."""
    used: set[str] = set()
    counts = Counter(leftover.path for leftover in unexplained(found, not_read, used))
    lost = [f"  {path} ({count} ×)" for path, count in counts.most_common()]
    assert not lost, "values that the reader loses:\n" + "\n".join(lost)
    stale = sorted(set(not_read) - used)
    assert not stale, f"nothing in these files is left out by {', '.join(stale)}"


def assert_everything_read(
    files: Iterable[Path], names: Collection[str], read: Reader, not_read: Mapping[str, str]
) -> None:
    """`assert_nothing_left` over XML files."""
    assert_nothing_left([found for path in files for found in xml_leftovers(path.read_bytes(), names, read)], not_read)


def drafts_of(source: Path | bytes, read: Reader) -> list[Draft]:
    """The Drafts of a file; fails on any error the reader reports."""
    outcomes = outcomes_of(source, read)
    errors = [str(outcome) for outcome in outcomes if isinstance(outcome, InputError)]
    assert not errors, errors
    return [outcome for outcome in outcomes if isinstance(outcome, Draft)]


def outcomes_of(source: Path | bytes, read: Reader) -> list[Draft | InputError]:
    """All that a reader yields for a file, a raised InputError as the last."""
    stream: BinaryIO = BytesIO(source) if isinstance(source, bytes) else BytesIO(source.read_bytes())
    outcomes: list[Draft | InputError] = []
    try:
        outcomes.extend(read(stream, Context("file" if isinstance(source, bytes) else source.name)))
    except InputError as error:
        outcomes.append(error)
    return outcomes


def _strings(found: Any) -> Iterator[str]:
    if isinstance(found, Enum):
        return
    if isinstance(found, str):
        yield found
    elif isinstance(found, list | tuple):
        for inner in found:
            yield from _strings(inner)
    elif isinstance(found, int) and not isinstance(found, bool):
        yield str(found)
    elif dataclasses.is_dataclass(found):
        for field in dataclasses.fields(found):
            if field.name not in ("byte_offset", "byte_length", "line", "problems"):
                yield from _strings(getattr(found, field.name))


def main(arguments: list[str]) -> None:
    from indexer.formats.table import by_name

    name, file, *elements = arguments
    samples: dict[str, list[str]] = defaultdict(list)
    for leftover in xml_leftovers(Path(file).read_bytes(), elements, by_name(name).read):
        samples[leftover.path].append(leftover.value.strip())
    for path, values in samples.items():
        sys.stdout.write(f"{path}\t{len(values)}\t{' | '.join(value[:60] for value in values[:3])}\n")


if __name__ == "__main__":
    main(sys.argv[1:])

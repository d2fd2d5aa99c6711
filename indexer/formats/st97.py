"""ST.97-style JSON: the components of ST.96 under their names in lowerCamelCase (`patentPublication`, `applicantBag`).

What WIPO ST.97 makes of ST.96: an object for each component, an array for what may stand more than once, attributes as
members like the others. Where an element has attributes and text the text is the member `value`. `MEMBERS` are the
attributes of ST.96, by which they are told from elements. The ST.96 readers read what comes of it.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from lxml import etree

from common.errors import InputError, MalformedInput, Place
from common.messages import say
from indexer.formats import st96_copyright, st96_design, st96_gi, st96_patent, st96_trademark
from indexer.formats.draft import Draft
from indexer.formats.reading import Context, Format, Reader, Signature

ROOTS: dict[str, Reader] = {
    "patentPublication": st96_patent.read,
    "bibliographicData": st96_patent.read,
    "trademarkApplication": st96_trademark.read,
    "designApplication": st96_design.read,
    "giApplication": st96_gi.read,
    "giData": st96_gi.read,
    "copyrightOrphanWork": st96_copyright.read,
}
TEXT = "value"
MEMBERS = frozenset(
    {"languageCode", "officeCode", "sequenceNumber", "st96Version", "ipoVersion", "operationCategory", "id"}
    | {"citedPhaseCategory", "citingPartyCategory"}
)
"""Attributes of ST.96; all else are elements."""
ACRONYMS = (
    *("ipcr", "ipc", "ip", "cpc", "ecla", "pct", "gi", "npl", "st13", "isni", "uri", "nuts", "tsg", "das", "lor", "p"),
)
"""What a name may begin with and ST.96 writes in capitals."""
MAX_SIZE = 64 * 1024 * 1024
DEEPEST = 100

_ACRONYM = re.compile(rf"^({'|'.join(ACRONYMS)})(?=[A-Z]|$)")
_CAPITALS = re.compile(r"^([A-Z0-9]+?)(?=[A-Z][a-z]|$)|^([A-Z])")


def lower_camel(name: str) -> str:
    """`IPOfficeCode` → `ipOfficeCode`, `ApplicantBag` → `applicantBag`."""
    match = _CAPITALS.match(name)
    return name if match is None else match[0].lower() + name[match.end() :]


def upper_camel(name: str) -> str:
    """The name of the ST.96 component that `name` stands for."""
    match = _ACRONYM.match(name)
    return match[0].upper() + name[match.end() :] if match else name[:1].upper() + name[1:]


def read(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    """The drafts of one JSON document. Raises MalformedInput where it is none of ST.97."""
    place = Place(context.file, context.member)
    data = stream.read(MAX_SIZE + 1)
    if len(data) > MAX_SIZE:
        raise MalformedInput(say("input.st97-too-large", size=MAX_SIZE // 1024 // 1024), place=place)
    try:
        content = json.loads(data)
        (name, body), *others = content.items() if isinstance(content, dict) else [("", None)]
        if others or name not in ROOTS or not isinstance(body, dict):
            raise MalformedInput(say("input.st97-no-component"), place=place)
        element = _element(name, body, 0)
    except _TooDeepError:
        raise MalformedInput(say("input.st97-too-deep"), place=place) from None
    except (ValueError, RecursionError) as error:
        raise MalformedInput(say("input.st97-unreadable", fault=str(error)), place=place) from error
    yield from ROOTS[name](io.BytesIO(etree.tostring(element)), context)


class _TooDeepError(Exception):
    pass


def _element(name: str, body: Any, depth: int) -> etree._Element:
    """Raises ValueError for names and texts that XML cannot hold, _TooDeepError."""
    if depth > DEEPEST:
        raise _TooDeepError
    element = etree.Element(upper_camel(name))
    if not isinstance(body, dict):
        element.text = _text(body)
        return element
    for key, held in body.items():
        if key == TEXT:
            element.text = _text(held)
        elif key in MEMBERS and not isinstance(held, (dict, list)):
            element.set(key, _text(held))
        else:
            for one in held if isinstance(held, list) else [held]:
                element.append(_element(key, one, depth + 1))
    return element


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _recognises(found: Signature) -> bool:
    return bool(found.json_keys) and found.json_keys[0] in ROOTS


FORMATS: tuple[Format, ...] = (
    Format(
        "st97-json",
        "ST.97-style JSON of ST.96 patents, marks, designs, indications and orphan works",
        ("patent", "trademark", "design", "gi", "copyright"),
        _recognises,
        read,
        1,
        ("what the ST.96 formats read, from the same components as JSON",),
    ),
)

"""JSON members cut into records: one object at a time out of a file of any size.

Offices' interfaces answer with an envelope around a list. A reader names the places where its records stand, as paths
of keys (`patents.item`, where `item` is any element of a list; `*.patentcontent.item` at any depth); each object there
is built, and the rest of the file passes by but for its single values, which `Around` keeps (messages, totals).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import ijson
from ijson.common import JSONError, ObjectBuilder

from common.errors import InputError, MalformedInput, Place
from common.messages import say
from indexer.formats.draft import Draft, DraftClassification, DraftDate, DraftNumber, DraftText
from indexer.formats.reading import Context, Reader, Signature, nothing_found
from indexer.record import DateType, NumberType, TextType

MAX_VALUES = 1_000_000
"""Values in one record. The largest real ones (file histories) have some ten thousand."""

Object = Mapping[str, Any]

MESSAGES = ("errorMessage", "message", "error", "errorDetails", "moreInfo")


@dataclass(slots=True)
class Around:
    """Single values outside the records, by path. Those after a record are not there yet while it is read."""

    values: dict[str, str] = field(default_factory=dict)

    def said(self) -> str | None:
        """What the office says of an answer without records."""
        found = (words for path, words in self.values.items() if path.rpartition(".")[2] in MESSAGES)
        return next(found, None)


RecordReader = Callable[[Object, Around], Iterable[Draft | InputError]]


def read_objects(
    stream: BinaryIO, context: Context, places: tuple[str, ...], read: RecordReader
) -> Iterator[Draft | InputError]:
    """Drafts of each object at `places`; an InputError where there is none, or the JSON is broken."""
    around = Around()
    ordinal = 0
    try:
        for found in _objects(stream, places, around):
            for outcome in read(found, around):
                if isinstance(outcome, InputError):
                    outcome.place = Place(context.file, context.member, ordinal)
                yield outcome
            ordinal += 1
    except JSONError as error:
        yield MalformedInput(
            say("input.not-well-formed-json", fault=_plain(error)),
            place=Place(context.file, context.member, ordinal),
        )
        return
    except UnicodeDecodeError:
        yield MalformedInput(
            say("input.json-not-utf-8"),
            place=Place(context.file, context.member, ordinal),
        )
        return
    except _TooLargeError:
        yield MalformedInput(
            say("input.too-many-values", most=MAX_VALUES),
            place=Place(context.file, context.member, ordinal),
        )
        return
    if not ordinal:
        yield nothing_found(context, around.said())


class _TooLargeError(Exception):
    pass


def _objects(stream: BinaryIO, places: tuple[str, ...], around: Around) -> Iterator[Object]:
    wanted = re.compile("|".join(re.escape(place).replace(r"\*\.", r"(?:.*\.)?") for place in places))
    builder: ObjectBuilder | None = None
    depth = size = 0
    for prefix, event, found in ijson.parse(stream, use_float=True):
        if builder is None:
            if event == "start_map" and wanted.fullmatch(prefix):
                builder, depth, size = ObjectBuilder(), 1, 0  # type: ignore[no-untyped-call]
                builder.event(event, found)  # type: ignore[no-untyped-call]
            elif event in ("string", "number") and len(around.values) < 1000:
                around.values[prefix] = str(found)
            continue
        builder.event(event, found)  # type: ignore[no-untyped-call]
        size += 1
        if size > MAX_VALUES:
            raise _TooLargeError
        if event in ("start_map", "start_array"):
            depth += 1
        elif event in ("end_map", "end_array"):
            depth -= 1
            if depth == 0:
                built: Object = builder.value  # type: ignore[assignment]
                yield built
                builder = None


def _plain(error: Exception) -> str:
    return " ".join(str(error).split("\n")[0].split()).rstrip(".") or "unreadable"


# --- looking into an object ---


def one(found: Object | None, *names: str) -> str | None:
    """The first of `names` that holds a single value, as text; None for what is null or blank."""
    for name in names:
        inner = (found or {}).get(name)
        if isinstance(inner, str | int | float) and not isinstance(inner, bool):
            words = " ".join(str(inner).split())
            if words:
                return words
    return None


def inside(found: Object | None, name: str) -> Object:
    """The object called `name`, or an empty one."""
    inner = (found or {}).get(name)
    return inner if isinstance(inner, dict) else {}


def several(found: Object | None, *names: str) -> list[Object]:
    """The objects in the first list of `names` that has any."""
    for name in names:
        inner = (found or {}).get(name)
        objects: list[Object] = [each for each in inner if isinstance(each, dict)] if isinstance(inner, list) else []
        if objects:
            return objects
    return []


def words_in(found: Object | None, name: str) -> list[str]:
    """Single values in the list (or object, or the single value) called `name`, as text."""
    inner = (found or {}).get(name)
    if isinstance(inner, dict):
        inner = list(inner.values())
    elif not isinstance(inner, list):
        inner = [inner]
    return [words for each in inner if (words := one({"": each}, ""))]


def add_number(
    draft: Draft, number_type: NumberType, raw: str | None, office: str | None, date: str | None = None, **more: Any
) -> None:
    if raw:
        draft.numbers.append(DraftNumber(number_type, raw, office, date=date, **more))


def add_date(draft: Draft, date_type: DateType, raw: str | None, label: str | None = None) -> None:
    if raw:
        draft.dates.append(DraftDate(date_type, raw, label))


def add_text(
    draft: Draft, text_type: TextType, text: str | None, language: str | None = None, class_symbol: str | None = None
) -> None:
    if text:
        draft.texts.append(DraftText(text_type, text, language, class_symbol=class_symbol))


def add_classes(draft: Draft, scheme: str, symbols: Iterable[str], **more: Any) -> None:
    draft.classifications += [DraftClassification(scheme, symbol, **more) for symbol in symbols if symbol]


def reader(places: tuple[str, ...], read: RecordReader) -> Reader:
    """A Reader of the objects at `places`."""

    def read_member(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
        return read_objects(stream, context, places, read)

    return read_member


def has_keys(*groups: Iterable[str]) -> Callable[[Signature], bool]:
    """Recognises JSON that has every key of one of `groups`."""
    wanted = tuple(frozenset(group) for group in groups)
    return lambda found: any(group <= set(found.json_keys) for group in wanted)

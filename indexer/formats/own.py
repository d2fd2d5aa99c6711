"""The platform's own formats: JSON lines in the shape of `Draft`, and CSV with a column map.

JSON lines: one object a line: `{"concord_record": 1, "right": "trademark", "numbers": [{"type": "application", …}]}`.
The shape is published as a JSON Schema, `concord-record.schema.json`, made from indexer/formats/draft.py
(`python -m indexer.formats.own` writes it). Unknown fields are refused: nothing is dropped in silence.

CSV: the header names what each column holds (`TARGETS` below), or options of the delivery say so:
`column.Aktenzeichen = number.application`. Several values in one cell are parted by `|` (option `list`). A column that
is mapped to `-` is left out on purpose; one that is not mapped at all is an error.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
import types
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal, Union, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from common.errors import InputError, MalformedInput, Place
from common.messages import Message, say
from common.validation import told
from indexer.formats.draft import (
    Draft,
    DraftAddress,
    DraftCitation,
    DraftClassification,
    DraftDate,
    DraftDesignation,
    DraftEvent,
    DraftFamily,
    DraftImage,
    DraftNumber,
    DraftParty,
    DraftPriority,
    DraftRelation,
    DraftText,
)
from indexer.formats.reading import Context, Format, Signature
from indexer.record import DateType, NumberType, PartyRole, RelationType, Right, TextType

VERSION = 1
MARKER = "concord_record"
SCHEMA_FILE = Path(__file__).with_name("concord-record.schema.json")
MAX_LINE = 64 * 1024 * 1024
MAX_FIELD = 16 * 1024 * 1024
POSITION = ("byte_offset", "byte_length", "line", "problems")
"""Fields of a Draft that say where it was read: the reader fills them, no file may."""

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""Characters that neither XML nor the stores take."""


# --- JSON lines ---


def _model(shape: type[Any]) -> type[BaseModel]:
    """A pydantic model with the fields of a dataclass, that refuses unknown ones."""
    hints = typing.get_type_hints(shape)
    fields: dict[str, Any] = {}
    if shape is Draft:
        fields[MARKER] = (Literal[1], ...)
    for field in dataclasses.fields(shape):
        if field.name in POSITION:
            continue
        default: Any = ...
        if field.default is not dataclasses.MISSING:
            default = field.default
        elif field.default_factory is not dataclasses.MISSING:
            default = Field(default_factory=field.default_factory)
        fields[field.name] = (_type(hints[field.name]), default)
    config = ConfigDict(extra="forbid", frozen=True, title=shape.__name__)
    return cast(type[BaseModel], create_model(shape.__name__, __config__=config, **fields))


def _type(hint: Any) -> Any:
    if dataclasses.is_dataclass(hint):
        return MODELS.setdefault(hint, _model(cast(type[Any], hint)))
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return Union[tuple(_type(one) for one in arguments)]  # noqa: UP007 (built from a tuple)
    if origin is list:
        return list[_type(arguments[0])]  # type: ignore[misc]
    return hint


MODELS: dict[Any, type[BaseModel]] = {}
MODEL = _model(Draft)


def schema() -> dict[str, Any]:
    """The JSON Schema of one line."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "IP Concord record",
        "description": "One line of a JSON lines delivery: what an office says of one patent, mark, design, copyright "
        "work or geographical indication, in its own words. Every value is text as the office writes it.",
        **{k: v for k, v in MODEL.model_json_schema().items() if k != "title"},
    }


def read_json_lines(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    """One Draft for each line. Yields an InputError, with line and field, for each line that cannot be read."""
    offset, ordinal = 0, 0
    for line, data, problem in _byte_lines(stream):
        start, offset = offset, offset + len(data)
        content = data.removeprefix(b"\xef\xbb\xbf") if line == 1 else data
        place = Place(context.file, context.member, ordinal, line=line)
        if problem:
            yield MalformedInput(problem, place=place)
            ordinal += 1
            continue
        if not content.strip():
            continue
        try:
            model = MODEL.model_validate_json(content)
        except (ValidationError, RecursionError) as error:
            field, message = _why(error)
            place = dataclasses.replace(place, field=field)
            said = say("input.other-shape", problem=message, schema=SCHEMA_FILE.name)
            yield MalformedInput(said, place=place)
        else:
            draft = cast(Draft, _draft(model, Draft))
            draft.byte_offset, draft.byte_length, draft.line = start, len(data), line
            _clean(draft, draft)
            yield draft
        ordinal += 1
    if not ordinal:
        yield MalformedInput(say("input.no-record"), place=Place(context.file, context.member))


def _byte_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes, Message | None]]:
    """(line number, bytes with their line end, what is wrong), never holding more than MAX_LINE."""
    number = 0
    while data := stream.readline(MAX_LINE):
        number += 1
        if len(data) == MAX_LINE and not data.endswith(b"\n"):
            length = len(data)
            while (rest := stream.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                length += len(rest)
            yield number, b"", say("input.line-too-long", size=MAX_LINE // 1024 // 1024)
            continue
        yield number, data, None


def _why(error: ValidationError | RecursionError) -> tuple[str, str]:
    if isinstance(error, RecursionError):
        return "", say("input.nested-too-deeply")
    found = error.errors(include_url=False, include_input=False)[0]
    return ".".join(str(step) for step in found["loc"]), told(found)


def _draft(model: BaseModel, shape: type[Any]) -> Any:
    """The dataclass that a model stands for."""
    reverse = {one: kind for kind, one in MODELS.items()}

    def convert(found: Any) -> Any:
        if isinstance(found, BaseModel):
            return _draft(found, reverse[type(found)])
        if isinstance(found, list):
            return [convert(one) for one in found]
        return found

    return shape(**{name: convert(getattr(model, name)) for name in type(model).model_fields if name != MARKER})


def _clean(draft: Draft, found: Any, path: str = "") -> None:
    """Replace control characters by U+FFFD, and say so."""
    for field in dataclasses.fields(found):
        if field.name in POSITION:
            continue
        content = getattr(found, field.name)
        where = f"{path}{field.name}"
        if type(content) is str and CONTROL.search(content):
            setattr(found, field.name, CONTROL.sub("\ufffd", content))
            draft.problems.append((where, "control characters were replaced"))
        elif dataclasses.is_dataclass(content):
            _clean(draft, content, f"{where}.")
        elif isinstance(content, list):
            for position, one in enumerate(content):
                if dataclasses.is_dataclass(one):
                    _clean(draft, one, f"{where}.{position}.")
                elif type(one) is str and CONTROL.search(one):
                    content[position] = CONTROL.sub("\ufffd", one)
                    draft.problems.append((f"{where}.{position}", "control characters were replaced"))


# --- CSV ---

PARTY_PARTS = (
    "country",
    "nationality",
    "identifier",
    "address",
    "city",
    "region",
    "postal-code",
    "email",
    "phone",
    "latin-name",
)
PLAIN = {
    "office": "office",
    "kind": "kind",
    "language": "language",
    "mark-feature": "mark_feature",
    "mark-kind": "mark_kind",
    "design-index": "design_index",
    "total-designs": "total_designs",
    "work-year": "work_year",
}
LISTS = {"colour": "colours", "work-kind": "work_kinds", "work-usage": "work_usage"}
TARGETS = (
    "right; operation (upsert, delete); unpublished, work-publish (true, false); " + ", ".join((*PLAIN, *LISTS)),
    "number.TYPE, number.TYPE.office, number.TYPE.kind, number.TYPE.date",
    "date.TYPE",
    "text.TYPE, text.TYPE@LANGUAGE",
    "party.ROLE, party.ROLE.PART with PART one of " + ", ".join(PARTY_PARTS),
    "class.SCHEME, class.SCHEME.edition",
    "priority.number, priority.date, priority.office",
    "designation; image.TYPE; event, event.date, event.scheme; status, status.date",
    "citation.patent, citation.literature; relation.TYPE; family.DEFINITION",
    "- (left out on purpose)",
)
"""What a column can hold."""

TARGET = re.compile(
    r"right|operation|unpublished|work-publish|designation|-"
    rf"|(?P<plain>{'|'.join(PLAIN)})|(?P<list>{'|'.join(LISTS)})"
    rf"|number\.(?P<number>{'|'.join(NumberType)})(?:\.(?P<number_part>office|kind|date))?"
    rf"|date\.(?P<date>{'|'.join(DateType)})"
    rf"|text\.(?P<text>{'|'.join(TextType)})(?:@(?P<language>[A-Za-z-]{{2,8}}))?"
    rf"|party\.(?P<party>{'|'.join(PartyRole)})(?:\.(?P<party_part>{'|'.join(PARTY_PARTS)}))?"
    r"|class\.(?P<scheme>[A-Za-z0-9-]{1,20}?)(?P<edition>\.edition)?"
    r"|priority\.(?P<priority>number|date|office)"
    r"|image\.(?P<image>drawing|mark|design-view|photograph|document-page|other)"
    r"|(?P<event>event|status)(?:\.(?P<event_part>date|scheme))?"
    r"|citation\.(?P<citation>patent|literature)"
    rf"|relation\.(?P<relation>{'|'.join(RelationType)})"
    r"|family\.(?P<family>docdb-simple|inpadoc-extended|office|other)"
)


SHIELDED = re.compile(r"'+[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
"""A cell with an apostrophe that keeps spreadsheets from computing it: the platform writes tables so."""


def read_csv(stream: BinaryIO, context: Context) -> Iterator[Draft | InputError]:
    """One Draft for each row. Options: `column.NAME`, `right`, `office`, `delimiter`, `list`, `encoding`.

    Raises MalformedInput where the header cannot be understood. Yields one for each row that cannot be read.
    """
    options = dict(context.options)
    lines = _Lines(stream, options.get("encoding", "utf-8-sig"), context)
    header_line = next(lines, "")
    delimiter = options.get("delimiter") or _delimiter(header_line)
    header = next(csv.reader([header_line], delimiter=delimiter), [])
    columns = [_column(name.strip(), options, context) for name in header]
    if not any(columns):
        raise MalformedInput(
            say("input.no-header"),
            place=Place(context.file, context.member, line=1),
        )
    rows = csv.reader(lines, delimiter=delimiter)
    ordinal = 0
    while True:
        place = Place(context.file, context.member, ordinal, line=lines.number + 1)
        try:
            row = next(rows)
        except StopIteration:
            return
        except (csv.Error, InputError) as error:
            yield MalformedInput(say("input.row-unreadable", fault=_message(error)), place=place)
            ordinal += 1
            continue
        if not any(cell.strip() for cell in row):
            continue
        row = [cell[1:] if SHIELDED.match(cell) else cell for cell in row]
        try:
            yield _row(row, columns, options, place)
        except InputError as error:
            yield error
        ordinal += 1


class _Lines:
    """Lines of text, decoded; knows the number of the last one."""

    def __init__(self, stream: BinaryIO, encoding: str, context: Context) -> None:
        try:
            self.decoded = io.TextIOWrapper(stream, encoding, errors="replace", newline="")
        except LookupError:
            raise MalformedInput(
                say("input.option-encoding", encoding=encoding), place=Place(context.file, context.member)
            ) from None
        self.number = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self.decoded.readline(MAX_FIELD)
        if not line:
            self.decoded.detach()
            self.decoded = io.TextIOWrapper(io.BytesIO())
            raise StopIteration
        self.number += 1
        if len(line) == MAX_FIELD and not line.endswith("\n"):
            while (rest := self.decoded.readline(MAX_FIELD)) and not rest.endswith("\n"):
                pass
            raise MalformedInput(say("input.cell-too-long", size=MAX_FIELD // 1024))
        return line


def _message(error: Exception) -> str:
    return (error.message if isinstance(error, InputError) else str(error)).rstrip(".")


def _delimiter(header: str) -> str:
    return max(",;\t|", key=header.count)


def _column(name: str, options: dict[str, str], context: Context) -> re.Match[str] | None:
    target = options.get(f"column.{name}", name)
    match = TARGET.fullmatch(target)
    if match is None and name:
        raise MalformedInput(
            say("input.column-unknown", column=name[:80]),
            place=Place(context.file, context.member, field=name[:80], line=1),
        )
    return match


def _row(row: list[str], columns: list[re.Match[str] | None], options: dict[str, str], place: Place) -> Draft:
    if len(row) > len(columns):
        raise MalformedInput(
            say("input.cells", cells=len(row), columns=len(columns)),
            place=place,
        )
    separator = options.get("list", "|")
    cells = [
        (target, [part.strip() for part in cell.split(separator)] if separator else [cell.strip()])
        for target, cell in zip(columns, row, strict=False)
        if target is not None and cell.strip()
    ]
    rights = [parts[0] for target, parts in cells if target.group() == "right"] or [options.get("right", "")]
    if rights[0] not in {str(one) for one in Right}:
        raise MalformedInput(
            say("input.no-right", value=rights[0], rights=list(Right)),
            place=dataclasses.replace(place, field="right"),
        )
    draft = Draft(Right(rights[0]), office=options.get("office"), line=place.line)
    for target, parts in cells:
        if (
            target["party_part"]
            or target["number_part"]
            or target["edition"]
            or target["priority"]
            or target["event_part"]
        ):
            continue
        try:
            _fill(draft, target, parts)
        except MalformedInput as error:
            error.place = dataclasses.replace(place, field=target.group())
            raise
    _details(draft, cells)
    _clean(draft, draft)
    return draft


def _truth(word: str) -> bool:
    if word.lower() not in ("true", "false", "1", "0"):
        raise MalformedInput(say("input.no-truth", value=word))
    return word.lower() in ("true", "1")


def _fill(draft: Draft, target: re.Match[str], parts: list[str]) -> None:
    """Put the values of one cell into the Draft. Raises MalformedInput."""
    name = target.group()
    given = [part for part in parts if part]
    if name == "operation":
        if given[0] not in ("upsert", "delete"):
            raise MalformedInput(say("input.no-operation", value=given[0]))
        draft.operation = cast(Literal["upsert", "delete"], given[0])
    elif name == "unpublished":
        draft.unpublished = _truth(given[0])
    elif name == "work-publish":
        draft.work_publish = _truth(given[0])
    elif name == "designation":
        draft.designations += [DraftDesignation(one) for one in given]
    elif target["plain"]:
        setattr(draft, PLAIN[target["plain"]], " ".join(given))
    elif target["list"]:
        getattr(draft, LISTS[target["list"]]).extend(given)
    elif target["number"]:
        draft.numbers += [DraftNumber(NumberType(target["number"]), one) for one in given]
    elif target["date"]:
        draft.dates += [DraftDate(DateType(target["date"]), one) for one in given]
    elif target["text"]:
        draft.texts += [DraftText(TextType(target["text"]), one, target["language"]) for one in given]
    elif target["party"]:
        # an empty place keeps the columns of countries and addresses aligned
        draft.parties += [
            DraftParty(PartyRole(target["party"]), one, sequence=position)
            for position, one in enumerate(parts, 1)
            if one
        ]
    elif target["scheme"]:
        draft.classifications += [DraftClassification(target["scheme"].upper(), one) for one in given]
    elif target["image"]:
        draft.images += [DraftImage(cast(Any, target["image"]), one) for one in given]
    elif target["event"]:
        draft.events += [DraftEvent(one, "", current=target["event"] == "status") for one in given]
    elif target["citation"] == "patent":
        draft.citations += [DraftCitation("patent", DraftNumber(NumberType.PUBLICATION, one)) for one in given]
    elif target["citation"]:
        draft.citations += [DraftCitation("literature", text=one) for one in given]
    elif target["relation"]:
        kind = RelationType(target["relation"])
        draft.relations += [DraftRelation(kind, DraftNumber(NumberType.OTHER, one)) for one in given]
    elif target["family"]:
        draft.families += [DraftFamily(one, cast(Any, target["family"])) for one in given]


def _details(draft: Draft, cells: list[tuple[re.Match[str], list[str]]]) -> None:
    """Second pass: columns that say more about values of other columns."""
    priorities: dict[str, list[str]] = {}
    for target, parts in cells:
        if target["number_part"]:
            for number, one in zip([n for n in draft.numbers if n.type == target["number"]], parts, strict=False):
                setattr(number, target["number_part"], one or None)
        elif target["edition"]:
            for found in draft.classifications:
                if found.scheme == target["scheme"].upper():
                    found.edition = parts[0] or None
        elif target["priority"]:
            priorities[target["priority"]] = parts
        elif target["event_part"]:
            current = target["event"] == "status"
            attribute = "event_date" if target["event_part"] == "date" else "scheme"
            for event, one in zip([e for e in draft.events if e.current is current], parts, strict=False):
                setattr(event, attribute, one)
        elif target["party_part"]:
            _party_detail(draft, target["party"], target["party_part"], parts)
    for position in range(max((len(parts) for parts in priorities.values()), default=0)):
        raw, date, office = (
            next(iter(priorities.get(name, [])[position : position + 1]), "") or None
            for name in ("number", "date", "office")
        )
        draft.priorities.append(
            DraftPriority(DraftNumber(NumberType.APPLICATION, raw or "", office, date=date), date, position + 1)
        )


ADDRESS_PARTS: dict[str, Callable[[DraftAddress, str], None]] = {
    "address": lambda address, one: address.lines.append(one),
    "email": lambda address, one: address.email.append(one),
    "phone": lambda address, one: address.phone.append(one),
    "city": lambda address, one: setattr(address, "city", one),
    "region": lambda address, one: setattr(address, "region", one),
    "postal-code": lambda address, one: setattr(address, "postal_code", one),
}


def _party_detail(draft: Draft, role: str, part: str, values: list[str]) -> None:
    for party in draft.parties:
        place = (party.sequence or 1) - 1
        if party.role != role or place >= len(values) or not values[place]:
            continue
        if part in ADDRESS_PARTS:
            party.address = party.address or DraftAddress()
            ADDRESS_PARTS[part](party.address, values[place])
        else:
            setattr(party, part.replace("-", "_"), values[place])


def _is_json_lines(found: Signature) -> bool:
    return MARKER in found.json_keys and not found.head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")


def _is_csv(found: Signature) -> bool:
    """A header in the platform's own names, with a column for the right."""
    if found.root is not None or found.json_keys:
        return False
    header = found.head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0][:4096].decode("utf-8", "replace").strip()
    names = [name.strip().strip('"') for name in header.split(_delimiter(header))]
    return len(names) > 1 and "right" in names and all(TARGET.fullmatch(name) for name in names)


csv.field_size_limit(MAX_FIELD)

FORMATS: tuple[Format, ...] = (
    Format(
        "concord-json-lines",
        "IP Concord records, JSON lines",
        tuple(Right),
        _is_json_lines,
        read_json_lines,
        1,
        ("everything that a record can hold: see concord-record.schema.json",),
    ),
    Format("concord-csv", "CSV with a column map", tuple(Right), _is_csv, read_csv, 1, TARGETS),
)


def main() -> None:
    """Write the published schema anew."""
    SCHEMA_FILE.write_text(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

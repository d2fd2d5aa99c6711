"""CSV with the platform's own headings (indexer/formats/own.py, `TARGETS`): the file says itself what its columns hold.

Several values stand in one cell, parted by `|`; a cell cannot hold a `|` of its own, which is written as `¦`. Columns
of parts (`party.applicant.country`) keep the order of the column that they belong to.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator

from api.exchange.writers.drafts import draft_of
from indexer.formats.draft import Draft, DraftNumber, DraftParty
from indexer.record import NumberType, Record

COMPUTED = re.compile(r"'*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
"""How a cell begins that a spreadsheet takes for a formula, full-width signs too (OWASP, CSV injection)."""
SEPARATOR, INSTEAD = "|", "\u00a6"
Cells = dict[str, list[str]]

PARTY_PARTS = ("country", "nationality", "identifier", "latin-name")
ADDRESS_PARTS = {"city": "city", "region": "region", "postal-code": "postal_code"}


def write(record: Record) -> bytes:
    """A table of one record."""
    return b"".join(table([record]))


def table(records: Iterable[Record]) -> Iterator[bytes]:
    """A table of all `records`: its columns are those that any of them needs, so it is made when all are known."""
    rows = [row_of(record) for record in records]
    columns = ordered(name for row in rows for name in row)
    yield line(columns)
    for row in rows:
        yield line([row.get(name, "") for name in columns])


def row_of(record: Record) -> dict[str, str]:
    """Heading → cell of a record."""
    return _joined(cells(draft_of(record)))


def ordered(names: Iterable[str]) -> list[str]:
    """Headings in the order in which they came up, `right` first."""
    return sorted(dict.fromkeys(names), key=lambda name: name != "right")


def line(values: list[str]) -> bytes:
    """A row. A cell that a spreadsheet would compute gets an apostrophe before it, which readers of ours take away."""
    buffer = io.StringIO()
    safe = [f"'{value}" if COMPUTED.match(value) else value for value in values]
    csv.writer(buffer, lineterminator="\r\n").writerow(safe)
    return buffer.getvalue().encode()


def _joined(found: Cells) -> dict[str, str]:
    """Cells as text; a column of nothing but empty places is left out."""
    return {
        name: SEPARATOR.join(value.replace(SEPARATOR, INSTEAD) for value in values)
        for name, values in found.items()
        if any(values)
    }


def cells(draft: Draft) -> Cells:
    """Heading → values of a record."""
    found: Cells = {"right": [draft.right.value]}
    _plain(draft, found)
    for number in draft.numbers:
        name = f"number.{number.type}"
        _add(found, name, number.raw)
        for part, value in (("office", number.office), ("kind", number.kind), ("date", number.date)):
            _add(found, f"{name}.{part}", value or "")
    for date in draft.dates:
        _add(found, f"date.{date.type}", date.raw)
    for text in draft.texts:
        language = text.language if text.language and len(text.language) <= 8 else None
        _add(found, f"text.{text.type}" + (f"@{language}" if language else ""), text.text)
    for party in draft.parties:
        _party(party, found)
    for one in draft.classifications:
        _add(found, f"class.{one.scheme}", one.symbol)
    for scheme in dict.fromkeys(one.scheme for one in draft.classifications):
        editions = {one.edition for one in draft.classifications if one.scheme == scheme}
        if len(editions) == 1:
            found[f"class.{scheme}.edition"] = [next(iter(editions)) or ""]
    for priority in draft.priorities:
        if priority.number.type is NumberType.APPLICATION:
            _add(found, "priority.number", priority.number.raw)
            _add(found, "priority.date", priority.date or "")
            _add(found, "priority.office", priority.number.office or "")
    _history(draft, found)
    return {name: values for name, values in found.items() if _fits(name)}


def _add(found: Cells, name: str, value: str) -> None:
    found.setdefault(name, []).append(value)


def _fits(name: str) -> bool:
    """Whether a reader knows a column by this name: schemes of more than 20 letters, say, it does not."""
    from indexer.formats.own import TARGET

    return TARGET.fullmatch(name) is not None


def _plain(draft: Draft, found: Cells) -> None:
    for name, value in (
        ("office", draft.office),
        ("kind", draft.kind),
        ("language", draft.language),
        ("mark-feature", draft.mark_feature),
        ("mark-kind", draft.mark_kind),
        ("design-index", draft.design_index),
        ("total-designs", draft.total_designs),
        ("work-year", draft.work_year),
        ("unpublished", "true" if draft.unpublished else None),
        ("work-publish", None if draft.work_publish is None else str(draft.work_publish).lower()),
    ):
        if value:
            found[name] = [value]
    for name, values in (("colour", draft.colours), ("work-kind", draft.work_kinds), ("work-usage", draft.work_usage)):
        if values:
            found[name] = list(values)


def _party(party: DraftParty, found: Cells) -> None:
    """A party and its parts, each in its place; one without a name has none in a table."""
    if not party.name:
        return
    name = f"party.{party.role}"
    _add(found, name, party.name)
    address = party.address
    for part in PARTY_PARTS:
        _add(found, f"{name}.{part}", getattr(party, part.replace("-", "_")) or "")
    for part, field in ADDRESS_PARTS.items():
        _add(found, f"{name}.{part}", (getattr(address, field) if address else None) or "")
    for part, values in (
        ("address", address.lines if address else []),
        ("email", address.email if address else []),
        ("phone", address.phone if address else []),
    ):
        _add(found, f"{name}.{part}", values[0] if values else "")


def _history(draft: Draft, found: Cells) -> None:
    for one in draft.designations:
        _add(found, "designation", one.office)
    for image in draft.images:
        _add(found, f"image.{image.type}", image.reference)
    for event in draft.events:
        name = "status" if event.current else "event"
        _add(found, name, event.code)
        _add(found, f"{name}.date", event.event_date or "")
        _add(found, f"{name}.scheme", event.scheme)
    for cited in draft.citations:
        if cited.type == "literature" and cited.text:
            _add(found, "citation.literature", cited.text)
        elif cited.number is not None and (written := _cited(cited.number, draft.office)):
            _add(found, "citation.patent", written)
    for relation in draft.relations:
        if relation.number is not None and relation.number.type is NumberType.OTHER:
            _add(found, f"relation.{relation.type}", relation.number.raw)
    for family in draft.families:
        _add(found, f"family.{family.definition}", family.identifier)


def _cited(number: DraftNumber, office: str | None) -> str | None:
    """A cited document written out, as `US-A-5948634`; None where it would be read as another office's."""
    if number.kind and number.office and number.raw[:1].isdigit():
        return f"{number.office}-{number.kind}-{number.raw}"
    return number.raw if number.office == office and not number.kind else None

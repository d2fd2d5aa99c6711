"""Read back what was written, and say where it differs from the record.

The writers decide what to write; what is lost is not what they believe they left out but what a reader does not find.
`losses.toml` says which differences each format is known for, and why; a difference that it does not explain is
reported as such, and the tests fail on it.
"""

from __future__ import annotations

import io
import tomllib
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any

from api.exchange.writers.result import Loss
from common.errors import ConcordError, InputError, Place
from indexer.formats import sniff
from indexer.formats.draft import Draft
from indexer.formats.reading import Context
from indexer.harmonise import Origin, harmonise
from indexer.record import Model, NumberType, Record, RelationType

UNEXPLAINED = "not found when read back, and nothing explains why: please report it with the record's id"
DERIVED = frozenset({"schema_version", "provider", "collection", "source", "additions", "findings", "partial"})
"""Fields that say where a record came from and what was doubted in that delivery; not what the office says of it."""
LONGEST_VALUE = 200

_TABLE = Path(__file__).with_name("losses.toml")


def read_back(data: bytes, record: Record, options: Iterable[tuple[str, str]] = ()) -> list[Record]:
    """The records that the platform's own readers find in `data`, as if `record`'s provider had delivered it.

    Raises InputError where they find something that they cannot read.
    """
    from indexer.formats.table import FORMATS

    row = sniff.recognise(sniff.signature(data), FORMATS, Place("written"))
    context = Context("written", provider=record.provider, options=tuple(options))
    found = []
    for ordinal, draft in enumerate(row.read(io.BytesIO(data), context)):
        if not isinstance(draft, Draft):
            raise draft
        origin = Origin(
            provider=record.provider,
            collection=record.collection,
            default_office=record.provider,
            delivery=record.source.delivery,
            file="written",
            member="",
            ordinal=ordinal,
            sha256=record.source.sha256,
            format=row.name,
            reader_version=row.version,
        )
        harmonised = harmonise(draft, origin)
        if isinstance(harmonised, Record):
            found.append(harmonised)
    return found


def losses(format: str, record: Record, data: bytes) -> tuple[Loss, ...]:
    """What a reader of `data` does not find of `record`, or finds otherwise."""
    try:
        found = read_back(data, record)
    except InputError as error:
        raise ConcordError(
            f"{record.id} was written as {format}, and cannot be read back: {error.message}",
            remedy="Please report it with the record's id.",
        ) from error
    if len(found) != 1:
        raise ConcordError(
            f"{record.id} was written as {format}, and {len(found)} records are read back.",
            remedy="Please report it with the record's id.",
        )
    return explained(f"{format}-{record.right.value}", differences(record, found[0]))


def explained(format: str, found: Iterable[tuple[str, str]]) -> tuple[Loss, ...]:
    """Differences gathered by field, each with the reason that the table gives for it (`format`: `st96-patent`)."""
    gathered: dict[str, Loss] = {}
    for field, value in found:
        known = gathered.get(field)
        gathered[field] = (
            Loss(field, value[:LONGEST_VALUE], reason(format, field))
            if known is None
            else Loss(field, known.value, known.reason, known.count + 1)
        )
    return tuple(gathered.values())


@lru_cache(maxsize=4096)
def reason(format: str, field: str) -> str:
    """Why `format` loses `field`, by losses.toml: the first pattern that fits."""
    table = _reasons()
    rows = table.get(format) or table.get(f"{format.partition('-')[0]}-any", [])
    for pattern, why in rows:
        if fnmatchcase(field, pattern):
            return why
    return UNEXPLAINED


@lru_cache(maxsize=1)
def _reasons() -> dict[str, list[tuple[str, str]]]:
    content = tomllib.loads(_TABLE.read_text(encoding="utf-8"))
    table: dict[str, list[tuple[str, str]]] = {}
    for format, entry in content.items():
        rows = [(field, one["why"]) for one in entry["lost"] for field in one["fields"]]
        for other in entry.get("like", ()):
            rows += [(field, one["why"]) for one in content[other]["lost"] for field in one["fields"]]
        table[format] = rows
    return table


# --- differences ---


def differences(record: Record, found: Record) -> list[tuple[str, str]]:
    """(field, value) wherever `found` says other than `record`. Order counts within what has a type or role.

    What only `found` has is named with a `+`: a writer must not add anything.
    """
    told: list[tuple[str, str]] = []
    for name in Record.model_fields:
        if name in DERIVED:
            continue
        mine, theirs = getattr(record, name), getattr(found, name)
        if mine == theirs:
            continue
        if name in KEYS:
            told += _lists(name, mine, theirs, record)
        elif isinstance(mine, Model) and isinstance(theirs, Model):
            told += _fields(name, mine, theirs)
        elif mine in (None, ()):
            told.append((f"+{name}", str(theirs)))
        else:
            told.append((name, _shown(mine)))
    return told


def _shown(value: Any) -> str:
    if isinstance(value, Model):
        return ", ".join(f"{k}: {v}" for k, v in value.model_dump(mode="json", exclude_defaults=True).items())
    return str(value)


def _flat(text: str | None) -> str | None:
    return " ".join(text.split()) if text else None


Key = Callable[[Any], Sequence[Any]]
KEYS: dict[str, tuple[Callable[[Any], str], tuple[Key, ...]]] = {
    "numbers": (
        lambda x: x.type.value,
        (lambda x: (x.type, x.canonical, x.kind), lambda x: (x.type, x.canonical), lambda x: (x.type, x.raw)),
    ),
    "dates": (lambda x: x.type.value, (lambda x: (x.type, x.date, x.label), lambda x: (x.type, x.date))),
    "texts": (
        lambda x: x.type.value,
        (
            lambda x: (x.type, x.text, x.class_symbol, x.format, x.declared_language),
            lambda x: (x.type, x.text, x.class_symbol),
            lambda x: (x.type, _flat(x.text)),
        ),
    ),
    "parties": (
        lambda x: x.role.value,
        (
            lambda x: (x.role, x.name, x.identifier, x.country),
            lambda x: (x.role, x.name, x.identifier),
            lambda x: (x.role, x.name),
        ),
    ),
    "classifications": (lambda x: x.scheme, (lambda x: (x.scheme, x.symbol),)),
    "priorities": (
        lambda x: "",
        (lambda x: (x.number.canonical, x.date), lambda x: (x.number.raw, x.date)),
    ),
    "families": (lambda x: x.definition, (lambda x: (x.identifier,),)),
    "relations": (
        lambda x: x.type.value,
        (
            lambda x: (x.type, x.number and (x.number.canonical, x.number.kind, x.number.type), x.text),
            lambda x: (x.type, x.number and x.number.canonical, x.text),
            lambda x: (x.type, x.number and x.number.canonical),
        ),
    ),
    "designations": (lambda x: x.type or "", (lambda x: (x.office, x.type), lambda x: (x.office,))),
    "images": (lambda x: x.type, (lambda x: (x.type, x.reference), lambda x: (x.reference,))),
    "events": (
        lambda x: x.scheme.split("-", 1)[-1],
        (
            lambda x: (x.raw_code, x.scheme, x.event_date, x.effective_date, x.publication_date, len(x.description)),
            lambda x: (x.raw_code, x.scheme, x.event_date),
            lambda x: (x.raw_code, x.scheme),
        ),
    ),
    "citations": (
        lambda x: x.type,
        (
            lambda x: (x.type, x.number and (x.number.canonical, x.number.kind), _flat(x.text), x.category, x.phase),
            lambda x: (x.type, x.number and x.number.canonical, _flat(x.text)),
            lambda x: (x.type, x.number.canonical if x.number else x.text),
        ),
    ),
}
"""For each list of the Record: what its entries are called in a path, and by what one is known again, best first."""


def _lists(name: str, mine: Sequence[Any], theirs: Sequence[Any], record: Record) -> list[tuple[str, str]]:
    called, keys = KEYS[name]
    left = list(mine)
    rest = list(theirs)
    pairs: list[tuple[Any, Any]] = []
    for key in (lambda x: x, *keys):
        index: dict[Any, list[Any]] = {}
        for one in rest:
            index.setdefault(_hashable(key(one)), []).append(one)
        still = []
        for one in left:
            near = index.get(_hashable(key(one)))
            if near:
                pairs.append((one, near.pop(0)))
            else:
                still.append(one)
        left = still
        rest = [one for near in index.values() for one in near]
    told: list[tuple[str, str]] = []
    for one, two in pairs:
        if one != two:
            told += _fields(_path(name, called(one)), one, two)
    told += [(_path(name, called(one)), _shown(one)) for one in left]
    told += [(f"+{_path(name, called(one))}", _shown(one)) for one in rest if not _itself(one, record)]
    return told


def _hashable(key: Any) -> Any:
    return tuple(key) if isinstance(key, list) else key


def _path(name: str, called: str) -> str:
    return f"{name}.{called}" if called else name


def _itself(found: Any, record: Record) -> bool:
    """ST.96 names the record itself as the child of its parents: that says nothing new."""
    return (
        getattr(found, "type", None) is RelationType.CHILD
        and found.number is not None
        and any(found.number.canonical == number.canonical for number in record.numbers)
    )


def _fields(path: str, mine: Model, theirs: Model) -> list[tuple[str, str]]:
    told: list[tuple[str, str]] = []
    for name in type(mine).model_fields:
        one, two = getattr(mine, name), getattr(theirs, name)
        if one == two or (name == "sequence" and one is None):
            continue  # a reader numbers by place what is not numbered
        if isinstance(one, Model) and isinstance(two, Model):
            told += _fields(f"{path}.{name}", one, two)
        elif one in (None, (), "") and two not in (None, (), ""):
            told.append((f"+{path}.{name}", _shown(two)))
        else:
            told.append((f"{path}.{name}", _shown(one)))
    return told


__all__ = ["UNEXPLAINED", "NumberType", "differences", "explained", "losses", "read_back", "reason"]

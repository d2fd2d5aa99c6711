"""Families, computed from what each record says of itself: no state between records, so nothing that can go stale.

A family is never stored. Each record carries keys made from its own priorities; who asks for a family looks for the
records with the same keys among those it may see. So a family is right after deliveries in any order, amendments,
deletions and reindexing, and a record that the caller may not see connects nothing (docs/families.md).

- Simple family (DOCDB): records with exactly the same set of priorities. A record that claims none is its own
  priority: its first filing belongs to the family of those that claim it.
- Extended family (INPADOC): records connected by priorities that they share, directly or over others. What a later
  application of the same office takes from an earlier one (division, continuation, addition, reissue, entry into the
  national phase) counts as a priority here, as INPADOC counts it.
"""

from __future__ import annotations

import hashlib

from indexer.record import Number, NumberType, Record, RelationType

FILED = (NumberType.APPLICATION, NumberType.PCT_APPLICATION)
DOMESTIC = frozenset(
    {
        RelationType.DIVISIONAL_OF,
        RelationType.CONTINUATION_OF,
        RelationType.CONTINUATION_IN_PART_OF,
        RelationType.ADDITION_TO,
        RelationType.REISSUE_OF,
        RelationType.NATIONAL_PHASE_OF,
    }
)
"""Relations by which an application takes the date of an earlier one of the same office."""
ONE_SERIES = frozenset({"JP"})
"""Offices that number applications for patents and for utility models alike: the kind tells them apart."""
MODELS = ("U", "Y", "Z")


def claimed(record: Record) -> tuple[str, ...]:
    """Applications whose priority the record claims, each once, sorted."""
    return tuple(sorted({_node(p.number, p.number.kind) for p in record.priorities}))


def filed(record: Record) -> tuple[str, ...]:
    """Applications that the record is itself: the international one first, for an application that entered the
    national phase is the same as that."""
    return _own(record, NumberType.PCT_APPLICATION) + _own(record, NumberType.APPLICATION)


def simple_key(record: Record) -> str:
    """The same for records with exactly the same priorities. 16 hexadecimal digits; of a record with neither
    priority nor application, its own."""
    nodes = claimed(record) or filed(record)[:1] or (record.id,)
    return _key(record.right.value, *nodes)


def links(record: Record) -> tuple[str, ...]:
    """Applications by which the record hangs together with others: claimed, its own, and those it was taken from."""
    earlier = [
        _node(relation.number, relation.number.kind)
        for relation in record.relations
        if relation.type in DOMESTIC and relation.number is not None and relation.number.type in FILED
    ]
    return tuple(dict.fromkeys((*claimed(record), *filed(record), *earlier)))


def application_key(record: Record) -> str:
    """The same for all publications of one application (and all designs of one); its own for a record that names no
    application. 16 hexadecimal digits."""
    national = _own(record, NumberType.APPLICATION) or _own(record, NumberType.PCT_APPLICATION)
    return _key(record.right.value, *(national or (record.id,))[:1])


def _own(record: Record, type: NumberType) -> tuple[str, ...]:
    numbers = [n for n in record.numbers if n.type is type and n.office in (record.office, "WO")]
    return tuple(dict.fromkeys(_node(number, number.kind or record.kind) for number in numbers))


def _node(number: Number, kind: str | None) -> str:
    model = number.office in ONE_SERIES and (kind or "").startswith(MODELS)
    return f"{number.canonical}U" if model else number.canonical


def _key(*parts: str) -> str:
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()

"""The golden view: a cluster as one record, every value naming the record it comes from.

It is computed from what the viewer may see of the members, anew for each viewer. A member that is hidden, or a field of
it, is not there: nothing in the view can depend on it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    authorities: frozenset[str]
    single: tuple[str, ...]
    lists: dict[str, tuple[str, ...]]
    kept: frozenset[str]
    kept_dates: frozenset[str]


@lru_cache(maxsize=1)
def order() -> Order:
    table = tomllib.loads(Path(__file__).with_name("survivorship.toml").read_text("utf-8"))
    return Order(
        frozenset(table["authorities"]),
        tuple(table["single"]),
        {name: tuple(keys) for name, keys in table["lists"].items()},
        frozenset(table["corrections"]["kept"]),
        frozenset(table["corrections"]["kept_dates"]),
    )


@dataclass(frozen=True, slots=True)
class Source:
    """A member, or a correction of one, as the viewer sees it."""

    record: Json
    seq: int
    """Change sequence: the larger, the newer."""
    correction: bool = False

    @property
    def id(self) -> str:
        return str(self.record["id"])

    @property
    def rank(self) -> int:
        """0 issuing office, 1 authority, 2 aggregator."""
        provider = self.record.get("provider")
        if provider == self.record.get("office"):
            return 0
        return 1 if provider in order().authorities else 2


def golden(members: Sequence[Json], seqs: Mapping[str, int], corrections: Sequence[Json] = ()) -> dict[str, Any]:
    """`fields`: part → list of {value, source, provider, agree, differ}; `sources`: ids in order of precedence.

    `members`, `corrections`: record JSON as the viewer may see it; `seqs`: change sequence by id. `agree` and `differ`
    name other members that say the same, or something else, on the same point. The order in which members are given is
    of no account.
    """
    sources = [Source(record, seqs.get(record["id"], 0)) for record in members]
    sources += [Source(record, seqs.get(record["id"], 0), True) for record in corrections]
    sources.sort(
        key=lambda s: (s.rank, str(s.record.get("provider")), not s.correction, -s.seq, s.id),
    )
    fields: dict[str, list[dict[str, Any]]] = {}
    for name in order().single:
        held = [(source, source.record[name]) for source in sources if _says(source, name)]
        if held:
            fields[name] = [_entry(held)]
    for name, keys in order().lists.items():
        by_key: dict[bytes, list[tuple[Source, list[Any]]]] = {}
        for source in sources:
            if not _says(source, name):
                continue
            mine: dict[bytes, list[Any]] = {}
            for entry in source.record[name]:
                if source.correction and name == "dates" and entry["type"] in order().kept_dates:
                    continue
                mine.setdefault(orjson.dumps([entry.get(key) for key in keys]), []).append(_plain(entry))
            for key, entries in mine.items():
                by_key.setdefault(key, []).append((source, entries))
        if by_key:
            fields[name] = [_entry(held) for _, held in sorted(by_key.items())]
    return {"fields": fields, "sources": [source.id for source in sources]}


def _says(source: Source, name: str) -> bool:
    if source.correction and name in order().kept:
        return False
    return source.record.get(name) not in (None, [], (), {})


def _plain(entry: Any) -> Any:
    """Without what is only where it stood."""
    return {k: v for k, v in entry.items() if k not in ("sequence", "raw")} if isinstance(entry, Mapping) else entry


def _entry(held: Sequence[tuple[Source, Any]]) -> dict[str, Any]:
    first, value = held[0]
    told = _told(value)
    others = [(source.id, _told(said) == told) for source, said in held[1:]]
    return {
        "value": value,
        "source": first.id,
        "provider": first.record.get("provider"),
        "agree": [id_ for id_, same in others if same],
        "differ": [id_ for id_, same in others if not same],
    }


def _told(value: Any) -> bytes:
    """What two values are compared by: lists whatever their order."""
    if isinstance(value, list):
        return b"\n".join(sorted(orjson.dumps(entry, option=orjson.OPT_SORT_KEYS) for entry in value))
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def visible_only(golden_view: Mapping[str, Any], visible: Collection[str]) -> bool:
    """Whether a view names nothing but what is visible: for tests and for a last look before it is sent."""
    named = set(golden_view["sources"])
    for entries in golden_view["fields"].values():
        for entry in entries:
            named |= {entry["source"], *entry["agree"], *entry["differ"]}
    return named <= set(visible)

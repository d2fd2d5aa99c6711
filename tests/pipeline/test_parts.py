"""A delivery may carry only a part of a record: it adds to what is held, whatever order whole and part come in."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from indexer.record import DateType, Record, TextType
from tests.pipeline.conftest import Platform

NUMBERS = [{"type": "publication", "raw": "EP4390001", "office": "EP", "kind": "A1"}]
WHOLE = {
    "numbers": NUMBERS,
    "dates": [{"type": "publication", "raw": "20240110"}],
    "texts": [{"type": "title", "text": "Valve arrangement for a heat pump", "language": "en"}],
}
CLAIMS = {"partial": True, "numbers": NUMBERS, "texts": [{"type": "claims", "text": "1. A valve.", "language": "en"}]}
EVENTS = {
    "partial": True,
    "numbers": NUMBERS,
    "events": [{"code": "R17P", "scheme": "INPADOC", "office": "EP", "event_date": "20240301"}],
}
DELETED = {"operation": "delete", "numbers": NUMBERS}


def write(folder: Path, name: str, *records: dict[str, Any]) -> Path:
    path = folder / f"{name}.jsonl"
    lines = ({"concord_record": 1, "right": "patent", "office": "EP", "kind": "A1"} | record for record in records)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


async def held(platform: Platform) -> Record:
    (found,) = (await platform.found()).values()
    return Record.model_validate(found["record"])


def facts(record: Record) -> tuple[set[TextType], set[str], bool, bool]:
    return (
        {text.type for text in record.texts},
        {event.raw_code for event in record.events},
        record.date(DateType.PUBLICATION) is not None,
        record.partial,
    )


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_whole_and_parts_give_one_record_in_any_order(
    platform: Platform, tmp_path: Path, order: tuple[int, ...]
) -> None:
    for step in order:
        await platform.load(write(tmp_path, f"d{step}", (WHOLE, CLAIMS, EVENTS)[step]))
    record = await held(platform)
    assert facts(record) == ({TextType.TITLE, TextType.CLAIMS}, {"R17P"}, True, False)
    files = {record.source.file, *(source.file for source in record.additions)}
    assert files == {"d0.jsonl", "d1.jsonl", "d2.jsonl"}


async def test_one_delivery_may_hold_whole_and_parts(platform: Platform, tmp_path: Path) -> None:
    loaded = await platform.load(write(tmp_path, "all", CLAIMS, WHOLE, EVENTS))
    assert (loaded.counts.records, loaded.counts.indexed, loaded.counts.updated) == (3, 1, 2)
    assert facts(await held(platform)) == ({TextType.TITLE, TextType.CLAIMS}, {"R17P"}, True, False)


async def test_a_new_whole_record_keeps_the_parts(platform: Platform, tmp_path: Path) -> None:
    await platform.load(write(tmp_path, "first", WHOLE, CLAIMS))
    renamed = WHOLE | {"texts": [{"type": "title", "text": "Valve of a heat pump", "language": "en"}]}
    await platform.load(write(tmp_path, "second", renamed))
    record = await held(platform)
    assert [text.text for text in record.texts_of(TextType.TITLE)] == ["Valve of a heat pump"]
    assert [text.text for text in record.texts_of(TextType.CLAIMS)] == ["1. A valve."]


async def test_a_part_delivered_again_changes_nothing(platform: Platform, tmp_path: Path) -> None:
    await platform.load(write(tmp_path, "whole", WHOLE))
    part = write(tmp_path, "claims", CLAIMS)
    await platform.load(part)
    before = platform.rows("select id, seq from records")
    again = await platform.load(part)
    copy = await platform.load(write(tmp_path, "copy", CLAIMS))
    assert (again.counts.unchanged, copy.counts.unchanged) == (1, 1)
    assert platform.rows("select id, seq from records") == before


async def test_a_deletion_takes_the_parts_along(platform: Platform, tmp_path: Path) -> None:
    await platform.load(write(tmp_path, "first", WHOLE, CLAIMS))
    await platform.load(write(tmp_path, "second", DELETED))
    assert not await platform.found()
    await platform.load(write(tmp_path, "third", WHOLE))
    assert facts(await held(platform)) == ({TextType.TITLE}, set(), True, False)

"""A record as it is stored, and the digest of what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.reading import Sender, Task, read, survey, written
from indexer.record import Record

DELIVERY = Path(__file__).parents[2] / "samples" / "deliveries"


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    archive = tmp_path_factory.mktemp("archive").as_uri()
    for found in survey([DELIVERY], archive):
        if found.format == "docdb":
            task = Task(1, found.file, found.member, found.sha256, found.format)
            batch = next(read([task], Sender("EP", "test", 1), archive))
            item = next(item for item in batch.items if item.body)
            return Record.model_validate_json(item.body or b"")
    raise AssertionError("no DOCDB among the samples")


def test_every_field_is_written_in_its_place_whatever_the_record_has(record: Record) -> None:
    other = record.source.model_copy(update={"ordinal": 7})
    for changes in ({}, {"partial": True}, {"additions": (other,)}, {"additions": (other, other), "partial": True}):
        one = record.model_copy(update=changes)
        body, _ = written(one)
        assert Record.model_validate_json(body) == one
        whole = one.model_dump_json(exclude_defaults=True).encode()
        assert body == b'{"schema_version":1,' + whole[1:]


def test_the_digest_tells_what_a_record_says_not_where_it_came_from(record: Record) -> None:
    other = record.source.model_copy(update={"ordinal": 7, "delivery": 9})
    digest = written(record)[1]
    assert written(record.model_copy(update={"source": other, "additions": (other,)}))[1] == digest
    assert written(record.model_copy(update={"partial": True}))[1] != digest
    assert written(record.model_copy(update={"texts": record.texts[:1]}))[1] != digest

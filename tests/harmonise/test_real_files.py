"""Every record that the readers find in real files comes through, and comes through well."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.errors import InputError, Place, UnknownFormat
from indexer.formats import sniff
from indexer.formats.draft import Draft
from indexer.formats.reading import Context
from indexer.formats.table import FORMATS
from indexer.harmonise import Origin, harmonise
from indexer.harmonise.classifications import levels, normalise
from indexer.harmonise.kinds import kind_of
from indexer.harmonise.numbers import number_candidates
from indexer.quality import check
from indexer.record import Deletion, NumberType, Record, Right

FOLDERS = ("docdb", "st36", "st66", "st86", "st96", "office_specific", "json", "assignment")
PROVIDERS = {
    "dpma": "DE",
    "euipo": "EM",
    "uspto": "US",
    "cnipa": "CN",
    "jpo": "JP",
    "tipo": "TW",
    "kipris": "KR",
    "prh": "FI",
    "prv": "SE",
}


def drafts(path: Path, provider: str) -> Iterator[tuple[str, int, Draft]]:
    data = path.read_bytes()
    place = Place(path.name)
    try:
        row = sniff.recognise(sniff.signature(data[:65536], path.name), FORMATS, place)
        for ordinal, found in enumerate(row.read(io.BytesIO(data), Context(file=path.name, provider=provider))):
            if isinstance(found, Draft):
                yield row.name, ordinal, found
    except (UnknownFormat, InputError):
        return


@pytest.fixture(scope="module")
def records(shared_data: Path) -> list[tuple[str, Record]]:
    made: list[tuple[str, Record]] = []
    for folder in FOLDERS:
        for path in sorted((shared_data / folder).rglob("*")):
            if not path.is_file() or path.suffix == ".zip":
                continue
            provider = next((code for name, code in PROVIDERS.items() if name in str(path).lower()), "EP")
            for format, ordinal, draft in drafts(path, provider):
                origin = Origin(
                    provider,
                    f"{provider}-{draft.right}-x".lower(),
                    provider,
                    1,
                    path.name,
                    "",
                    ordinal,
                    "0" * 64,
                    format,
                    1,
                )
                record = harmonise(draft, origin)
                if not isinstance(record, Deletion):
                    made.append((format, record))
    return made


def test_thousands_of_records_of_all_rights_come_through(records: list[tuple[str, Record]]) -> None:
    assert len(records) > 3000
    assert {record.right for _, record in records} >= {Right.PATENT, Right.TRADEMARK, Right.DESIGN}
    assert len({format for format, _ in records}) >= 20


def test_each_is_a_valid_record(records: list[tuple[str, Record]]) -> None:
    for _, record in records:
        assert Record.model_validate(record.model_dump()) == record


def test_ids_hold_the_collection_and_the_canonical_number_in_safe_characters(
    records: list[tuple[str, Record]],
) -> None:
    for _, record in records:
        collection, number = record.id.split(".")[:2]
        assert collection == record.collection
        assert number.replace("-", "").isalnum()
        assert number.isascii()


def test_nearly_every_number_has_a_known_shape(records: list[tuple[str, Record]]) -> None:
    total = sum(len(r.numbers) + len(r.priorities) + len(r.citations) for _, r in records)
    unknown = Counter(f.message for _, r in records for f in r.findings if f.rule == "number-shape")
    assert unknown.total() < total * 0.005, unknown.most_common(10)


def test_publications_are_found_by_number_and_kind(records: list[tuple[str, Record]]) -> None:
    for _, record in records:
        number = record.number(NumberType.PUBLICATION)
        if record.right is Right.PATENT and number is not None and number.office == record.office:
            assert number.canonical in number_candidates(f"{number.canonical}{number.kind or ''}")


def test_kinds_are_understood(records: list[tuple[str, Record]]) -> None:
    for _, record in records:
        if record.right is Right.PATENT and record.kind:
            assert kind_of(record.kind, record.office) is not None
            assert record.kind_group


def test_classes_are_normal_and_know_their_levels(records: list[tuple[str, Record]]) -> None:
    odd = Counter(f.message for _, r in records for f in r.findings if f.rule == "class-shape")
    assert odd.total() <= 2, odd
    for _, record in records:
        for found in record.classifications:
            assert normalise(found.scheme, found.symbol).symbol == found.symbol
            assert levels(found.scheme, found.symbol)[-1] == found.symbol


def test_office_texts_are_hardly_ever_of_another_language_than_tagged(records: list[tuple[str, Record]]) -> None:
    texts = sum(len(record.texts) for _, record in records)
    wrong = sum(f.rule == "language-mismatch" for _, r in records for f in r.findings)
    assert wrong < texts * 0.002


def test_checking_real_records_neither_fails_nor_doubles(records: list[tuple[str, Record]]) -> None:
    errors: Counter[str] = Counter()
    for _, record in records:
        findings = check(record)
        assert len(findings) == len(set(findings))
        errors.update(f.rule for f in findings if f.severity == "error")
    assert errors.total() < len(records) * 0.005, errors

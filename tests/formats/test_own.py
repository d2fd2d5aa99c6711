"""The platform's own formats: JSON lines with a published schema, CSV with a column map."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from common.errors import InputError, MalformedInput
from indexer.formats import own
from indexer.formats.draft import Draft
from indexer.formats.reading import Context
from indexer.formats.sniff import signature
from indexer.record import DateType, NumberType, PartyRole, Right, TextType

RECORD: dict[str, Any] = {
    "concord_record": 1,
    "right": "trademark",
    "office": "EM",
    "numbers": [{"type": "application", "raw": "018000001", "date": "2020-01-02"}],
    "dates": [{"type": "filing", "raw": "2020-01-02"}],
    "texts": [{"type": "mark-text", "text": "SAMPLE"}, {"type": "goods-services", "text": "电池", "language": "zh"}],
    "parties": [{"role": "owner", "name": "Sample Maker GmbH", "country": "DE", "address": {"city": "Berlin"}}],
    "priorities": [{"number": {"type": "application", "raw": "30201900001", "office": "DE"}, "date": "2019-07-08"}],
}


def read(*lines: object) -> list[Draft | InputError]:
    data = b"".join(
        (line if isinstance(line, bytes) else json.dumps(line, ensure_ascii=False).encode()) + b"\n" for line in lines
    )
    return list(own.read_json_lines(io.BytesIO(data), Context("own.jsonl")))


def rows(text: str, **options: str) -> list[Draft | InputError]:
    context = Context("own.csv", options=tuple((k.replace("__", "."), v) for k, v in options.items()))
    return list(own.read_csv(io.BytesIO(text.encode()), context))


def test_the_published_schema_is_the_one_that_the_reader_keeps_to() -> None:
    assert json.loads(own.SCHEMA_FILE.read_text(encoding="utf-8")) == own.schema(), "run: python -m indexer.formats.own"


def test_a_line_becomes_the_draft_it_describes() -> None:
    (draft,) = read(RECORD)
    assert isinstance(draft, Draft)
    assert draft.right is Right.TRADEMARK
    assert (draft.numbers[0].type, draft.numbers[0].raw) == (NumberType.APPLICATION, "018000001")
    assert draft.texts[1].language == "zh"
    assert draft.parties[0].address is not None
    assert draft.parties[0].address.city == "Berlin"
    assert draft.priorities[0].number.office == "DE"


def test_offsets_lead_back_to_the_line() -> None:
    second = RECORD | {"office": "DE"}
    lines = [json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in (RECORD, second)]
    data = lines[0] + b"\n" + lines[1]
    drafts = list(own.read_json_lines(io.BytesIO(data), Context("own.jsonl")))
    for draft, line in zip(drafts, lines, strict=True):
        assert isinstance(draft, Draft)
        assert draft.byte_offset is not None
        assert draft.byte_length is not None
        assert data[draft.byte_offset : draft.byte_offset + draft.byte_length] == line


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"concord_record": 1, "right": "trademark", "colour": "red"}, "colour"),
        ({"concord_record": 1, "right": "song"}, "right"),
        ({"concord_record": 2, "right": "patent"}, "concord_record"),
        ({"concord_record": 1, "right": "patent", "numbers": [{"type": "application"}]}, "numbers.0.raw"),
        ({"concord_record": 1, "right": "patent", "byte_offset": 3}, "byte_offset"),
        (b"[1, 2", ""),
        (b"{" * 100_000, ""),
        (b'{"concord_record": 1, "right": "patent", "office": "\xff"}', ""),
    ],
)
def test_a_bad_line_is_named_with_its_field_and_the_others_are_kept(bad: object, field: str) -> None:
    first, error, last = read(RECORD, bad, RECORD)
    assert isinstance(first, Draft)
    assert isinstance(last, Draft)
    assert isinstance(error, MalformedInput)
    assert (error.place.line, error.place.ordinal, error.place.field) == (2, 1, field)


def test_control_characters_are_replaced_and_reported() -> None:
    (draft,) = read(RECORD | {"office": "E\u0000M", "colours": ["re\u0001d"]})
    assert isinstance(draft, Draft)
    assert draft.office == "E\ufffdM"
    assert draft.colours == ["re\ufffdd"]
    assert {field for field, _ in draft.problems} == {"office", "colours.0"}


def test_json_lines_are_recognised_by_their_marker() -> None:
    formats = {row.name: row for row in own.FORMATS}
    line = json.dumps(RECORD).encode()
    assert formats["concord-json-lines"].recognises(signature(line, "x"))
    assert not formats["concord-json-lines"].recognises(signature(b'{"right": "trademark"}', "x"))


CSV = (
    "right,office,number.application,date.filing,text.title@en,"
    "party.inventor,party.inventor.country,class.IPC,priority.number,priority.date\n"
    'patent,XX,2020/1,2020-01-02,"Battery, flat",'
    "Sample A|Sample B,DE|FR,H01M 10/0525|H01M 4/02,P1|P2,2019-01-02|2019-03-04\n"
)


def test_csv_in_the_platforms_own_names() -> None:
    (draft,) = rows(CSV)
    assert isinstance(draft, Draft)
    assert (draft.right, draft.office) == (Right.PATENT, "XX")
    assert [n.raw for n in draft.numbers] == ["2020/1"]
    assert [(d.type, d.raw) for d in draft.dates] == [(DateType.FILING, "2020-01-02")]
    assert [(t.type, t.text, t.language) for t in draft.texts] == [(TextType.TITLE, "Battery, flat", "en")]
    assert [(p.role, p.name, p.country) for p in draft.parties] == [
        (PartyRole.INVENTOR, "Sample A", "DE"),
        (PartyRole.INVENTOR, "Sample B", "FR"),
    ]
    assert [c.symbol for c in draft.classifications] == ["H01M 10/0525", "H01M 4/02"]
    assert [(p.number.raw, p.date) for p in draft.priorities] == [("P1", "2019-01-02"), ("P2", "2019-03-04")]


def test_csv_with_a_column_map() -> None:
    text = "Aktenzeichen;Marke;Bemerkung\n302020000001;SAMPLE;x\n"
    (draft,) = rows(
        text, right="trademark", office="DE", column__Aktenzeichen="number.application", column__Marke="text.mark-text",
        column__Bemerkung="-",
    )  # fmt: skip
    assert isinstance(draft, Draft)
    assert draft.numbers[0].raw == "302020000001"
    assert draft.texts[0].text == "SAMPLE"


def test_a_column_that_nothing_explains_is_an_error() -> None:
    with pytest.raises(MalformedInput, match="Bemerkung") as caught:
        rows("right,number.application,Bemerkung\ntrademark,1,x\n")
    assert caught.value.place.field == "Bemerkung"


def test_bad_rows_are_named_and_the_others_are_kept() -> None:
    header = "right,number.application,unpublished\n"
    text = header + "trademark,1,false\nsong,2,\ntrademark,3,maybe\ntrademark,4,,,\ntrademark,5,true\n"
    outcomes = rows(text)
    assert [o.numbers[0].raw for o in outcomes if isinstance(o, Draft)] == ["1", "5"]
    errors = [o for o in outcomes if isinstance(o, InputError)]
    assert [(e.place.line, e.place.field) for e in errors] == [(3, "right"), (4, "unpublished"), (5, "")]


def test_csv_is_recognised_by_its_header_only() -> None:
    row = next(row for row in own.FORMATS if row.name == "concord-csv")
    assert row.recognises(signature(CSV.encode(), "x"))
    assert not row.recognises(signature(b"name,country\nSample,DE\n", "x"))
    assert not row.recognises(signature(b"right\ntrademark\n", "x"))

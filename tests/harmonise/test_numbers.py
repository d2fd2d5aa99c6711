"""Numbers in every writing seen lead to one canonical form."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.harmonise.numbers import CanonicalNumber, canonical_number, number_candidates, written_out
from indexer.harmonise.tables_reader import rows
from indexer.record import NumberType, Right

CASES = list(rows("numbers", Path(__file__).parent))


def canonical(row: dict[str, str], raw: str) -> CanonicalNumber:
    return canonical_number(
        raw,
        office=row["office"],
        type=NumberType(row["type"]),
        right=Right(row["right"]),
        kind=row["kind"] or None,
        date=dt.date.fromisoformat(row["date"]) if row["date"] else None,
    )


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 250
    assert len({row["office"] for row in CASES}) >= 40
    assert {row["right"] for row in CASES} >= {"patent", "trademark", "design", "copyright"}


@pytest.mark.parametrize("row", CASES, ids=lambda row: f"{row['office']}-{row['type']}-{row['raw']}")
def test_dirty_number_becomes_canonical(row: dict[str, str]) -> None:
    found = canonical(row, row["raw"])
    assert found.canonical == row["canonical"]
    assert found.known


@pytest.mark.parametrize("row", CASES, ids=lambda row: f"{row['office']}-{row['type']}-{row['raw']}")
def test_canonical_of_canonical_is_itself(row: dict[str, str]) -> None:
    once = canonical(row, row["raw"]).canonical
    assert canonical(row, once).canonical == once


@pytest.mark.parametrize("row", list(rows("number_rules")), ids=lambda row: f"{row['office']}-{row['example']}")
def test_every_rule_fits_its_own_example(row: dict[str, str]) -> None:
    rights = {"p": Right.PATENT, "t": Right.TRADEMARK, "d": Right.DESIGN, "c": Right.COPYRIGHT, "g": Right.GI}
    types = {
        "p": NumberType.PUBLICATION,
        "r": NumberType.REGISTRATION,
        "a": NumberType.APPLICATION,
        "i": NumberType.INTERNATIONAL,
        "w": NumberType.PCT_PUBLICATION,
        "x": NumberType.PCT_APPLICATION,
    }
    office = "DE" if row["office"].startswith("*") else row["office"]
    date = dt.date(1996, 2, 21) if row["canonical"] == "@serial_year" else None
    for right in row["rights"]:
        for type in row["types"] if row["types"] != "*" else "pra":
            if row["canonical"] == "@us_application" and row["example"] == "8359798":
                date = dt.date(1998, 5, 22)
            found = canonical_number(row["example"], office=office, type=types[type], right=rights[right], date=date)
            assert found.known, (right, type)
            assert found.canonical.replace("-", "").isalnum()
            assert found.canonical.isascii()
            assert found.canonical == found.canonical.upper()


@settings(max_examples=400, deadline=None)
@given(
    raw=st.text(alphabet="0123456789 .-/,ABCDEPRSUWXZ特開平昭号第", min_size=1, max_size=20),
    office=st.sampled_from(["EP", "US", "JP", "DE", "WO", "KR", "CN", "BR", "EM", "XX", "IN", "GB", "FR", "TW", "RU"]),
    type=st.sampled_from(list(NumberType)),
    right=st.sampled_from(list(Right)),
)
def test_any_text_gives_safe_characters_and_never_fails(raw: str, office: str, type: NumberType, right: Right) -> None:
    found = canonical_number(raw, office=office, type=type, right=right)
    assert all(c.isdigit() or "A" <= c <= "Z" or c == "-" for c in found.canonical)
    for form in found.forms:
        assert all(c.isdigit() or "A" <= c <= "Z" or c == "-" for c in form)
        assert form != found.canonical


@settings(max_examples=300, deadline=None)
@given(
    digits=st.integers(1, 9_999_999),
    office=st.sampled_from(["EP", "US", "DE", "FR", "GB", "RU", "CA", "CN", "SU", "IL", "NL"]),
)
def test_publications_of_digits_are_stable_and_apart(digits: int, office: str) -> None:
    def read(raw: str) -> str:
        return canonical_number(raw, office=office, type=NumberType.PUBLICATION, right=Right.PATENT).canonical

    once = read(str(digits))
    assert read(once) == once
    assert read(str(digits + 1)) != once


@pytest.mark.parametrize(
    ("one", "two", "office"),
    [("12/3", "1/23", "XX"), ("2005/1234", "20051-234", "LK"), ("A-12-3", "A-1-23", "ZM")],
)
def test_separators_keep_unknown_numbers_apart(one: str, two: str, office: str) -> None:
    read = [
        canonical_number(raw, office=office, type=NumberType.APPLICATION, right=Right.PATENT).canonical
        for raw in (one, two)
    ]
    assert read[0] != read[1]


@pytest.mark.parametrize(
    ("raw", "kind", "expected", "noted"),
    [
        ("801283", "B", "C", True),
        ("801283", "A", "C", True),
        ("801283", "C", "C", False),
        ("1234567", "A", "B", True),
        ("1258188", "B", "B", False),
        ("2446958", "A", "A", False),
        ("801283B", None, "C", True),
    ],
)
def test_old_german_kinds_become_those_of_docdb(raw: str, kind: str | None, expected: str, noted: bool) -> None:
    found = canonical_number(raw, office="DE", type=NumberType.PUBLICATION, right=Right.PATENT, kind=kind)
    assert found.kind == expected
    assert bool(found.notes) is noted


def test_a_wrong_chinese_check_character_is_noted_and_the_number_kept() -> None:
    found = canonical_number("200880114428.X", office="CN", type=NumberType.APPLICATION, right=Right.PATENT)
    assert found.canonical == "CN200880114428"
    assert found.notes == ("check character X should be 1",)
    assert set(found.forms) == {"CN200880114428X", "CN2008801144281"}


def test_docdb_and_epodoc_writings_are_forms_people_can_search_by() -> None:
    us = canonical_number(
        "09/083,597", office="US", type=NumberType.APPLICATION, right=Right.PATENT, date=dt.date(1998, 5, 22)
    )
    assert {"US19980083597", "US8359798"} <= {*us.forms, *[form.replace("US083", "US83") for form in us.forms]}
    jp = canonical_number("特願平5-142789", office="JP", type=NumberType.APPLICATION, right=Right.PATENT)
    assert {"JP14278993", "JP19930142789", "JP05-142789"} <= set(jp.forms)
    ep = canonical_number("98123456.7", office="EP", type=NumberType.APPLICATION, right=Right.PATENT)
    assert "EP19980123456" in ep.forms


def test_a_docdb_serial_of_1997_belongs_to_the_series_of_its_size() -> None:
    def read(raw: str) -> str:
        return canonical_number(
            raw,
            office="US",
            type=NumberType.APPLICATION,
            right=Right.PATENT,
            kind="A",
            date=dt.date(2001, 12, 1),
            format="docdb",
        ).canonical

    assert read("99999901") == "US09999999"
    assert read("1234501") == "US10012345"


def test_the_letter_of_a_docdb_dummy_number_is_part_of_it() -> None:
    found = canonical_number("1258190X", office="US", type=NumberType.APPLICATION, right=Right.PATENT, format="docdb")
    assert found.canonical == "US1258190X"
    assert found.known


@pytest.mark.parametrize("bad", ["978-3-16-148410-1", "12345", "3-16-148410-1"])
def test_an_isbn_that_fails_its_check_is_kept_and_noted(bad: str) -> None:
    found = canonical_number(bad, office="XX", type=NumberType.ISBN, right=Right.COPYRIGHT)
    assert found.canonical.startswith("ISBN")
    assert found.notes
    assert not found.known


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("US-A- 5 948 634", ("US", "A", "5 948 634")),
        ("WO-A-03/008444", ("WO", "A", "03/008444")),
        ("EP-A1-0460575", ("EP", "A1", "0460575")),
        ("AU-A-12345/89", ("AU", "A", "12345/89")),
        ("5948634", None),
        ("JJ-A-1234", None),
    ],
)
def test_citations_written_out_name_their_office(raw: str, expected: tuple[str, str, str] | None) -> None:
    assert written_out(raw) == expected


CANDIDATES = [
    ("JP05-142789", "JPH05142789"),
    ("特開平5-142789", "JPH05142789"),
    ("JPH05142789A", "JPH05142789"),
    ("特許第2500000号", "JP2500000"),
    ("US 2009/0220659", "US20090220659"),
    ("US20090220659A1", "US20090220659"),
    ("US2009220659A1", "US20090220659"),
    ("2009/0220659", "US20090220659"),
    ("US 7,318,131 B2", "US7318131"),
    ("US07318131", "US7318131"),
    ("DE801283B", "DE801283"),
    ("DE 10 2004 012 345 A1", "DE102004012345"),
    ("EP 1 234 567 A1", "EP1234567"),
    ("EP7054", "EP0007054"),
    ("ep1234567", "EP1234567"),
    ("WO 99/12345", "WO1999012345"),
    ("WO2005/012345", "WO2005012345"),
    ("PCT/GB02/04635", "GB0204635W"),
    ("GB0204635W", "GB0204635W"),
    ("ZL200880114428.1", "CN200880114428"),
    ("CN101234567A", "CN101234567"),
    ("10-2005-0040647", "KR1020050040647"),
    ("KR1020050040647", "KR1020050040647"),
    ("KR20050040647", "KR1020050040647"),
    ("특허 제10-0712345호", "KR100712345"),
    ("FR FR1909731", "FR1909731"),
    ("FR1909731", "FR1909731"),
    ("FR2862000", "FR2862000"),
    ("PI0507004-0", "BRPI0507004"),
    ("BRPI0507004", "BRPI0507004"),
    ("UK00003123456", "GB3123456"),
    ("EM018226743", "EM018226743"),
    ("EUIPO 18226743", "EM018226743"),
    ("EM001136808-0001", "EM001136808-0001"),
    ("IR 1234567", "WO1234567"),
    ("DM/076123", "WODM076123"),
    ("TWI345678B", "TWI345678"),
    ("RE38,000", "USRE38000"),
    ("1234/DEL/2005", "IN2005DE01234"),
    ("MX/a/2010/001234", "MX2010001234"),
    ("ISBN 978-3-16-148410-0", "ISBN9783161484100"),
    ("RU 2 345 678 C2", "RU2345678"),
    ("SU1234567A1", "SU1234567"),
    ("RS64414B1", "RS64414"),
]


@pytest.mark.parametrize(("text", "expected"), CANDIDATES)
def test_a_number_in_a_query_finds_its_canonical_form(text: str, expected: str) -> None:
    assert expected in number_candidates(text)


def test_the_likeliest_reading_comes_first() -> None:
    assert number_candidates("EP 1 234 567 A1")[0] == "EP1234567"
    assert number_candidates("US20090220659A1") == ("US20090220659", "US2009220659")


@pytest.mark.parametrize("text", ["heat pump", "solar 5 cell", "", "A" * 80 + "1", "class 30", "battery"])
def test_words_are_no_numbers(text: str) -> None:
    assert number_candidates(text) == ()


@pytest.mark.parametrize("row", CASES, ids=lambda row: f"{row['office']}-{row['type']}-{row['canonical']}")
def test_every_canonical_number_finds_itself(row: dict[str, str]) -> None:
    assert row["canonical"] in number_candidates(row["canonical"])


def test_the_table_has_no_row_twice() -> None:
    seen = [(row["office"], row["right"], row["type"], row["raw"], row["date"], row["kind"]) for row in CASES]
    assert len(seen) == len(set(seen))


def test_the_cases_are_well_formed() -> None:
    with (Path(__file__).parent / "numbers.tsv").open(encoding="utf-8") as file:
        lines = [line for line in csv.reader(file, delimiter="\t") if line and not line[0].startswith("#")]
    assert {len(line) for line in lines} == {7}


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ("特開平5-142789", "A"),
        ("特公平5-12345", "B2"),
        ("実開平5-12345", "U"),
        ("実公平5-12345", "Y2"),
        ("5-12345", None),
    ],
)
def test_japanese_words_before_a_number_name_its_kind(raw: str, kind: str | None) -> None:
    assert canonical_number(raw, office="JP", type=NumberType.PUBLICATION, right=Right.PATENT).kind == kind


def test_a_kind_that_is_given_is_not_replaced_by_words() -> None:
    found = canonical_number("特公平5-12345", office="JP", type=NumberType.PUBLICATION, right=Right.PATENT, kind="B4")
    assert found.kind == "B4"

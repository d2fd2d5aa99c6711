"""US Green Book text: groups and tags, check digits, wrapped lines, weekly files."""

from __future__ import annotations

from pathlib import Path

from common.errors import MalformedInput
from indexer.formats.draft import Draft
from indexer.formats.greenbook import read
from indexer.formats.sniff import recognise, signature
from indexer.formats.table import FORMATS
from indexer.record import NumberType, PartyRole, RelationType, Right, TextType
from tests.formats.coverage import drafts_of, leftovers, outcomes_of

RECORD = """\
PATN
WKU  {number}
SRC  6
APN  192529{check}
APT  {kind}
APD  19800310
TTL  Electronic sample with a title that is too long for
      one line
ISD  19820907
INVT
NAM  Sample, Jr.; One
CTY  Kyoto
CNT  JPX
ASSG
NAM  Sample Works
CTY  Town
STA  CA
COD  02
RLAP
COD  74
APN  351745
APD  19730416
PSC  03
CLAS
OCL  177 25
EDF  3
ICL  G06F  728
ICL  H04M 1100
OREF
PAL  A sample of literature, 1979.
ABST
PAR  A sample that goes
      on.
DETD
PAC  TABLE
TBL  one     two
       1       2
CLMS
STM  We claim:
NUM  1.
PAR  1. A sample.
"""


def record(number: str = "043479030", kind: str = "1", check: str = "6") -> str:
    return RECORD.format(number=number, kind=kind, check=check)


def one(text: str) -> Draft:
    [draft] = drafts_of(text.encode(), read)
    return draft


def test_every_value_of_real_files_is_read_but_for_what_is_left_out_on_purpose(shared_data: Path) -> None:
    left_out = {
        "APT": "kind of right, told by the number",
        "ART": "art unit",
        "NCL": "count of claims",
        "ECL": "exemplary claim",
        "NDR": "count of sheets",
        "NFG": "count of figures",
        "FSC": "classes searched",
        "FSS": "classes searched",
        "NUM": "number of a claim, which its text repeats",
    }
    for path in sorted((shared_data / "st36" / "us").glob("*.greenbook")):
        drafts = drafts_of(path, read)
        values: list[tuple[str, str]] = []
        group = last = ""
        for line in path.read_text().splitlines():
            tag, text = line[:4].strip(), line[5:].strip()
            if tag and not text:
                group = tag
                continue
            last = tag or last
            if tag in ("WKU", "APN"):
                text = text[:-1] if tag == "WKU" else text[:6]  # without the check digit
            elif tag == "CNT":
                text = text[:2]
            elif tag == "SRC":
                text = text.rjust(2, "0")
            elif tag == "ICL":
                text = text[:4]
            elif tag in ("NAM", "EXA", "EXP", "FR2"):
                text = text.replace(";", ",")
            if last not in left_out and not (group == "UREF" and tag in ("OCL", "XCL")):
                values.append((f"{group}/{last}", text))
        lost = [found for found in leftovers(values, drafts) if len(found.value.replace(" ", "")) > 3]
        assert [found.path for found in lost] == []


def test_check_digits_are_no_part_of_numbers_and_the_series_goes_before_the_serial_number() -> None:
    draft = one(record())
    assert [(number.type, number.raw) for number in draft.numbers] == [
        (NumberType.PUBLICATION, "04347903"),
        (NumberType.APPLICATION, "06/192529"),
    ]


def test_classes_in_fixed_places_are_written_as_printed() -> None:
    assert [found.symbol for found in one(record()).classifications] == ["177 25", "G06F 7/28", "H04M 11/00"]


def test_wrapped_lines_are_joined_and_tables_keep_theirs() -> None:
    texts = {text.type: text.text for text in one(record()).texts}
    assert texts[TextType.TITLE] == "Electronic sample with a title that is too long for one line"
    assert texts[TextType.ABSTRACT] == "A sample that goes on."
    assert texts[TextType.DESCRIPTION] == "TABLE\none     two\n  1       2"
    assert texts[TextType.CLAIMS] == "We claim:\n1. A sample."


def test_parties_relations_and_literature() -> None:
    draft = one(record())
    assert [(party.role, party.name, party.country) for party in draft.parties] == [
        (PartyRole.INVENTOR, "Sample, Jr., One", "JP"),
        (PartyRole.OWNER, "Sample Works", "US"),
    ]
    assert draft.relations[0].type is RelationType.DIVISIONAL_OF
    assert draft.citations[0].text == "A sample of literature, 1979."


def test_a_design_is_a_design() -> None:
    assert one(record("D02420080", "4")).right is Right.DESIGN


def test_a_weekly_file_has_a_header_and_many_records_with_exact_offsets() -> None:
    data = ("HHHHHT        APS1  ISSUE - 820907\n" + record() + record("043479049")).encode()
    first, second = drafts_of(data, read)
    assert second.byte_offset is not None
    assert second.byte_length is not None
    assert data[second.byte_offset : second.byte_offset + second.byte_length].decode() == record("043479049")
    assert first.numbers[0].raw == "04347903"
    assert second.numbers[0].raw == "04347904"


def test_it_is_known_by_its_content() -> None:
    found = signature(("HHHHHT        APS1  ISSUE - 820907\n" + record()).encode())
    assert recognise(found, FORMATS, None).name == "us-green-book"  # type: ignore[arg-type]


def test_text_without_records_and_damaged_text_are_no_crash() -> None:
    [outcome] = outcomes_of(b"HHHHHT header only\n", read)
    assert isinstance(outcome, MalformedInput)
    [damaged] = drafts_of(b"PATN\nWKU  043479030\n\x00\xff\xfe\nTTL\n" + b"x" * 3_000_000, read)
    assert damaged.numbers[0].raw == "04347903"
    assert damaged.problems


def test_a_part_that_is_named_and_empty_costs_nothing() -> None:
    draft = one(record().replace("ABST\n", "CLMS\nABST\n", 1))
    assert any(text.type is TextType.CLAIMS for text in draft.texts)

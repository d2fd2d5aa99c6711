"""US patents in mark-up: nothing lost from real files, weekly files, broken records, what an office's habits mean."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest

from common.errors import InputError, MalformedInput
from indexer.formats.draft import Draft
from indexer.formats.reading import Context, Reader
from indexer.formats.table import by_name
from indexer.formats.us import read_pap, read_patdoc, read_red_book
from indexer.formats.xml import XmlRecord, records
from indexer.record import DateType, NumberType, PartyRole, RelationType, Right, TextType
from tests.formats.coverage import assert_everything_read, drafts_of, outcomes_of

RED_BOOK = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE us-patent-grant SYSTEM "us-patent-grant-v45-2014-04-03.dtd" [ ]>
<us-patent-grant lang="EN" dtd-version="v4.5 2014-04-03" country="US">
<us-bibliographic-data-grant>
<publication-reference><document-id><country>US</country><doc-number>{number}</doc-number><kind>{kind}</kind>
<date>20150106</date></document-id></publication-reference>
<application-reference appl-type="{applied}"><document-id><country>US</country><doc-number>13349377</doc-number>
<date>20120112</date></document-id></application-reference>
{more}
<invention-title id="t">Sample {number} of <i>H</i><sub>2</sub>O</invention-title>
</us-bibliographic-data-grant>
<claims><claim><claim-text>1. A sample comprising: <claim-text>a first part; and</claim-text>
<claim-text>a second part.</claim-text></claim-text></claim></claims>
</us-patent-grant>
"""


def red_book(number: str = "08926509", kind: str = "B2", applied: str = "utility", more: str = "") -> str:
    return RED_BOOK.format(number=number, kind=kind, applied=applied, more=more)


def one(text: str) -> Draft:
    [draft] = drafts_of(text.encode(), read_red_book)
    return draft


@pytest.fixture(scope="module")
def files(shared_data: Path) -> Path:
    return shared_data / "st36" / "us"


NUMBERING = "numbers or places the element within its document"
LAYOUT = "layout of tables and images"


def test_everything_in_red_book_files_is_read(files: Path) -> None:
    paths = [*files.glob("xml*.xml"), *files.glob("us_example*.xml")]
    assert len(paths) == 10
    assert_everything_read(
        paths,
        ("us-patent-grant", "us-patent-application"),
        read_red_book,
        {
            "*@id": NUMBERING,
            "*@idref": NUMBERING,
            "*@idrefs": NUMBERING,
            "*@num": NUMBERING,
            "*@he": LAYOUT,
            "*@wi": LAYOUT,
            "*@orientation": LAYOUT,
            "*@align": LAYOUT,
            "*@valign": LAYOUT,
            "*/colspec@*": LAYOUT,
            "*/entry@namest": LAYOUT,
            "*/math*@*": LAYOUT,
            "*@list-style": LAYOUT,
            "*@alt": "says that an image is an image",
            "*@img-content": "kind of an inline image",
            "us-patent-*@dtd-version": "version of the mark-up",
            "us-patent-*@file": "the publication's number and date again, as a file name",
            "us-patent-*@status": "state of the USPTO's production",
            "us-patent-*@date-produced": "date of the USPTO's production",
            "*@appl-type": "tells designs from patents; utility, plant and reissue show in the kind",
            "*@app-type": "tells that an applicant is also inventor, and is read so",
            "*@designation": "us-only: which states an applicant applies for",
            "*@rep-type": "attorney or agent",
            "*@applicant-authority-category": "by what title the applicant applies",
            "*/nationality/country": "`omitted` fills the place",
            "*/agent/addressbook/address/country": "`unknown` fills the place",
            "*/field-of-search/*": "classes searched, not classes of the document",
            "*/us-field-of-classification-search/*": "classes searched, not classes of the document",
            "*citation/classification-national/main-classification": "class of the cited document",
            "*/primary-examiner/department": "art unit of the examiner",
            "*/tbody/row/entry": "cells such as 2-1: compared in test_texts_are_whole",
            "*/us-math@nb-file": "formula as a program file, beside its image",
            "*/us-chemistry@*": "structure as program files, beside its image",
        },
    )


@pytest.mark.parametrize(
    ("pattern", "root", "read", "element", "kind"),
    [
        ("xml20*.xml", "us-patent-grant", read_red_book, "description", TextType.DESCRIPTION),
        ("xml20*.xml", "us-patent-grant", read_red_book, "abstract", TextType.ABSTRACT),
        ("xmlApp*.xml", "us-patent-application", read_red_book, "description", TextType.DESCRIPTION),
        ("pap*.xml", "patent-application-publication", read_pap, "subdoc-description", TextType.DESCRIPTION),
        ("pap*.xml", "patent-application-publication", read_pap, "subdoc-claims", TextType.CLAIMS),
        ("sgml*.xml", "PATDOC", read_patdoc, "SDODE", TextType.DESCRIPTION),
        ("sgml*.xml", "PATDOC", read_patdoc, "SDOCL", TextType.CLAIMS),
    ],
)
def test_texts_are_whole(files: Path, pattern: str, root: str, read: Reader, element: str, kind: TextType) -> None:
    paths = sorted(files.glob(pattern))
    assert paths
    for path in paths:
        [record] = records(BytesIO(path.read_bytes()), (root,), Context(path.name))
        assert isinstance(record, XmlRecord)
        found = record.element.find(element)
        assert found is not None
        [draft] = drafts_of(path, read)
        whole = next(text.text for text in draft.texts if text.type is kind)
        assert "".join(whole.split()) == "".join("".join(map(str, found.itertext())).split())


def test_everything_in_pap_files_is_read(files: Path) -> None:
    assert_everything_read(
        files.glob("pap*.xml"),
        ("patent-application-publication",),
        read_pap,
        {
            "*@id": NUMBERING,
            "*/cross-reference@target": NUMBERING,
            "*@depends_on": NUMBERING,
            "*/subdoc-drawings/heading*": "the word Drawings",
            "*/image@ti": "kind of image",
            "*/name-prefix": "form of address",
            "*/authority-applicant": "INV: that an inventor applied, the rule at that time",
        },
    )


def test_everything_in_patdoc_files_is_read(files: Path) -> None:
    assert_everything_read(
        files.glob("sgml*.xml"),
        ("PATDOC",),
        read_patdoc,
        {
            "PATDOC@*": "version of the mark-up and state of production",
            "*@ID": NUMBERING,
            "*@ALT": "says that an image is an image",
            "*/MATHEMATICA@FILE": "formula as a program file, beside its image",
            "*/colspec@*": LAYOUT,
            "*/entry@namest": LAYOUT,
            "*/PCIT/PNC/PDAT": "class of the cited document",
            "*/B580/*": "classes searched, not classes of the document",
            "*/B590/B596/PDAT": "count of figures",
            "*/B745/B748US/PDAT": "art unit of the examiner",
            "*/B511/PDAT": "taken apart into class and group, by places",
            "*/SDODE/*": "pieces of formulas too short to be told apart: compared in test_texts_are_whole",
            "*/SDOCL/*": "pieces of formulas too short to be told apart: compared in test_texts_are_whole",
        },
    )


def test_a_weekly_file_is_many_documents_and_a_broken_one_costs_only_itself() -> None:
    week = red_book("08926509") + red_book("08926510").replace("</claims>", "") + red_book("08926511")
    first, broken, last = outcomes_of(week.encode(), read_red_book)
    assert isinstance(first, Draft)
    assert isinstance(broken, MalformedInput)
    assert isinstance(last, Draft)
    assert [number.raw for draft in (first, last) for number in draft.numbers if number.kind] == [
        "08926509",
        "08926511",
    ]
    assert broken.place.ordinal == 1
    data = week.encode()
    assert last.byte_offset is not None
    assert last.byte_length is not None
    record = data[last.byte_offset : last.byte_offset + last.byte_length]
    assert record.startswith(b"<us-patent-grant")
    assert record.endswith(b"</us-patent-grant>")
    assert b"08926511" in record


def test_a_cut_file_gives_the_records_before_the_cut_and_says_so() -> None:
    outcomes = outcomes_of((red_book() + red_book("08926510"))[:-200].encode(), read_red_book)
    assert isinstance(outcomes[0], Draft)
    assert isinstance(outcomes[-1], InputError)


def test_a_grant_is_published_and_granted_on_its_date_and_keeps_inline_mark_up_as_text() -> None:
    draft = one(red_book())
    dates = {date.type: date.raw for date in draft.dates}
    assert dates == {DateType.PUBLICATION: "20150106", DateType.GRANT: "20150106", DateType.FILING: "20120112"}
    assert draft.texts[0].text == "Sample 08926509 of H2O"
    claims = next(text.text for text in draft.texts if text.type is TextType.CLAIMS)
    assert claims.splitlines() == ["1. A sample comprising:", "a first part; and", "a second part."]


def test_a_design_patent_is_a_design_known_by_its_patent_number() -> None:
    draft = one(red_book("D0720512", "S1", "design"))
    assert draft.right is Right.DESIGN
    assert draft.identified_by is NumberType.PUBLICATION


def test_a_parent_of_a_parent_is_not_called_a_parent_of_the_application() -> None:
    relation = (
        "<continuation><relation><parent-doc><document-id><country>US</country><doc-number>{parent}</doc-number>"
        "<date>20110630</date></document-id><parent-status>PENDING</parent-status></parent-doc><child-doc>"
        "<document-id><country>US</country><doc-number>{child}</doc-number></document-id></child-doc></relation>"
        "</continuation>"
    )
    own = relation.format(parent="13173486", child="13349377")
    further = relation.format(parent="12999111", child="13173486")
    draft = one(red_book(more=f"<us-related-documents>{own}{further}</us-related-documents>"))
    assert [(found.type, found.number and found.number.raw) for found in draft.relations] == [
        (RelationType.CONTINUATION_OF, "13173486"),
        (RelationType.PARENT, "12999111"),
    ]
    assert draft.relations[1].text == "continuation, parent status PENDING, of US 13173486"


def test_applicants_who_were_inventors_are_both() -> None:
    party = (
        '<parties><applicants><applicant sequence="001" app-type="applicant-inventor"><addressbook>'
        "<last-name>Sample</last-name><first-name>One</first-name><address><city>Town</city><country>US</country>"
        "</address></addressbook><nationality><country>omitted</country></nationality></applicant></applicants></parties>"
    )
    draft = one(red_book(more=party))
    assert [(found.role, found.name, found.country, found.nationality) for found in draft.parties] == [
        (PartyRole.APPLICANT, "Sample, One", "US", None),
        (PartyRole.INVENTOR, "Sample, One", "US", None),
    ]
    assert draft.parties[0].address is not None
    assert draft.parties[0].address.city == "Town"


def test_cpc_combination_sets_are_read_with_the_other_symbols() -> None:
    symbol = (
        "<classification-cpc><cpc-version-indicator><date>20130101</date></cpc-version-indicator><section>A</section>"
        "<class>61</class><subclass>B</subclass><main-group>5</main-group><subgroup>{subgroup}</subgroup>"
        "<symbol-position>{place}</symbol-position><classification-value>{value}</classification-value>"
        "</classification-cpc>"
    )
    more = (
        "<classifications-cpc><main-cpc>"
        + symbol.format(subgroup="0022", place="F", value="I")
        + "</main-cpc><further-cpc><combination-set><group-number>1</group-number><combination-rank>"
        "<rank-number>1</rank-number>"
        + symbol.format(subgroup="0024", place="L", value="A")
        + "</combination-rank></combination-set></further-cpc></classifications-cpc>"
    )
    found = [
        (each.symbol, each.first, each.inventive, each.edition) for each in one(red_book(more=more)).classifications
    ]
    assert found == [("A61B 5/0022", True, True, "20130101"), ("A61B 5/0024", False, False, "20130101")]


def test_patdoc_reads_character_entities_of_iso_8879() -> None:
    patdoc = (
        '<!DOCTYPE PATDOC SYSTEM "ST32-US-Grant-025xml.dtd" [<!ENTITY F.TIF SYSTEM "F.TIF" NDATA TIF>]>'
        "<PATDOC><SDOBI><B100><B110><DNUM><PDAT>06337117</PDAT></DNUM></B110><B130><PDAT>B1</PDAT></B130></B100>"
        "<B500><B510><B511><PDAT>G06F 1300</PDAT></B511><B516><PDAT>7</PDAT></B516></B510>"
        "<B540><STEXT><PDAT>&agr;-&OHgr; &b.beta; &plusmn; sample</PDAT></STEXT></B540></B500></SDOBI></PATDOC>"
    )
    [draft] = drafts_of(patdoc.encode(), read_patdoc)
    assert draft.texts[0].text == "α-Ω β ± sample"
    assert draft.classifications[0].symbol == "G06F 13/00"
    assert not draft.problems


def test_an_unknown_entity_stays_as_written_and_is_noted() -> None:
    patdoc = (
        "<PATDOC><SDOBI><B100><B110><DNUM><PDAT>06337117</PDAT></DNUM></B110></B100><B500><B540><STEXT>"
        "<PDAT>&nosuchname; sample</PDAT></STEXT></B540></B500></SDOBI></PATDOC>"
    )
    [draft] = drafts_of(patdoc.encode(), read_patdoc)
    assert draft.texts[0].text == "&nosuchname; sample"
    assert draft.problems


@pytest.mark.parametrize("name", ["st36-us-grant", "st36-us-application", "us-pap", "us-patdoc"])
def test_a_file_without_records_is_an_error(name: str) -> None:
    [outcome] = outcomes_of(b"<other/>", by_name(name).read)
    assert isinstance(outcome, MalformedInput)

"""The vocabulary of ST.36, and plain ST.36 documents."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from common.errors import MalformedInput, Place
from indexer.formats import st36
from indexer.formats.draft import Draft
from indexer.formats.sniff import recognise, signature
from indexer.formats.table import FORMATS
from indexer.formats.xml import parser
from indexer.record import NumberType, PartyRole, RelationType, TextType
from tests.formats.coverage import assert_everything_read, assert_nothing_left, drafts_of, outcomes_of, xml_leftovers

NOT_READ_CONTENTS = {
    "Application-body@ipc": "split into its symbols",
    "Application-body@dtd": "version of the document type",
}


def element(data: str) -> etree._Element:
    return etree.fromstring(data.encode(), parser())


@pytest.mark.parametrize(
    ("raw", "symbol", "edition", "first", "inventive", "office"),
    [
        ("A61K   9/16        20060101A I20051008RMEP", "A61K 9/16", "20060101", False, True, "EP"),
        ("C07C 249/08        20060101AFI19970721BHEP        ", "C07C 249/08", "20060101", True, True, "EP"),
        ("A61K  47/10        20170101ALI20221215BHEP        ", "A61K 47/10", "20170101", False, True, "EP"),
        ("C12N  15/09        20060101ALN20070101BHJP        ", "C12N 15/09", "20060101", False, False, "JP"),
        ("F02M  41/12        20060101A I20051008RMEP", "F02M 41/12", "20060101", False, True, "EP"),
        ("E21B  41/    00            A I                    ", "E21B 41/00", None, False, True, None),
        ("C07D 271/113       20130101 LI20200617BCEP        ", "C07D 271/113", "20130101", False, True, "EP"),
        ("B60K  17/28        20130101 LA20210830BHEP        ", "B60K 17/28", "20130101", False, False, "EP"),
        ("F16D2500/10437     20130101 LA20211026BHEP", "F16D 2500/10437", "20130101", False, False, "EP"),
        ("H01M 10/0525", "H01M 10/0525", None, False, None, None),
    ],
)
def test_st8_positions(
    raw: str, symbol: str, edition: str | None, first: bool, inventive: bool | None, office: str | None
) -> None:
    found = st36.st8(raw)
    assert (found.symbol, found.edition, found.first) == (symbol, edition, first)
    assert (found.inventive, found.office) == (inventive, office)


def test_words_that_are_no_symbol_are_kept() -> None:
    assert st36.st8("see  the description").symbol == "see the description"
    assert st36.st8("A61K 9/16 and others").symbol == "A61K 9/16 and others"


def test_classification_in_parts() -> None:
    found = st36.ipcr(
        element(
            "<classification-ipcr><ipc-version-indicator><date>20060101</date></ipc-version-indicator>"
            "<section>H</section><class>01</class><subclass>M</subclass><main-group>10</main-group>"
            "<subgroup>0525</subgroup><symbol-position>F</symbol-position><classification-value>I</classification-value>"
            "<generating-office><country>US</country></generating-office></classification-ipcr>"
        )
    )
    assert found is not None
    assert (found.symbol, found.edition, found.first, found.inventive) == ("H01M 10/0525", "20060101", True, True)
    assert found.office == "US"


@pytest.mark.parametrize(
    ("scheme", "name", "inventive"), [("CPCI", "CPC", True), ("CPCA", "CPC", False), ("UC", "USPC", None)]
)
def test_schemes_of_patent_classifications(scheme: str, name: str, inventive: bool | None) -> None:
    found = st36.patent_classification(
        element(
            f'<patent-classification><classification-scheme office="EP" scheme="{scheme}"><date>20130101</date>'
            "</classification-scheme><classification-symbol>A61K   9/1652</classification-symbol>"
            "<symbol-position>F</symbol-position></patent-classification>"
        )
    )
    assert found is not None
    assert (found.scheme, found.inventive, found.edition, found.first) == (name, inventive, "20130101", True)
    assert found.symbol == "A61K 9/1652"


SAMPLE = """<?xml version="1.0"?>
<xx-patent-document lang="en" country="XX" doc-number="77" kind="B1" date-publ="20200303">
<bibliographic-data>
 <publication-reference><document-id><country>XX</country><doc-number>77</doc-number><kind>B1</kind>
  <date>20200303</date></document-id></publication-reference>
 <application-reference><document-id><country>XX</country><doc-number>2018/5</doc-number><date>20180101</date>
 </document-id></application-reference>
 <invention-title lang="en">A sample</invention-title><invention-title lang="fr">Un exemple</invention-title>
 <priority-claims><priority-claim sequence="1" kind="national"><country>YY</country><doc-number>9</doc-number>
  <date>20170101</date></priority-claim></priority-claims>
 <parties><applicants><applicant sequence="1" app-type="applicant-inventor"><addressbook><last-name>Doe</last-name>
  <first-name>Sam</first-name><address><street>1 Sample Road</street><city>Sampleton</city><postcode>123</postcode>
  <country>YY</country></address><phone>000</phone></addressbook><nationality><country>ZZ</country></nationality>
  <residence><country>XX</country></residence></applicant></applicants>
  <agents><agent sequence="1"><addressbook><orgname>Sample Agents LLP</orgname></addressbook></agent></agents></parties>
 <assignees><assignee><orgname>Sample Ltd</orgname><address><country>XX</country></address></assignee></assignees>
 <examiners><primary-examiner><last-name>Roe</last-name></primary-examiner></examiners>
 <designation-of-states><designation-pct>
  <regional><region><country>EP</country></region><country>AT</country></regional>
  <national><country>BR</country></national></designation-pct></designation-of-states>
 <references-cited><citation cited-phase="search"><patcit num="1"><document-id><country>US</country>
  <doc-number>5</doc-number><kind>A</kind><name>ROE</name></document-id></patcit><category>X</category>
  <rel-claims>1-3</rel-claims><rel-passage><passage>page 4</passage></rel-passage></citation>
  <citation><nplcit><article><author><name>Roe</name></author><atl>Samples</atl></article></nplcit></citation>
 </references-cited>
 <related-documents><division><relation><parent-doc><document-id><country>XX</country><doc-number>2016/1</doc-number>
  <date>20160101</date></document-id></parent-doc></relation></division></related-documents>
 <pct-or-regional-filing-data><document-id><country>WO</country><doc-number>PCT/YY2018/000001</doc-number>
  <date>20180101</date></document-id></pct-or-regional-filing-data>
 <dates-of-public-availability><printed-with-grant><document-id><date>20200303</date></document-id>
 </printed-with-grant></dates-of-public-availability>
</bibliographic-data>
<abstract lang="en"><p>Short.<img file="a.tif" img-format="tif"/></p></abstract>
<description lang="en"><heading>Field</heading><p>One.</p><p>Two<sub>2</sub>.</p></description>
<claims lang="en"><claim num="1"><claim-text>1. A sample.<claim-text>with a part</claim-text></claim-text></claim>
</claims>
<drawings><figure num="1"><img file="f1.tif"/></figure></drawings>
</xx-patent-document>"""


@pytest.fixture
def sample() -> Draft:
    (draft,) = drafts_of(SAMPLE.encode(), st36.read)
    return draft


def test_sample_is_read_whole() -> None:
    found = xml_leftovers(SAMPLE.encode(), ("xx-patent-document",), st36.read)
    assert_nothing_left(found, {"*@app-type": "becomes an applicant and an inventor"})


def test_numbers_and_dates(sample: Draft) -> None:
    assert [(number.type, number.raw, number.office, number.kind, number.date) for number in sample.numbers] == [
        (NumberType.PUBLICATION, "77", "XX", "B1", "20200303"),
        (NumberType.APPLICATION, "2018/5", "XX", None, "20180101"),
        (NumberType.PCT_APPLICATION, "PCT/YY2018/000001", "WO", None, "20180101"),
    ]
    assert [(date.type.value, date.raw, date.label) for date in sample.dates] == [
        ("publication", "20200303", None),
        ("filing", "20180101", None),
        ("other", "20200303", "printed-with-grant"),
        ("other", "20180101", "pct-or-regional-filing-data"),
    ]


def test_parties_with_role_country_and_address(sample: Draft) -> None:
    assert [(party.role, party.name, party.country, party.nationality) for party in sample.parties] == [
        (PartyRole.APPLICANT, "Doe, Sam", "XX", "ZZ"),
        (PartyRole.INVENTOR, "Doe, Sam", "XX", "ZZ"),
        (PartyRole.REPRESENTATIVE, "Sample Agents LLP", None, None),
        (PartyRole.OWNER, "Sample Ltd", "XX", None),
        (PartyRole.EXAMINER, "Roe", None, None),
    ]
    address = sample.parties[0].address
    assert address is not None
    assert (address.lines, address.city, address.postal_code) == (["1 Sample Road"], "Sampleton", "123")
    assert address.phone == ["000"]
    assert [party.entity for party in sample.parties[:3]] == ["person", "person", "organisation"]


def test_regional_and_national_designations_are_not_swapped(sample: Draft) -> None:
    assert [(found.office, found.type) for found in sample.designations] == [
        ("EP", "regional"),
        ("AT", "regional"),
        ("BR", "national"),
    ]


def test_citations_relations_texts(sample: Draft) -> None:
    patent, literature = sample.citations
    assert patent.number is not None
    assert (patent.number.office, patent.number.raw, patent.number.kind) == ("US", "5", "A")
    assert (patent.category, patent.claims, patent.phase, patent.text) == ("X", "1-3", "search", "ROE; page 4")
    assert literature.text == "Roe, Samples"
    (relation,) = sample.relations
    assert (relation.type, relation.number and relation.number.raw) == (RelationType.DIVISIONAL_OF, "2016/1")
    texts = {(text.type, text.language): text.text for text in sample.texts}
    assert texts[TextType.DESCRIPTION, "en"] == "Field\nOne.\nTwo2."
    assert texts[TextType.CLAIMS, "en"] == "1. A sample.\nwith a part"
    assert texts[TextType.TITLE, "fr"] == "Un exemple"
    assert [(image.type, image.reference) for image in sample.images] == [("drawing", "a.tif"), ("drawing", "f1.tif")]


def test_cells_of_a_table_do_not_run_together() -> None:
    table = element(
        "<description><p>Sizes<tables><table><tgroup><tbody><row><entry>10</entry><entry>12</entry></row></tbody></tgroup>"
        "</table></tables></p></description>"
    )
    (text,) = st36.texts([table], TextType.DESCRIPTION)
    assert text.text == "Sizes\n10\n12"


def test_any_office_s_plain_document_is_recognised_and_cut() -> None:
    assert recognise(signature(SAMPLE.encode()), FORMATS, Place("sample.xml")).name == "st36"
    twice = SAMPLE.encode() + b"\n" + SAMPLE.encode()
    assert len(drafts_of(twice, st36.read)) == 2


def test_a_cut_file_is_an_error_with_its_line() -> None:
    outcomes = outcomes_of(SAMPLE.encode()[:900], st36.read)
    assert isinstance(outcomes[-1], MalformedInput)


def test_contents_of_an_exchange_package(shared_data: Path) -> None:
    files = sorted((shared_data / "st36/wipo_examples").glob("*toc.xml"))
    assert_everything_read(files, ("Application-body",), st36.read_contents, NOT_READ_CONTENTS)
    (draft,) = drafts_of(files[0], st36.read_contents)
    assert draft.partial
    assert [(number.type, number.raw, number.kind) for number in draft.numbers] == [
        (NumberType.PUBLICATION, "1599469", "B1"),
        (NumberType.APPLICATION, "04818324", None),
    ]
    assert len(draft.images) == 129
    assert [found.symbol for found in draft.classifications][:2] == ["A61K003141", "C07D040304"]

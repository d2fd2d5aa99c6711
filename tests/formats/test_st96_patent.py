"""ST.96 patent publications, USPTO PEDS and XML4IP documents."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from common.errors import MalformedInput, UnidentifiedRecord
from indexer.formats import st96_patent
from indexer.formats.sniff import signature
from indexer.record import DateType, Layer, NumberType, PartyRole, RelationType, TextType
from tests.formats.coverage import assert_everything_read, assert_nothing_left, drafts_of, outcomes_of, xml_leftovers

NOT_READ = {
    "*@id": "numbers an element within the file",
    "*@st96Version": "version of the schema",
    "*@schemaLocation": "where the schema lies",
    "PatentPublication@documentFileName": "name of the publisher's own file",
    "PatentPublication@documentStatusText": "state of the example",
    "PatentPublication@creationDate": "when the file was made",
    "*/InventionSubjectMatterCategory": "says the kind of right again (Utility, Design, Plant)",
    "*@inventionTitleCategory": "where the title was printed",
    "*Citation@sequenceNumber": "order, which is kept",
    "*/SearchField/*": "where the examiner searched: no class of this document",
    "*/DesignationCategory": "for which states the party applies",
    "*/RegisteredPractitionerCategory": "attorney or agent",
    "*@headingLevelCode": "layout",
    "*@pNumber": "numbers a paragraph; its text is read",
    "*/mspace@*": "layout of a formula",
    "*/Table/*@*": "layout of a table",
    "PatentPublication/ClaimStatement": "the words before the claims",
    "*/ClaimTypeCategory": "dependent or independent",
    "*@idrefs": "numbers an element within the file",
    "*/HeightMeasure*": "size of an image on the page",
    "*/WidthMeasure*": "size of an image on the page",
}

NOT_READ_PEDS = {
    "PatentRecord@*": "version of the schema",
    "*@activeIndicator": "always true",
    "*/RegisteredPractitionerCategory": "attorney or agent",
    "*/GroupArtUnitNumber*": "the unit of the USPTO that examined",
    "*/ApplicationConfirmationNumber": "check number between applicant and USPTO",
    "*/ApplicantFileReference": "the party's own file reference",
    "*/FirstInventorToFileIndicator": "which law applies",
    "*/AIAIndicator": "which law applies",
    "*/OfficialFileLocationCategory": "where the paper file lies",
    "*/EventDescriptionText": "taken apart into words and code (test_prosecution_history)",
    "*@geographicRegionCategory": "always State",
    "*/BusinessEntityStatusCategory": "which fees apply",
    "*/PatentTermAdjustmentHistoryDataBag/*": "days counted for each step; the sums and the steps are read",
}

NOT_READ_XML4IP = {
    "*@id": "numbers an element within the file",
    "*@idref*": "numbers an element within the file",
    "*@schemaLocation": "where the schema lies",
    "*@instanceFileName": "name of the USPTO's own file",
    "*@completeClaimsProvidedIndicator": "whether the set of claims is complete",
    "*/DocumentTitle": "says the document code again",
    "*/ClaimTypeCategory": "dependent or independent",
    "*/ClaimStatusCategory": "original, amended, cancelled",
    "*/OCRConfidenceData@levelNumber": "how sure the reading machine was of each character",
    "*/PageTotalQuantity": "count of pages",
    "*/ParagraphTotalQuantity": "count of paragraphs",
    "*@pNumber": "numbers a paragraph; its text is read",
    "*/ClaimNumber": "stands at the head of the claim's own text",
}

PAGE_MARGINS = ("BoundaryData",)
"""Page headers and line numbers that stand inside paragraphs."""


def zipped(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted([*folder.glob("*.zip"), *folder.glob("*.ZIP")]):
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
            for name in archive.namelist():
                if name.lower().endswith(".xml"):
                    yield f"{path.name}!{name}", archive.read(name)


def test_everything_in_the_wipo_example_is_read(shared_data: Path) -> None:
    files = [shared_data / "st96/wipo/PatentPublication_Example.xml"]
    assert_everything_read(files, ("PatentPublication",), st96_patent.read, NOT_READ)


def test_everything_in_real_peds_files_is_read(shared_data: Path) -> None:
    found = [
        leftover
        for _, data in zipped(shared_data / "st96/uspto_peds")
        for leftover in xml_leftovers(data, ("PatentRecord",), st96_patent.read_peds)
    ]
    assert_nothing_left(found, NOT_READ_PEDS)


def test_everything_in_real_xml4ip_documents_is_read(shared_data: Path) -> None:
    found = [
        leftover
        for _, data in zipped(shared_data / "st96/uspto_xml4ip")
        for leftover in xml_leftovers(
            data, ("ClaimsDocument", "SpecificationDocument"), st96_patent.read_xml4ip, without=PAGE_MARGINS
        )
    ]
    assert_nothing_left(found, NOT_READ_XML4IP)


def test_wipo_example(shared_data: Path) -> None:
    (draft,) = drafts_of(shared_data / "st96/wipo/PatentPublication_Example.xml", st96_patent.read)
    assert (draft.office, draft.kind) == ("US", "B2")
    assert [(number.type, number.raw, number.kind, number.date) for number in draft.numbers] == [
        (NumberType.PUBLICATION, "08936998", "B2", "2015-01-20"),
        (NumberType.APPLICATION, "13797521", None, "2013-03-12"),
    ]
    assert [party.role for party in draft.parties].count(PartyRole.INVENTOR) == 5
    assert {party.role for party in draft.parties} == {
        PartyRole.APPLICANT,
        PartyRole.INVENTOR,
        PartyRole.REPRESENTATIVE,
        PartyRole.OWNER,
        PartyRole.EXAMINER,
    }
    ipc = [found for found in draft.classifications if found.scheme == "IPC"]
    assert (ipc[0].symbol, ipc[0].edition, ipc[0].first, ipc[0].office) == ("H01L 21/30", "2006-01-01", True, "US")
    cpc = [found for found in draft.classifications if found.scheme == "CPC"]
    assert [found.symbol for found in cpc if found.first] == ["H01L 21/2007"]
    assert "H01L 2924/3512" in {found.symbol for found in cpc}, "ranks of a combination set are classes too"
    assert [(p.number.office, p.number.raw, p.date) for p in draft.priorities] == [("JP", "2007-290922", "2007-11-08")]
    assert [citation.type for citation in draft.citations].count("literature") == 13
    assert len(draft.citations) == 30
    kinds = [(r.type, r.number and r.number.raw) for r in draft.relations]
    assert (RelationType.DIVISIONAL_OF, "12741916") in kinds
    assert (RelationType.DIVISIONAL_OF, "PCT/JP2008/068544") in kinds
    assert (RelationType.CHILD, "13797521") in kinds
    assert (RelationType.RELATED, "20130213561") in kinds
    assert [image.type for image in draft.images].count("drawing") == 7
    claims = next(text for text in draft.texts if text.type is TextType.CLAIMS)
    assert claims.text.startswith("1. ")
    assert sum(line.split(".")[0].isdigit() for line in claims.text.splitlines()) == 10


def publication(inner: str) -> bytes:
    return (
        '<pat:PatentPublication xmlns:pat="urn:p" xmlns:com="urn:c" com:languageCode="en">'
        f"<pat:BibliographicData>{inner}</pat:BibliographicData></pat:PatentPublication>"
    ).encode()


def test_steps_and_dates_by_their_elements() -> None:
    (draft,) = drafts_of(
        publication(
            "<pat:GrantPublicationDate>2020-01-01</pat:GrantPublicationDate>"
            "<pat:ApplicationWithdrawnDate>2021-01-01</pat:ApplicationWithdrawnDate>"
            "<pat:RightsEffectiveDateBag><com:ExaminationRequestDate>2019-01-01</com:ExaminationRequestDate>"
            "</pat:RightsEffectiveDateBag>"
        ),
        st96_patent.read,
    )
    assert [(date.type, date.raw, date.label) for date in draft.dates] == [
        (DateType.GRANT, "2020-01-01", "GrantPublicationDate"),
        (DateType.OTHER, "2021-01-01", "ApplicationWithdrawnDate"),
        (DateType.OTHER, "2019-01-01", "ExaminationRequestDate"),
    ]
    assert [event.code for event in draft.events] == ["ApplicationWithdrawnDate", "ExaminationRequestDate"]


def test_titles_in_every_language_and_names_in_every_script() -> None:
    (draft,) = drafts_of(
        publication(
            '<pat:InventionTitleBag><pat:InventionTitle com:languageCode="ja">見本</pat:InventionTitle>'
            '<pat:InventionTitle com:languageCode="en">Sample</pat:InventionTitle></pat:InventionTitleBag>'
            '<pat:PartyBag><pat:ApplicantBag><pat:Applicant com:sequenceNumber="1"><com:Contact><com:Name>'
            "<com:OrganizationName><com:OrganizationStandardName>見本株式会社</com:OrganizationStandardName>"
            "<com:TransliterationName>Mihon KK</com:TransliterationName></com:OrganizationName></com:Name>"
            "<com:PostalAddressBag><com:PostalAddress><com:PostalStructuredAddress><com:AddressLineText>1-1"
            "</com:AddressLineText><com:CityName>Tokyo</com:CityName><com:CountryCode>JP</com:CountryCode>"
            "</com:PostalStructuredAddress></com:PostalAddress></com:PostalAddressBag></com:Contact>"
            "</pat:Applicant></pat:ApplicantBag></pat:PartyBag>"
        ),
        st96_patent.read,
    )
    assert [(text.language, text.text) for text in draft.texts] == [("ja", "見本"), ("en", "Sample")]
    (party,) = draft.parties
    assert (party.name, party.other_names, party.country, party.entity) == (
        "見本株式会社",
        ["Mihon KK"],
        "JP",
        "organisation",
    )
    assert party.address is not None
    assert (party.address.lines, party.address.city) == (["1-1"], "Tokyo")


def test_peds_records_are_files_known_by_their_application(shared_data: Path) -> None:
    drafts = [
        draft for _, data in zipped(shared_data / "st96/uspto_peds") for draft in drafts_of(data, st96_patent.read_peds)
    ]
    assert len(drafts) == 31
    for draft in drafts:
        assert draft.identified_by is NumberType.APPLICATION
        assert [number.type for number in draft.numbers].count(NumberType.APPLICATION) == 1
        (status,) = [event for event in draft.events if event.current]
        assert status.scheme == "US-PATENT-STATUS"
        assert status.event_date
    granted = [draft for draft in drafts if any(date.type is DateType.GRANT for date in draft.dates)]
    assert len(granted) == 24
    phases = {relation.type for draft in drafts for relation in draft.relations}
    assert {
        RelationType.CONTINUATION_OF,
        RelationType.CONTINUATION_IN_PART_OF,
        RelationType.NATIONAL_PHASE_OF,
        RelationType.CHILD,
    } <= phases


def test_prosecution_history() -> None:
    data = (
        b"<PatentRecord><PatentCaseMetadata><ApplicationNumberText>1</ApplicationNumberText></PatentCaseMetadata>"
        b"<ProsecutionHistoryDataBag><ProsecutionHistoryData><EventDate>2019-01-18</EventDate>"
        b"<EventDescriptionText>Rush, no mailing , TCPB</EventDescriptionText></ProsecutionHistoryData>"
        b"<ProsecutionHistoryData><EventDate>2019-01-17</EventDate><EventDescriptionText>Just words"
        b"</EventDescriptionText></ProsecutionHistoryData></ProsecutionHistoryDataBag></PatentRecord>"
    )
    (draft,) = drafts_of(data, st96_patent.read_peds)
    coded, worded = draft.events
    assert (coded.code, coded.event_date, coded.description[0].text) == ("TCPB", "2019-01-18", "Rush, no mailing")
    assert (worded.code, worded.description) == ("Just words", [])


def test_xml4ip_texts_are_parts_of_an_application_read_by_machine(shared_data: Path) -> None:
    drafts = [
        draft
        for _, data in zipped(shared_data / "st96/uspto_xml4ip")
        for draft in drafts_of(data, st96_patent.read_xml4ip)
    ]
    assert len(drafts) == 13
    for draft in drafts:
        assert draft.partial
        assert [number.type for number in draft.numbers] == [NumberType.APPLICATION]
        (text,) = draft.texts
        assert text.layer is Layer.OCR
        assert text.format
        assert "KIRBY Reference Number" not in text.text, "page headers are no part of the text"
    types = [draft.texts[0].type for draft in drafts]
    assert {TextType.CLAIMS, TextType.ABSTRACT, TextType.DESCRIPTION} == set(types)


def test_a_document_of_no_application_is_refused() -> None:
    (error,) = outcomes_of(
        b"<ClaimsDocument><DocumentCode>CLM</DocumentCode></ClaimsDocument>", st96_patent.read_xml4ip
    )
    assert isinstance(error, UnidentifiedRecord)
    assert error.place.field == "ApplicationNumber"


def test_a_broken_publication_is_an_error() -> None:
    (error,) = outcomes_of(b"<PatentPublication><BibliographicData></PatentPublication>", st96_patent.read)
    assert isinstance(error, MalformedInput)


def test_recognised_by_content() -> None:
    by_name = {row.name: row for row in st96_patent.FORMATS}
    assert by_name["st96-patent"].recognises(signature(publication("")))
    assert by_name["us-peds"].recognises(signature(b'<uspat:PatentBulkData xmlns:uspat="urn:u"/>'))
    assert by_name["us-xml4ip"].recognises(signature(b"<ClaimsDocument/>"))
    assert not by_name["st96-patent"].recognises(signature(b"<TrademarkTransaction/>"))

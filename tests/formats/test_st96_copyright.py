"""ST.96 orphan works: there are no public files, so the sample here is ours and is validated against the V6 schema."""

from __future__ import annotations

from pathlib import Path

from lxml import etree

from indexer.formats import st96_copyright
from indexer.formats.xml import parser
from indexer.record import NumberType, PartyRole, Right, TextType
from tests.formats.coverage import assert_nothing_left, drafts_of, xml_leftovers

CPY = "http://www.wipo.int/standards/XMLSchema/ST96/Copyright"
COM = "http://www.wipo.int/standards/XMLSchema/ST96/Common"

SAMPLE = f"""<cpy:CopyrightOrphanWork xmlns:cpy="{CPY}" xmlns:com="{COM}" com:st96Version="V6_0"
 com:officeCode="EM" com:languageCode="en">
  <com:ApplicationNumberText>OW-2021-000017</com:ApplicationNumberText>
  <cpy:OrphanWorkApplicationStatus>Licence Granted</cpy:OrphanWorkApplicationStatus>
  <cpy:OrphanWorkIdentifier>00017</cpy:OrphanWorkIdentifier>
  <cpy:CreativeWorkIdentificationBag><cpy:CreativeWorkIdentification>
    <cpy:CreativeWorkIdentifier>978-3-16-148410-0</cpy:CreativeWorkIdentifier>
    <cpy:CreativeWorkIdentifierCategory>ISBN</cpy:CreativeWorkIdentifierCategory>
  </cpy:CreativeWorkIdentification></cpy:CreativeWorkIdentificationBag>
  <com:ApplicationDate>2021-05-06</com:ApplicationDate>
  <cpy:OrphanWorkTitleTextBag>
    <cpy:OrphanWorkTitleText com:languageCode="en">A Sample of Harbours</cpy:OrphanWorkTitleText>
    <cpy:OrphanWorkTitleText com:languageCode="fr">Un échantillon de ports</cpy:OrphanWorkTitleText>
  </cpy:OrphanWorkTitleTextBag>
  <cpy:OrphanWorkDescriptionTextBag>
    <cpy:OrphanWorkDescriptionText com:languageCode="en">Photographs of harbours, bound.</cpy:OrphanWorkDescriptionText>
  </cpy:OrphanWorkDescriptionTextBag>
  <cpy:OrphanWorkPartyBag>
    <cpy:ApplicantBag><cpy:Applicant><com:Contact><com:Name><com:OrganizationName>
      <com:OrganizationStandardName>Sample City Archive</com:OrganizationStandardName></com:OrganizationName></com:Name>
      <com:PostalAddressBag><com:PostalAddress><com:PostalStructuredAddress>
      <com:AddressLineText com:sequenceNumber="1">1 Sample Street</com:AddressLineText>
      <com:CityName>Sampletown</com:CityName>
      <com:CountryCode>SE</com:CountryCode></com:PostalStructuredAddress></com:PostalAddress></com:PostalAddressBag>
      </com:Contact><com:ConfidentialIndicator>false</com:ConfidentialIndicator></cpy:Applicant></cpy:ApplicantBag>
    <cpy:RightsHolderBag><cpy:RightsHolder><com:Contact><com:Name><com:PersonName>
      <com:PersonFullName>Sample Photographer</com:PersonFullName></com:PersonName></com:Name></com:Contact>
      <cpy:RightsHolderCategory>Author</cpy:RightsHolderCategory>
      <com:ConfidentialIndicator>false</com:ConfidentialIndicator>
      <cpy:RightsHolderLocatedIndicator>false</cpy:RightsHolderLocatedIndicator></cpy:RightsHolder></cpy:RightsHolderBag>
  </cpy:OrphanWorkPartyBag>
  <cpy:OrphanWorkKindCode>PH</cpy:OrphanWorkKindCode>
  <cpy:DiligenceSearch>
    <cpy:DiligenceSearchIdentifier>S-99</cpy:DiligenceSearchIdentifier>
    <cpy:DiligenceSearchStatusCategory>Orphan Work</cpy:DiligenceSearchStatusCategory>
    <cpy:DiligenceSearchDocumentContact><com:Contact><com:Name><com:EntityName>Sample Picture Union</com:EntityName>
      </com:Name></com:Contact><com:ContactDate>2020-03-04</com:ContactDate>
      <cpy:ContactCategory>Collective Management Organization</cpy:ContactCategory>
      <cpy:DiligenceSearchDocument><com:DocumentName>Union catalogue</com:DocumentName>
      <com:DocumentDate>2020-02-03</com:DocumentDate></cpy:DiligenceSearchDocument></cpy:DiligenceSearchDocumentContact>
    <com:SearchStartDate>2020-01-02</com:SearchStartDate><com:SearchEndDate>2020-11-12</com:SearchEndDate>
  </cpy:DiligenceSearch>
  <cpy:OrphanWorkUsageBag><cpy:OrphanWorkUsage>
    <cpy:AdaptedUseIndicator>false</cpy:AdaptedUseIndicator>
    <cpy:OrphanWorkUsageCategory>Exhibition</cpy:OrphanWorkUsageCategory>
    <cpy:OrphanWorkUsageLocationText com:languageCode="en">Reading rooms</cpy:OrphanWorkUsageLocationText>
  </cpy:OrphanWorkUsage></cpy:OrphanWorkUsageBag>
  <cpy:PublishIndicator>false</cpy:PublishIndicator>
  <com:DecisionDate>2021-07-08</com:DecisionDate>
</cpy:CopyrightOrphanWork>""".encode()


NOT_READ = {
    "*@st96Version": "version of the schema",
    "*/PublishIndicator": "becomes work_publish",
    "*/AdaptedUseIndicator": "flag, kept where true",
    "*/ConfidentialIndicator": "where true the party is withheld",
    "*/RightsHolderLocatedIndicator": "flag of the procedure",
}


def test_the_sample_is_valid(shared_data: Path) -> None:
    folder = shared_data / "xsd" / "st96_v6_0_flattened"
    schema = etree.XMLSchema(etree.parse(folder / "CopyrightOrphanWork_V6_0.xsd"))
    schema.validate(etree.fromstring(SAMPLE, parser()))
    assert [error.message for error in schema.error_log] == []


def test_every_value_is_read() -> None:
    left = xml_leftovers(SAMPLE, ("CopyrightOrphanWork",), st96_copyright.read)
    assert_nothing_left(left, NOT_READ)


def test_the_work_in_detail() -> None:
    (draft,) = drafts_of(SAMPLE, st96_copyright.read)
    assert draft.right is Right.COPYRIGHT
    assert {(n.type, n.raw) for n in draft.numbers} == {
        (NumberType.WORK, "00017"),
        (NumberType.APPLICATION, "OW-2021-000017"),
        (NumberType.ISBN, "978-3-16-148410-0"),
    }
    assert {t.language: t.text for t in draft.texts if t.type is TextType.TITLE} == {
        "en": "A Sample of Harbours",
        "fr": "Un échantillon de ports",
    }
    assert {(p.role, p.name, p.country) for p in draft.parties} == {
        (PartyRole.APPLICANT, "Sample City Archive", "SE"),
        (PartyRole.AUTHOR, "Sample Photographer", None),
        (PartyRole.OTHER, "Sample Picture Union", None),
    }
    assert draft.work_kinds == ["PH"]


def test_an_entry_that_may_not_be_published_is_unpublished() -> None:
    (draft,) = drafts_of(SAMPLE, st96_copyright.read)
    assert draft.work_publish is False
    assert draft.unpublished
    (open_draft,) = drafts_of(SAMPLE.replace(b"Indicator>false", b"Indicator>true"), st96_copyright.read)
    assert open_draft.work_publish is True
    assert not open_draft.unpublished
    (unclear,) = drafts_of(SAMPLE.replace(b"Indicator>false", b"Indicator>perhaps"), st96_copyright.read)
    assert unclear.unpublished
    assert unclear.problems[0][0] == "work_publish"


def test_a_confidential_party_is_withheld_and_the_record_says_so() -> None:
    data = SAMPLE.replace(b"ConfidentialIndicator>false", b"ConfidentialIndicator>true", 1)
    (draft,) = drafts_of(data, st96_copyright.read)
    assert "Sample City Archive" not in {party.name for party in draft.parties}
    assert draft.problems == [("parties.applicant", "marked as confidential by the office; withheld")]

"""ST.96 designs."""

from __future__ import annotations

from pathlib import Path

from indexer.formats import st96_design
from indexer.record import NumberType, PartyRole, TextType
from tests.formats.coverage import assert_everything_read, drafts_of

NOT_READ = {
    "*@schemaLocation": "where the schema is",
    "*@st96Version": "version of the schema",
    "*@sequenceNumber": "order of texts, which is kept",
    "*Indicator": "flags of the procedure",
    "*Measure": "size of a view",
    "*@measureUnitCode": "size of a view",
    "*/RepresentativeCategory": "profession of the representative",
    "*/DesignApplicationEventCategory": "`Undefined`: the words beside it say what happened",
}


def test_every_value_of_the_real_file_is_read_or_left_out_for_a_reason(shared_data: Path) -> None:
    path = shared_data / "st96" / "wipo" / "DesignApplication_Example.xml"
    assert_everything_read([path], ("DesignApplication",), st96_design.read, NOT_READ)


def test_the_real_file_in_detail(shared_data: Path) -> None:
    (draft,) = drafts_of(shared_data / "st96" / "wipo" / "DesignApplication_Example.xml", st96_design.read)
    assert {n.raw for n in draft.numbers if n.type is NumberType.REGISTRATION} == {"123456", "D0123456"}
    assert [n.raw for n in draft.numbers if n.type is NumberType.APPLICATION] == ["35503842"]
    assert next((c.scheme, c.symbol, c.edition) for c in draft.classifications) == ("LOCARNO", "06-01", "11")
    assert len([c for c in draft.classifications if c.scheme == "XX-DESIGN"]) == 3
    assert len(draft.images) == 7
    assert len(draft.citations) == 5
    assert len([event for event in draft.events if event.scheme == "XX-DESIGN-EVENT"]) == 28
    roles = [party.role for party in draft.parties]
    assert roles.count(PartyRole.DESIGNER) == 3
    assert roles.count(PartyRole.EXAMINER) == 1
    assert roles.count(PartyRole.APPLICANT) == 1
    assert [(p.number.office, p.number.raw, p.date) for p in draft.priorities] == [("WO", "DM/096824", "2017-03-31")]
    assert [text.text for text in draft.texts if text.type is TextType.TITLE] == ["Chair"]


def test_a_hague_notification_with_two_designs() -> None:
    data = b"""<dgn:HagueIBToOfficeTransaction xmlns:dgn="http://www.wipo.int/standards/XMLSchema/ST96/Design"
      xmlns:com="http://www.wipo.int/standards/XMLSchema/ST96/Common"><dgn:HagueDesignApplication>
      <com:InternationalRegistrationNumber>DM/200001</com:InternationalRegistrationNumber>
      <dgn:HolderBag><dgn:Holder><com:Contact><com:Name><com:EntityName>Sample Seating SA</com:EntityName></com:Name>
      </com:Contact></dgn:Holder></dgn:HolderBag>
      <dgn:DesignatedCountryBag><dgn:DesignatedCountry><com:DesignatedCountryCode>KR</com:DesignatedCountryCode>
      <dgn:HagueAgreementActCategory>1999 Act</dgn:HagueAgreementActCategory></dgn:DesignatedCountry>
      </dgn:DesignatedCountryBag>
      <dgn:HagueDesignBag>
       <dgn:HagueDesign><dgn:DesignIdentifier>1</dgn:DesignIdentifier><com:LocarnoClassificationBag>
        <com:LocarnoClassification><com:LocarnoClass>06</com:LocarnoClass><com:LocarnoSubclassBag>
        <com:LocarnoSubclass>01</com:LocarnoSubclass></com:LocarnoSubclassBag></com:LocarnoClassification>
        </com:LocarnoClassificationBag><dgn:ProductDescriptionTextBag>
        <dgn:ProductDescriptionText com:languageCode="en">Stool</dgn:ProductDescriptionText>
        <dgn:ProductDescriptionText com:languageCode="es">Taburete</dgn:ProductDescriptionText>
        </dgn:ProductDescriptionTextBag><dgn:ViewBag><dgn:View><com:FileName>1.1.jpg</com:FileName></dgn:View></dgn:ViewBag>
       </dgn:HagueDesign>
       <dgn:HagueDesign><dgn:DesignIdentifier>2</dgn:DesignIdentifier></dgn:HagueDesign>
      </dgn:HagueDesignBag></dgn:HagueDesignApplication></dgn:HagueIBToOfficeTransaction>"""
    first, second = drafts_of(data, st96_design.read)
    assert (first.design_index, second.design_index) == ("1", "2")
    assert [(d.office, d.type) for d in second.designations] == [("KR", "1999 Act")]
    assert [(c.scheme, c.symbol) for c in first.classifications] == [("LOCARNO", "06-01")]
    assert {t.language: t.text for t in first.texts if t.type is TextType.PRODUCT_INDICATION} == {
        "en": "Stool",
        "es": "Taburete",
    }
    assert [image.reference for image in first.images] == ["1.1.jpg"]
    assert ("DM/200001", "WO") in [(n.raw, n.office) for n in second.numbers]
    assert [(p.role, p.name) for p in second.parties] == [(PartyRole.OWNER, "Sample Seating SA")]

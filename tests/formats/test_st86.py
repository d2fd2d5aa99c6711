"""ST.86 designs: EUIPO and DPMA, one Draft for each design."""

from __future__ import annotations

from pathlib import Path

from indexer.formats import st86
from indexer.record import NumberType, PartyRole, TextType
from tests.formats.coverage import assert_everything_read, drafts_of

NOT_READ = {
    "*@operationCode": "becomes the Draft's operation",
    "*Indicator": "flags of the procedure",
    "*/DesignDescription": "EUIPO says only whether there is a description",
    "*/DesignDescriptionNotPublished": "says only whether a description was published",
    "*/ViewRepresentationSize/*": "size of an image in pixels",
    "*/ClassificationKindCode": "becomes the scheme of the class",
}
HITS_NOT_READ = {
    "*/FirstRepresentationSheetFilename": "an address followed by a semicolon; the address is read",
    "*/OwnerOrApplicant": "taken apart into name, place and country",
    "*/Representative": "taken apart into name, place and country",
}


def test_every_value_of_every_real_file_is_read_or_left_out_for_a_reason(shared_data: Path) -> None:
    euipo = sorted((shared_data / "st86" / "euipo").glob("*.xml"))
    dpma = ["*/DesignDescriptionNotPublished", "*/ViewRepresentationSize/*", "*/ClassificationKindCode"]
    for_euipo = {pattern: reason for pattern, reason in NOT_READ.items() if pattern not in dpma}
    assert_everything_read(euipo, ("Design",), st86.read, for_euipo)
    for_dpma = {pattern: NOT_READ[pattern] for pattern in dpma}
    info = shared_data / "st86" / "dpma" / "design_info.xml"
    assert_everything_read([info], ("DesignApplication",), st86.read, for_dpma)
    hits = shared_data / "st86" / "dpma" / "design_search.xml"
    assert_everything_read([hits], ("DesignHitListRecord",), st86.read_hits, HITS_NOT_READ)


def test_each_real_file_yields_one_design_with_its_index_and_all_views(shared_data: Path) -> None:
    deleted = 0
    for path in sorted((shared_data / "st86" / "euipo").glob("*.xml")):
        (draft,) = drafts_of(path, st86.read)
        number, index = path.stem.split("-")
        assert draft.design_index == index
        assert draft.numbers[0].raw == path.stem
        if draft.operation == "delete":
            deleted += 1
            continue
        assert NumberType.APPLICATION in {n.type for n in draft.numbers if n.raw == number}
        assert len(draft.images) == path.read_bytes().count(b"<ViewURI>")
    assert deleted == 1


def test_product_indications_in_every_language(shared_data: Path) -> None:
    path = shared_data / "st86" / "euipo" / "001063390-0002.xml"
    (draft,) = drafts_of(path if path.exists() else next((shared_data / "st86" / "euipo").glob("*.xml")), st86.read)
    indications = [text for text in draft.texts if text.type is TextType.PRODUCT_INDICATION]
    assert len({text.language for text in indications}) >= 22


def test_country_that_dpma_writes_as_a_state(shared_data: Path) -> None:
    (draft,) = drafts_of(shared_data / "st86" / "dpma" / "design_info.xml", st86.read)
    assert [p.country for p in draft.parties if p.role is PartyRole.APPLICANT] == ["US"]
    hits = drafts_of(shared_data / "st86" / "dpma" / "design_search.xml", st86.read_hits)
    assert [hit.partial for hit in hits] == [True, True, True]
    assert {p.country for hit in hits for p in hit.parties if p.role is PartyRole.OWNER} == {"KR"}


def test_two_designs_of_one_application_share_what_the_application_says() -> None:
    data = b"""<Transaction xmlns="http://www.wipo.int/standards/XMLSchema/designs"><DesignTransactionBody>
    <TransactionContentDetails><TransactionData><DesignApplicationDetails><DesignApplication>
    <RegistrationOfficeCode>DE</RegistrationOfficeCode><DesignApplicationNumber>402020100001.2</DesignApplicationNumber>
    <DesignApplicationDate>2020-01-02</DesignApplicationDate><TotalDesign>2</TotalDesign>
    <DesignDetails>
      <Design><DesignTitle>Lamp</DesignTitle><DesignRepresentationSheetDetails><DesignRepresentationSheet><ViewDetails>
        <View><ViewFilename>1.jpg</ViewFilename></View><View><ViewFilename>2.jpg</ViewFilename></View>
      </ViewDetails></DesignRepresentationSheet></DesignRepresentationSheetDetails></Design>
      <Design><DesignTitle>Shade</DesignTitle></Design>
    </DesignDetails>
    <DesignerDetails><Designer><DesignerAddressBook><FormattedNameAddress><Name><FormattedName>
      <FirstName>Sample</FirstName><LastName>Person</LastName></FormattedName></Name></FormattedNameAddress>
    </DesignerAddressBook></Designer></DesignerDetails>
    </DesignApplication></DesignApplicationDetails></TransactionData></TransactionContentDetails>
    </DesignTransactionBody></Transaction>"""
    lamp, shade = drafts_of(data, st86.read)
    assert (lamp.design_index, shade.design_index) == ("1", "2")
    assert [image.reference for image in lamp.images] == ["1.jpg", "2.jpg"]
    assert shade.images == []
    for draft in (lamp, shade):
        assert draft.total_designs == "2"
        assert draft.dates[0].raw == "2020-01-02"
        assert [(p.role, p.name, p.entity) for p in draft.parties] == [(PartyRole.DESIGNER, "Person, Sample", "person")]

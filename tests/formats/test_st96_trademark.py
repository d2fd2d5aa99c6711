"""ST.96 trademarks: TSDR in both flavours, and what the V6 schema has beyond it."""

from __future__ import annotations

from pathlib import Path

from indexer.formats import st66, st96_trademark
from indexer.record import DateType, NumberType, PartyRole, RelationType, TextType
from tests.formats.coverage import assert_everything_read, drafts_of

NOT_READ = {
    "*Indicator": "flags of the procedure: filing basis, fees, register, colour",
    "*/NationalStatusCategory": "says which list a status code is from",
    "*/AssociatedMark/NationalStatus/NationalStatusCode": "status of another mark; its words are read",
    "*/ClassificationKindCode": "becomes the scheme of the class",
    "*@emailAddressPurposeCategory": "purpose of an e-mail address",
    "*/LawOfficeAssignedDescriptionCode": "code of an office room whose name is read",
    "*/CurrentLocationCode": "code of a location whose name is read",
    "*/PhysicalLocation": "where the paper file lies",
    "*/ChargeToLocation": "where the paper file lies",
    "*/LegalEntityName": "becomes the party's entity",
    "*/IncorporationState": "state of incorporation within a country that is read",
    "*/ImageFileName": "`No image available`",
}


def files(shared_data: Path) -> list[Path]:
    return sorted((shared_data / "st96" / "uspto_tsdr").glob("*.xml"))


def test_every_value_of_every_real_file_is_read_or_left_out_for_a_reason(shared_data: Path) -> None:
    assert_everything_read(files(shared_data), ("Trademark",), st96_trademark.read, NOT_READ)


def test_st96_and_st66_of_one_mark_tell_the_same(shared_data: Path) -> None:
    for path in files(shared_data):
        twin = shared_data / "st66" / "uspto_tsdr" / path.name.replace("-old", "").replace("ST96", "ST66")
        if not twin.exists():
            continue
        (new,), (old,) = drafts_of(path, st96_trademark.read), drafts_of(twin, st66.read)
        assert {(n.type, n.raw) for n in new.numbers} == {(n.type, n.raw) for n in old.numbers}, path.name
        for kind in (TextType.MARK_TEXT, TextType.GOODS_SERVICES):
            words = [{t.text for t in draft.texts if t.type is kind} for draft in (new, old)]
            assert words[0] == words[1], (path.name, kind)
        nice = [{c.symbol for c in draft.classifications if c.scheme == "NICE"} for draft in (new, old)]
        assert nice[0] == nice[1], path.name
        # the old flavour carries a later state of the file, so only a later file may know more
        if "old" not in path.name:
            owners = [
                {p.name for p in draft.parties if p.role in (PartyRole.OWNER, PartyRole.APPLICANT)}
                for draft in (new, old)
            ]
            assert owners[0] == owners[1], path.name


MADRID = b"""<tmk:MadridDesignation xmlns:tmk="http://www.wipo.int/standards/XMLSchema/ST96/Trademark"
  xmlns:com="http://www.wipo.int/standards/XMLSchema/ST96/Common">
  <tmk:OfficeOriginCode>DE</tmk:OfficeOriginCode>
  <com:InternationalRegistrationDate>2020-03-04</com:InternationalRegistrationDate>
  <com:ExpiryDate>2030-03-04</com:ExpiryDate>
  <com:InternationalRegistrationNumber>1500001</com:InternationalRegistrationNumber>
  <tmk:HolderBag><tmk:Holder><com:Contact><com:Name><com:OrganizationName>
    <com:OrganizationStandardName>Sample Maker GmbH</com:OrganizationStandardName></com:OrganizationName></com:Name>
    <com:PostalAddressBag><com:PostalAddress><com:PostalStructuredAddress><com:CityName>Berlin</com:CityName>
    <com:CountryCode>DE</com:CountryCode></com:PostalStructuredAddress></com:PostalAddress></com:PostalAddressBag>
    </com:Contact></tmk:Holder></tmk:HolderBag>
  <tmk:MarkVerbalElementText>SAMPLE</tmk:MarkVerbalElementText>
  <tmk:MarkTransliteration>SAMPURU</tmk:MarkTransliteration>
  <tmk:MarkImage><com:FileName>1500001.jpg</com:FileName></tmk:MarkImage>
  <tmk:GoodsServicesBag><tmk:GoodsServices><com:ClassificationVersion>11-2020</com:ClassificationVersion>
   <tmk:ClassDescriptionBag><tmk:ClassDescription><tmk:ClassNumber>9</tmk:ClassNumber>
    <tmk:GoodsServicesDescriptionText com:languageCode="en">Batteries</tmk:GoodsServicesDescriptionText>
    <tmk:GoodsServicesDescriptionText com:languageCode="fr">Piles \xc3\xa9lectriques</tmk:GoodsServicesDescriptionText>
   </tmk:ClassDescription></tmk:ClassDescriptionBag></tmk:GoodsServices></tmk:GoodsServicesBag>
  <tmk:BasicRegistrationApplicationBag><tmk:BasicRegistrationApplication><tmk:BasicRegistrationBag>
    <tmk:BasicRegistration><tmk:BasicRegistrationNumber>302019000001</tmk:BasicRegistrationNumber>
    <tmk:BasicRegistrationDate>2019-11-12</tmk:BasicRegistrationDate></tmk:BasicRegistration></tmk:BasicRegistrationBag>
    </tmk:BasicRegistrationApplication></tmk:BasicRegistrationApplicationBag>
  <tmk:DesignatedCountryBag><tmk:DesignatedCountry><com:DesignatedCountryCode>JP</com:DesignatedCountryCode>
    </tmk:DesignatedCountry><tmk:DesignatedCountry><com:DesignatedCountryCode>US</com:DesignatedCountryCode>
    </tmk:DesignatedCountry></tmk:DesignatedCountryBag>
</tmk:MadridDesignation>"""


def test_a_madrid_notification() -> None:
    (draft,) = drafts_of(MADRID, st96_trademark.read)
    assert [(n.type, n.raw, n.office) for n in draft.numbers] == [(NumberType.INTERNATIONAL, "1500001", "WO")]
    assert {(d.type, d.raw) for d in draft.dates} == {
        (DateType.REGISTRATION, "2020-03-04"),
        (DateType.EXPIRY, "2030-03-04"),
    }
    assert [(p.role, p.name, p.country) for p in draft.parties] == [(PartyRole.OWNER, "Sample Maker GmbH", "DE")]
    assert [d.office for d in draft.designations] == ["JP", "US"]
    assert [(r.type, r.number.raw if r.number else None, r.date) for r in draft.relations] == [
        (RelationType.BASIC_MARK_OF, "302019000001", "2019-11-12")
    ]
    goods = {t.language: (t.text, t.class_symbol) for t in draft.texts if t.type is TextType.GOODS_SERVICES}
    assert goods == {"en": ("Batteries", "9"), "fr": ("Piles électriques", "9")}
    assert [(c.scheme, c.symbol, c.edition) for c in draft.classifications] == [("NICE", "9", "11-2020")]
    assert [image.reference for image in draft.images] == ["1500001.jpg"]


def test_a_proceeding_names_opponents_only_where_the_mark_itself_is_opposed(shared_data: Path) -> None:
    opponents = {}
    for path in files(shared_data):
        (draft,) = drafts_of(path, st96_trademark.read)
        opponents[path.name] = [p for p in draft.parties if p.role is PartyRole.OPPONENT]
        assert any(event.scheme == "US-TM-EVENT" for event in draft.events)
    # these marks are what their owners oppose others with
    assert opponents["rn2178784-ST96-old.xml"] == []
    assert opponents["rn2713476-ST96-old.xml"] == []

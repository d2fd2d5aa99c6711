"""CNIPA, old and new: nothing lost, zeros that fill places, two writings of a number, wrapped lines."""

from __future__ import annotations

from pathlib import Path

from common.errors import MalformedInput
from indexer.formats.cn import read_new, read_old
from indexer.formats.draft import Draft
from indexer.record import DateType, PartyRole, RelationType, Right, TextType
from tests.formats.coverage import assert_everything_read, drafts_of, outcomes_of

NUMBERING = "numbers the element within its document"

NEW = """<business:PatentDocumentAndRelated xmlns:base="http://www.sipo.gov.cn/XMLSchema/base"
 xmlns:business="http://www.sipo.gov.cn/XMLSchema/business" lang="zh" country="CN" kind="{kind}">
<business:BibliographicData>
<business:PublicationReference dataFormat="standard" sequence="1"><base:DocumentID>
<base:WIPOST3Code>CN</base:WIPOST3Code>
<base:DocNumber>000113781974</base:DocNumber><base:Kind>{kind}</base:Kind><base:Date>20211210</base:Date>
</base:DocumentID></business:PublicationReference>
<business:PublicationReference dataFormat="original" sequence="1"><base:DocumentID>
<base:WIPOST3Code>CN</base:WIPOST3Code>
<base:DocNumber>113781974</base:DocNumber><base:Kind>{kind}</base:Kind><base:Date>20211210</base:Date></base:DocumentID>
</business:PublicationReference>
<business:RelatedDocuments><business:Division><business:DocumentsRelation><business:ParentDocument><base:DocumentID>
<base:WIPOST3Code>CN</base:WIPOST3Code><base:DocNumber>201710269973.9</base:DocNumber></base:DocumentID>
</business:ParentDocument><business:ChildDocument><base:DocumentID><base:Date>00000000</base:Date></base:DocumentID>
</business:ChildDocument></business:DocumentsRelation></business:Division></business:RelatedDocuments>
<business:Parties><business:ApplicantDetails><business:Applicant sequence="1"><base:AddressBook>
<base:Name>样品公司</base:Name><base:Address><base:AddressLine>0</base:AddressLine><base:PostCode>0</base:PostCode>
<base:City>0</base:City><base:WIPOST3Code>KR</base:WIPOST3Code><base:Text>样品路1号</base:Text></base:Address>
</base:AddressBook><business:OrganizationCode>0000000000</business:OrganizationCode></business:Applicant>
</business:ApplicantDetails><business:AgentDetails><business:CustomerNumber>11204</business:CustomerNumber>
<business:Agent sequence="1"><business:Agency><base:AddressBook><base:OrganizationName>样品代理公司 11205
</base:OrganizationName></base:AddressBook></business:Agency></business:Agent></business:AgentDetails>
</business:Parties></business:BibliographicData></business:PatentDocumentAndRelated>"""


def new(kind: str = "A") -> Draft:
    [draft] = drafts_of(NEW.format(kind=kind).encode(), read_new)
    return draft


def test_everything_in_new_files_is_read(shared_data: Path) -> None:
    assert_everything_read(
        sorted((shared_data / "st36" / "cn").glob("cn_new*.xml")),
        ("PatentDocumentAndRelated",),
        read_new,
        {
            "PatentDocumentAndRelated@*": "schema, file name and date of production",
            "*@id": NUMBERING,
            "*@num": NUMBERING,
            "*@figureLabels": NUMBERING,
            "*@he": "size of an image",
            "*@wi": "size of an image",
            "*@orientation": "place of an image",
            "*@sourceDB": "national office: CNIPA's own data base",
            "*@dataFormat": "standard: the other writing of a number, which is read",
            "*@imgContent": "kind of image",
            "*@appType": "applicant",
            "*@repType": "agent",
            "*/ClassificationIPCR/Text": "the symbol's parts and edition once more, as printed",
            "*/ChildDocument/DocumentID/Date": "zeros that fill the place",
            "*/OrganizationCode*": "zeros that fill the place",
            "*/colspec@*": "layout of tables",
            "*/Agency/AddressBook/OrganizationName": "name and code of an agency, taken apart",
        },
    )


def test_everything_in_old_files_is_read(shared_data: Path) -> None:
    assert_everything_read(
        [path for path in sorted((shared_data / "st36" / "cn").glob("*.xml")) if "new" not in path.name],
        ("cn-patent-document",),
        read_old,
        {
            "*@id": NUMBERING,
            "*@num": NUMBERING,
            "*@figure-labels": NUMBERING,
            "*@he": "size of an image",
            "*@wi": "size of an image",
            "*@inline": "place of an image",
            "*/colspec@*": "layout of tables",
            "*@lang": "of an address book: Chinese",
            "*@appl-type": "name of the kind of right, which the kind code tells",
            "*@rep-type": "agent",
            "*/classification-ipcr/text": "symbol and edition in one, taken apart",
            "*/cn-agency/name": "name and code of an agency, taken apart",
            "*/application-body/*": "ends of wrapped lines, put together: test_wrapped_chinese_is_put_together",
        },
    )


def test_wrapped_chinese_is_put_together(shared_data: Path) -> None:
    for path in (shared_data / "st36" / "cn").glob("*old*.xml"):
        [draft] = drafts_of(path, read_old)
        raw = path.read_text(encoding="utf-8")
        assert raw.count("<claim ") == sum(
            line.split(".")[0].isdigit()
            for text in draft.texts
            if text.type is TextType.CLAIMS
            for line in text.text.splitlines()
        )


def test_a_number_written_twice_is_one_with_its_other_form() -> None:
    [number] = new().numbers
    assert (number.raw, number.forms, number.format) == ("113781974", ["000113781974"], "original")


def test_zeros_that_fill_places_are_not_read() -> None:
    applicant = new().parties[0]
    assert applicant.address is not None
    assert (applicant.address.lines, applicant.address.city, applicant.address.postal_code) == (
        ["样品路1号"],
        None,
        None,
    )
    assert (applicant.country, applicant.identifier) == ("KR", None)


def test_an_agency_stands_apart_from_its_code() -> None:
    agency = new().parties[1]
    assert (agency.role, agency.name, agency.identifier) == (PartyRole.REPRESENTATIVE, "样品代理公司", "11205")


def test_a_division_names_its_parent_and_not_the_empty_child() -> None:
    [relation] = new().relations
    assert relation.type is RelationType.DIVISIONAL_OF
    assert relation.number is not None
    assert relation.number.raw == "201710269973.9"


def test_grants_and_designs_by_their_kind() -> None:
    assert DateType.GRANT not in [date.type for date in new("A").dates]
    assert DateType.GRANT in [date.type for date in new("B").dates]
    assert DateType.GRANT in [date.type for date in new("U").dates]
    assert new("S").right is Right.DESIGN


def test_a_broken_file_is_an_error_and_no_crash() -> None:
    for reader in (read_new, read_old):
        [outcome] = outcomes_of(NEW.format(kind="A")[:-60].encode(), reader)
        assert isinstance(outcome, MalformedInput)

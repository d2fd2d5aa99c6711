"""ST.66 trademarks: EUIPO, TSDR, DPMA and e-filing dialects, whole and lossless."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.errors import InputError
from indexer.formats import st66
from indexer.formats.draft import Draft
from indexer.record import DateType, NumberType, PartyRole, RelationType, TextType
from tests.formats.coverage import assert_everything_read, drafts_of, outcomes_of

HEADER = (
    b'<?xml version="1.0" encoding="UTF-8"?><Transaction xmlns="http://euipo.europa.eu/trademark/data">'
    b"<TradeMarkTransactionBody><TransactionContentDetails><TransactionIdentifier>1</TransactionIdentifier>"
    b"<TransactionData><TradeMarkDetails>"
)
FOOTER = b"</TradeMarkDetails></TransactionData></TransactionContentDetails></TradeMarkTransactionBody></Transaction>"

NOT_READ = {
    "*/TransactionCode": "what kind of transaction, the same for each file",
    "*/TransactionIdentifier": "identifies the transmission, not the mark (EUIPO repeats the application number)",
    "*@operationCode": "becomes the Draft's operation",
    "*Indicator": "flags of the procedure: distinctiveness, fees, filing basis, register",
    "*@identifierKindCode": "which register a party's id is from; the id is read",
    "*@phoneKind": "purpose of a telephone number",
    "*@geographicRegionCategory": "says that a state is a state",
    "*@type": "XML Schema type of an extension",
    "*/DataPrivacyWaiver": "the applicant's declaration to the office",
    "*/NameKind": "becomes the party's entity",
    "*/ApplicantLegalEntity": "becomes the party's entity",
    "*/ApplicantIsOwner": "flag of the form",
    "*/IncorporationGeographicRegion*": "state of incorporation within a country that is read",
    "*/RepresentativeKindCode": "profession of the representative",
    "*/RepresentedPartyKindCode": "who is represented, in the form",
    "*/RepresentativeDetails/Representative/Comment": "TSDR gives it where it names nobody, too",
    "*/PaymentDetails/*": "the fee's payment, not the mark's",
    "*/SignatoryDetails/*": "who signed the form",
    "*/RequestSearchKindCode": "a request to the office",
    "*/ClassificationTermAssessment": "how the form's term picker rated a term",
    "*/NiceClassTitleText": "heading of the class in the classification itself",
    "*/NationalClassTitleText": "heading of the class in the classification itself",
    "*/CurrentLocationCode": "code of a location whose name is read",
    "*/ImageCorrected": "flag of the procedure",
}


def files(shared_data: Path) -> list[Path]:
    folder = shared_data / "st66"
    return [
        *sorted((folder / "euipo").glob("*.xml")),
        folder / "dpma" / "trademark_info.xml",
        *sorted((folder / "ohim_sp").glob("*.xml")),
        *sorted((folder / "uspto_tsdr").glob("*.xml")),
    ]


def test_every_value_of_every_real_file_is_read_or_left_out_for_a_reason(shared_data: Path) -> None:
    assert_everything_read(files(shared_data), ("TransactionContentDetails",), st66.read, NOT_READ)


def test_each_real_file_yields_its_one_mark(shared_data: Path) -> None:
    for path in files(shared_data):
        (draft,) = drafts_of(path, st66.read)
        assert draft.numbers, path.name
        assert draft.office in ("EM", "DE", "US"), path.name


def test_goods_keep_class_and_language_apart(shared_data: Path) -> None:
    (draft,) = drafts_of(shared_data / "st66" / "euipo" / "018229614.xml", st66.read)
    goods = [text for text in draft.texts if text.type is TextType.GOODS_SERVICES]
    assert len({text.language for text in goods}) == 23
    assert {text.class_symbol for text in goods} == {c.symbol for c in draft.classifications if c.scheme == "NICE"}


def test_a_party_known_by_its_id_alone_keeps_the_id(shared_data: Path) -> None:
    (draft,) = drafts_of(shared_data / "st66" / "euipo" / "018229614.xml", st66.read)
    assert all(party.identifier and not party.name for party in draft.parties)


def mark(inner: bytes, attributes: bytes = b"") -> bytes:
    return (
        b"<TradeMark " + attributes + b"><RegistrationOfficeCode>EM</RegistrationOfficeCode>" + inner + b"</TradeMark>"
    )


def only(outcomes: list[Draft | InputError]) -> Draft:
    (draft,) = outcomes
    assert isinstance(draft, Draft)
    return draft


@pytest.mark.parametrize(("code", "operation"), [(b"Insert", "upsert"), (b"Update", "upsert"), (b"Delete", "delete")])
def test_operation_codes(code: bytes, operation: str) -> None:
    number = b"<ApplicationNumber>018000001</ApplicationNumber>"
    draft = only(outcomes_of(HEADER + mark(number, b'operationCode="' + code + b'"') + FOOTER, st66.read))
    assert draft.operation == operation
    assert draft.numbers[0].raw == "018000001"
    assert not draft.problems


def test_an_unknown_operation_code_is_a_problem_and_no_deletion() -> None:
    number = b"<ApplicationNumber>018000001</ApplicationNumber>"
    draft = only(outcomes_of(HEADER + mark(number, b'operationCode="Destroy"') + FOOTER, st66.read))
    assert draft.operation == "upsert"
    assert draft.problems[0][0] == "operation"
    assert "Destroy" in draft.problems[0][1]


def test_seniority_opposition_conversion_and_division_become_relations() -> None:
    draft = only(
        outcomes_of(
            HEADER
            + mark(
                b"<ApplicationNumber>018000001</ApplicationNumber>"
                b"<DivisionalApplicationDetails><DivisionalApplication><InitialApplicationNumber>017000009"
                b"</InitialApplicationNumber></DivisionalApplication></DivisionalApplicationDetails>"
                b"<TransformationPriorityDetails><TransformationPriority><RegistrationNumber>1234567</RegistrationNumber>"
                b"<PriorityDate>2015-01-02</PriorityDate></TransformationPriority></TransformationPriorityDetails>"
                b"<SeniorityDetails><Seniority><SeniorityCountryCode>FR</SeniorityCountryCode>"
                b"<SeniorityRegistrationNumber>998877</SeniorityRegistrationNumber>"
                b"<SeniorityRegistrationDate>1999-03-04</SeniorityRegistrationDate></Seniority></SeniorityDetails>"
                b"<OppositionDetails><Opposition><OppositionIdentifier>B3</OppositionIdentifier>"
                b"<OppositionDate>2020-08-04</OppositionDate><EarlierMarkDetails><EarlierMark>"
                b"<EarlierMarkCountryCode>ES</EarlierMarkCountryCode><RegistrationNumber>M55</RegistrationNumber>"
                b"</EarlierMark></EarlierMarkDetails><OpponentDetails><OpponentKey><Identifier>77</Identifier>"
                b"</OpponentKey></OpponentDetails></Opposition></OppositionDetails>"
            )
            + FOOTER,
            st66.read,
        )
    )
    related = {relation.type: relation.number for relation in draft.relations}
    assert {kind: (n.office, n.raw) for kind, n in related.items() if n} == {
        RelationType.DIVISIONAL_OF: ("EM", "017000009"),
        RelationType.CONVERSION_OF: ("WO", "1234567"),
        RelationType.SENIORITY_OF: ("FR", "998877"),
        RelationType.OTHER: ("ES", "M55"),
    }
    assert [(party.role, party.identifier) for party in draft.parties] == [(PartyRole.OPPONENT, "77")]
    assert [(event.code, event.event_date) for event in draft.events] == [("Opposition", "2020-08-04")]


def test_many_marks_in_one_transaction_are_read_one_by_one() -> None:
    marks = b"".join(mark(b"<ApplicationNumber>%09d</ApplicationNumber>" % number) for number in range(500))
    drafts = drafts_of(HEADER + marks + FOOTER, st66.read)
    assert [draft.numbers[0].raw for draft in drafts] == [f"{number:09d}" for number in range(500)]
    assert all(draft.byte_offset for draft in drafts)


def test_applicants_beside_many_marks_are_reported_rather_than_given_to_one_of_them() -> None:
    marks = b"".join(mark(b"<ApplicationNumber>%09d</ApplicationNumber>" % number) for number in range(3))
    beside = b"<ApplicantDetails><Applicant><ApplicantIdentifier>5</ApplicantIdentifier></Applicant></ApplicantDetails>"
    data = HEADER + marks + b"</TradeMarkDetails>" + beside + FOOTER.removeprefix(b"</TradeMarkDetails>")
    *drafts, error = outcomes_of(data, st66.read)
    assert len(drafts) == 3
    assert isinstance(error, InputError)
    assert error.place.field == "ApplicantDetails"


def test_a_number_of_zeros_is_no_registration() -> None:
    data = HEADER + mark(b"<RegistrationNumber>0000000</RegistrationNumber>") + FOOTER
    assert only(outcomes_of(data, st66.read)).numbers == []


def test_dpma_old_mark_is_known_by_the_number_that_lists_of_hits_use(shared_data: Path) -> None:
    (full,) = drafts_of(shared_data / "st66" / "dpma" / "trademark_info.xml", st66.read)
    hits = drafts_of(shared_data / "st66" / "dpma" / "trademark_search.xml", st66.read_hits)
    assert len(hits) == 3
    assert all(hit.partial for hit in hits)
    assert full.numbers[0].type is NumberType.APPLICATION
    assert full.numbers[0].raw == hits[0].numbers[0].raw
    assert {date.type for date in hits[0].dates} == {DateType.FILING, DateType.REGISTRATION}
    assert [party.country for party in hits[0].parties] == ["DE"]


def test_every_value_of_the_list_of_hits_is_read(shared_data: Path) -> None:
    assert_everything_read(
        [shared_data / "st66" / "dpma" / "trademark_search.xml"],
        ("Entries",),
        st66.read_hits,
        {"Entries/Applicant": "taken apart into name, place and country"},
    )

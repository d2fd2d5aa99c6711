"""Offices' JSON: nothing lost from real answers, what has no record, broken and hostile input, memory."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from common.errors import InputError, MalformedInput
from indexer.formats.draft import Draft
from indexer.formats.reading import Context
from indexer.formats.sniff import signature
from indexer.formats.table import FORMATS, by_name
from indexer.record import NumberType, PartyRole, RelationType, Right, TextType
from tests.formats.coverage import assert_nothing_left, drafts_of, json_values, leftovers, outcomes_of

PAGE = "counts and paging of the answer"
ORDER = "place in a list"
INNER = "key of the office's own data base"
ADDRESS_AGAIN = "name of a country or region, beside its code"
REFERENCE = "the party's own reference"

CASES: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "json-jpo-api": (
        ("json/jpo_api/*.json",),
        {
            "result/statusCode": PAGE,
            "result/remainAccessCount": PAGE,
            "*/sizeOfDocument": "bytes of a document",
            "*/versionNumber": "version of a document's file",
            "*/similarCode": "several codes in one string, taken apart",
        },
    ),
    "json-prh-search": (
        ("json/prh_fi/*-search.json",),
        {"results/dossierId": INNER, "results/dossierType": "tells the right"},
    ),
    "json-prh": (
        ("json/prh_fi/patent-get.json",),
        {
            "*/ordinal": ORDER,
            "paymentDetails/paid/ref": "book-keeping of a fee",
            "paymentDetails/paid/feePaidAmount": "amount of a fee",
            "paymentDetails/paid/creditorReference": "book-keeping of a fee",
        },
    ),
    "json-prv": (
        ("json/prv_se/*.json",),
        {
            "totalHits": PAGE,
            "totalPages": PAGE,
            "*/idPatent": INNER,
            "*/idSpc": INNER,
            "*/idTrademark": INNER,
            "*/representatives": "name and address in one string, taken apart",
            "*/markFeatureSv": "Swedish beside the English word",
        },
    ),
    "json-tipo-patent": (
        ("json/tipo_api/patent*.json",),
        {
            "version": PAGE,
            "status": PAGE,
            "order-by": PAGE,
            "total-count": PAGE,
            "*/-create-date": PAGE,
            "*/appl-country": "country of an applicant whom the file does not name",
        },
    ),
    "json-tipo-trademark": (
        ("json/tipo_api/trademark*.json",),
        {
            "version": PAGE,
            "status": PAGE,
            "order-by": PAGE,
            "total-count": PAGE,
            "*/-create-date": PAGE,
            "*/chinese-country-name": ADDRESS_AGAIN,
        },
    ),
    "json-euipo": (
        ("json/euipo/*.json",),
        {
            "totalElements": PAGE,
            "totalPages": PAGE,
            "*/markBasis": "whether the mark is an EU mark or a designation: a relation where it is one",
            "*/applicantReference": REFERENCE,
        },
    ),
    "json-global-dossier": (
        ("json/uspto/global_dossier*.json",),
        {
            "internal": PAGE,
            "type": PAGE,
            "list/appDate": "the date beside it, in milliseconds",
            "list/appDateStr": "month first: written year first",
            "list/docNum/date": "the same date",
            "list/pubList/pubDate": "the date beside it, in milliseconds",
            "list/pubList/pubDateStr": "month first: written year first",
        },
    ),
    "json-uspto-odp": (
        ("json/uspto/odp_application.json", "json/uspto/odp_biblio.json", "json/uspto/odp_continuity.json"),
        {
            "requestIdentifier": PAGE,
            "*/applicationType*": "tells designs; regular, reissue and others show in the numbers",
            "*/activeIndicator": "whether an attorney still practises",
            "*/registeredPractitionerCategory": "attorney or agent",
            "*/usageTypeCategory": "tells telephone from fax",
            "*/countryName": ADDRESS_AGAIN,
            "*/geographicRegionName": ADDRESS_AGAIN,
            "*/patronIdentifier": "the customer number with zeros",
            "*/postalAddressCategory": "residence or post",
            "*/attorneyAddressBag/nameLineOneText": "the firm's former name, of a further address",
            "*/groupArtUnitNumber": "art unit",
            "*/applicationConfirmationNumber": "check number of the office",
            "*/publicationCategoryBag": "that it was published",
            "*/docketNumber": REFERENCE,
            "*/businessEntityStatusCategory": "fee category",
        },
    ),
    "json-uspto-odp-documents": (("json/uspto/odp_documents.json",), {}),
    "json-uspto-peds": (
        ("json/uspto/peds*.json", "st96/uspto_peds/*.json"),
        {
            "*Facet": "the same value once more, for counting",
            "*/facet_counts/*": "counts over other applications",
            "createQueryRequest/*": PAGE,
            "links/*": PAGE,
            "*queryId": PAGE,
            "*/indexLastUpdatedDate": PAGE,
            "*/QTime": PAGE,
            "*/totalPtoDays": "sums of the term adjustment",
            "*/applDelay": "sums of the term adjustment",
            "*/ptaPteTranHistory/number": ORDER,
            "*/ptaPteTranHistory/start": ORDER,
            "*/ptaPteTranHistory/ptaOrPteDate": "month first: written year first",
            "*/assignments/*Date": "month first: written year first",
            "*/parentContinuity/applicationStatus": "status of a provisional application",
            "*Continuity/filingDate": "month first: written year first",
            "*/assignments/*": "`null` fills the place",
            "*/docs/corrAddrCountryName": ADDRESS_AGAIN,
            "*/docs/corrAddrGeoRegionNA": ADDRESS_AGAIN,
            "*/docs/inventorName": "first inventor, given name first",
            "*/docs/appGrpArtNumber": "art unit",
            "*/docs/LAST_INSERT_TIME": INNER,
            "*/docs/lastUpdatedTimestamp": INNER,
            "*/docs/_version_": INNER,
            "*/docs/cmsData": INNER,
            "*/docs/appAttrDockNumber": REFERENCE,
            "*/docs/*/city": "ends with a comma, left out",
            "*/docs/*/country": "stands in brackets, left out",
            "*/docs/appType": "tells designs",
            "*/docs/appEntityStatus*": "fee category",
            "*/docs/appConfrNumber": "check number of the office",
            "*/docs/firstInventorFile": "which law applies",
            "*/attrnyAddr/regStatus": "whether an attorney still practises",
            "*/attrnyAddr/phoneNum": "zeros that fill the place",
        },
    ),
    "json-uspto-public-search": (
        ("json/uspto/public_search*.json",),
        {
            "query/*": PAGE,
            "cursorMarker": PAGE,
            "patents/guid": "the publication number with dashes",
            "patents/compositeId": INNER,
            "patents/type": "data base searched",
            "patents/databaseName": "data base searched",
            "patents/documentId": "the publication number with blanks",
            "patents/documentSize": "bytes of the document",
            "patents/score": PAGE,
            "patents/*Flattened": "several symbols in one string, taken apart",
            "patents/*Examiner": "a semicolon, written as a comma",
            "patents/*Name": "a semicolon, written as a comma",
            "patents/inventorsShort": "a semicolon, written as a comma",
        },
    ),
    "json-uspto-tsdr": (
        ("json/uspto_api/*.json",),
        {
            "*/name": ADDRESS_AGAIN,
            "*/countryName": ADDRESS_AGAIN,
            "*/designSearchList/descriptions": "words of a design search code",
            "*/attrnyDktNumber": REFERENCE,
            "*/lawOffAsgnCd": "law office that examines",
            "*/newLawOffAsgnCd": "law office that examines",
            "*/lawOffAssigned": "law office that examines",
            "*/partyTypeDescription": "tells the role",
            "*/entityType/description": "tells persons from organisations",
            "*Classes/description": "words of a class",
            "*/entryNumber": ORDER,
        },
    ),
}


def files_of(shared_data: Path, name: str) -> list[Path]:
    files = [path for pattern in CASES[name][0] for path in sorted(shared_data.glob(pattern))]
    assert files
    return files


@pytest.mark.parametrize("name", CASES)
def test_everything_in_real_answers_is_read(shared_data: Path, name: str) -> None:
    row = by_name(name)
    found = []
    for path in files_of(shared_data, name):
        data = path.read_bytes()
        assert next(each for each in FORMATS if each.recognises(signature(data))).name == name
        drafts = [outcome for outcome in outcomes_of(data, row.read) if isinstance(outcome, Draft)]
        if drafts:
            values = ((at, " ".join(words.split())) for at, words in json_values(json.loads(data)))
            found += leftovers(values, drafts)
    assert_nothing_left(found, CASES[name][1])


def read(name: str, answer: Any) -> list[Draft | InputError]:
    return outcomes_of(json.dumps(answer).encode(), by_name(name).read)


def only(name: str, answer: Any) -> Draft:
    [draft] = read(name, answer)
    assert isinstance(draft, Draft), draft
    return draft


@pytest.mark.parametrize(
    ("name", "answer", "said"),
    [
        ("json-jpo-api", {"result": {"statusCode": "107", "errorMessage": "該当なし", "data": {}}}, "該当なし"),
        (
            "json-jpo-api",
            {"result": {"statusCode": "100", "errorMessage": "", "data": {"applicantAttorneyName": "見本"}}},
            "a party and no right",
        ),
        ("json-prh-search", {"totalResults": 0, "results": []}, "holds no record"),
        ("json-prv", {"totalHits": 0, "searchPatentDTOS": []}, "holds no record"),
        ("json-euipo", {"trademarks": [], "totalElements": 0}, "holds no record"),
        ("json-uspto-odp", {"count": 0, "patentBag": [], "message": "nothing here"}, "nothing here"),
        ("json-uspto-odp", {"patentBag": [{"foreignPriorityBag": [{"priorityNumberText": "1"}]}]}, "no application"),
        ("json-uspto-public-search", {"numFound": 0, "patents": [], "totalResults": 0}, "holds no record"),
        ("json-tipo-patent", {"tw-patent-applI": {"patentcontent": []}, "total-count": 0}, "holds no record"),
    ],
)
def test_an_answer_without_records_is_an_error_that_says_why(name: str, answer: Any, said: str) -> None:
    [outcome] = read(name, answer)
    assert isinstance(outcome, InputError)
    assert said in str(outcome)
    assert str(outcome).startswith("file")


@pytest.mark.parametrize("name", CASES)
def test_what_is_no_json_is_an_error_and_no_crash(shared_data: Path, name: str) -> None:
    data = files_of(shared_data, name)[0].read_bytes()
    for broken in (
        data[: len(data) // 2],
        b'{"a": [',
        b"\xff\xfe{}",
        b"[1, 2",
        b'{"a": "\x00"}',
        b"<html></html>",
        b"",
    ):
        outcomes = outcomes_of(broken, by_name(name).read)
        assert outcomes
        assert isinstance(outcomes[-1], InputError)


def test_records_before_a_fault_are_kept(shared_data: Path) -> None:
    data = (shared_data / "json" / "euipo" / "tm_list_size10.json").read_bytes()
    outcomes = outcomes_of(data[: int(len(data) * 0.8)], by_name("json-euipo").read)
    assert sum(isinstance(outcome, Draft) for outcome in outcomes) >= 5
    assert isinstance(outcomes[-1], MalformedInput)


def test_memory_does_not_grow_with_the_file() -> None:
    entry = json.dumps(
        {"applicationNumber": "000000001", "niceClasses": [1], "applicants": [{"name": "S" * 900}]}
    ).encode()

    class Endless:
        """A hit list of a given number of marks, made as it is read."""

        def __init__(self, count: int) -> None:
            self.parts = self.made(count)
            self.held = b""

        def made(self, count: int) -> Iterator[bytes]:
            yield b'{"totalElements": 1, "trademarks": ['
            for at in range(count):
                yield (b"," if at else b"") + entry
            yield b"]}"

        def read(self, size: int = -1) -> bytes:
            while len(self.held) < size and (part := next(self.parts, b"")):
                self.held += part
            taken, self.held = self.held[:size], self.held[size:]
            return taken

    def peak(count: int) -> int:
        tracemalloc.start()
        stream = cast(BinaryIO, Endless(count))
        drafts = len([None for _ in by_name("json-euipo").read(stream, Context("file"))])
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert drafts == count
        return most

    assert peak(4000) < peak(200) + 500_000


def test_jpo_numbers_keep_the_office_s_inner_writing_beside_the_year_of_our_era(shared_data: Path) -> None:
    path = shared_data / "json" / "jpo_api" / "patent_v1_app_progress_simple_2020123456.json"
    [draft] = drafts_of(path, by_name("json-jpo-api").read)
    [published] = [number for number in draft.numbers if number.type is NumberType.PUBLICATION]
    assert (published.raw, published.forms) == ("2021090037", ["503090037"])
    assert draft.identified_by is NumberType.APPLICATION


def test_a_jpo_mark_is_a_mark(shared_data: Path) -> None:
    path = shared_data / "json" / "jpo_api" / "trademark_v1_app_progress_2024123456.json"
    [draft] = drafts_of(path, by_name("json-jpo-api").read)
    assert draft.right is Right.TRADEMARK
    goods = [text for text in draft.texts if text.type is TextType.GOODS_SERVICES]
    assert [text.class_symbol for text in goods] == ["29", "35"]
    groups = [each.symbol for each in draft.classifications if each.scheme == "JP-SIMILAR-GROUP"]
    assert groups == ["32A01", "32A01", "35A01", "35K03"]


def test_each_design_of_a_finnish_registration_is_a_record() -> None:
    designs = [{"title": "A", "number": 1}, {"title": "B", "number": 2}]
    found = {"registrationNumber": "22685", "dossierStatus": "x", "designs": designs}
    first, second = read("json-prh-search", {"totalResults": 1, "results": [found]})
    assert isinstance(first, Draft)
    assert isinstance(second, Draft)
    assert (first.right, first.design_index, second.design_index) == (Right.DESIGN, "1", "2")


def test_a_swedish_certificate_is_numbered_by_itself_and_names_its_basic_patent() -> None:
    spc = {
        "idSpc": 1,
        "applicationNumberSpcFormatted": "2490037-5",
        "applicationNumberFormatted": "EP08806741.8",
        "publicationNumber": "2201012",
        "substance": "sample",
    }
    draft = only("json-prv", {"searchSpcDTOS": [spc]})
    assert [number.raw for number in draft.numbers] == ["2490037-5"]
    assert [relation.number and (relation.number.office, relation.number.raw) for relation in draft.relations] == [
        ("EP", "EP08806741.8"),
        ("EP", "2201012"),
    ]


def test_swedish_addresses_give_country_and_company_number() -> None:
    mark = {
        "idTrademark": 1,
        "applicationNumber": "2025-05038",
        "applicants": [{"name": "Sample AB", "address": "Street 1 343 81 Town, SE, 559070-5058"}],
        "representatives": ["Agents KB, Street 2 211 19 Town, SE, 916629-0834"],
    }
    draft = only("json-prv", {"trademarks": [mark], "totalHits": 1})
    assert [(party.name, party.country, party.identifier) for party in draft.parties] == [
        ("Sample AB", "SE", "559070-5058"),
        ("Agents KB", "SE", "916629-0834"),
    ]


def test_taiwan_s_own_classes_are_not_called_nice_classes() -> None:
    def scheme(date: str) -> str:
        content = {"appl-no": "1", "appl-date": date, "goodsclasses": [{"goodsclass-code": "032"}]}
        answer = {"total-count": 1, "tmarkappl": {"tmarkcontent": [content]}}
        return only("json-tipo-trademark", answer).classifications[0].scheme

    assert scheme("1951/02/27") == "TW-GOODS-CLASS"
    assert scheme("2011/01/03") == "NICE"


def test_a_designation_of_the_eu_names_its_international_registration() -> None:
    mark = {"applicationNumber": "W00928475", "markBasis": "INTERNATIONAL_TRADEMARK"}
    [relation] = only("json-euipo", {"trademarks": [mark], "totalElements": 1}).relations
    assert relation.type is RelationType.DESIGNATION_OF
    assert relation.number is not None
    assert (relation.number.type, relation.number.raw) == (NumberType.INTERNATIONAL, "00928475")


def test_month_first_dates_are_written_year_first_and_each_publication_of_a_member_is_a_record() -> None:
    member = {
        "appNum": "2017187096",
        "appDateStr": "09/27/2017",
        "countryCode": "JP",
        "pubList": [
            {"pubCountry": "JP", "pubNum": "2019061579", "kindCode": "A", "pubDateStr": "04/05/2019"},
            {"pubCountry": "JP", "pubNum": "6768620", "kindCode": "B2", "pubDateStr": "10/14/2020"},
        ],
    }
    answer = {"country": "US", "corrAppNum": "16123456", "list": [member]}
    first, second = read("json-global-dossier", answer)
    assert isinstance(first, Draft)
    assert isinstance(second, Draft)
    assert (first.kind, second.kind) == ("A", "B2")
    assert first.numbers[0].date == "2019-04-05"
    assert [relation.type for relation in first.relations] == [RelationType.STAGE_OF, RelationType.RELATED]


def test_provisional_applications_are_priorities_and_ancestors_are_parents() -> None:
    def parent(number: str, child: str, code: str) -> dict[str, str]:
        return {
            "parentApplicationNumberText": number,
            "childApplicationNumberText": child,
            "claimParentageTypeCode": code,
        }

    continuity = [parent("61983088", "15123456", "PRO"), parent("14000001", "15123456", "CIP")]
    continuity.append(parent("13000001", "14000001", "CON"))
    found = {"applicationNumberText": "15123456", "continuityBag": {"parentContinuityBag": continuity}}
    draft = only("json-uspto-odp", {"patentBag": [found]})
    assert [priority.number.raw for priority in draft.priorities] == ["61983088"]
    assert [(relation.type, relation.number and relation.number.raw) for relation in draft.relations] == [
        (RelationType.CONTINUATION_IN_PART_OF, "14000001"),
        (RelationType.PARENT, "13000001"),
    ]


def test_the_hit_list_of_public_search_is_partial_and_says_what_it_leaves_out() -> None:
    patent = {
        "guid": "US-11803561-B1",
        "publicationReferenceDocumentNumber": "11803561",
        "kindCode": ["B1"],
        "inventorsShort": "Sample; One et al.",
        "assigneeName": ["Sample &amp; Co."],
        "mainClassificationCode": "1/1",
    }
    draft = only("json-uspto-public-search", {"patents": [patent], "numFound": 1, "totalResults": 1})
    assert draft.partial
    assert [(party.role, party.name) for party in draft.parties] == [
        (PartyRole.OWNER, "Sample & Co."),
        (PartyRole.INVENTOR, "Sample, One"),
    ]
    assert draft.problems
    assert not draft.classifications

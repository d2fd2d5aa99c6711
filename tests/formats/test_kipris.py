"""KIPRIS Plus: three rights, several values in a field, two spellings, answers without records."""

from __future__ import annotations

from pathlib import Path

from common.errors import InputError, MalformedInput
from indexer.formats.draft import Draft
from indexer.formats.kipris import read
from indexer.formats.sniff import signature
from indexer.formats.table import by_name
from indexer.record import DateType, NumberType, PartyRole, Right, TextType
from tests.formats.coverage import assert_nothing_left, drafts_of, outcomes_of, xml_leftovers

ELEMENTS = ("PatentUtilityInfo", "TradeMarkInfo", "DesignInfo")
ANSWER = """<?xml version="1.0" encoding="UTF-8"?>
<response><header><resultCode>{code}</resultCode><resultMsg>{said}</resultMsg></header><body><items>{items}</items></body>
</response>"""
MARK = """<TradeMarkInfo><ApplicationNumber>4020120047865</ApplicationNumber><AppReferenceNumber> </AppReferenceNumber>
<ApplicationDate>20120726</ApplicationDate><GoodClassificationCode>01|11</GoodClassificationCode>
<ViennaCode>260323|270508</ViennaCode><ApplicantName>견본 주식회사|견본대학교</ApplicantName>
<RegistrationRightholderName>{holder}</RegistrationRightholderName><Title>견본 SAMPLE</Title></TradeMarkInfo>"""
CAMEL = """<item><inventionTitle>견본</inventionTitle><applicationNumber>1020200000001</applicationNumber>
<openNumber>1020210000001</openNumber><openDate>20210101</openDate><registerStatus>공개</registerStatus>
<ipcNumber>B24B 3/34|B24B 49/12</ipcNumber><astrtCont>요약</astrtCont></item>"""


def answer(items: str, code: str = "", said: str = "") -> bytes:
    return ANSWER.format(items=items, code=code, said=said).encode()


def test_everything_in_real_answers_is_read(shared_data: Path) -> None:
    files = sorted((shared_data / "office_specific").glob("kipris*/*.xml"))
    assert len(files) == 20
    drafts = [draft for path in files for draft in drafts_of(path, read)]
    assert len(drafts) == 505
    found = []
    for path in files:
        held = drafts_of(path, read)
        words = {party.name for draft in held for party in draft.parties}
        words |= {party.latin_name or "" for draft in held for party in draft.parties}
        words |= {each.symbol for draft in held for each in draft.classifications}
        for leftover in xml_leftovers(path.read_bytes(), ELEMENTS, read):
            # values set apart by | are looked for one by one
            if not all(part.strip() in words for part in leftover.value.split("|")):
                found.append(leftover)
    assert_nothing_left(
        found,
        {
            "*/SerialNumber": "place in the hit list",
            "DesignInfo/number": "place in the hit list",
            "*/RegistrationRightholderName": "Korean and English name in one, taken apart",
        },
    )


def test_values_set_apart_by_bars_are_several() -> None:
    [draft] = drafts_of(answer(MARK.format(holder="견본")), read)
    assert draft.right is Right.TRADEMARK
    assert [(each.scheme, each.symbol) for each in draft.classifications] == [
        ("NICE", "01"),
        ("NICE", "11"),
        ("VIENNA", "260323"),
        ("VIENNA", "270508"),
    ]
    applicants = [party.name for party in draft.parties if party.role is PartyRole.APPLICANT]
    assert applicants == ["견본 주식회사", "견본대학교"]
    assert [number.type for number in draft.numbers] == [NumberType.APPLICATION]


def test_a_right_holder_s_english_name_stands_apart() -> None:
    for written, name, latin in (
        ("주식회사 견본 Sample Co,Ltd", "주식회사 견본", "Sample Co,Ltd"),
        ("주식회사 SAMPLE", "주식회사 SAMPLE", None),
        ("견본", "견본", None),
    ):
        [draft] = drafts_of(answer(MARK.format(holder=written)), read)
        [holder] = [party for party in draft.parties if party.role is PartyRole.OWNER]
        assert (holder.name, holder.latin_name) == (name, latin)


def test_the_other_spelling_of_the_fields_is_read_too() -> None:
    [draft] = drafts_of(answer(CAMEL), read)
    assert draft.right is Right.PATENT
    assert draft.identified_by is NumberType.APPLICATION
    assert [(number.type, number.raw) for number in draft.numbers] == [
        (NumberType.PUBLICATION, "1020210000001"),
        (NumberType.APPLICATION, "1020200000001"),
    ]
    assert {text.type for text in draft.texts} == {TextType.TITLE, TextType.ABSTRACT}
    assert [event.code for event in draft.events if event.current] == ["공개"]
    assert draft.dates[0].type is DateType.PUBLICATION


def test_an_answer_without_records_repeats_what_the_office_says() -> None:
    data = answer("", "30", "SERVICE KEY IS NOT REGISTERED")
    assert by_name("kipris").recognises(signature(data))
    [outcome] = outcomes_of(data, read)
    assert isinstance(outcome, InputError)
    assert "SERVICE KEY IS NOT REGISTERED" in str(outcome)


def test_a_broken_record_costs_only_itself() -> None:
    good = MARK.format(holder="견본")
    outcomes = outcomes_of(answer(good + "<TradeMarkInfo><Title>&</Title></TradeMarkInfo>" + good), read)
    assert [type(outcome) for outcome in outcomes] == [Draft, MalformedInput, Draft]

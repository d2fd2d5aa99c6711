"""USPTO assignments: a partial record for each property, filler left out, roles by the words of the conveyance."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.errors import InputError, MalformedInput
from indexer.formats.draft import Draft
from indexer.formats.us_assignment import ELEMENTS, read, taker_role
from indexer.record import NumberType, PartyRole
from tests.formats.coverage import assert_nothing_left, drafts_of, outcomes_of, xml_leftovers

ANSWER = """<?xml version="1.0" encoding="UTF-8"?>
<response><lst name="responseHeader"><int name="status">0</int><lst name="params"><str name="sort">
patAssignorEarliestExDate desc</str></lst></lst>
<result name="response" numFound="{count}" start="0">{docs}</result></response>"""

DOC = """<doc><str name="displayId">018247-0405</str><str name="conveyanceText">SECURITY INTEREST</str>
<date name="recordedDate">2006-09-14T04:00:00Z</date><date name="patAssignorEarliestExDate">2006-09-13T04:00:00Z</date>
<arr name="patAssignorName"><str>SAMPLE SYSTEMS, INC.</str></arr>
<arr name="patAssignorExDate"><date>2006-09-13T04:00:00Z</date></arr>
<arr name="patAssigneeName"><str>SAMPLE BANK</str></arr><arr name="patAssigneeCity"><str>NULL</str></arr>
<arr name="applNum"><str>10628795</str><str>NULL</str></arr>
<arr name="filingDate"><date>2003-07-28T04:00:00Z</date><date>0001-01-01T00:00:00Z</date></arr>
<arr name="patNum"><str>NULL</str><str>7321937</str></arr>
<arr name="inventionTitle"><str>FIRST</str><str>SECOND</str></arr></doc>"""


def answer(*docs: str) -> bytes:
    return ANSWER.format(count=len(docs), docs="".join(docs)).encode()


def test_everything_in_real_answers_is_read(shared_data: Path) -> None:
    files = sorted((shared_data / "assignment" / "uspto").glob("*.xml"))
    assert len(files) == 8
    found = []
    for path in files:
        for leftover in xml_leftovers(path.read_bytes(), ELEMENTS, read):
            if leftover.value.strip() not in ("NULL", "0001-01-01T00:00:00Z"):
                found.append(leftover)
    assert_nothing_left(
        found,
        {
            "doc/*@name": "names the field",
            "doc/str": "`id` (reel and frame without zeros, beside displayId); lists of inventors, read one by one",
            "doc/arr/str": "joined lists of inventors, read one by one",
            "doc/long": "version of the index entry",
        },
    )


def test_each_property_is_a_partial_record_with_the_same_event() -> None:
    first, second = drafts_of(answer(DOC), read)
    assert first.partial
    assert second.partial
    assert [(number.type, number.raw) for number in first.numbers] == [(NumberType.APPLICATION, "10628795")]
    assert [(number.type, number.raw) for number in second.numbers] == [(NumberType.REGISTRATION, "7321937")]
    assert [text.text for draft in (first, second) for text in draft.texts] == ["FIRST", "SECOND"]
    assert first.events == second.events
    event = first.events[0]
    assert (event.code, event.event_date, event.effective_date) == (
        "SECURITY INTEREST",
        "2006-09-14T04:00:00Z",
        "2006-09-13T04:00:00Z",
    )
    assert [text.text for text in event.description] == [
        "reel-frame 018247-0405",
        "from SAMPLE SYSTEMS, INC. (executed 2006-09-13T04:00:00Z)",
        "to SAMPLE BANK",
    ]


def test_filler_is_not_read() -> None:
    first, second = drafts_of(answer(DOC), read)
    assert first.parties[0].address is None
    assert not [date for date in second.dates if date.raw.startswith("0001")]


@pytest.mark.parametrize(
    ("conveyance", "role"),
    [
        ("ASSIGNMENT OF ASSIGNORS INTEREST (SEE DOCUMENT FOR DETAILS).", PartyRole.OWNER),
        ("CHANGE OF NAME (SEE DOCUMENT FOR DETAILS).", PartyRole.OWNER),
        ("ASSIGNMENT FOR SECURITY -- PATENTS", PartyRole.OTHER),
        ("RELEASE BY SECURED PARTY (SEE DOCUMENT FOR DETAILS).", PartyRole.OTHER),
        ("LICENSE (SEE DOCUMENT FOR DETAILS).", PartyRole.LICENSEE),
        ("LETTER OF TESTAMENTARY", PartyRole.OTHER),
    ],
)
def test_who_holds_a_security_does_not_own(conveyance: str, role: PartyRole) -> None:
    assert taker_role(conveyance) is role


def test_an_empty_answer_says_so() -> None:
    [outcome] = outcomes_of(answer(), read)
    assert isinstance(outcome, InputError)
    assert "holds no record" in str(outcome)


def test_a_cut_answer_keeps_what_stands_before_the_cut() -> None:
    outcomes = outcomes_of(answer(DOC, DOC)[:-300], read)
    assert sum(isinstance(outcome, Draft) for outcome in outcomes) == 2
    assert isinstance(outcomes[-1], MalformedInput)

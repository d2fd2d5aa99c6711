"""Any record at all: well-formed, read back, and nothing lost without a reason."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.exchange.writers import FORMATS, UnwritableRecord, write
from api.exchange.writers.verify import UNEXPLAINED
from common.errors import UsageError
from indexer.formats.draft import Draft, DraftClassification, DraftDate, DraftNumber, DraftParty, DraftText
from indexer.harmonise import Origin, harmonise
from indexer.record import DateType, NumberType, PartyRole, Record, Right, TextType

WORDS = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), include_characters="<>&\"'|\u00e9\u4e2d\u0639"),
    min_size=1,
    max_size=30,
).filter(lambda text: any(c.isalnum() for c in text) and text == " ".join(text.split()))
DATES = st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)).map(lambda date: date.isoformat())
SERIALS = st.integers(1_000_000, 9_999_999).map(str)
LANGUAGES = st.sampled_from(("en", "fr", "ar", "zh", None))
ROLES = st.sampled_from((PartyRole.APPLICANT, PartyRole.REPRESENTATIVE, PartyRole.INVENTOR, PartyRole.DESIGNER))
TITLES = {Right.TRADEMARK: TextType.MARK_TEXT}
CLASSES = {Right.PATENT: ("IPC", "H01M 10/0525"), Right.DESIGN: ("LOCARNO", "06-01")}


@st.composite
def records(draw: st.DrawFn, right: Right) -> Record:
    scheme, symbol = CLASSES.get(right, ("NICE", "9"))
    draft = Draft(
        right,
        office="EP",
        language=draw(st.sampled_from(("en", "de", None))),
        numbers=[
            DraftNumber(NumberType.APPLICATION, draw(SERIALS), "EP", date=draw(DATES)),
            DraftNumber(NumberType.WORK if right is Right.COPYRIGHT else NumberType.REGISTRATION, draw(SERIALS), "EP"),
        ],
        dates=[DraftDate(draw(st.sampled_from(list(DateType))), draw(DATES)) for _ in range(draw(st.integers(0, 3)))],
        texts=[DraftText(TITLES.get(right, TextType.TITLE), draw(WORDS), draw(LANGUAGES))],
        parties=[DraftParty(draw(ROLES), draw(WORDS), country="FR") for _ in range(draw(st.integers(1, 3)))],
        classifications=[DraftClassification(scheme, symbol, "2006.01" if scheme == "IPC" else "12")],
    )
    found = harmonise(draft, Origin("EP", f"ep-{right}-x", "EP", 1, "f", "", 0, "0" * 64, "test", 1))
    assert isinstance(found, Record)
    return found


@pytest.mark.parametrize("right", list(Right))
@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_nothing_is_lost_without_a_reason(right: Right, data: st.DataObject) -> None:
    record = data.draw(records(right))
    for format, row in FORMATS.items():
        if right not in row.writers:
            with pytest.raises(UnwritableRecord, match="right"):
                write(record, format)
            continue
        try:
            written = write(record, format)
        except UnwritableRecord:
            continue
        assert [loss for loss in written.lost if loss.reason == UNEXPLAINED] == []


def test_a_format_that_there_is_not_is_a_misuse() -> None:
    with pytest.raises(UsageError, match="st99"):
        write(harmonised_mark(), "st99")


def harmonised_mark() -> Record:
    draft = Draft(Right.TRADEMARK, office="EM", numbers=[DraftNumber(NumberType.APPLICATION, "018123456", "EM")])
    found = harmonise(draft, Origin("EM", "em-trademark-x", "EM", 1, "f", "", 0, "0" * 64, "test", 1))
    assert isinstance(found, Record)
    return found

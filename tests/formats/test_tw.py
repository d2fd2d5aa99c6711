"""TIPO patents and designs."""

from __future__ import annotations

from pathlib import Path

from common.errors import MalformedInput
from indexer.formats.tw import read
from indexer.record import NumberType, PartyRole, RelationType, Right, TextType
from tests.formats.coverage import assert_everything_read, drafts_of, outcomes_of


def test_everything_is_read(shared_data: Path) -> None:
    files = sorted((shared_data / "office_specific" / "tipo_patent").glob("*.xml"))
    assert len(files) == 2
    assert_everything_read(
        files,
        ("tw-patent-grant",),
        read,
        {
            "*@id": "numbers the element within its document",
            "*@dtd-version": "version of the mark-up",
            "*@appl-type": "tells designs from patents",
            "*@app-type": "applicant",
            "*@rep-type": "agent",
            "*/main-classification@edition": "edition and indicators in one, of which the edition is read",
            "*/drawings@num": "number of the drawing on the front page",
            "*/img@*": "size and place of an image",
            "*/p@type": "claim-text",
        },
    )


def test_dates_and_countries_stay_in_the_office_s_words(shared_data: Path) -> None:
    [draft] = drafts_of(shared_data / "office_specific" / "tipo_patent" / "101130847.xml", read)
    assert draft.right is Right.PATENT
    assert [(number.type, number.raw, number.date) for number in draft.numbers] == [
        (NumberType.PUBLICATION, "I439549", "103/06/01"),
        (NumberType.APPLICATION, "101130847", "101/08/24"),
        (NumberType.REGISTRATION, "I439549", None),
    ]
    assert draft.priorities[0].number.office == "日本"
    assert draft.classifications[0].edition == "2006.01"
    [laid_open] = draft.relations
    assert laid_open.type is RelationType.STAGE_OF
    assert laid_open.number is not None
    assert (laid_open.number.raw, laid_open.date) == ("201402826", "103/01/16")
    assert all(party.latin_name for party in draft.parties if party.role is PartyRole.INVENTOR)


def test_a_design_has_designers_views_and_an_explanation(shared_data: Path) -> None:
    [draft] = drafts_of(shared_data / "office_specific" / "tipo_patent" / "102301323.xml", read)
    assert draft.right is Right.DESIGN
    assert {party.role for party in draft.parties} >= {PartyRole.DESIGNER, PartyRole.APPLICANT}
    assert {image.type for image in draft.images} == {"design-view"}
    assert TextType.DESIGN_DESCRIPTION in {text.type for text in draft.texts}
    assert (draft.classifications[0].scheme, draft.classifications[0].symbol) == ("LOCARNO", "02-01")


def test_a_broken_file_is_an_error_and_no_crash() -> None:
    [outcome] = outcomes_of(b"<tw-patent-grant><tw-bibliographic-data-grant>", read)
    assert isinstance(outcome, MalformedInput)

"""EPO full text (`ep-patent-document`): what is read, what is not, and what a broken file does."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.errors import MalformedInput
from indexer.formats import epo
from indexer.formats.draft import Draft
from indexer.formats.sniff import signature
from indexer.record import DateType, NumberType, PartyRole, RelationType, TextType
from tests.formats.coverage import assert_everything_read, drafts_of, outcomes_of

NOT_READ = {
    "*@id": "numbers an element within the file",
    "*@num": "numbers a paragraph or claim; its text is read",
    "ep-patent-document@file": "name of the publisher's own file",
    "ep-patent-document@dtd-version": "version of the document type",
    "*/eptags/B001EP": "the designated states again, in one string of fixed positions",
    "*/eptags/B007EP": "the publisher's program",
    "*/B200/B250": "language of filing; the record's language is that of publication",
    "*/B860/B862": "language of the international filing",
    "*/B590/B598": "number of the figure on the title page",
    "*/irf": "the party's own file reference",
    "*/sfx": "`et al` after the first of several representatives",
    "*/B510/B51?": "taken apart into symbol and edition (test_old_ipc)",
    "*/classification-ipcr/text": "taken apart into symbol, edition, position, value, office (test_st36.py)",
    "*/classification-cpc/text": "taken apart into symbol, edition, position, value, office (test_st36.py)",
    "*/classification-ipcr@sequence": "order, which is kept",
    "*img@wi": "size of an image on the page",
    "*img@he": "size of an image on the page",
    "*img@inline": "layout",
    "*doc-page@wi": "size of an image on the page",
    "*doc-page@he": "size of an image on the page",
    "*/tables/*@*": "layout of a table",
    "*/math/*@*": "layout of a formula",
    "*/math@display": "layout of a formula",
    "*@compact": "layout of a list",
    "*@list-style": "layout of a list",
    "ep-patent-document/ep-reference-list/heading/b": "heading of the list of references",
    "ep-patent-document/ep-reference-list/p/i": "the EPO's remark that it takes no liability for the list",
    "*/crossref@idref": "numbers an element within the file",
}

BROKEN = {"v1-2-A1.xml", "v1-5-1-A1-2.xml"}
"""Real files that are not well-formed: a bare ampersand, and text that opens like a tag."""


@pytest.fixture
def files(shared_data: Path) -> list[Path]:
    return sorted((shared_data / "st36/epo_fulltext").glob("*.xml")) + sorted(
        (shared_data / "st36/wipo_examples").glob("*DOC*.xml")
    )


def test_everything_in_real_files_is_read(files: list[Path]) -> None:
    assert_everything_read(files, ("ep-patent-document",), epo.read, NOT_READ)


def test_each_real_file_is_one_record_or_one_error(files: list[Path]) -> None:
    for file in files:
        (outcome,) = outcomes_of(file, epo.read)
        assert isinstance(outcome, MalformedInput if file.name in BROKEN else Draft), file.name


def test_an_error_names_file_record_and_line(shared_data: Path) -> None:
    (error,) = outcomes_of(shared_data / "st36/epo_fulltext/v1-2-A1.xml", epo.read)
    assert isinstance(error, MalformedInput)
    assert (error.place.file, error.place.ordinal, error.place.line) == ("v1-2-A1.xml", 0, 93)
    assert error.remedy


def test_real_grant(shared_data: Path) -> None:
    (draft,) = drafts_of(shared_data / "st36/epo_fulltext/v1-0-B2.xml", epo.read)
    assert [(number.type, number.raw, number.kind, number.date) for number in draft.numbers] == [
        (NumberType.PUBLICATION, "0874807", "B2", "20060802"),
        (NumberType.APPLICATION, "96939832.0", None, "19961118"),
        (NumberType.PCT_APPLICATION, "EP1996005057", None, "19961118"),
        (NumberType.PCT_PUBLICATION, "WO1997019912", None, "19970605"),
    ]
    assert [text.language for text in draft.texts if text.type is TextType.TITLE] == ["de", "en", "fr"]
    assert [text.language for text in draft.texts if text.type is TextType.CLAIMS] == ["en", "de", "fr"]
    assert [(priority.number.office, priority.date) for priority in draft.priorities] == [
        ("CH", "19951129"),
        ("CH", "19960221"),
    ]
    assert {party.role for party in draft.parties} == {PartyRole.INVENTOR, PartyRole.OWNER, PartyRole.OPPONENT}
    assert all(party.address and party.country for party in draft.parties if party.role is PartyRole.OWNER)
    lapses = [(event.office, event.event_date) for event in draft.events if event.code == "B475"]
    assert ("FI", "20020220") in lapses
    assert len(lapses) == len(set(lapses)) > 4


def sample(sdobi: str, rest: str = "", attributes: str = 'country="EP" doc-number="9999901" kind="B1"') -> Draft:
    """A made-up document with our own text."""
    data = f'<ep-patent-document {attributes} lang="en"><SDOBI lang="en">{sdobi}</SDOBI>{rest}</ep-patent-document>'
    (draft,) = drafts_of(data.encode(), epo.read)
    return draft


def test_old_ipc() -> None:
    draft = sample(
        "<B500><B510><B516>7</B516><B511>7B 22D  29/00   A</B511><B512>7B 22D  31/00   B</B512>"
        "<B513>2A 01N 43/08 -</B513><B517EP>// A01N43/08</B517EP></B510></B500>"
    )
    assert [(c.symbol, c.edition, c.first) for c in draft.classifications] == [
        ("B22D 29/00", "7", True),
        ("B22D 31/00", "7", False),
        ("A01N 43/08", "7", False),
    ]


def test_lapses_follow_one_another_in_one_tag() -> None:
    draft = sample(
        "<B400><B472><B475><date>20040425</date><ctry>ES</ctry><date>20040114</date><ctry>FI</ctry></B475></B472></B400>"
    )
    assert [(event.office, event.event_date) for event in draft.events] == [("ES", "20040425"), ("FI", "20040114")]


def test_steps_are_dates_with_their_bulletin_and_events() -> None:
    draft = sample(
        "<B200><B230><B236><date>20050101</date></B236></B230></B200>"
        "<B400><B430><date>20040102</date><bnum>200401</bnum></B430><B450><date>20060103</date></B450></B400>"
    )
    assert [(event.code, event.event_date) for event in draft.events] == [("B236", "20050101"), ("B450", "20060103")]
    labels = {date.raw: (date.type, date.label) for date in draft.dates}
    assert labels["20040102"] == (DateType.OTHER, "B430 publication of the application, bulletin 200401")
    assert labels["20060103"][0] is DateType.GRANT


def test_divisional_has_its_parent_and_a_parent_its_divisionals() -> None:
    draft = sample(
        "<B600><B620><parent><pdoc><dnum><anum>01000001.1</anum><pnum>1000001</pnum></dnum><date>20010101</date></pdoc>"
        "</parent></B620><B620EP><parent><cdoc><dnum><anum>09000002.2</anum></dnum><date>20090909</date></cdoc>"
        "</parent></B620EP></B600>"
    )
    assert [(r.type, r.number and r.number.raw, r.date) for r in draft.relations] == [
        (RelationType.DIVISIONAL_OF, "01000001.1", "20010101"),
        (RelationType.DIVISIONAL_OF, "1000001", "20010101"),
        (RelationType.CHILD, "09000002.2", "20090909"),
    ]


def test_correction_is_a_relation() -> None:
    draft = sample(
        "<B100><B110>9999901</B110><B130>B9</B130><B132EP>B1</B132EP><B150><B151>W1</B151><B155><B1551>en</B1551>"
        "<B1552>Description</B1552></B155></B150></B100>"
    )
    assert draft.kind == "B9"
    (relation,) = draft.relations
    assert relation.type is RelationType.CORRECTS
    assert relation.text == "B150: W1 en Description"


def test_cited_documents_are_taken_apart_and_kept_as_printed() -> None:
    draft = sample(
        "<B500><B560><B561><text>EP-A- 0 460 575</text></B561><B563>X</B563><B564>1-3</B564>"
        "<B562><text>A handbook, 1999</text></B562></B560></B500>"
    )
    patent, literature = draft.citations
    assert patent.number is not None
    assert (patent.number.office, patent.number.kind, patent.number.raw) == ("EP", "A", "0 460 575")
    assert (patent.text, patent.category, patent.claims) == ("EP-A- 0 460 575", "X", "1-3")
    assert (literature.type, literature.text) == ("literature", "A handbook, 1999")


def test_references_of_the_description_name_their_paragraphs() -> None:
    draft = sample(
        "",
        '<ep-reference-list><p><ul><li><patcit dnum="US4939239A"><document-id><country>US</country>'
        "<doc-number>4939239</doc-number><kind>A</kind></document-id></patcit><crossref>[0021]</crossref></li></ul></p>"
        "</ep-reference-list>",
    )
    (citation,) = draft.citations
    assert citation.number is not None
    assert (citation.number.raw, citation.number.forms, citation.text) == ("4939239", ["US4939239A"], "[0021]")


def test_unknown_tags_are_kept_by_name() -> None:
    draft = sample("<B400><B499EP><date>20300101</date></B499EP></B400><B800><B899>new words</B899></B800>")
    assert ("20300101", "B499EP") in [(date.raw, date.label) for date in draft.dates]
    assert "B899: new words" in [text.text for text in draft.texts]


def test_states_by_kind_of_designation() -> None:
    draft = sample(
        "<B800><B840><ctry>AT</ctry><ctry>BE</ctry></B840><B844EP><B845EP><ctry>AL</ctry><date>20050824</date></B845EP>"
        "</B844EP><B848EP><B849EP><ctry>MA</ctry></B849EP></B848EP></B800>"
    )
    assert [(d.office, d.type, d.date) for d in draft.designations] == [
        ("AT", "contracting", None),
        ("BE", "contracting", None),
        ("AL", "extension", "20050824"),
        ("MA", "validation", None),
    ]


def test_recognised_by_its_root() -> None:
    (row,) = epo.FORMATS
    assert row.recognises(signature(b'<?xml version="1.0"?><ep-patent-document lang="en"/>'))
    assert not row.recognises(signature(b"<us-patent-grant/>"))

"""DPMAregister patents: register extract and hit list."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.formats import dpma_patent
from indexer.formats.sniff import signature
from indexer.record import DateType, NumberType, PartyRole, TextType
from tests.formats.coverage import assert_everything_read, drafts_of

NOT_READ = {
    "dpma-patent-document@schema-version": "version of the schema",
    "*/applicant@app-type": "always `applicant`",
    "*/agent-type": "always `vertreter`, the agent",
}

NOT_READ_HITS = {
    "*/applicants/applicant": "taken apart into name, place and country",
    "*/agent": "taken apart into name, place and country",
}


def test_everything_in_the_real_extract_is_read(shared_data: Path) -> None:
    files = [shared_data / "st36/dpma/patent_info.xml"]
    assert_everything_read(files, ("dpma-patent-document",), dpma_patent.read, NOT_READ)


def test_everything_in_the_real_hit_list_is_read(shared_data: Path) -> None:
    files = [shared_data / "st36/dpma/patent_search.xml"]
    assert_everything_read(files, ("PatentHitListRecord",), dpma_patent.read_hits, NOT_READ_HITS)


def test_register_extract(shared_data: Path) -> None:
    (draft,) = drafts_of(shared_data / "st36/dpma/patent_info.xml", dpma_patent.read)
    assert draft.identified_by is NumberType.APPLICATION
    assert [(number.type, number.raw, number.office, number.kind, number.date) for number in draft.numbers] == [
        (NumberType.PUBLICATION, "000010027360", "DE", "A1", "2000-12-07"),
        (NumberType.APPLICATION, "10027360.2", "DE", None, "2000-06-02"),
    ]
    (ipc,) = draft.classifications
    assert (ipc.symbol, ipc.edition) == ("H02K 16/00", "2006.01")
    assert {date.type for date in draft.dates} >= {DateType.FILING, DateType.PUBLICATION, DateType.LAST_UPDATE}
    roles = [party.role for party in draft.parties]
    assert roles == [PartyRole.APPLICANT, PartyRole.INVENTOR, PartyRole.CORRESPONDENT, PartyRole.REPRESENTATIVE]
    assert all(party.address is not None and party.country for party in draft.parties)
    (current,) = [event for event in draft.events if event.current]
    assert (current.code, current.scheme) == ("nicht-anhaengig-erloschen", "DE-PATENT-STATUS")
    steps = [(event.code, event.event_date) for event in draft.events if not event.current]
    assert steps == [
        ("R000", "2000-06-02"),
        ("R004", "2000-07-20"),
        ("R119", "2007-01-03"),
        ("R079", "2005-10-17"),
        ("R200", "2000-12-07"),
    ]
    (abstract,) = [text for text in draft.texts if text.type is TextType.ABSTRACT]
    assert abstract.language == "DE"


def test_hits_are_partial_records(shared_data: Path) -> None:
    drafts = drafts_of(shared_data / "st36/dpma/patent_search.xml", dpma_patent.read_hits)
    assert [draft.numbers[0].raw for draft in drafts] == ["G 82 33 714.4", "G 83 03 227.4", "G 83 08 408.8"]
    for draft in drafts:
        assert draft.partial
        assert [party.role for party in draft.parties] == [PartyRole.APPLICANT, PartyRole.REPRESENTATIVE]
        assert {party.country for party in draft.parties} == {"DE"}
        assert all(party.address and party.address.lines[0][:4].isdigit() for party in draft.parties)
        assert draft.classifications[0].first
    assert [(c.symbol, c.edition) for c in drafts[2].classifications] == [
        ("B60L 3/00", "1985.01"),
        ("H01R 13/703", "1985.01"),
    ]


@pytest.mark.parametrize(
    ("filled", "symbol"),
    [
        ("H02K0016000000", "H02K 16/00"),
        ("H01M0010052500", "H01M 10/0525"),
        ("A61K0009160000", "A61K 9/16"),
        ("A01B0001020000", "A01B 1/02"),
        ("B60K 1/00", "B60K 1/00"),
    ],
)
def test_filled_symbols(filled: str, symbol: str) -> None:
    assert dpma_patent.printed(filled) == symbol


def test_published_documents_that_are_not_the_file_s_own_are_relations() -> None:
    data = (
        b"<dpma-patent-document><bibliographic-data><application-reference><document-id><country>DE</country>"
        b"<doc-number>10000001.0</doc-number></document-id></application-reference></bibliographic-data><events><event-data>"
        b"<procedural-status>R200</procedural-status><published-documents><document>DE000010000001A1</document>"
        b"</published-documents></event-data></events></dpma-patent-document>"
    )
    (draft,) = drafts_of(data, dpma_patent.read)
    (relation,) = draft.relations
    assert relation.number is not None
    assert (relation.number.office, relation.number.raw, relation.number.kind) == ("DE", "000010000001", "A1")


def test_recognised_by_their_roots() -> None:
    by_name = {row.name: row for row in dpma_patent.FORMATS}
    assert by_name["dpma-patent"].recognises(signature(b"<dpma-patent-document/>"))
    assert by_name["dpma-patent-hits"].recognises(signature(b"<PatentHitList/>"))

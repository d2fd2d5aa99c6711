"""Drafts in the delivery's words become records."""

from __future__ import annotations

import datetime as dt

import pytest

from common.errors import UnidentifiedRecord
from indexer.formats.draft import (
    Draft,
    DraftAddress,
    DraftCitation,
    DraftClassification,
    DraftDate,
    DraftDesignation,
    DraftEvent,
    DraftImage,
    DraftNumber,
    DraftParty,
    DraftPriority,
    DraftRelation,
    DraftText,
)
from indexer.harmonise import Origin, harmonise
from indexer.record import (
    DateType,
    Deletion,
    NumberType,
    PartyRole,
    Record,
    RelationType,
    Right,
    TextType,
)

PUB, APP, REG = NumberType.PUBLICATION, NumberType.APPLICATION, NumberType.REGISTRATION


def origin(provider: str = "EP") -> Origin:
    return Origin(
        provider, f"{provider.lower()}-patent-test", provider, 7, "f.xml", "a.zip!f.xml", 3, "0" * 64, "test", 1
    )


def made(draft: Draft, provider: str = "EP") -> Record:
    record = harmonise(draft, origin(provider))
    assert isinstance(record, Record)
    assert Record.model_validate(record.model_dump()) == record
    return record


def rules(record: Record) -> set[str]:
    return {finding.rule for finding in record.findings}


def docdb() -> Draft:
    return Draft(
        Right.PATENT,
        office="JP",
        kind="A",
        numbers=[
            DraftNumber(PUB, "H05142789", "JP", "A", "19930608", "docdb"),
            DraftNumber(PUB, "JPH05142789", None, None, None, "epodoc"),
            DraftNumber(APP, "14278993", "JP", "A", "19930601", "docdb"),
            DraftNumber(APP, "JP19930142789", None, None, "19930601", "epodoc"),
            DraftNumber(APP, "平5-142789", None, None, None, "original"),
        ],
    )


def test_writings_of_one_number_become_one_with_forms() -> None:
    record = made(docdb())
    assert [(n.type, n.canonical) for n in record.numbers] == [(PUB, "JPH05142789"), (APP, "JPH05142789")]
    assert "JP19930142789" in record.numbers[1].forms
    assert record.id == "ep-patent-test.JPH05142789.A"
    assert (record.provider, record.office, record.kind, record.kind_group) == ("EP", "JP", "A", "application")
    assert record.date(DateType.PUBLICATION) == dt.date(1993, 6, 8)
    assert next(d for d in record.dates if d.type is DateType.PUBLICATION).raw == "19930608"


def test_the_same_draft_gives_the_same_record() -> None:
    assert made(docdb()).model_dump_json() == made(docdb()).model_dump_json()


def test_a_deletion_names_the_record_that_the_upsert_made() -> None:
    draft = docdb()
    draft.operation = "delete"
    deletion = harmonise(draft, origin())
    assert isinstance(deletion, Deletion)
    assert deletion.id == made(docdb()).id


def test_without_a_number_the_place_is_told() -> None:
    with pytest.raises(UnidentifiedRecord) as raised:
        harmonise(Draft(Right.PATENT, numbers=[DraftNumber(PUB, " - ")]), origin())
    place = raised.value.place
    assert (place.file, place.member, place.ordinal) == ("f.xml", "a.zip!f.xml", 3)


@pytest.mark.parametrize(
    ("draft", "identifier"),
    [
        (
            Draft(Right.PATENT, office="EP", kind="B1", numbers=[DraftNumber(PUB, "1234567")]),
            "ep-patent-test.EP1234567.B1",
        ),
        (
            Draft(Right.PATENT, office="KR", numbers=[DraftNumber(APP, "1020230003245")]),
            "ep-patent-test.KR1020230003245.application",
        ),
        (
            Draft(
                Right.PATENT,
                office="KR",
                numbers=[DraftNumber(PUB, "1020240111423"), DraftNumber(APP, "1020230003245")],
            ),
            "ep-patent-test.KR1020230003245.application",
        ),
        (
            Draft(
                Right.PATENT,
                office="DE",
                kind="A1",
                identified_by=APP,
                numbers=[DraftNumber(PUB, "10027360", None, "A1"), DraftNumber(APP, "10027360.2")],
            ),
            "ep-patent-test.DE10027360.application",
        ),
        (
            Draft(Right.TRADEMARK, office="EM", numbers=[DraftNumber(REG, "018226743"), DraftNumber(APP, "018226743")]),
            "ep-patent-test.EM018226743",
        ),
        (
            Draft(Right.TRADEMARK, office="WO", numbers=[DraftNumber(NumberType.INTERNATIONAL, "1087917")]),
            "ep-patent-test.WO1087917",
        ),
        (
            Draft(Right.DESIGN, office="EM", numbers=[DraftNumber(REG, "001136808-0001")], design_index="1"),
            "ep-patent-test.EM001136808-0001",
        ),
        (
            Draft(Right.DESIGN, office="KR", numbers=[DraftNumber(REG, "3012195630000")], design_index="M001"),
            "ep-patent-test.KR301219563-M001",
        ),
        (
            Draft(Right.COPYRIGHT, office="EM", numbers=[DraftNumber(NumberType.WORK, "OW-12/7")]),
            "ep-patent-test.EMOW-12-7",
        ),
        (
            Draft(
                Right.PATENT,
                office="US",
                numbers=[DraftNumber(PUB, "03932709", None, None, "19760113"), DraftNumber(APP, "05/449155")],
            ),
            "ep-patent-test.US3932709.A",
        ),
    ],
)
def test_ids_are_built_by_rule(draft: Draft, identifier: str) -> None:
    assert made(draft).id == identifier


def test_a_utility_model_application_never_meets_a_patent_application_of_the_same_digits() -> None:
    patent = Draft(Right.PATENT, office="JP", numbers=[DraftNumber(APP, "特願2005-000123")])
    model = Draft(Right.PATENT, office="JP", numbers=[DraftNumber(APP, "実願2005-000123")])
    assert made(patent).id == "ep-patent-test.JP2005000123.application"
    assert made(model).id == "ep-patent-test.JP2005000123.application-U"


def test_an_application_that_is_published_later_keeps_its_id_in_a_register() -> None:
    before = Draft(Right.PATENT, office="KR", numbers=[DraftNumber(APP, "1020230003245")])
    after = Draft(
        Right.PATENT, office="KR", numbers=[DraftNumber(APP, "1020230003245"), DraftNumber(PUB, "1020240111423")]
    )
    assert made(before).id == made(after).id


def test_an_original_priority_is_read_in_the_office_of_its_docdb_writing() -> None:
    draft = docdb()
    draft.priorities = [
        DraftPriority(DraftNumber(APP, "201261713164", "US", "P", None, "docdb"), "20121012", 1),
        DraftPriority(DraftNumber(APP, "US201261713164P", None, None, None, "epodoc"), "20121012", 1),
        DraftPriority(DraftNumber(APP, "61/713,164", None, None, None, "original"), "20121012", 1),
        DraftPriority(DraftNumber(APP, "2013064552", "US", "W", None, "docdb"), "20131011", 2),
    ]
    record = made(draft)
    assert [p.number.canonical for p in record.priorities] == ["US61713164", "US2013064552W"]
    assert record.priorities[1].number.type is NumberType.PCT_APPLICATION
    assert all(form.startswith(("US", "WO", "PCT")) for p in record.priorities for form in p.number.forms)
    assert record.date(DateType.PRIORITY) == dt.date(2012, 10, 12)


def test_party_formats_join_and_lose_no_name() -> None:
    draft = docdb()
    draft.parties = [
        DraftParty(PartyRole.APPLICANT, "BEISPIEL CO LTD", country="JP", sequence=1, format="docdb"),
        DraftParty(PartyRole.APPLICANT, "BEISPIEL CO LTD [JP]", sequence=1, format="epodoc"),
        DraftParty(PartyRole.APPLICANT, "株式会社見本", sequence=1, format="original", other_names=["Mihon"]),
        DraftParty(PartyRole.APPLICANT, "SECOND INC", sequence=2, format="docdb"),
        DraftParty(PartyRole.INVENTOR, "BEISPIEL CO LTD", sequence=1, format="docdb"),
    ]
    record = made(draft)
    first, second, inventor = record.parties
    assert first.name == "株式会社見本"
    assert set(first.other_names) == {"BEISPIEL CO LTD", "BEISPIEL CO LTD [JP]", "Mihon"}
    assert (first.canonical_name, first.legal_form, first.country, first.entity) == ("見本", "KK", "JP", "organisation")
    assert (second.name, inventor.role) == ("SECOND INC", PartyRole.INVENTOR)


def test_two_people_of_one_name_in_different_places_stay_two() -> None:
    draft = docdb()
    draft.parties = [
        DraftParty(PartyRole.INVENTOR, "Kim, Min", country="KR"),
        DraftParty(PartyRole.INVENTOR, "Kim, Min", country="US"),
    ]
    assert len(made(draft).parties) == 2


def test_filler_in_addresses_is_dropped_and_the_rest_kept_apart() -> None:
    draft = docdb()
    draft.parties = [
        DraftParty(
            PartyRole.APPLICANT,
            "三星显示有限公司",
            country="大韓民國",
            address=DraftAddress(lines=["0", "韩国京畿道", "0"], city="0", postal_code="000000", email=["0"]),
        ),
        DraftParty(PartyRole.INVENTOR, "金某", address=DraftAddress(lines=["0"], city="0")),
    ]
    applicant, inventor = made(draft).parties
    assert applicant.private is not None
    assert applicant.private.address == ("韩国京畿道",)
    assert (applicant.private.city, applicant.private.postal_code, applicant.private.email) == (None, None, ())
    assert applicant.country == "KR"
    assert inventor.private is None


def test_a_party_known_by_id_only_is_kept() -> None:
    draft = Draft(
        Right.TRADEMARK,
        office="EM",
        numbers=[DraftNumber(APP, "018226743")],
        parties=[DraftParty(PartyRole.APPLICANT, "", identifier="51414")],
    )
    (party,) = made(draft).parties
    assert (party.identifier, party.name) == ("51414", "")


def test_doubtful_values_become_findings_and_nothing_is_invented() -> None:
    draft = docdb()
    draft.office = "Atlantis"
    draft.kind = "gibberish"
    draft.dates = [
        DraftDate(DateType.FILING, "0001-01-01"),
        DraftDate(DateType.GRANT, "20200001"),
        DraftDate(DateType.EXPIRY, "20210230"),
        DraftDate(DateType.STATUS, "soon"),
    ]
    draft.classifications = [DraftClassification("IPC", "nonsense")]
    draft.designations = [DraftDesignation("Erewhon")]
    draft.parties = [DraftParty(PartyRole.APPLICANT, "Example", country="Nowhere")]
    draft.problems = [("claims", "claim 3 has no text")]
    record = made(draft)
    assert rules(record) >= {
        "office-unknown",
        "kind-unreadable",
        "date-sentinel",
        "date-incomplete",
        "date-impossible",
        "date-unreadable",
        "class-shape",
        "country-unknown",
        "reader-problem",
    }
    assert {fact.type for fact in record.dates} == {DateType.PUBLICATION, DateType.FILING}
    assert record.date(DateType.FILING) == dt.date(1993, 6, 1)
    assert record.classifications[0].raw == "nonsense"


def test_a_former_office_is_kept_and_noted() -> None:
    record = made(Draft(Right.PATENT, office="SU", kind="A1", numbers=[DraftNumber(PUB, "1234567")]))
    assert record.office == "SU"
    assert "office-former" in rules(record)


def test_classes_are_told_once_with_all_that_was_said() -> None:
    draft = docdb()
    draft.classifications = [
        DraftClassification("IPC", "H01M 10/0525", first=True),
        DraftClassification("ipcr", "H01M  10/0525      20100101AFI20110311BHEP"),
        DraftClassification("CPCI", "H01M10/0525", inventive=True),
    ]
    ipc, cpc = made(draft).classifications
    assert (ipc.scheme, ipc.symbol, ipc.edition, ipc.first, ipc.inventive) == (
        "IPC",
        "H01M 10/0525",
        "2010.01",
        True,
        True,
    )
    assert (cpc.scheme, cpc.inventive) == ("CPC", True)


def test_texts_keep_their_tag_and_say_what_they_are() -> None:
    draft = docdb()
    draft.texts = [
        DraftText(TextType.TITLE, "Method for producing a semiconductor device with a heat sink", "de"),
        DraftText(TextType.TITLE, "リチウムイオン電池の製造方法", "ol"),
        DraftText(TextType.TITLE, "リチウムイオン電池の製造方法", "ja"),
        DraftText(TextType.TITLE, "  ", "en"),
    ]
    english, japanese = made(draft).texts
    assert (english.language, english.declared_language) == ("en", "de")
    assert (japanese.language, japanese.declared_language) == ("ja", "ol")
    mismatch = next(f for f in made(draft).findings if f.rule == "language-mismatch")
    assert (mismatch.value, mismatch.field) == ("de", "texts.title")


def test_the_same_text_in_the_original_form_comes_first_and_differing_ones_stay() -> None:
    draft = docdb()
    draft.texts = [
        DraftText(TextType.TITLE, "Battery system", "en", format="docdba"),
        DraftText(TextType.TITLE, "A battery system", "en", format="original"),
        DraftText(TextType.TITLE, "Battery system", "en", format="epodoc"),
    ]
    assert [text.text for text in made(draft).texts] == ["A battery system", "Battery system"]


def test_events_give_the_status_and_corrections_count() -> None:
    draft = docdb()
    draft.events = [
        DraftEvent("A-2-4-F10-F11-exm-PR0701", "ST27", "KR", "20220505"),
        DraftEvent("N-4-6-H10-H13-nap-PC1903", "ST27", "KR", "20230505"),
        DraftEvent("A-4-4-Y10-Y11-nap-PC1903", "ST27", "KR", "20230701"),
        DraftEvent("A-2-4-F10-F11-exm-PR0701", "ST27", "KR", "20220505"),
    ]
    record = made(draft)
    assert [event.withdrawn for event in record.events] == [False, True, False]
    assert record.status is not None
    assert record.status.state == "active"
    assert record.status.stage == "grant"


def test_a_status_word_without_a_meaning_is_noted() -> None:
    draft = Draft(
        Right.TRADEMARK,
        office="EM",
        numbers=[DraftNumber(APP, "018226743")],
        events=[DraftEvent("Sleeping", "EM-TM-STATUS", current=True)],
    )
    record = made(draft)
    assert "status-unmapped" in rules(record)
    assert record.status is not None
    assert (record.status.state, record.status.raw) == ("unspecified", "Sleeping")


def test_citations_written_out_find_their_office() -> None:
    draft = docdb()
    draft.citations = [
        DraftCitation("patent", DraftNumber(PUB, "US-A- 5 948 634"), category="X"),
        DraftCitation("patent", DraftNumber(PUB, "WO-A-03/008444")),
        DraftCitation("literature", text="A paper"),
        DraftCitation("literature", text="A paper"),
    ]
    citations = made(draft).citations
    assert [c.number.canonical if c.number else c.text for c in citations] == ["US5948634", "WO2003008444", "A paper"]
    assert citations[0].number is not None
    assert (citations[0].number.office, citations[0].number.kind) == ("US", "A")


def test_relations_designations_and_images_are_told_once() -> None:
    draft = docdb()
    draft.relations = [DraftRelation(RelationType.DIVISIONAL_OF, DraftNumber(APP, "特願平4-1234"))] * 2
    draft.designations = [DraftDesignation("DE", "regional"), DraftDesignation("de", "regional")]
    draft.images = [DraftImage("drawing", "a.tif"), DraftImage("drawing", "a.tif"), DraftImage("drawing", " ")]
    record = made(draft)
    assert [len(part) for part in (record.relations, record.designations, record.images)] == [1, 1, 1]


def test_marks_designs_and_works_keep_their_own_details() -> None:
    mark = made(
        Draft(
            Right.TRADEMARK,
            office="DE",
            numbers=[DraftNumber(APP, "30 2019 012 345.6")],
            mark_feature="wort-bildmarke",
            mark_kind="kollektivmarke",
            colours=["rot", "rot", "blau"],
        )
    ).mark
    assert mark is not None
    assert (mark.feature, mark.feature_raw, mark.kind, mark.colours) == (
        "combined",
        "wort-bildmarke",
        "collective",
        ("rot", "blau"),
    )
    design = made(
        Draft(
            Right.DESIGN,
            office="EM",
            numbers=[DraftNumber(REG, "1136808-2")],
            design_index="2",
            total_designs="05",
            images=[DraftImage("design-view", "1.jpg"), DraftImage("design-view", "2.jpg")],
        )
    ).design
    assert design is not None
    assert (design.design_index, design.total_designs, design.views) == ("0002", 5, 2)
    work = made(
        Draft(
            Right.COPYRIGHT,
            office="EM",
            numbers=[DraftNumber(NumberType.WORK, "123")],
            work_kinds=["Photograph"],
            work_year="c. 1950",
            work_publish=False,
        )
    ).work
    assert work is not None
    assert (work.kinds, work.year, work.publish) == (("Photograph",), 1950, False)


def test_twenty_thousand_records_take_seconds() -> None:
    import time

    draft = docdb()
    draft.texts = [DraftText(TextType.TITLE, "Method for producing a battery with a separator", "en")]
    draft.parties = [DraftParty(PartyRole.APPLICANT, "Example Co., Ltd.", country="JP")]
    made(draft)
    start = time.perf_counter()
    for _ in range(500):
        harmonise(draft, origin())
    assert (time.perf_counter() - start) / 500 < 0.002

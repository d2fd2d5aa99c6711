"""Each rule of the table fires on what it is for, and is silent on a sound record."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from common.errors import ConfigurationError
from indexer.formats.draft import (
    Draft,
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
from indexer.quality import check, rules
from indexer.quality.checks import CHECKS
from indexer.quality.rules import read_rules, rule
from indexer.record import DateType, Finding, Layer, NumberType, PartyRole, Record, RelationType, Right, TextType

TODAY = dt.date(2024, 6, 1)
ORIGIN = Origin("EP", "ep-test-test", "EP", 1, "f.xml", "", 0, "0" * 64, "test", 1)
PUB, APP, REG = NumberType.PUBLICATION, NumberType.APPLICATION, NumberType.REGISTRATION


def patent() -> Draft:
    return Draft(
        Right.PATENT,
        office="EP",
        kind="B1",
        language="en",
        numbers=[
            DraftNumber(PUB, "3456789", "EP", "B1", "20211103"),
            DraftNumber(APP, "17123456.7", "EP", None, "20170601"),
        ],
        dates=[DraftDate(DateType.GRANT, "20211103"), DraftDate(DateType.EXPIRY, "20370601")],
        texts=[
            DraftText(TextType.TITLE, "Heat pump with a refrigerant circuit", "en"),
            DraftText(TextType.TITLE, "Wärmepumpe mit einem Kältemittelkreislauf", "de"),
            DraftText(TextType.ABSTRACT, "A heat pump is described which has a refrigerant circuit.", "en"),
            DraftText(TextType.DESCRIPTION, "The invention relates to a heat pump for use in buildings.", "en"),
            DraftText(TextType.CLAIMS, "1. A heat pump comprising a circuit.", "en"),
        ],
        parties=[
            DraftParty(PartyRole.APPLICANT, "Example Ltd", country="GB"),
            DraftParty(PartyRole.INVENTOR, "Beispiel, Hans", country="DE"),
        ],
        classifications=[DraftClassification("IPC", "F25B 30/02", "2006.01")],
        priorities=[DraftPriority(DraftNumber(APP, "1609876.5", "GB", "A"), "20160606", 1)],
        citations=[DraftCitation("patent", DraftNumber(PUB, "1234567", "EP", "A1"))],
        events=[DraftEvent("A-2-4-F10-F11-exm-B1", "ST27", "EP", "20211103")],
    )


def mark() -> Draft:
    return Draft(
        Right.TRADEMARK,
        office="EM",
        numbers=[
            DraftNumber(APP, "018226743", "EM", None, "2020-04-16"),
            DraftNumber(REG, "018226743", "EM", None, "2020-09-12"),
        ],
        dates=[DraftDate(DateType.EXPIRY, "2030-04-16")],
        texts=[
            DraftText(TextType.MARK_TEXT, "KOLA NOVA"),
            DraftText(
                TextType.GOODS_SERVICES,
                "Non-alcoholic beverages and preparations for making them",
                "en",
                class_symbol="32",
            ),
        ],
        parties=[DraftParty(PartyRole.APPLICANT, "Example GmbH", country="DE")],
        classifications=[DraftClassification("NICE", "32", "11"), DraftClassification("VIENNA", "26.1.6", "8")],
        images=[DraftImage("mark", "018/226/743.jpg")],
        mark_feature="Figurative",
        events=[DraftEvent("Registered", "EM-TM-STATUS", event_date="2020-09-12", current=True)],
    )


def design() -> Draft:
    return Draft(
        Right.DESIGN,
        office="EM",
        numbers=[
            DraftNumber(REG, "001136808-0001", "EM", None, "2009-05-05"),
            DraftNumber(APP, "001136808", "EM", None, "2009-05-04"),
        ],
        texts=[DraftText(TextType.PRODUCT_INDICATION, "Chairs for use in gardens", "en")],
        parties=[
            DraftParty(PartyRole.OWNER, "Example SpA", country="IT"),
            DraftParty(PartyRole.DESIGNER, "Esempio, Anna", country="IT"),
        ],
        classifications=[DraftClassification("LOCARNO", "06.01", "9")],
        images=[DraftImage("design-view", "1.jpg", sequence=1), DraftImage("design-view", "2.jpg", sequence=2)],
        design_index="0001",
        total_designs="2",
        events=[DraftEvent("Registered and fully published", "EM-DS-STATUS", event_date="2009-05-05", current=True)],
    )


def work() -> Draft:
    return Draft(
        Right.COPYRIGHT,
        office="EM",
        numbers=[DraftNumber(NumberType.WORK, "OW-123")],
        texts=[
            DraftText(TextType.TITLE, "Photograph of the market in the morning", "en"),
            DraftText(TextType.DILIGENT_SEARCH, "Searched in the register of authors and the union catalogue.", "en"),
        ],
        parties=[DraftParty(PartyRole.AUTHOR, "Unknown photographer")],
        work_kinds=["Photograph"],
        work_year="1950",
    )


SOUND = {Right.PATENT: patent, Right.TRADEMARK: mark, Right.DESIGN: design, Right.COPYRIGHT: work}


def found(draft: Draft) -> tuple[Finding, ...]:
    record = harmonise(draft, ORIGIN)
    assert isinstance(record, Record)
    return check(record, TODAY)


def put(target: object, name: str, value: object) -> object:
    setattr(target, name, value)
    return target


def date(draft: Draft, type: DateType, raw: str) -> Draft:
    draft.dates = [fact for fact in draft.dates if fact.type is not type] + [DraftDate(type, raw)]
    return draft


def number_date(draft: Draft, index: int, raw: str | None) -> Draft:
    draft.numbers[index].date = raw
    return draft


def without_texts(draft: Draft, *types: TextType) -> Draft:
    draft.texts = [text for text in draft.texts if text.type not in types]
    return draft


def without_parties(draft: Draft, *roles: PartyRole) -> Draft:
    draft.parties = [party for party in draft.parties if party.role not in roles]
    return draft


def text(draft: Draft, type: TextType, value: str, language: str | None = None, **more: object) -> Draft:
    draft.texts.append(DraftText(type, value, language, **more))  # type: ignore[arg-type]
    return draft


def classes(draft: Draft, *pairs: tuple[str, str, str | None]) -> Draft:
    draft.classifications = [DraftClassification(scheme, symbol, edition) for scheme, symbol, edition in pairs]
    return draft


def international(draft: Draft) -> None:
    draft.office = "WO"
    draft.numbers = [DraftNumber(NumberType.INTERNATIONAL, "1087917", "WO", None, "2020-04-16")]


Break = tuple[Right, Callable[[Draft], object]]
P, T, D, C = Right.PATENT, Right.TRADEMARK, Right.DESIGN, Right.COPYRIGHT

BROKEN: dict[str, Break] = {
    "office-unknown": (P, lambda d: put(d, "office", "Atlantis")),
    "office-former": (P, lambda d: put(d, "office", "SU")),
    "country-unknown": (P, lambda d: put(d.parties[0], "country", "Nowhere")),
    "kind-unreadable": (P, lambda d: put(d, "kind", "gibberish")),
    "kind-unknown": (P, lambda d: (put(d, "kind", "B7"), put(d.numbers[0], "kind", "B7"))),
    "date-sentinel": (P, lambda d: date(d, DateType.STATUS, "0001-01-01")),
    "date-incomplete": (P, lambda d: date(d, DateType.STATUS, "20200500")),
    "date-impossible": (P, lambda d: date(d, DateType.STATUS, "20210230")),
    "date-ambiguous": (P, lambda d: None),
    "date-unreadable": (P, lambda d: date(d, DateType.STATUS, "soon")),
    "number-note": (
        P,
        lambda d: d.priorities.append(DraftPriority(DraftNumber(APP, "200880114428.X", "CN"), "20160701")),
    ),
    "number-shape": (P, lambda d: d.priorities.append(DraftPriority(DraftNumber(APP, "12#4-Q", "DE"), "20160701"))),
    "language-mismatch": (P, lambda d: put(d.texts[0], "language", "fr")),
    "language-unknown-tag": (P, lambda d: put(d.texts[0], "language", "q1x")),
    "class-shape": (P, lambda d: classes(d, ("IPC", "nonsense", None))),
    "reader-problem": (P, lambda d: d.problems.append(("claims", "claim 3 is empty"))),
    "status-unmapped": (T, lambda d: put(d, "events", [DraftEvent("Sleeping", "EM-TM-STATUS", current=True)])),
    "publication-before-filing": (P, lambda d: number_date(d, 0, "20160101")),
    "grant-before-filing": (P, lambda d: date(d, DateType.GRANT, "20160101")),
    "registration-before-filing": (T, lambda d: number_date(d, 1, "2019-01-01")),
    "expiry-before-filing": (P, lambda d: date(d, DateType.EXPIRY, "20160101")),
    "expiry-before-registration": (T, lambda d: date(d, DateType.EXPIRY, "2020-08-01")),
    "term-too-long": (P, lambda d: date(d, DateType.EXPIRY, "20500101")),
    "priority-after-filing": (P, lambda d: put(d.priorities[0], "date", "20170701")),
    "priority-too-early": (P, lambda d: put(d.priorities[0], "date", "20140606")),
    "publication-before-priority": (P, lambda d: put(d.priorities[0], "date", "20220606")),
    "date-in-future": (P, lambda d: number_date(d, 0, "20300101")),
    "date-before-office": (P, lambda d: number_date(d, 1, "15000101")),
    "filing-date-missing": (P, lambda d: number_date(d, 1, None)),
    "publication-date-missing": (P, lambda d: number_date(d, 0, None)),
    "number-year-mismatch": (
        P,
        lambda d: (
            put(d, "office", "CN"),
            put(d, "numbers", [DraftNumber(APP, "201080114428", "CN", None, "20170601")]),
        ),
    ),
    "title-missing": (P, lambda d: without_texts(d, TextType.TITLE)),
    "title-placeholder": (P, lambda d: text(d, TextType.TITLE, "N/A")),
    "title-overlong": (P, lambda d: text(d, TextType.TITLE, "long and longer " * 80, "en")),
    "abstract-is-title": (P, lambda d: text(d, TextType.ABSTRACT, "Heat pump with a refrigerant circuit", "en")),
    "text-control-characters": (P, lambda d: text(d, TextType.TITLE, "Heat\x07 pump", "en")),
    "text-encoding-damage": (P, lambda d: text(d, TextType.TITLE, "WÃ¤rmepumpe", "de")),
    "text-markup": (P, lambda d: text(d, TextType.ABSTRACT, "A <b>heat</b> pump &amp; more", "en")),
    "text-same-in-languages": (
        P,
        lambda d: (
            text(d, TextType.TITLE, "Bomba de calor solar", "es"),
            text(d, TextType.TITLE, "Bomba de calor solar", "pt"),
        ),
    ),
    "text-language-unknown": (
        P,
        lambda d: (put(d, "language", None), put(d, "texts", [DraftText(TextType.TITLE, "Zxq")])),
    ),
    "title-only-machine-made": (
        P,
        lambda d: put(d, "texts", [DraftText(TextType.TITLE, "Heat pump", "en", Layer.MACHINE_TRANSLATION)]),
    ),
    "claims-missing": (P, lambda d: without_texts(d, TextType.CLAIMS)),
    "applicant-missing": (T, lambda d: without_parties(d, PartyRole.APPLICANT)),
    "inventor-missing": (P, lambda d: without_parties(d, PartyRole.INVENTOR)),
    "designer-missing": (D, lambda d: without_parties(d, PartyRole.DESIGNER)),
    "author-missing": (C, lambda d: without_parties(d, PartyRole.AUTHOR)),
    "party-without-name": (T, lambda d: d.parties.append(DraftParty(PartyRole.REPRESENTATIVE, "", identifier="62060"))),
    "party-name-damaged": (P, lambda d: d.parties.append(DraftParty(PartyRole.INVENTOR, "M?ller ??"))),
    "party-many": (P, lambda d: d.parties.extend(DraftParty(PartyRole.INVENTOR, f"Person {n}") for n in range(1100))),
    "party-address-in-name": (
        P,
        lambda d: d.parties.append(
            DraftParty(PartyRole.APPLICANT, "Example Ltd, 12 Long Street, Industrial Park, 12345 Town")
        ),
    ),
    "nice-range": (T, lambda d: classes(d, ("NICE", "46", None))),
    "nice-missing": (T, lambda d: classes(d)),
    "nice-edition-unknown": (T, lambda d: classes(d, ("NICE", "32", "42"))),
    "goods-missing": (T, lambda d: without_texts(d, TextType.GOODS_SERVICES)),
    "goods-class-unlisted": (T, lambda d: text(d, TextType.GOODS_SERVICES, "Coffee and tea", "en", class_symbol="30")),
    "vienna-range": (T, lambda d: classes(d, ("NICE", "32", None), ("VIENNA", "98.04", None))),
    "vienna-edition-unknown": (T, lambda d: classes(d, ("NICE", "32", None), ("VIENNA", "26.1.6", "42"))),
    "figurative-without-vienna": (T, lambda d: classes(d, ("NICE", "32", None))),
    "locarno-range": (D, lambda d: classes(d, ("LOCARNO", "77-01", None))),
    "locarno-missing": (D, lambda d: classes(d)),
    "locarno-edition-unknown": (D, lambda d: classes(d, ("LOCARNO", "06-01", "42"))),
    "ipc-missing": (P, lambda d: classes(d)),
    "ipc-edition-odd": (P, lambda d: classes(d, ("IPC", "F25B 30/02", "1812.01"))),
    "priority-dangling": (P, lambda d: put(d.priorities[0], "date", None)),
    "priority-office-unknown": (P, lambda d: put(d.priorities[0].number, "office", "XX")),
    "priority-is-self": (
        P,
        lambda d: d.priorities.append(DraftPriority(DraftNumber(APP, "17123456", "EP"), "20170601")),
    ),
    "cites-itself": (P, lambda d: d.citations.append(DraftCitation("patent", DraftNumber(PUB, "3456789", "EP", "B1")))),
    "relation-to-itself": (
        P,
        lambda d: d.relations.append(DraftRelation(RelationType.DIVISIONAL_OF, DraftNumber(APP, "17123456.7", "EP"))),
    ),
    "correction-without-original": (P, lambda d: (put(d, "kind", "B9"), put(d.numbers[0], "kind", "B9"))),
    "announcement-only": (
        P,
        lambda d: (
            put(d, "office", "AU"),
            put(d, "kind", "A0"),
            put(d, "numbers", [DraftNumber(PUB, "2017201234", "AU", "A0", "20180101")]),
        ),
    ),
    "grant-number-conflict": (P, lambda d: d.numbers.append(DraftNumber(PUB, "3456790", "EP", "B1", "20211103"))),
    "mark-without-representation": (
        T,
        lambda d: (without_texts(d, TextType.MARK_TEXT), put(d, "images", [])),
    ),
    "figurative-without-image": (T, lambda d: put(d, "images", [])),
    "image-reference-unsafe": (T, lambda d: d.images.append(DraftImage("mark", "../../etc/image.jpg"))),
    "image-repeated": (D, lambda d: d.images.append(DraftImage("design-view", "3.jpg", sequence=2))),
    "design-without-view": (D, lambda d: put(d, "images", [])),
    "design-index-beyond-total": (D, lambda d: put(d, "design_index", "0007")),
    "product-missing": (D, lambda d: without_texts(d, TextType.PRODUCT_INDICATION)),
    "work-search-missing": (C, lambda d: without_texts(d, TextType.DILIGENT_SEARCH)),
    "work-kind-missing": (C, lambda d: put(d, "work_kinds", [])),
    "work-year-odd": (C, lambda d: put(d, "work_year", "2077")),
    "status-active-after-expiry": (
        T,
        lambda d: (date(d, DateType.EXPIRY, "2023-04-16"), put(d.events[0], "event_date", "2024-01-01")),
    ),
    "status-missing": (T, lambda d: put(d, "events", [])),
    "event-before-filing": (P, lambda d: d.events.append(DraftEvent("A-1-1-U10-U11", "ST27", "EP", "20100101"))),
    "event-in-future": (P, lambda d: d.events.append(DraftEvent("A-4-4-U10-U11", "ST27", "EP", "20990101"))),
    "event-withdrawn": (P, lambda d: d.events.append(DraftEvent("A-4-4-Y10-Y11-nap-B1", "ST27", "EP", "20220101"))),
    "unpublished-but-published": (P, lambda d: put(d, "unpublished", True)),
    "designation-empty": (T, international),
    "oversized-text": (P, lambda d: text(d, TextType.DESCRIPTION, "heat pump " * 110_000, "en")),
}


OF_DELIVERIES = {"image-unusable", "image-ambiguous", "image-absent"}
"""Rules about files beside a record: tests/images/test_gallery.py."""


@pytest.mark.parametrize("right", list(SOUND), ids=str)
def test_a_sound_record_raises_no_doubt(right: Right) -> None:
    assert found(SOUND[right]()) == ()


def test_every_rule_of_the_table_has_a_case_and_every_check_a_rule() -> None:
    assert set(BROKEN) | OF_DELIVERIES == set(rules())
    assert set(CHECKS) <= set(rules())
    assert len(rules()) >= 40


@pytest.mark.parametrize("name", [name for name in BROKEN if name != "date-ambiguous"])
def test_a_broken_record_raises_the_doubt(name: str) -> None:
    right, spoil = BROKEN[name]
    draft = SOUND[right]()
    spoil(draft)
    findings = [finding for finding in found(draft) if finding.rule == name]
    assert findings, name
    for finding in findings:
        assert finding.severity == rule(name).severity
        assert finding.message
        assert "{" not in finding.message
        assert finding.field


def test_a_date_that_may_be_two_days_is_doubted() -> None:
    from indexer.harmonise.dates import read_date

    assert read_date("03/04/2020").problem == "ambiguous"
    assert rule("date-ambiguous").message


def test_checking_twice_changes_nothing_and_doubles_nothing() -> None:
    draft = patent()
    date(draft, DateType.STATUS, "0001-01-01")
    number_date(draft, 0, "20160101")
    record = harmonise(draft, ORIGIN)
    assert isinstance(record, Record)
    once = check(record, TODAY)
    again = check(record.model_copy(update={"findings": once}), TODAY)
    assert again == once
    assert len(set(once)) == len(once)
    assert {"date-sentinel", "publication-before-filing"} <= {finding.rule for finding in once}


def test_checking_does_not_touch_the_record() -> None:
    record = harmonise(patent(), ORIGIN)
    assert isinstance(record, Record)
    before = copy.deepcopy(record)
    check(record, TODAY)
    assert record == before


def test_rules_of_one_right_are_silent_on_others() -> None:
    draft = patent()
    draft.classifications = [DraftClassification("IPC", "F25B 30/02")]
    assert not {f.rule for f in found(draft)} & {"nice-missing", "locarno-missing", "status-missing"}


def test_an_old_status_that_was_true_is_not_doubted() -> None:
    draft = mark()
    date(draft, DateType.EXPIRY, "2023-04-16")
    assert "status-active-after-expiry" not in {f.rule for f in found(draft)}


def test_a_restored_priority_is_allowed_its_two_months() -> None:
    draft = patent()
    draft.priorities[0].date = "20160415"
    assert "priority-too-early" not in {f.rule for f in found(draft)}


def test_a_rule_without_an_explanation_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "rules.toml"
    table.write_text('[some-rule]\nseverity = "warning"\nmessage = "x"\n')
    with pytest.raises(ConfigurationError, match="some-rule"):
        read_rules(table)
    table.write_text('[some-rule]\nseverity = "dreadful"\nmessage = "x"\nexplanation = "y"\nfix = "z"\n')
    with pytest.raises(ConfigurationError, match="dreadful"):
        read_rules(table)


def test_a_rule_of_some_rights_or_offices_is_silent_elsewhere(tmp_path: Path) -> None:
    table = tmp_path / "rules.toml"
    row = 'severity = "info"\nmessage = "x"\nexplanation = "y"\nfix = "z"\n'
    table.write_text(f'[everywhere]\n{row}[jp-marks]\n{row}rights = ["trademark"]\noffices = ["JP"]\n')
    told = read_rules(table)
    assert told["everywhere"].applies_to(Right.PATENT, "EP")
    where = [(Right.TRADEMARK, "JP"), (Right.TRADEMARK, "KR"), (Right.PATENT, "JP")]
    assert [told["jp-marks"].applies_to(*both) for both in where] == [True, False, False]


def test_an_unknown_rule_is_a_mistake_in_the_code() -> None:
    with pytest.raises(ConfigurationError, match="no-such-rule"):
        rule("no-such-rule")


def test_designated_registrations_are_complete() -> None:
    draft = mark()
    international(draft)
    draft.designations = [DraftDesignation("ES", "madrid")]
    assert "designation-empty" not in {f.rule for f in found(draft)}

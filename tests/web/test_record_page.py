"""The record page: what the office said, where it came from, in every part."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import expect

from api.web.language import tongue
from api.web.record import TABS
from tests.web.conftest import Open
from tests.web.site import Site

RECORD = "/records/XA.patent.XA0000101.A1"


def test_the_front_page_has_its_inid_codes(visit: Open) -> None:
    page = visit(RECORD)
    expect(page.locator("h1")).to_have_text("Solid electrolyte battery for an electric vehicle")
    facts = page.locator(".facts").inner_text()
    for code in ("(19)", "(11)", "(13)", "(22)", "(30)", "(43)", "(54)", "(81)"):
        assert code in facts
    assert "XB2018700001" in facts
    assert "Batterie à électrolyte solide" in facts
    expect(page.locator(".parties")).to_contain_text("Sample Cell Works Ltd")


@pytest.mark.parametrize(
    ("language", "title"), [("en", "Electric elements"), ("ja", "電気素子"), ("ar", "العناصر الكهربائية")]
)
def test_classes_stand_with_their_titles(visit: Open, language: str, title: str) -> None:
    page = visit(RECORD, locale=language)
    expect(page.locator(".symbols", has_text="H01M")).to_contain_text(title)


@pytest.mark.parametrize(
    ("tab", "said"),
    [
        ("Texts", "needs no flammable liquid"),
        ("Images", "sample-101.png"),
        ("Legal status", "Right granted"),
        ("Family", "XB2018700001"),
        ("Citations", "A Sample Handbook of Cells"),
        ("Source and quality", "xa-patent-x"),
        ("Certified copy", "one file that the provider signs"),
    ],
)
def test_each_part_says_its_piece(visit: Open, tab: str, said: str) -> None:
    page = visit(RECORD)
    page.get_by_role("link", name=re.compile(f"^{tab}")).click()
    expect(page.locator(".tab")).to_contain_text(said)


def test_texts_stand_side_by_side_in_their_own_direction(visit: Open) -> None:
    page = visit(f"{RECORD}?tab=texts")
    assert page.locator(".beside-columns").first.locator(".passage").count() == 2
    page = visit("/records/XC.patent.XC0000103.A1?tab=texts")
    assert page.locator(".running").first.get_attribute("dir") == "rtl"


def test_the_family_is_drawn_with_every_member(visit: Open) -> None:
    page = visit(f"{RECORD}?tab=family")
    assert page.locator(".tree a").count() == 3
    assert page.locator(".tree path").count() == 3
    assert page.locator(".tree g.current").count() == 1
    page.locator(".tree a", has_text="XB0000102").click()
    expect(page.locator("h1")).to_have_text("電気自動車用の固体電解質電池")


def test_the_timeline_goes_from_the_newest(visit: Open) -> None:
    page = visit(f"{RECORD}?tab=legal")
    days = page.locator(".timeline time").evaluate_all("all => all.map(time => time.dateTime)")
    assert days == ["2022-05-04", "2020-06-03", "2018-09-01"]


def test_each_office_s_status_stands_with_the_event_it_comes_from(visit: Open, site: Site) -> None:
    page = visit(f"{RECORD}?tab=legal")
    own, lapsed = page.locator(".by-office").first.locator("tbody tr").all()
    expect(own).to_contain_text(re.compile("XA.*In force.*Jun 3, 2020.*Right granted", re.DOTALL))
    expect(lapsed).to_contain_text(re.compile("FR.*Not in force.*May 4, 2022.*Right discontinued", re.DOTALL))
    lapsed.get_by_role("link").click()
    expect(page.locator(".event:target")).to_contain_text("Ref Country Code: FR")
    expect(page.locator(".designated li")).to_have_text(["DE Germany"])
    relatives = page.locator(".by-office").last
    expect(relatives.locator("tbody tr")).to_have_count(2)
    relatives.get_by_role("link", name="XB0000102").click()
    expect(page.locator(".status-now")).to_contain_text("In force")
    page.goto(f"{site.url}{RECORD}?tab=legal&lang=ja")
    expect(page.get_by_role("heading", name=tongue("ja").say("Status by office"))).to_be_visible()


def test_a_certified_copy_is_for_offices_under_an_agreement(visit: Open, site: Site) -> None:
    """tests/web/test_office_day.py orders one."""
    page = visit(f"{RECORD}?tab=certified")
    expect(page.locator(".tab")).to_contain_text("under an agreement")
    assert page.locator(".tab form").count() == 0
    page = visit(f"{RECORD}?tab=certified", key=site.key("receiver"))
    expect(page.get_by_role("button", name="Order a certified copy")).to_be_visible()


def test_a_number_leads_to_its_record_or_to_a_search(visit: Open) -> None:
    page = visit("/open?number=XB0000102")
    assert page.url.endswith("/records/XB.patent.XB0000102.A1")
    page = visit("/open?number=XB9999999")
    assert "q=number" in page.url


def test_addresses_and_sources_are_for_those_who_hold_them(visit: Open, site: Site) -> None:
    everybody = visit(RECORD)
    assert "Sampletown" not in everybody.content()
    everybody.goto(f"{site.url}{RECORD}?tab=sources")
    assert "SHA-256" not in everybody.content()
    own = visit(RECORD, key=site.key("examiner"))
    assert "Sampletown" in own.content()
    own.goto(f"{site.url}{RECORD}?tab=sources")
    assert "SHA-256" in own.content()


@pytest.mark.parametrize("number", ["XE0000001", "XD0000999", "NO0000000"])
def test_hidden_and_missing_records_look_the_same(visit: Open, number: str) -> None:
    page = visit(f"/records/{number[:2]}.patent.{number}.A1")
    missing = visit("/records/NO.patent.NO1.A1")
    assert page.locator("main").inner_text() == missing.locator("main").inner_text()


def test_where_only_existence_is_shown_nothing_else_is(visit: Open) -> None:
    page = visit("/records/XD.patent.XD0000501.A1")
    expect(page.locator("h1")).to_have_text("A record exists that this provider does not show you")
    assert "Hidden battery" not in page.content()


def test_on_paper_only_the_record_is_left(visit: Open) -> None:
    page = visit(RECORD)
    page.emulate_media(media="print")
    assert not page.locator(".top").is_visible()
    assert not page.locator(".tabs").is_visible()
    assert page.locator(".facts").is_visible()


def test_similar_records_say_why(visit: Open) -> None:
    page = visit("/records/XA.patent.XA0000101.A1?tab=similar")
    expect(page.locator(".hits")).to_contain_text("XB0000102")
    assert page.locator(".hit .reason").count() >= 1


@pytest.mark.parametrize("tab", [*TABS, "none"])
def test_a_part_that_a_record_does_not_have_is_its_front_page(site: Site, tab: str) -> None:
    """A mark without family and citations."""
    with httpx.Client(base_url=site.url) as client:
        answer = client.get("/records/XA.trademark.XA0000301.A1", params={"tab": tab})
    assert answer.status_code == 200
    assert answer.text.count('aria-current="page"') >= 1
    assert "AOZORA" in answer.text

"""The examiner's page: ask, narrow down, read why, look closer. In English, Arabic and Japanese."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.web.conftest import Open
from tests.web.site import Site


def found(text: str) -> int:
    return int(re.sub(r"\D", "", text))


@pytest.mark.parametrize(
    ("language", "query", "way", "button"),
    [
        ("en", "solid electrolyte battery", "ltr", "Search"),
        ("ja", "固体電解質 電池", "ltr", "検索"),
        ("ar", "بطارية إلكتروليت صلب", "rtl", "بحث"),
    ],
)
def test_one_question_finds_the_invention_in_all_its_languages(
    visit: Open, language: str, query: str, way: str, button: str
) -> None:
    page = visit("/", locale=language)
    assert page.locator("html").get_attribute("lang") == language
    assert page.locator("html").get_attribute("dir") == way
    page.get_by_role("searchbox").fill(query)
    page.get_by_role("button", name=button, exact=True).click()
    titles = page.locator(".hit h3 bdi")
    expect(titles.first).to_be_visible()
    languages = {titles.nth(index).get_attribute("lang") for index in range(min(5, titles.count()))}
    assert {"en", "ja", "ar"} <= languages
    arabic = page.locator('.hit h3 bdi[lang="ar"]').first
    assert arabic.get_attribute("dir") == "rtl"
    assert page.locator(".hit").first.locator(".reason").count() > 0


def test_the_reader_s_choice_of_language_stays(visit: Open) -> None:
    page = visit("/?q=battery")
    page.locator(".menu summary").first.click()
    page.locator('.tongues a[lang="ar"]').click()
    assert page.locator("html").get_attribute("dir") == "rtl"
    assert page.get_by_role("searchbox").input_value() == "battery"
    page.goto(page.url.partition("?")[0])
    assert page.locator("html").get_attribute("lang") == "ar"


def test_words_found_are_marked_and_the_reason_is_told(visit: Open) -> None:
    page = visit("/?q=sulfide&mode=keyword")
    hit = page.locator(".hit").first
    assert hit.locator("mark").first.inner_text().lower() == "sulfide"
    expect(hit.locator(".reason").first).to_contain_text("Abstract, Claims (English): sulfide")


def test_facets_narrow_down_and_let_go(visit: Open) -> None:
    page = visit("/?q=battery&mode=keyword")
    whole = found(page.locator("#found strong").inner_text())
    page.locator(".facet", has_text="Right").get_by_role("link", name=re.compile("^Trademarks")).click()
    assert "right=trademark" in page.url
    assert found(page.locator("#found strong").inner_text()) == 1
    expect(page.locator(".hit h3")).to_have_text(re.compile("AOZORA"))
    # A facet does not count its own filter: the other rights stay to be chosen, and two may be.
    page.locator(".facet", has_text="Right").get_by_role("link", name=re.compile("^Patents")).click()
    assert page.locator(".chips li").count() == 3
    page.locator(".chips .all").click()
    assert found(page.locator("#found strong").inner_text()) == whole or "mode" not in page.url


def test_a_misspelt_word_and_the_condition_at_fault_are_one_click_away(visit: Open) -> None:
    page = visit("/?q=sulfidde&mode=keyword")
    page.locator(".meant").get_by_role("link", name="sulfide", exact=True).click()
    assert page.locator(".hit").count() > 0
    page = visit("/?q=sulfide&mode=keyword&right=gi")
    page.locator(".left-out").get_by_role("link", name="Right: Geographical indications").click()
    assert "right=" not in page.url
    assert page.locator(".hit").count() > 0


def test_values_of_a_facet_are_looked_for_among_all(visit: Open) -> None:
    page = visit("/facet/applicant?q=battery&like=^sample")
    names = page.locator(".bars bdi").all_inner_texts()
    assert all(name.casefold().startswith("sample") for name in names)
    expect(page.locator(".page .note").first).to_contain_text("Every count is exact.")


def test_years_are_a_chart_of_links(visit: Open) -> None:
    page = visit("/?q=gear&mode=keyword")
    columns = page.locator(".years a")
    assert columns.count() == 20
    columns.first.click()
    assert "year=2000" in page.url
    assert found(page.locator("#found strong").inner_text()) == 2


def test_pages_follow_one_another_without_a_record_twice(visit: Open) -> None:
    page = visit("/?q=gear&mode=keyword&sort=-published")
    first = page.locator(".hit h3 a").evaluate_all("links => links.map(link => link.pathname)")
    page.get_by_role("link", name="Next page").click()
    second = page.locator(".hit h3 a").evaluate_all("links => links.map(link => link.pathname)")
    assert len(first) == 20
    assert len(second) == 10
    assert not set(first) & set(second)
    page.get_by_role("link", name="First page").click()
    assert page.locator(".hit h3 a").first.get_attribute("href") == first[0]


def test_a_query_that_cannot_be_read_is_shown_where_it_fails(visit: Open) -> None:
    page = visit("/?q=battery+nofield:x")
    assert page.locator(".fault .query mark").inner_text() == "nofield"
    assert page.get_by_role("searchbox").input_value() == "battery nofield:x"


def test_an_empty_result_says_what_may_help(visit: Open) -> None:
    page = visit("/?q=quixotry&mode=keyword&right=design")
    expect(page.locator(".empty")).to_contain_text("Nothing was found")
    page.get_by_role("link", name="Search again without narrowing down").click()
    assert "right=" not in page.url


def test_a_spent_cursor_is_no_broken_page(visit: Open) -> None:
    page = visit("/?q=gear&cursor=nonsense")
    expect(page.locator(".fault")).to_contain_text("cursor")


def test_table_and_pictures_show_the_same_records(visit: Open) -> None:
    page = visit("/?q=battery&mode=keyword")
    listed = page.locator(".hit h3 a").evaluate_all("links => links.map(link => link.pathname)")
    page.get_by_role("link", name="Table", exact=True).click()
    assert page.locator("tr[data-hit] .title a").evaluate_all("links => links.map(link => link.pathname)") == listed
    page.get_by_role("link", name="Pictures", exact=True).click()
    assert page.locator(".card[href]").evaluate_all("links => links.map(link => link.pathname)") == listed


def test_keys_move_through_the_results(visit: Open) -> None:
    page = visit("/?q=gear&mode=keyword")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    current = page.locator(".current a").first.get_attribute("href")
    assert current == page.locator(".hit h3 a").first.get_attribute("href")
    page.keyboard.press("Enter")
    page.wait_for_url("**/records/**")
    page.go_back()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"


def test_the_fielded_form_writes_the_query(visit: Open) -> None:
    page = visit("/advanced")
    page.get_by_label("Title", exact=True).fill("solid electrolyte")
    page.get_by_label("IPC", exact=True).fill("H01M")
    page.locator('input[name="published_from"]').fill("2019")
    page.locator(".fielded button").click()
    expect(page.get_by_role("searchbox")).to_have_value('title:(solid electrolyte) ipc:"H01M" published:[2019 TO *]')
    assert found(page.locator("#found strong").inner_text()) >= 1


def test_everything_works_without_a_script(visit: Open) -> None:
    page = visit("/", java_script_enabled=False)
    page.get_by_role("searchbox").fill("battery")
    page.get_by_role("button", name="Search", exact=True).click()
    page.locator(".facet li a").first.click()
    page.locator(".sort select").first.select_option("-published")
    page.get_by_role("button", name="Apply").click()
    assert "sort=-published" in page.url
    page.locator(".hit h3 a").first.click()
    page.locator(".tabs a").nth(1).click()
    assert page.locator(".passage").count() > 0


def test_what_one_may_only_know_of_names_nobody_s_record(visit: Open, site: Site) -> None:
    page = visit("/?office=XD")
    expect(page.locator(".hit").first).to_contain_text("A record exists that this provider does not show you")
    assert "Hidden battery" not in page.content()
    assert "XD0000501" not in page.content()


def test_terms_of_other_languages_are_shown_and_can_be_edited(visit: Open) -> None:
    page = visit("/?q=battery")
    page.locator(".expansion summary").click()
    terms = page.locator("input[name='x0.ja']")
    assert "電池" in terms.input_value()
    terms.fill("歯車")
    page.get_by_role("button", name="Search with these terms").click()
    assert page.locator("input[name='x0.ja']").input_value() == "歯車"
    japanese = page.locator(".hit", has=page.locator("a[href='/records/XB.patent.XB0000102.A1']"))
    expect(japanese).to_be_visible()
    expect(japanese).not_to_contain_text("= battery")
    page.get_by_role("link", name="Only my words").click()
    expect(page.locator(".expansion")).to_contain_text("Only your own words")


def test_a_value_of_a_facet_is_left_out_by_the_query_itself(visit: Open) -> None:
    page = visit("/?q=battery&mode=keyword")
    before = found(page.locator("#found strong").inner_text())
    row = page.locator(".facet li", has_text="XB").first
    without = found(row.locator(".count").inner_text())
    row.hover()
    row.locator(".without").click()
    assert "not.office=XB" in page.url
    expect(page.locator(".chips")).to_contain_text("Without Office")
    assert found(page.locator("#found strong").inner_text()) == before - without


def test_all_values_of_a_facet_can_be_searched(visit: Open) -> None:
    page = visit("/facet/applicant?q=battery")
    page.locator("input[name=like]").fill("cell")
    page.get_by_role("button", name="Search", exact=True).click()
    page.locator(".bars a").first.click()
    assert "applicant=" in page.url
    assert page.locator(".hit").count() >= 1


def test_marks_that_sound_alike_say_why(visit: Open) -> None:
    page = visit("/similar?mark=AOSORA")
    expect(page.locator(".hit").first).to_contain_text("AOZORA")
    expect(page.locator(".likeness").first).to_contain_text("Sound")


def test_a_result_is_drawn_over_the_years_by_office(visit: Open) -> None:
    page = visit("/?q=gear&mode=keyword")
    page.get_by_role("link", name="Trends").click()
    page.get_by_label("Parted by").select_option("office")
    page.get_by_role("button", name="Apply").click()
    assert page.locator(".trend g rect.part-0").count() == 20
    expect(page.locator(".legend")).to_contain_text("Pseudo-Accents")
    page.locator("details summary").last.click()
    expect(page.locator("tbody tr").first).to_contain_text("2000")


def test_a_family_stands_once_with_its_other_members(visit: Open) -> None:
    page = visit("/?q=applicant:cell&mode=keyword&group=family")
    assert page.locator(".hit").count() == 1
    page.locator(".others-of summary").click()
    assert page.locator(".others-of li").count() == 2


def test_a_query_is_read_back_in_the_reader_s_language(visit: Open) -> None:
    page = visit('/?q=title:"solid+electrolyte"+NOT+claims:liquid', locale="de")
    expect(page.locator(".read-back")).to_contain_text("Titel: \u201csolid electrolyte\u201d")
    expect(page.locator(".read-back b").last).to_have_text("nicht")
    page = visit("/?dialect=espacenet&q=ti%3Dbattery")
    expect(page.locator(".read-back")).to_contain_text("Title")
    assert found(page.locator("#found strong").inner_text()) >= 1

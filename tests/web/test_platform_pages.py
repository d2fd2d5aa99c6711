"""The pages of those who run the platform: engines, use, what readers write; and an office's own use."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect
from sqlalchemy import insert

from api.access.model import Role
from api.web.language import tongue
from store.usage import UsageDay
from tests.web.conftest import Open
from tests.web.site import Site

TODAY = dt.datetime.now(dt.UTC).date()
USED = [("XA", "searches", 1_200), ("XA", "records", 340), ("XB", "searches", 80), ("XB", "exports", 3)]
LONG_AGO = dt.date(2020, 2, 28)


@pytest.fixture(scope="module")
def steward(site: Site) -> str:
    rows = [
        {"day": LONG_AGO, "office": office, "measure": measure, "number": number} for office, measure, number in USED
    ]
    with site.platform.database.session() as session:
        session.execute(insert(UsageDay), [*rows, {**rows[0], "day": dt.date(2020, 3, 2), "number": 300}])
    return site.platform.key(None, Role.PLATFORM_STEWARD)


@pytest.mark.parametrize("language", ["en", "ar", "ja"])
def test_engines_tell_what_fills_them(visit: Open, site: Site, steward: str, language: str) -> None:
    says = tongue(language)
    page = visit("/platform", key=steward, locale=language)
    page.get_by_role("link", name=says.say("Engines"), exact=True).click()
    nodes = page.get_by_role("region", name=says.say("Nodes"), exact=True)
    expect(nodes.locator("tbody tr").first).to_contain_text("/")
    patents = page.locator("tr", has_text=f"{site.platform.settings.index_prefix}-patent-v1")
    expect(patents).to_contain_text(says.word("right", "patent"))
    with httpx.Client(base_url=site.url, headers={"authorization": f"Bearer {steward}"}) as client:
        told = client.get("/v1/platform/engines").json()
    held = next(index["documents"] for index in told["search"]["indices"] if index["right"] == "patent")
    expect(patents.locator("td.figure").first).to_have_text(says.number(held))
    expect(page.locator("main")).to_contain_text(f"PostgreSQL {told['store']['version']}")
    expect(page.locator("main")).to_contain_text(says.say("Jobs that wait"))


@pytest.mark.parametrize("language", ["en", "ar", "ja"])
def test_use_is_drawn_told_and_taken_away_as_a_table(
    visit: Open, site: Site, steward: str, language: str, tmp_path: Path
) -> None:
    says = tongue(language)
    page = visit("/platform/usage", key=steward, locale=language)
    page.locator("[name=since]").fill("2020-02-27")
    page.locator("[name=until]").fill("2020-03-02")
    page.get_by_role("button", name=says.say("Apply"), exact=True).click()
    searches = page.locator("figure", has=page.get_by_text(says.word("measure", "searches"), exact=True))
    expect(searches.locator("figcaption strong")).to_have_text(says.number(1_580))
    assert searches.locator("rect.column").evaluate_all("all => all.map(one => one.height.baseVal.value > 0)") == [
        False, True, False, False, True,
    ]  # fmt: skip
    offices = page.get_by_role("region", name=says.say("By office")).locator("tbody tr")
    expect(offices.first).to_contain_text(says.number(1_500))
    expect(offices).to_have_count(2)
    page.locator("[name=by]").select_option("month")
    page.locator("[name=office]").select_option("XB")
    page.get_by_role("button", name=says.say("Apply"), exact=True).click()
    expect(searches.locator("figcaption strong")).to_have_text(says.number(80))
    expect(searches.locator("rect.column")).to_have_count(2)
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click(no_wait_after=True)
    table = Path(download.value.path()).read_text("utf-8").splitlines()
    assert table == ["period,office,searches,records,exports,deliveries", "2020-02,XB,80,0,3,0"]
    page.goto(f"{site.url}/platform/usage?since=2020-03-02&until=2020-02-01")
    expect(page.get_by_role("alert")).to_contain_text("366")


def test_an_office_sees_its_own_use_alone(visit: Open, site: Site, steward: str) -> None:
    page = visit("/office", key=site.key("agent"))
    page.get_by_role("link", name="Usage", exact=True).click()
    assert page.locator("[name=office]").count() == 0
    page.goto(f"{site.url}/office/usage?by=month&since=2020-01-01&until=2020-12-31")
    expect(page.locator("figcaption strong").first).to_have_text("1,500")
    page.locator("details summary").last.click()
    expect(page.locator("tbody tr")).to_have_count(2)
    with httpx.Client(base_url=site.url) as client:
        client.post("/sign-in", data={"credential": site.key("agent")})
        assert {client.get(f"/platform/{name}").status_code for name in ("engines", "usage", "feedback")} == {403}
        client.post("/sign-in", data={"credential": steward})
        assert client.get("/office/usage").status_code == 403


def test_what_is_read_today_is_counted_today(visit: Open, site: Site, steward: str) -> None:
    reader = visit("/?q=battery", key=site.platform.key("XZ"))
    reader.locator(".hit h3 a").first.click()
    page = visit("/platform/usage", key=steward)
    row = page.get_by_role("region", name="By office").locator("tr", has_text="XZ")
    assert row.locator("td.figure").all_inner_texts() == ["1", "1", "·", "·"]


def test_what_a_reader_says_comes_into_the_inbox_and_is_dealt_with(visit: Open, site: Site, steward: str) -> None:
    reader = visit("/advanced", key=site.key("examiner"))
    reader.get_by_role("link", name="Feedback").click()
    reader.locator("textarea").fill("The field <b>Vienna</b> wants a list.")
    reader.locator("form.sheet button").click()
    page = visit("/platform", key=steward)
    page.get_by_role("link", name="Feedback").first.click()
    said = page.locator(".said", has_text="The field <b>Vienna</b> wants a list.")
    expect(said.get_by_role("link", name="/advanced")).to_be_visible()
    said.get_by_role("button", name="Mark as dealt with").click()
    expect(said.locator(".state")).to_have_text("Done")

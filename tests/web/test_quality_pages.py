"""The day of whoever minds the data: findings, gaps, pairs to judge, what readers report."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Page, expect

from api.web.language import tongue
from tests.web import desk
from tests.web.conftest import Open
from tests.web.desk import PAIRS
from tests.web.site import Site

PAIR = "/duplicates/pair?a=XA.patent.XA0000700.A1&b=xb-patent-x.XA0000700.A1"


def open_pairs(site: Site) -> int:
    """How many pairs wait, as the API counts them."""
    with httpx.Client(base_url=site.url, headers={"authorization": f"Bearer {site.key('quality')}"}) as client:
        return len(client.get("/v1/duplicates?size=100").json()["pairs"])


def judge(page: Page, key: str) -> str:
    """Judges the pair that is shown, by keyboard alone; returns which it was."""
    shown = str(page.locator("input[name=b]").get_attribute("value"))
    page.keyboard.press(key)
    if key == "d":
        page.locator("select[name=reason]").select_option("other-invention")
        page.locator("input[name=note]").fill("The drawings show two shuttles.")
        page.locator("input[name=note]").focus()
    if key == "s":
        expect(page.locator(".effect-same")).to_be_visible()
        expect(page.locator(".effect-same .cluster").last).to_contain_text(shown)
    if key != "k":
        page.keyboard.press("Enter")
    expect(page.locator("input[name=b]")).not_to_have_value(shown)
    return shown


@pytest.mark.parametrize("language", ["en", "ar", "ja"])
def test_ten_pairs_are_judged_by_keyboard_and_one_is_taken_back(visit: Open, site: Site, language: str) -> None:
    """One is skipped before; the last is taken back and waits again."""
    desk.enter_pairs(site.platform)
    says = tongue(language)
    waiting = open_pairs(site)
    page = visit("/duplicates", key=site.key("quality"), locale=language)
    page.get_by_role("button", name=says.say("Start judging")).click()
    expect(page.locator("tr.differs, tr.equal").first).to_be_visible()
    assert page.locator("tr.differs mark.differs").count() + page.locator("tr.equal").count() > 3
    assert page.locator(".for, .against").count() == 0, "no score before the judgement"
    skipped = judge(page, "k")
    judged = [judge(page, key) for key in "sdursssdus"]
    assert skipped not in judged
    assert len(set(judged)) == 10
    assert open_pairs(site) == waiting - 10
    page.keyboard.press("z")
    expect(page.locator("input[name=b]")).to_have_value(judged[-1])
    assert open_pairs(site) == waiting - 9
    expect(page.get_by_role("heading", name=says.say("What was decided"))).to_be_visible()
    expect(page.locator("main")).to_contain_text(says.say("undone"))
    page.goto(f"{site.url}/quality/coverage")
    expect(page.locator(".map tbody th", has_text="XA")).to_be_visible()
    expect(page.locator(".map td.step-2, .map td.step-3").first).to_be_visible()
    assert waiting == PAIRS


def test_different_needs_a_reason_and_a_note(visit: Open, site: Site) -> None:
    page = visit(PAIR, key=site.key("quality"))
    page.get_by_text("Different", exact=True).click()
    page.get_by_role("button", name="Save and go on").click()
    expect(page.get_by_role("alert")).to_contain_text("choose a reason")


def test_a_cluster_is_split_after_a_look_at_what_would_change_and_joined_again(visit: Open, site: Site) -> None:
    page = visit("/duplicates/clusters/XA.patent.XA0000700.A1", key=site.key("quality"))
    expect(page.locator("input[name=member]")).to_have_count(2)
    page.locator("select[name=group-1]").select_option("2")
    page.locator(".split summary").click()
    page.locator("select[name=reason]").select_option("other-kind")
    page.locator("input[name=note]").fill("A sample of a split.")
    page.get_by_role("button", name="What would change?").click()
    expect(page.locator(".becomes .cluster")).to_have_count(3)
    page.get_by_role("button", name="Split", exact=True).click()
    expect(page.locator("input[name=member]")).to_have_count(1)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("input[name=member]")).to_have_count(2)


def test_a_conflict_is_announced_listed_and_resolved(visit: Open, site: Site) -> None:
    """Rules join each loom with its twin; a person joins both looms and parts the first from the second's twin."""
    first, second = (f"XA.patent.XA000070{n}.A1" for n in (0, 1))
    twin, other_twin = (f"xb-patent-x.XA000070{n}.A1" for n in (0, 1))
    page = visit(f"/duplicates/pair?a={second}&b={twin}", key=site.key("quality"))
    page.locator("[name=judgement][value=same]").check()
    expect(page.locator(".effect-same .cluster").last).to_contain_text(other_twin)
    page.get_by_role("button", name="Save and go on").click()
    page.goto(f"{site.url}/duplicates/pair?a={first}&b={other_twin}")
    page.locator("[name=judgement][value=different]").check()
    expect(page.locator(".effect-different .fault")).to_be_visible()
    page.locator("select[name=reason]").select_option("other-invention")
    page.locator("input[name=note]").fill("Two looms, says the drawing.")
    page.get_by_role("button", name="Save and go on").click()

    page.goto(f"{site.url}/duplicates")
    expect(page.get_by_role("heading", name="Conflicts")).to_be_visible()
    (listed,) = page.locator(".conflicts li").all()
    expect(listed).to_contain_text(f"{second} = {other_twin}")
    expect(listed).to_contain_text(f"{first} ≠ {other_twin}")
    listed.get_by_role("link", name=f"{first} ≠ {other_twin}").click()
    expect(page.locator("main")).to_contain_text("Two looms, says the drawing.")
    page.go_back()
    page.locator(".conflicts").get_by_role("link", name=second).click()
    expect(page.get_by_role("heading", name="Conflicts")).to_be_visible()
    expect(page.locator("input[name=member]")).to_have_count(3)

    decided = page.locator("tr", has_text=first).filter(has_text=other_twin)
    decided.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", name="Conflicts")).to_have_count(0)
    expect(page.locator("input[name=member]")).to_have_count(4)
    joined = page.locator("tr", has_text=second).filter(has_text=twin).filter(has=page.get_by_role("button"))
    joined.get_by_role("button", name="Undo").click()
    expect(page.locator("input[name=member]")).to_have_count(2)
    page.goto(f"{site.url}/duplicates")
    expect(page.get_by_role("heading", name="Records that may be the same")).to_be_visible()
    expect(page.locator(".conflicts")).to_have_count(0)


def test_a_pair_is_judged_without_a_script_too(visit: Open, site: Site) -> None:
    page = visit("/duplicates", java_script_enabled=False, key=site.key("quality"))
    page.get_by_role("button", name="Start judging").click()
    shown = page.locator("input[name=b]").get_attribute("value")
    assert shown is not None
    page.locator("[name=judgement][value=unsure]").check()
    page.get_by_role("button", name="Save and go on").click()
    expect(page.locator("input[name=b]")).not_to_have_value(shown)


def test_findings_lead_from_rule_to_record_and_original(visit: Open, site: Site) -> None:
    page = visit("/quality", key=site.key("quality"))
    assert page.locator(".chart .column").count() >= 2
    page.get_by_role("link", name="text-language-unknown").click()
    expect(page.locator("tbody tr")).to_have_count(6)
    page.locator("tbody a").first.click()
    expect(page.locator("h1")).to_contain_text("Loom")


def test_coverage_leads_to_the_missing_numbers(visit: Open) -> None:
    page = visit("/quality/coverage")
    page.locator(".map tr", has_text="XA").locator("td a").first.click()
    expect(page.locator("h1")).to_contain_text("Missing numbers")
    expect(page.locator("table")).to_contain_text("705")


def test_a_reader_reports_an_error_and_the_provider_answers(visit: Open, site: Site) -> None:
    reader = visit("/records/XA.patent.XA0000101.A1", key=site.key("stranger"))
    reader.get_by_role("link", name="This record is wrong").click()
    reader.locator("#text").fill("The filing date is <b>one year</b> too late.")
    reader.get_by_role("button", name="Send").click()
    expect(reader.locator(".words")).to_have_text("The filing date is <b>one year</b> too late.")
    provider = visit(reader.url.removeprefix(site.url), key=site.key("quality"))
    provider.locator("#text").fill("You are right.")
    provider.get_by_label("Corrected").check()
    provider.get_by_role("button", name="Send").click()
    reader.reload()
    expect(reader.locator("h1")).to_contain_text("Corrected")
    with httpx.Client(base_url=site.url) as client:
        client.post("/sign-in", data={"credential": site.key("examiner")})
        assert client.get(reader.url.removeprefix(site.url)).status_code == 404


def test_who_sees_one_side_only_is_told_of_no_pair(site: Site) -> None:
    """XB sees both since XA's records are open; an examiner may not judge at all."""
    with httpx.Client(base_url=site.url) as client:
        client.post("/sign-in", data={"credential": site.key("examiner")})
        assert client.get("/duplicates").status_code == 403
        assert client.get(PAIR).status_code == 403


def test_freshness_tells_how_late_records_come_and_what_is_overdue(visit: Open, site: Site) -> None:
    """The same as the API says; by the schedule that a provider has declared."""
    steward = {"authorization": f"Bearer {site.key('steward')}"}
    path = f"{site.url}/v1/collections/xa-patent-x/schedule"
    with httpx.Client(headers=steward, timeout=60) as client:
        assert client.put(path, json={"every": "monthly", "grace_days": 3}).is_success
        told = client.get(f"{site.url}/v1/freshness").json()
        page = visit("/quality/freshness", key=site.key("steward"))
        assert client.put(path, json={"every": None}).is_success
    rows = page.locator("table.fresh tbody tr")
    expect(rows).to_have_count(len(told["freshness"]))
    patents = next(row for row in told["freshness"] if (row["office"], row["right"]) == ("XA", "patent"))
    shown = rows.filter(has=page.locator("th", has_text="XA")).filter(has_text="Patent")
    expect(shown.locator(".figure").first).to_have_text(f"{round(patents['lag_median']):,}")
    (schedule,) = [row for row in told["schedules"] if row["collection"] == "xa-patent-x"]
    declared = page.locator("tr", has_text="xa-patent-x")
    expect(declared).to_contain_text("Monthly")
    expect(declared).to_contain_text("Overdue" if schedule["overdue"] else "On time")

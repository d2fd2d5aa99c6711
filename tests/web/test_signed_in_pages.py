"""Signing in and out, the office's desk, its keys and deliveries; and who may not."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import expect

from api.access import accounts
from store.ingest import Delivery, Member
from tests.web.conftest import Open
from tests.web.site import PASSWORD, Site


def test_a_key_signs_in_and_the_session_ends_with_a_click(visit: Open, site: Site) -> None:
    page = visit("/office")
    page.locator("#credential").fill(site.key("examiner"))
    page.locator("form:has(#credential) button").click()
    page.wait_for_url(f"{site.url}/office")
    expect(page.locator("h1")).to_contain_text("XA")
    page.locator(".menu summary").last.click()
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{site.url}/office")
    assert "/sign-in?next=" in page.url


def test_an_account_signs_in_with_password_and_code_and_goes_where_it_wanted(visit: Open, site: Site) -> None:
    page = visit("/office/keys")
    assert "/sign-in" in page.url
    page.locator("#account").fill("sample.steward")
    page.locator("#password").fill(PASSWORD)
    page.locator("#code").fill(accounts.current_code(site.otp))
    page.locator("form:has(#account) button").click()
    page.wait_for_url(f"{site.url}/office/keys")
    expect(page.locator("h1")).to_have_text("Keys")


def test_a_wrong_key_is_told_nothing_more_than_that(visit: Open, site: Site) -> None:
    page = visit("/sign-in")
    page.locator("#credential").fill("ipc_000000000000_" + "x" * 43)
    page.locator("form:has(#credential) button").click()
    expect(page.get_by_role("alert")).to_contain_text("wrong")


@pytest.mark.parametrize("target", ["https://example.org/", "//example.org", "/\\example.org", "javascript:alert(1)"])
def test_signing_in_never_leads_to_another_site(site: Site, target: str) -> None:
    with httpx.Client(base_url=site.url) as client:
        answer = client.post("/sign-in", data={"credential": site.key("examiner"), "next": target})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(site: Site) -> None:
    with httpx.Client(base_url=site.url) as client:
        answer = client.post("/sign-in", data={"credential": site.key("examiner")})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert site.key("examiner") not in cookie


def test_a_form_of_another_site_signs_nobody_in(site: Site) -> None:
    with httpx.Client(base_url=site.url) as client:
        for headers in ({"origin": "https://example.org"}, {"sec-fetch-site": "cross-site"}):
            answer = client.post("/sign-in", data={"credential": site.key("examiner")}, headers=headers)
            assert answer.status_code == 403
            assert "set-cookie" not in answer.headers


def test_a_form_without_the_session_s_token_changes_nothing(site: Site) -> None:
    with httpx.Client(base_url=site.url) as client:
        client.post("/sign-in", data={"credential": site.key("steward")})
        before = client.get("/office/keys").text.count("/revoke")
        for token in ({}, {"csrf": "wrong"}):
            answer = client.post("/office/keys", data={"role": "examiner", "label": "forged", **token})
            assert answer.status_code == 403
        assert client.get("/office/keys").text.count("/revoke") == before


def test_a_revoked_key_ends_its_sessions_at_once(visit: Open, site: Site) -> None:
    steward = visit("/office/keys", key=site.key("steward"))
    steward.get_by_label("What for").fill("short lived")
    steward.get_by_role("button", name="Create").click()
    made = steward.locator(".made code").inner_text()
    other = visit("/office", key=made)
    expect(other.locator("h1")).to_contain_text("XA")
    steward.goto(f"{site.url}/office/keys")
    assert made not in steward.content()
    steward.locator("tr", has_text="short lived").get_by_role("button", name="Revoke").click()
    other.goto(f"{site.url}/office")
    assert "/sign-in" in other.url
    expect(other.get_by_role("status")).to_contain_text("ended")


def test_who_is_signed_in_stays_so_on_a_page_of_an_error(visit: Open, site: Site) -> None:
    page = visit("/records/none", key=site.key("examiner"))
    expect(page.locator("h1")).to_contain_text("nothing here")
    assert page.get_by_role("link", name="Sign in").count() == 0
    page.get_by_role("link", name="My work").click()
    expect(page.locator("h1")).to_have_text("My work")


def test_a_steward_changes_a_policy_and_everybody_sees_less(visit: Open, site: Site) -> None:
    public = visit("/?right=trademark&q=aozora")
    assert public.locator(".hit").count() == 1
    steward = visit("/office/collections/xa-trademark-x", key=site.key("steward"))
    steward.locator("[name=tier][value=none]").check()
    steward.get_by_role("button", name="Save").click()
    public.reload()
    assert public.locator(".hit").count() == 0
    steward.goto(f"{site.url}/office/collections/xa-trademark-x")
    steward.locator("[name=tier][value=content]").check()
    steward.get_by_role("button", name="Save").click()
    public.reload()
    assert public.locator(".hit").count() == 1


def test_agreements_say_where_they_stand_and_can_be_suspended(visit: Open, site: Site) -> None:
    page = visit("/office", key=site.key("steward"))
    agreement = page.locator(".agreement", has=page.locator("a[href='/office/agreements/1']"))
    agreement.get_by_role("button", name="Suspend").click()
    expect(agreement).to_contain_text("Suspended")
    agreement.get_by_role("button", name="Resume").click()
    expect(agreement).to_contain_text("Active")


def test_an_office_sees_who_read_its_records(visit: Open, site: Site) -> None:
    visit("/records/XA.patent.XA0000101.A1", key=site.key("stranger"))
    page = visit("/office/audit", key=site.key("agent"))
    expect(page.locator("table")).to_contain_text("XB")


def test_a_reject_shows_the_bytes_where_it_went_wrong(visit: Open, site: Site) -> None:
    page = visit(f"/deliveries/{site.delivery}", key=site.key("examiner"))
    expect(page.locator("table").first).to_contain_text("line 4: the record is not well-formed XML")
    page.get_by_role("link", name="Show").click()
    expect(page.locator(".wanted")).to_contain_text("<number>78")
    # One sentence: what stands in it is not a block each.
    assert page.locator(".fault").evaluate("node => getComputedStyle(node).display") == "block"


@pytest.mark.parametrize(
    ("who", "path", "status"),
    [
        ("stranger", "/deliveries/{delivery}", 404),
        ("stranger", "/deliveries/{delivery}/rejects/1", 404),
        ("examiner", "/office/keys", 403),
        ("examiner", "/office/audit", 403),
        ("stranger", "/office/collections/xa-patent-x", 403),
    ],
)
def test_what_is_not_one_s_own_is_not_shown(site: Site, who: str, path: str, status: int) -> None:
    with httpx.Client(base_url=site.url) as client:
        client.post("/sign-in", data={"credential": site.key(who)})
        answer = client.get(path.format(delivery=site.delivery))
    assert answer.status_code == status
    assert "sample.xml" not in answer.text


def test_the_platform_page_counts_what_the_reader_may_see(visit: Open) -> None:
    page = visit("/platform")
    row = page.locator("tr", has_text="XB")
    assert [re.sub(r"\D", "", cell) for cell in row.locator("td").all_inner_texts()][:3] == ["1", "", "1"]
    assert page.locator("tr", has_text="XE").count() == 0


def test_a_delivery_under_way_shows_how_far_it_is(visit: Open, site: Site) -> None:
    database = site.platform.database
    with database.session() as session:
        delivery = Delivery(provider="XA", collection="x", name="long.zip", digest="long", state="reading", records=30)
        session.add(delivery)
        session.flush()
        number = delivery.sequence
        for position, state in enumerate(("done", "skipped", "reading", "pending")):
            session.add(Member(delivery=number, file=f"{position}.xml", sha256="0" * 64, size=1, state=state))
    page = visit("/deliveries", key=site.key("agent"))
    row = page.locator("tr", has_text="long.zip")
    expect(row.locator(".progress")).to_contain_text("Files: 2 / 4")
    expect(page.get_by_role("status")).to_contain_text("Work is under way")
    with database.session() as session:
        session.query(Member).where(Member.delivery == number).delete()
        session.query(Delivery).where(Delivery.sequence == number).delete()


def test_what_the_pages_of_deliveries_show_the_api_says_too(site: Site) -> None:
    with httpx.Client(base_url=site.url, headers={"authorization": f"Bearer {site.key('examiner')}"}) as client:
        told = client.get(f"/v1/deliveries/{site.delivery}").json()
        (reject,) = told["rejects"]
        assert reject["reason"].startswith("line 4: the record is not well-formed XML: ")
        place = client.get(f"/v1/deliveries/{site.delivery}/rejects/{reject['id']}").json()
    wanted = [line for line in place["excerpt"]["lines"] if line["error"]]
    assert wanted == [{"number": 4, "text": "    <number>78", "error": True}]
    with httpx.Client(base_url=site.url, headers={"authorization": f"Bearer {site.key('stranger')}"}) as client:
        for path in ("", f"/rejects/{reject['id']}"):
            other = client.get(f"/v1/deliveries/{site.delivery}{path}")
            none = client.get(f"/v1/deliveries/999999{path}")
            assert (other.status_code, other.content) == (none.status_code, none.content) == (404, none.content)


def test_right_to_left_the_giver_comes_first_and_bytes_begin_at_their_beginning(visit: Open, site: Site) -> None:
    page = visit("/office", key=site.key("steward"), locale="ar")
    giver, receiver = page.locator(".agreement h3").first.locator(".code").all()[:2]
    right, left = giver.bounding_box(), receiver.bounding_box()
    assert right
    assert left
    assert right["x"] > left["x"]
    page.goto(f"{site.url}/deliveries/{site.delivery}")
    page.locator("td:last-child a").first.click()
    expect(page.locator(".bytes th").first).to_be_in_viewport()
    first, line = page.locator(".bytes th").first.bounding_box(), page.locator(".bytes code").first.bounding_box()
    assert first
    assert line
    assert first["x"] < line["x"]
    page.goto(f"{site.url}/records/XA.patent.XA0000101.A1")
    number = page.locator("header .number bdi, .line .number bdi").first
    assert number.inner_text() == "XA0000101 A1"
    assert number.evaluate("node => getComputedStyle(node).direction") == "ltr"

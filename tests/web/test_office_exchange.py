"""How data flows, seen from an office's desk: endpoints and their messages, pushes, changes owed, priority documents,
and how far agreements may go."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from sqlalchemy import select, update

from api.access.agreements import State
from api.web.language import tongue
from store.exchange import Feed, Holding, Package, Source
from store.jobs import WebhookDelivery
from tests.receiver import Receiver, receiver
from tests.web.conftest import Open
from tests.web.site import Site
from tests.web.test_every_page import serious_findings

COPY = b"%PDF-1.7 a sample certified copy"


@pytest.fixture(scope="module")
def listening() -> Iterator[Receiver]:
    with receiver() as held:
        yield held


def test_an_endpoint_is_registered_tried_pushed_to_and_sent_to_again(
    visit: Open, site: Site, listening: Receiver
) -> None:
    agent = visit("/office/endpoints", key=site.key("receiver"))
    agent.locator("#url").fill("http://192.168.7.7/hook")
    agent.get_by_role("button", name="Register", exact=True).click()
    expect(agent.get_by_role("alert")).to_be_visible()
    agent.locator("#url").fill(listening.url)
    agent.locator("#label").fill("Our <i>hook</i>")
    agent.get_by_role("button", name="Register", exact=True).click()
    expect(agent.locator(".made code")).to_contain_text("whsec_")
    listening.secret = agent.locator(".made code").inner_text()
    assert serious_findings(agent) == []
    agent.goto(f"{site.url}/office/endpoints")
    expect(agent.locator("main")).not_to_contain_text("whsec_")
    agent.get_by_role("link", name=listening.url).click()
    expect(agent.locator("h1")).to_have_text("Our <i>hook</i>")
    address = agent.url
    agent.get_by_role("button", name="Send a test message").click()
    row = agent.locator("tbody tr").first
    expect(row).to_contain_text("test message")

    def again() -> str:
        agent.goto(address)
        return row.inner_text()

    for _ in range(60):
        if "Taken" in again():
            break
        agent.wait_for_timeout(250)
    expect(row).to_contain_text("204")
    assert len(listening.taken) == 1
    assert listening.refused == []
    # One that no attempt brought, as the sender leaves it.
    with site.platform.database.session() as session:
        message = listening.taken[0][0]["webhook-id"]
        dead = {"state": "dead", "attempts": 9, "status": 503, "error": "the endpoint answered 503"}
        session.execute(update(WebhookDelivery).where(WebhookDelivery.id == message).values(**dead))
    agent.get_by_role("link", name="Not taken").click()
    expect(row).to_contain_text("the endpoint answered 503")
    assert serious_findings(agent) == []
    agent.get_by_role("button", name="Send again").click()
    for _ in range(60):
        if "Taken" in again():
            break
        agent.wait_for_timeout(250)
    # The receiver knows its id, and passes over it.
    assert listening.refused == ["replayed"]

    # Changes of an agreement, pushed there.
    agent.goto(f"{site.url}/office/exchanged")
    feeds = agent.get_by_role("region", name="Changes, agreement by agreement")
    line = feeds.locator("tr", has=agent.locator("a[href='/office/agreements/1']"))
    line.locator("select[name=endpoint]").select_option(label="Our <i>hook</i>")
    line.get_by_role("button", name="Push").click()
    expect(line).to_contain_text("Pushed as they come")
    line.get_by_role("button", name="Stop pushing").click()
    expect(line.locator("select[name=endpoint]")).to_be_visible()
    provider = visit("/office/exchanged", key=site.key("steward"))
    expect(provider.locator("main")).not_to_contain_text("Our <i>hook</i>")
    other = visit("/office/endpoints", key=site.key("agent"))
    expect(other.locator("main")).not_to_contain_text(listening.url)
    other.goto(address)
    expect(other.locator("main")).not_to_contain_text(listening.url)

    agent.goto(address)
    agent.get_by_role("button", name="New secret").click()
    expect(agent.locator(".made code")).to_contain_text("whsec_")
    # Deleting asks first, without a script too.
    plain = visit(f"/office/endpoints/{address.rsplit('/', 1)[1]}", key=site.key("receiver"), java_script_enabled=False)
    delete = plain.get_by_role("button", name="Yes, delete it")
    expect(delete).to_be_hidden()
    plain.get_by_text("Delete this endpoint").click()
    expect(plain.locator("details[open]")).to_contain_text("It cannot be undone.")
    delete.click()
    expect(plain.locator("main")).not_to_contain_text(listening.url)


def test_a_package_is_ordered_in_the_formats_that_the_agreement_gives(visit: Open, site: Site) -> None:
    number = site.platform.agreement("XA", "XB", collections=["xa-patent-x"], tier="content", formats=["csv"])
    page = visit(f"/office/packages?agreement={number}", key=site.key("receiver"))
    form = page.locator("form.sheet")
    # Other agreements give other formats: beside each stands which, where it is not all of them.
    expect(form.locator("label", has=page.locator("[value=st96]"))).to_contain_text("Agreement 1")
    form.locator("[name=query]").fill("battery")
    form.locator("[value=st96]").check()
    form.get_by_role("button", name="Order", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("does not give its data as st96. It gives: csv.")
    # What was filled in is there still.
    expect(form.locator("[name=query]")).to_have_value("battery")
    expect(form.locator("[value=st96]")).to_be_checked()
    assert serious_findings(page) == []
    form.locator("[value=st96]").uncheck()
    form.locator("[value=csv]").check()
    form.get_by_role("button", name="Order", exact=True).click()
    expect(page.locator("tbody tr").first).to_contain_text(str(number))
    with site.platform.database.session() as session:
        request = session.scalars(select(Package.request).where(Package.agreement == number)).one()
    assert request["formats"] == ["csv"]
    site.platform.step(number, State.REVOKED)


@pytest.mark.parametrize("language", ["en", "ar", "ja"])
def test_what_is_owed_and_late_is_seen_by_both(visit: Open, site: Site, language: str) -> None:
    says = tongue(language)
    with site.platform.database.session() as session:
        long_ago = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
        session.merge(Feed(agreement=1, position=3, acknowledged=1, collections=["xa-patent-x"]))
        for number in (1, 2, 3):
            held = {"agreement": 1, "record": f"r{number}", "digest": b"x", "position": number}
            session.merge(
                Holding(**held, withdrawn=False, owed_since=long_ago, acknowledged=b"x" if number == 1 else None)
            )
        if session.scalar(select(Source.id)) is None:
            source = {"url": "https://other.example", "agreement": 12, "provider": "XC", "office": "XB"}
            session.add(Source(**source, state="purged"))
    for key in ("receiver", "steward"):
        page = visit("/office/exchanged", key=site.key(key), locale=language)
        line = page.locator("tr", has=page.locator("a[href='/office/agreements/1']")).first
        expect(line).to_contain_text(says.word("owed", "acknowledge"))
        expect(line).to_contain_text(says.say("Overdue"))
        # Other platforms from which records came: the business of the office that they were given to.
        elsewhere = page.locator("tr", has_text="https://other.example")
        expect(elsewhere).to_have_count(1 if key == "receiver" else 0)
        if key == "receiver":
            expect(elsewhere).to_contain_text("XC")
            expect(elsewhere).to_contain_text(says.word("source", "purged"))
    desk = visit("/office", key=site.key("receiver"), locale=language)
    expect(desk.locator("main")).to_contain_text(says.word("waiting", "acknowledge"))


def test_a_certified_copy_is_deposited_and_downloaded_with_its_code(visit: Open, site: Site, tmp_path: Path) -> None:
    (tmp_path / "copy.pdf").write_bytes(COPY)
    depositor = visit("/office/priority", key=site.key("steward"))
    form = depositor.locator("form[enctype='multipart/form-data']")
    form.locator("[name=number]").fill("2026/001234")
    form.locator("[name=date]").fill("2026-01-05")
    form.locator("[name=document]").set_input_files(tmp_path / "copy.pdf")
    form.get_by_role("button", name="Deposit").click()
    code = depositor.locator(".made code").inner_text()
    assert len(code) == 16
    assert serious_findings(depositor) == []
    with depositor.expect_download() as own:
        depositor.locator("tbody a").first.click(no_wait_after=True)
    assert Path(own.value.path()).read_bytes() == COPY
    depositor.goto(f"{site.url}/office/priority")
    expect(depositor.locator("main")).not_to_contain_text(code)

    accessing = visit("/office/priority", key=site.key("receiver"))
    given = {"office": "XA", "number": "XA 2026-001234", "date": "2026-01-05", "code": "A" * 16}
    for name, value in given.items():
        accessing.locator(f"#r-{name}").fill(value)
    accessing.get_by_role("button", name="Download").click()
    expect(accessing.get_by_role("alert")).to_contain_text("no such document")
    accessing.locator("#r-code").fill(code.lower())
    with accessing.expect_download() as copy:
        accessing.get_by_role("button", name="Download").click(no_wait_after=True)
    assert Path(copy.value.path()).read_bytes() == COPY
    assert copy.value.suggested_filename == "XA-2026001234.pdf"
    depositor.get_by_role("button", name="Withdraw").click()
    expect(depositor.locator("tbody tr").first).to_contain_text("Withdrawn")


def test_a_policy_limits_what_agreements_may_give(visit: Open, site: Site) -> None:
    steward = visit("/office/collections/xa-trademark-x", key=site.key("steward"))
    steward.locator("[name=agreement_tier][value=metadata]").check()
    steward.locator("[name=agreement_limits]").check()
    for box in steward.locator("[name=agreement_purposes]").all():
        box.set_checked(box.get_attribute("value") == "statistics")
    steward.locator("[name=formats][value=csv]").check()
    steward.get_by_role("button", name="Save").click()
    agent = visit("/office/requests/new", key=site.key("receiver"))
    agent.locator("#provider").select_option("XA")
    agent.locator("#collections").fill("xa-trademark-x")
    agent.get_by_role("button", name="Send the request").click()
    steward.goto(agent.url)
    steward.get_by_role("button", name="Send the offer").click()
    expect(steward.get_by_role("alert")).to_contain_text("is given up to tier metadata, not content")
    expect(steward.get_by_role("alert")).to_contain_text("is not given for examination")
    for box in steward.locator("[name=purposes]").all():
        box.set_checked(box.get_attribute("value") == "statistics")
    steward.locator("[name=tier][value=metadata]").check()
    for box in steward.locator("[name=groups]").all():
        box.set_checked(False)
    steward.get_by_role("button", name="Offer these terms as far as our policies allow").click()
    # Nothing that was asked for is left of its purposes: that cannot be offered as asked.
    expect(steward.get_by_role("alert")).to_contain_text("is not given for examination")
    steward.goto(agent.url)
    for box in steward.locator("[name=purposes]").all():
        box.set_checked(box.get_attribute("value") == "statistics")
    steward.locator("[name=tier][value=metadata]").check()
    for box in steward.locator("[name=groups]").all():
        box.set_checked(False)
    steward.locator("[name=formats][value=csv]").check()
    steward.get_by_role("button", name="Send the offer").click()
    expect(steward.locator(".turn")).to_contain_text("XB")
    with site.platform.database.session():
        site.platform.policy("xa-trademark-x", "content", groups=["full-text", "images", "legal-status"])

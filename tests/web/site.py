"""A platform on a port of its own, with records for the page: three languages, all views, and one that means harm."""

from __future__ import annotations

import asyncio
import datetime as dt
import io
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn

from api.access import accounts
from api.access.model import Group, Role
from common.errors import MalformedInput, Place
from common.messages import say
from indexer.reading import complaint_of
from indexer.record import (
    Citation,
    Classification,
    DatedFact,
    DateType,
    Designation,
    Finding,
    Image,
    MarkDetails,
    Number,
    NumberType,
    Party,
    PartyRole,
    Priority,
    Record,
    Right,
    Severity,
    Status,
    StatusEvent,
    Text,
    TextType,
)
from samples.figures import Style, figure, png
from store.ingest import Delivery, Member, Reject
from tests.exchange.offices import load
from tests.images import deliveries as pictures
from tests.pipeline import docdb
from tests.platforms import Platform, make_record, running, working
from tests.web import desk

SHOWN = [Group.FULL_TEXT.value, Group.IMAGES.value, Group.LEGAL_STATUS.value]
PASSWORD = "a long sample passphrase"
OVERRIDE = "\u202e\u2066"
LONG_NAME = "Endless Sample Works " * 480
SCRIPT = '<script>window.harmed = true</script><img src=x onerror="window.harmed = true">'
MISMATCH = say("input.not-well-formed-xml", fault="Opening and ending tag mismatch: number line 4 and record")
BROKEN_XML = b"<records>\n  <record>\n    <number>77</number>\n    <number>78\n  </record>\n</records>\n"


@dataclass
class Site:
    """The running site and what its tests sign in with."""

    url: str
    platform: Platform
    keys: dict[str, str] = field(default_factory=dict)
    otp: str = ""
    """otpauth:// address of the account `sample.steward`."""
    delivery: int = 0

    def key(self, name: str) -> str:
        return self.keys[name]


def patents() -> list[Record]:
    """One invention in four languages, three offices and one priority."""
    titles = {
        "XA": ("Solid electrolyte battery for an electric vehicle", "en"),
        "XB": ("電気自動車用の固体電解質電池", "ja"),
        "XC": ("بطارية ذات إلكتروليت صلب لمركبة كهربائية", "ar"),
    }
    abstracts = {
        "XA": "A battery with a solid electrolyte of sulfide glass needs no flammable liquid.",
        "XB": "硫化物ガラスの固体電解質を備えた電池は可燃性の液体を必要としない。",
        "XC": "لا تحتاج البطارية ذات الإلكتروليت الصلب إلى سائل قابل للاشتعال.",
    }
    priority = Priority(
        number=Number(type=NumberType.APPLICATION, raw="2018-700001", canonical="XB2018700001", office="XB"),
        date=dt.date(2018, 4, 2),
    )
    made = []
    for index, (office, (title, language)) in enumerate(titles.items()):
        record = make_record(
            office,
            101 + index,
            title,
            abstract=abstracts[office],
            claims=f"1. {title}.\n2. {abstracts[office]}",
            language=language,
            published=dt.date(2019 + index, 3, 14),
            status="active",
            applicant="Sample Cell Works Ltd",
        )
        extra = {"XA": [Text(type=TextType.TITLE, text="Batterie à électrolyte solide", language="fr")]}
        made.append(
            record.model_copy(
                update={
                    "kind_group": "application",
                    "texts": (*record.texts, *extra.get(office, [])),
                    "priorities": (priority,),
                    "dates": (*record.dates, DatedFact(type=DateType.FILING, date=dt.date(2018, 9, 1), raw="20180901")),
                    "designations": (Designation(office="DE"), Designation(office="FR")),
                    "citations": (
                        Citation(type="patent", category="X", number=Number(
                            type=NumberType.PUBLICATION, raw="XA0000200", canonical="XA0000200", office="XA")),
                        Citation(type="literature", text="A Sample Handbook of Cells, page 12", phase="search"),
                    ),
                    "events": (
                        StatusEvent(raw_code="FILED", scheme="SAMPLE", office=office, key_event="A10", state="inactive",
                                    event_date=dt.date(2018, 9, 1)),
                        StatusEvent(raw_code="GRANTED", scheme="SAMPLE", office=office, key_event="F10", state="active",
                                    event_date=dt.date(2020, 6, 3)),
                        StatusEvent(raw_code="PG25", scheme="INPADOC", office=office, key_event="H13",
                                    state="inactive", event_date=dt.date(2022, 5, 4), description=(
                                        Text(type=TextType.OTHER, text="Ref Country Code: FR", language="en"),)),
                    ),
                }
            )
        )  # fmt: skip
    return made


def others() -> list[Record]:
    """Marks and designs for the views with pictures, and patents enough for a second page."""
    mark = make_record("XA", 301, "unused", right=Right.TRADEMARK, status="active", ipc="H01M 10/0525")
    mark = mark.model_copy(
        update={
            "texts": (
                Text(type=TextType.MARK_TEXT, text="AOZORA", language="en"),
                Text(
                    type=TextType.GOODS_SERVICES, text="Electric batteries; chargers", language="en", class_symbol="9"
                ),
            ),
            "classifications": (Classification(scheme="NICE", symbol="9", raw="9"),),
            "mark": MarkDetails(feature="word", feature_raw="Word", kind="individual"),
        }
    )
    design = make_record("XB", 302, "unused", right=Right.DESIGN)
    design = design.model_copy(
        update={
            "texts": (Text(type=TextType.PRODUCT_INDICATION, text="Battery housing", language="en"),),
            "classifications": (Classification(scheme="LOCARNO", symbol="13-02", raw="13-02"),),
            "images": (
                Image(type="design-view", reference="view-1.png", sequence=1),
                Image(type="design-view", reference=""),
            ),
        }
    )  # fmt: skip
    many = [
        make_record("XA", 400 + n, f"Bicycle gear number {n}", ipc="B62M 9/00", published=dt.date(2000 + n % 20, 5, 5))
        for n in range(30)
    ]
    return [mark, design, *many]


def hostile() -> Record:
    """A record whose every text would do something, were it taken for anything but text."""
    record = make_record(
        "XA", 666, f"Harmful sample {SCRIPT}", abstract=f"harmful {OVERRIDE} sample </bdi></div>{SCRIPT}"
    )
    return record.model_copy(
        update={
            "parties": (
                Party(
                    role=PartyRole.APPLICANT, name=f'=HYPERLINK("https://example.org") {SCRIPT}', canonical_name="HARM"
                ),
                Party(role=PartyRole.INVENTOR, name=LONG_NAME, canonical_name="ENDLESS"),
                Party(role=PartyRole.INVENTOR, name=f"{OVERRIDE}gnp.elpmas", canonical_name="OVERRIDE"),
            ),
            "images": (
                Image(type="drawing", reference='javascript:alert(1)"><svg onload=alert(1)>'),
                Image(type="drawing", reference="https://example.org/missing.png", caption=SCRIPT),
            ),
            "classifications": (Classification(scheme="IPC", symbol='H01M"><script>', raw="x"),),
            "events": (StatusEvent(raw_code=SCRIPT, scheme="<b>SAMPLE</b>", office="XA"),),
            "status": Status(state="active", raw=SCRIPT),
            "citations": (Citation(type="literature", text=SCRIPT),),
            "findings": (
                Finding(rule="sample", severity=Severity.WARNING, field="title", message=SCRIPT, value=SCRIPT),
            ),
            "texts": (
                *record.texts,
                Text(type=TextType.CLAIMS, text=f"1. {SCRIPT} " * 4000, language="en"),
                Text(type=TextType.DESCRIPTION, text="An unbroken" + "word" * 20_000, language="xx"),
            ),
        }
    )


FIGURES = ("bench 0", "bench 8", "bench 13", "bench 22")
SHOWN_MARK = pictures.name("XP", "2022000001")
SPOILT_MARK = pictures.name("XP", "2022000009")


async def deliver_pictures(platform: Platform, folder: Path) -> None:
    """Figurative marks with their pictures, and one whose pictures mean harm."""
    platform.policy("xp-trademark-x", "content", groups=SHOWN)
    lines = [
        pictures.line(f"202200000{n}", f"{n}.png", office="XP", texts=[_title(f"Drawn figure {n}")])
        for n in range(len(FIGURES) + 1)
    ]
    harm = ("page.png", "drawing.svg", "both.png")
    lines.append(pictures.line("2022000009", *harm, office="XP", texts=[_title("Drawn harm")]))
    files = {f"{n}.png": pictures.picture(seed, 256) for n, seed in enumerate(FIGURES)}
    like_the_second = Style(((20, 80, 160),), (250, 240, 200), line=1.8)
    files |= {
        "4.png": png(figure(FIGURES[1], 256, like_the_second)),
        "page.png": b"<!DOCTYPE html>" + SCRIPT.encode(),
        "drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="window.harmed = true"/>',
        "both.png": pictures.picture("harm") + SCRIPT.encode(),
    }
    await pictures.load(platform, pictures.write(folder, {**files, "marks.jsonl": b"".join(lines)}), "XP")


def _title(text: str) -> dict[str, str]:
    return {"type": "title", "text": text, "language": "en"}


def prepare(site: Site) -> None:
    """Policies, keys, an account, an agreement, and a delivery with a reject."""
    platform = site.platform
    for provider, right in (
        ("xa", "patent"),
        ("xb", "patent"),
        ("xc", "patent"),
        ("xa", "trademark"),
        ("xb", "design"),
    ):
        platform.policy(f"{provider}-{right}-x", "content", groups=SHOWN)
    platform.policy("xd-patent-x", "existence")
    platform.policy("xe-patent-x", "none")
    for name, role in (
        ("examiner", Role.EXAMINER),
        ("steward", Role.PROVIDER_STEWARD),
        ("agent", Role.OFFICE_AGENT),
        ("quality", Role.DATA_QUALITY),
    ):
        site.keys[name] = platform.key("XA", role, label=f"sample {name}")
    site.keys["stranger"] = platform.key("XB", Role.EXAMINER)
    site.keys["receiver"] = platform.key("XB", Role.OFFICE_AGENT)
    site.keys["receiving steward"] = platform.key("XB", Role.PROVIDER_STEWARD)
    platform.agreement("XA", "XB", collections=["xa-patent-x"], tier="content", groups=SHOWN)
    sha256, size = platform.services.archive.put(io.BytesIO(BROKEN_XML))
    with platform.database.session() as session:
        address = accounts.create(
            session,
            platform.services.keys,
            name="sample.steward",
            office="XA",
            role=Role.PROVIDER_STEWARD,
            password=PASSWORD,
        )
        assert address is not None
        site.otp = address
        delivery = Delivery(
            provider="XA",
            collection="x",
            name="sample.xml",
            digest="sample",
            state="done",
            records=3,
            indexed=2,
            rejected=1,
        )
        session.add(delivery)
        session.flush()
        member = Member(
            delivery=delivery.sequence, file="sample.xml", sha256=sha256, size=size, format="sample", state="done"
        )
        session.add(member)
        session.flush()
        session.add(
            Reject(
                delivery=delivery.sequence, member=member.id, ordinal=2, file="sample.xml", severity="error",
                reason=complaint_of(MalformedInput(MISMATCH, place=Place("sample.xml", line=4))).reason,
            )
        )  # fmt: skip
        site.delivery = delivery.sequence
    desk.deliver(platform)


@contextmanager
def serving(opensearch_url: str, server_url: str, home: Path, port: int = 0) -> Iterator[Site]:
    """The site on a free port of loopback (or `port`), in a thread of its own, while the block runs."""
    ready = threading.Event()
    failure: list[BaseException] = []
    found: list[Site] = []
    halt: list[uvicorn.Server] = []

    async def serve() -> None:
        async with (
            running(opensearch_url, server_url, home, webhook_networks="127.0.0.0/8") as platform,
            working(platform),
        ):
            hidden = make_record("XD", 501, "Hidden battery sample")
            looms = [*desk.told_by_its_office(), *desk.told_by_others()]
            await platform.index([*patents(), *others(), hostile(), hidden, *looms])
            with socket.create_server(("127.0.0.1", port)) as listening:
                site = Site(f"http://127.0.0.1:{listening.getsockname()[1]}", platform)
                await asyncio.to_thread(prepare, site)
                # A delivery with its originals, for packages.
                await load(platform, "XA", home / "pumps.xml", [docdb.document(n) for n in range(3)])
                await deliver_pictures(platform, home / "pictures")
                # Last, since a load looks through all that is held for duplicates.
                await asyncio.to_thread(desk.enter_pairs, platform)
                # The first search by meaning loads the model, which is no part of what is measured here.
                await platform.services.vector_of("warm")
                server = uvicorn.Server(uvicorn.Config(platform.app, lifespan="off", log_level="warning"))
                halt.append(server)
                found.append(site)
                ready.set()
                await server.serve(sockets=[listening])

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            failure.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="site", daemon=True)
    thread.start()
    ready.wait()
    if failure:
        raise failure[0]
    try:
        yield found[0]
    finally:
        halt[0].should_exit = True
        thread.join(30)
        if failure:
            raise failure[0]

"""The small world that the sample deliveries report on: inventions with their families, marks, designs, works and indications.

Everything is derived from the topics, parties and lists beside this module by fixed rules, so the same world comes out each
time. Numbers follow each office's own pattern with serials that start high in their range.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
LANGUAGES = ("en", "ar", "zh", "fr", "de", "ja", "ko", "pt", "ru", "es")

OFFICE_LANGUAGES = {
    "US": ("en",),
    "GB": ("en",),
    "EP": ("de", "en", "fr"),
    "WO": (),
    "JP": ("ja",),
    "CN": ("zh",),
    "KR": ("ko",),
    "DE": ("de",),
    "FR": ("fr",),
    "RU": ("ru",),
    "BR": ("pt",),
    "PT": ("pt",),
    "ES": ("es",),
    "MX": ("es",),
    "SA": ("ar",),
    "TW": ("zh",),
    "EA": ("ru",),
}
NATIVE = {
    "JP": "ja",
    "CN": "zh",
    "KR": "ko",
    "DE": "de",
    "FR": "fr",
    "US": "en",
    "RU": "ru",
    "SA": "ar",
    "BR": "pt",
    "ES": "es",
    "GB": "en",
    "MX": "es",
    "TW": "zh",
    "PT": "pt",
}


@dataclass(frozen=True)
class Firm:
    country: str
    name: str
    latin: str
    variants: tuple[str, ...]


@dataclass(frozen=True)
class Person:
    country: str
    name: str
    latin: str


@dataclass(frozen=True)
class Topic:
    key: str
    neighbourhood: str
    ipc: tuple[str, ...]
    cpc: tuple[str, ...]
    title: dict[str, str]
    abstract: dict[str, str]
    query: dict[str, str]


@dataclass(frozen=True)
class Publication:
    """One patent publication of a family."""

    topic: Topic
    office: str
    number: str
    """As DOCDB writes it."""
    kind: str
    date: dt.date
    application: str
    filed: dt.date
    priorities: tuple[tuple[str, str, dt.date], ...]
    """(office, application number, date) of each."""
    applicant: Firm
    inventors: tuple[Person, ...]
    languages: tuple[str, ...]
    family: str
    cites: tuple[str, ...] = ()
    corrects: str | None = None
    designates: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mark:
    office: str
    application: str
    registration: str | None
    filed: dt.date
    registered: dt.date | None
    text: str
    feature: str
    classes: dict[int, dict[str, str]]
    """Nice class → goods and services per language."""
    vienna: tuple[str, ...]
    holder: Firm
    status: str
    transliteration: str | None = None
    designates: tuple[str, ...] = ()
    basic: tuple[str, str] | None = None
    """(office, number) of the basic mark of an international registration."""


@dataclass(frozen=True)
class Design:
    office: str
    application: str
    index: str
    filed: dt.date
    registered: dt.date
    product: dict[str, str]
    locarno: str
    views: int
    holder: Firm
    designer: Person
    designates: tuple[str, ...] = ()


@dataclass(frozen=True)
class Work:
    number: str
    title: dict[str, str]
    description: dict[str, str]
    kind: str
    year: int
    identifier: tuple[str, str] | None
    author: str | None
    user: Firm
    publish: bool


@dataclass(frozen=True)
class Indication:
    office: str
    number: str
    registered: dt.date
    name: str
    language: str
    product: dict[str, str]
    holder: str


@dataclass(frozen=True)
class World:
    topics: tuple[Topic, ...]
    publications: tuple[Publication, ...]
    marks: tuple[Mark, ...]
    designs: tuple[Design, ...]
    works: tuple[Work, ...]
    indications: tuple[Indication, ...]
    firms: dict[str, Firm] = field(default_factory=dict)


TOPICS = HERE / "topics"


def topics(folder: Path = TOPICS) -> tuple[Topic, ...]:
    """The topics of a folder's files, in the files' order."""
    contents = [tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.toml"))]
    return tuple(
        Topic(
            key=row["key"],
            neighbourhood=content["neighbourhood"],
            ipc=tuple(row["ipc"]),
            cpc=tuple(row["cpc"]),
            title=row["title"],
            abstract=row["abstract"],
            query=row["query"],
        )
        for content in contents
        for row in content["topic"]
    )


# Where each family is first filed and where it goes from there. Rotated over the topics.
ROUTES = (
    ("JP", ("JP:A", "WO:A1", "US:A1", "US:B2", "EP:A1", "CN:A")),
    ("CN", ("CN:A", "WO:A1", "JP:A", "EP:A1", "EP:B1")),
    ("KR", ("KR:A", "WO:A1", "US:A1", "CN:A")),
    ("DE", ("DE:A1", "EP:A1", "EP:B1", "WO:A2", "WO:A3", "KR:A")),
    ("FR", ("FR:A1", "WO:A1", "BR:A2", "EP:A1")),
    ("US", ("US:A1", "WO:A1", "JP:A", "MX:A", "TW:B", "EP:A1")),
    ("RU", ("RU:C1", "EA:B1", "WO:A1")),
    ("SA", ("SA:A", "WO:A1", "US:A1")),
    ("BR", ("BR:A2", "WO:A1", "ES:A1")),
    ("ES", ("ES:A1", "MX:A", "WO:A1")),
    ("GB", ("GB:A", "EP:A1", "WO:A1", "WO:A8")),
    ("MX", ("MX:A", "ES:A1", "US:A1")),
    ("TW", ("TW:B", "US:A1", "US:B2", "CN:A")),
    ("PT", ("PT:A", "BR:A2", "EP:A1")),
)


def _number(office: str, kind: str, year: int, serial: int) -> str:
    """A publication number in the pattern of the office, as DOCDB writes it."""
    patterns = {
        "JP": f"{year}{900000 + serial:06d}",
        "CN": f"1{18900000 + serial:08d}" if kind == "A" else f"{serial}",
        "KR": f"{year}0{90000 + serial:06d}",
        "DE": f"10{year}{900000 + serial:06d}",
        "FR": f"{3190000 + serial}",
        "US": f"{year}{390000 + serial:07d}" if kind.startswith("A") else f"{11900000 + serial}",
        "RU": f"{2790000 + serial}",
        "EA": f"{49000 + serial:06d}",
        "SA": f"5{year % 100:02d}{40000 + serial:05d}"[:8],
        "WO": f"{year}{290000 + serial:06d}",
        "BR": f"11{year}{29000 + serial:06d}",
        "ES": f"{2990000 + serial}",
        "GB": f"{2690000 + serial}",
        "MX": f"{year}{19000 + serial:06d}",
        "TW": f"I{790000 + serial}",
        "PT": f"{119000 + serial}",
        "EP": f"{4390000 + serial}",
    }
    return patterns[office]


def _application(office: str, year: int, serial: int) -> str:
    patterns = {
        "JP": f"{year}{190000 + serial:06d}",
        "CN": f"{year}1{900000 + serial:07d}",
        "KR": f"{year}0{190000 + serial:06d}",
        "DE": f"10{year}{190000 + serial:06d}",
        "FR": f"{year % 100:02d}{19000 + serial:05d}",
        "US": f"{year}{17900000 + serial}",
        "RU": f"{year}{190000 + serial:06d}",
        "EA": f"{year}{19000 + serial:05d}",
        "SA": f"1{year % 100:02d}{41900 + serial:06d}",
        "WO": f"{year}{190000 + serial:06d}",
        "BR": f"11{year}{19000 + serial:06d}",
        "ES": f"{year}{39000 + serial:05d}",
        "GB": f"{year}{19000 + serial:05d}",
        "MX": f"{year}{19000 + serial:06d}",
        "TW": f"{year - 1911}{190000 + serial:06d}",
        "PT": f"{119500 + serial}",
        "EP": f"{year}{190000 + serial:06d}",
    }
    return patterns[office]


def _firms() -> tuple[dict[str, Firm], dict[str, tuple[Person, ...]]]:
    content = tomllib.loads((HERE / "parties.toml").read_text(encoding="utf-8"))
    firms = {
        row["country"]: Firm(row["country"], row["name"], row["latin"], tuple(row["variants"]))
        for row in content["firm"]
    }
    people = {
        country: tuple(Person(country, native, latin) for native, latin in pairs)
        for country, pairs in content["people"].items()
    }
    return firms, people


def _family(
    position: int, topic: Topic, firms: dict[str, Firm], people: dict[str, tuple[Person, ...]]
) -> list[Publication]:
    origin, route = ROUTES[position % len(ROUTES)]
    year = 2012 + (position * 5) % 10
    first_filed = dt.date(year, 1 + position % 12, 1 + (position * 7) % 28)
    priority = (origin, _application(origin, year, position), first_filed)
    home = NATIVE[origin]
    members: list[Publication] = []
    for step, member in enumerate(route):
        office, kind = member.split(":")
        filed = first_filed if office == origin else first_filed + dt.timedelta(days=330 + step * 9)
        months = {"A1": 549, "A": 549, "A2": 549, "A3": 730, "A8": 790, "B1": 1400, "B2": 1280, "B": 1100, "C1": 620}[
            kind
        ]
        published = first_filed + dt.timedelta(days=months + step * 7)
        languages = OFFICE_LANGUAGES[office] or ((home, "en") if home != "en" else ("en", "fr"))
        application = _application(office, filed.year, position)
        same_application = [m for m in members if m.office == office]
        number = _number(office, kind, published.year, position)
        if same_application and not (office == "US" and kind.startswith("B")):
            number = same_application[0].number
        members.append(
            Publication(
                topic=topic,
                office=office,
                number=number,
                kind=kind,
                date=published,
                application=application,
                filed=filed,
                priorities=(priority,),
                applicant=firms[origin],
                inventors=people[origin],
                languages=languages,
                family=str(79000000 + position),
                cites=(f"EP{1390000 + position}A1", f"US{2001 + position % 9}{39000 + position:07d}A1")
                if kind in ("A1", "A3", "B1", "B2")
                else (),
                corrects=number if kind == "A8" else None,
                designates=("DE", "FR", "GB", "ES") if office == "EP" else (),
            )
        )
    return members


def world() -> World:
    """The whole sample world."""
    firms, people = _firms()
    all_topics = topics()
    publications = [
        member for position, topic in enumerate(all_topics) for member in _family(position, topic, firms, people)
    ]
    lists = tomllib.loads((HERE / "lists.toml").read_text(encoding="utf-8"))
    return World(
        topics=all_topics,
        publications=tuple(publications),
        marks=tuple(_mark(n, row, firms) for n, row in enumerate(lists["mark"])),
        designs=tuple(design for n, row in enumerate(lists["design"]) for design in _designs(n, row, firms, people)),
        works=tuple(_work(n, row, firms) for n, row in enumerate(lists["work"])),
        indications=tuple(
            Indication(
                row["office"],
                f"PGI-{900 + n}",
                dt.date(2011 + n, 4, 12),
                row["name"],
                row["language"],
                row["product"],
                row["holder"],
            )
            for n, row in enumerate(lists["indication"])
        ),
        firms=firms,
    )


def _mark(position: int, row: dict[str, object], firms: dict[str, Firm]) -> Mark:
    lists = tomllib.loads((HERE / "lists.toml").read_text(encoding="utf-8"))["goods"]
    office = str(row["office"])
    filed = dt.date(2014 + position % 9, 1 + (position * 5) % 12, 1 + (position * 11) % 28)
    status = str(row.get("status", "Registered"))
    registered = filed + dt.timedelta(days=200 + position % 50) if status in ("Registered", "Expired") else None
    application = {
        "EM": f"0189{position:05d}",
        "US": f"889{position:05d}",
        "WO": f"19{position:05d}",
        "KR": f"40{filed.year}09{position:05d}",
        "SA": f"14390{position:05d}",
        "BR": f"919{position:06d}",
        "CN": f"599{position:05d}",
        "JP": f"{filed.year}-19{position:04d}",
        "DE": f"30{filed.year}19{position:04d}",
        "RU": f"{filed.year}79{position:04d}",
        "FR": f"{filed.year % 100}489{position:04d}",
        "ES": f"M419{position:04d}",
        "MX": f"289{position:04d}",
        "GB": f"UK0000389{position:04d}",
    }[office]
    registration = (
        None
        if registered is None
        else {"US": f"699{position:04d}", "KR": f"4019{position:05d}0000", "JP": f"679{position:04d}"}.get(
            office, application
        )
    )
    return Mark(
        office=office,
        application=application,
        registration=registration,
        filed=filed,
        registered=registered,
        text=str(row["text"]),
        feature=str(row.get("feature", "Word")),
        classes={int(number): lists[str(number)] for number in row["classes"]},  # type: ignore[attr-defined]
        vienna=tuple(row.get("vienna", ())),  # type: ignore[arg-type]
        holder=firms[str(row["holder"])],
        status=status,
        transliteration=row.get("transliteration"),  # type: ignore[arg-type]
        designates=tuple(row.get("designates", ())),  # type: ignore[arg-type]
        basic=tuple(row["basic"]) if "basic" in row else None,  # type: ignore[arg-type]
    )


def _designs(
    position: int, row: dict[str, object], firms: dict[str, Firm], people: dict[str, tuple[Person, ...]]
) -> list[Design]:
    office, count = str(row["office"]), int(row.get("count", 1))  # type: ignore[call-overload]
    filed = dt.date(2015 + position % 8, 1 + (position * 3) % 12, 1 + (position * 5) % 28)
    holder = str(row["holder"])
    application = {
        "EM": f"0089{position:05d}",
        "WO": f"DM/{229000 + position}",
        "KR": f"30{filed.year}09{position:05d}",
        "DE": f"40{filed.year}19{position:04d}",
        "US": f"29{900000 + position}",
        "BR": f"BR30{filed.year}9{position:05d}",
    }[office]
    return [
        Design(
            office=office,
            application=application,
            index=f"{n:04d}",
            filed=filed,
            registered=filed + dt.timedelta(days=60),
            product=row["product"],  # type: ignore[arg-type]
            locarno=str(row["locarno"]),
            views=3 + (position + n) % 4,
            holder=firms[holder],
            designer=people[holder][n % 2],
            designates=tuple(row.get("designates", ())),  # type: ignore[arg-type]
        )
        for n in range(1, count + 1)
    ]


def _work(position: int, row: dict[str, object], firms: dict[str, Firm]) -> Work:
    return Work(
        number=f"OW-{20190000 + position}",
        title=row["title"],  # type: ignore[arg-type]
        description=row["description"],  # type: ignore[arg-type]
        kind=str(row["kind"]),
        year=int(row["year"]),  # type: ignore[call-overload]
        identifier=tuple(row["identifier"]) if "identifier" in row else None,  # type: ignore[arg-type]
        author=row.get("author"),  # type: ignore[arg-type]
        user=firms[str(row["user"])],
        publish=bool(row.get("publish", True)),
    )

"""Fuzzy blocking on the real engine: each road leads from a record to the one that shares just this with it, and to no
other."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from indexer.binding import languages
from indexer.duplicates import profile
from indexer.duplicates.blocking import NEIGHBOURS, NUMBER_CHARACTERS, block, one_off
from indexer.embedding import embedder, text_of
from indexer.record import Classification, Number, NumberType, Priority, Record, Right, Text, TextType
from tests.platforms import Platform, make_record, running

pytestmark = pytest.mark.asyncio(loop_scope="session")

PRIORITY = Priority(
    number=Number(type=NumberType.APPLICATION, raw="7", canonical="DE1999000007", office="DE"), date=dt.date(1999, 1, 1)
)


def patent(number: int, title: str, day: str, owner: str, ipc: str, **more: Any) -> Record:
    language, office = more.pop("language", "en"), more.pop("office", "EP")
    made = make_record(office, number, title, language=language, published=dt.date.fromisoformat(day), applicant=owner,
                       ipc=ipc)  # fmt: skip
    return made.model_copy(update=more)


def mark(number: int, sign: str, nice: str, day: str) -> Record:
    made = make_record("EM", number, "-", right=Right.TRADEMARK, published=dt.date.fromisoformat(day), applicant=sign)
    return made.model_copy(
        update={
            "texts": (Text(type=TextType.MARK_TEXT, text=sign, language="xx"),),
            "classifications": (Classification(scheme="NICE", symbol=nice, raw=nice),),
        }
    )


def work(office: str, number: int, title: str, isbn: str) -> Record:
    made = make_record(office, number, title, right=Right.COPYRIGHT, applicant=title)
    identifier = Number(type=NumberType.ISBN, raw=isbn, canonical=isbn, office=office)
    return made.model_copy(update={"numbers": (identifier,)})


BATTERY = patent(5555555, "電気自動車用の固体電解質電池", "2005-05-05", "Elm", "H01M 10/05", language="ja")
HELD = {
    "number": patent(1111111, "Loom shuttle", "2001-01-01", "Alder", "D03D 49/00"),
    "priority": patent(2222222, "Kettle spout", "2002-02-02", "Birch", "A47J 27/21", priorities=(PRIORITY,)),
    "owner and day": patent(3333333, "Bicycle saddle", "2003-03-03", "Cedar", "B62J 1/00"),
    "title": patent(4444444, "Roasting green coffee beans", "2004-04-04", "Damson", "A23N 12/08"),
    "meaning": BATTERY,
    "class and day": patent(6666666, "Umbrella frame", "2006-06-06", "Fir", "A45B 25/02"),
    "sound": mark(7000001, "KOLA NOVA", "32", "2007-07-07"),
    "writing": mark(8000002, "LUMARA", "9", "2008-08-08"),
    "identifier": work("EP", 9000009, "Harbour lights", "9780306406157"),
}
CROWD = [
    patent(10 * n + 500, f"Sample {word}", "2005-05-05", f"Grower {n}", f"A01B {n}/00")
    for n, word in enumerate(
        ("plough", "harrow", "rake", "scythe", "hoe", "spade", "dibber", "fork", "sickle", "mower", "baler", "drill"), 1
    )
]
"""More records of the battery's day than are neighbours asked for."""
ASKED = {
    "number": patent(1111117, "Weaving device", "2011-01-01", "Ash", "E01B 1/00"),
    "priority": patent(2900000, "Vessel", "2012-02-02", "Beech", "E01C 1/00", priorities=(PRIORITY,)),
    "owner and day": patent(3900000, "Seat", "2003-03-03", "Cedar", "E01D 1/00"),
    "title": patent(4900000, "Green coffee beans roasting", "2014-04-04", "Dogwood", "E01F 1/00"),
    "meaning": patent(5900000, "Solid electrolyte battery for an electric vehicle", "2005-05-05", "Ebony", "E01H 1/00"),
    "class and day": patent(6900000, "Parasol", "2006-06-06", "Fig", "A45B 25/02"),
    "sound": mark(7900000, "COLA NOVA", "32", "2017-07-07"),
    "writing": mark(8900000, "lumara", "25", "2018-08-08"),
    "identifier": work("XN", 9900000, "Lights of a port", "9780306406150"),
}
NOWHERE = {
    "another office's title": patent(
        4900001, "Roasting green coffee beans", "2014-04-04", "Date", "E01F 1/00", office="US"
    ),
    "the sound in another class": mark(7900018, "COLA NOVA", "9", "2017-07-07"),
    "two digits off": patent(1111177, "Weaver", "2011-01-02", "Aspen", "E01B 1/00"),
    "the owner on another day": patent(3900001, "Perch", "2013-03-03", "Cedar", "E01D 1/00"),
    "the class on another day": patent(6900001, "Awning", "2016-06-06", "Fig", "A45B 25/02"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def platform(engines: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    async with running(*engines, tmp_path_factory.mktemp("blocking")) as platform:
        await platform.index([*HELD.values(), *CROWD])
        yield platform


async def met(platform: Platform, records: list[Record], *, meaning: bool) -> list[set[str]]:
    model = embedder(platform.settings.embedder)
    vectors = list(model.embed([text_of(record) or "-" for record in records])) if meaning else [None] * len(records)
    profiles = [profile.profile(record.model_dump(mode="json")) for record in records]
    return [set(ids) for ids in await block(platform.writer, profiles, vectors, languages())]


CHARACTERS = st.sampled_from(sorted(NUMBER_CHARACTERS))


@st.composite
def edited(draw: st.DrawFn) -> tuple[str, str]:
    """A number, and what one or two errors behind its first letters make of it."""
    number = draw(st.text(CHARACTERS, min_size=2, max_size=12))
    other = number
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(2, len(other)))
        gone, added = draw(st.integers(0, 2)), draw(st.text(CHARACTERS, max_size=2))
        other = (
            other[:place] + draw(st.sampled_from([added, other[place : place + gone][::-1]])) + other[place + gone :]
        )
    return number, other


@given(edited())
async def test_a_number_with_one_error_is_among_those_that_are_looked_for(told: tuple[str, str]) -> None:
    number, other = told
    assert (other in one_off(number)) == (OSA.distance(number, other) <= 1)


async def test_a_number_without_end_is_looked_for_as_it_is() -> None:
    assert one_off("X" * 10_000) == ["X" * 10_000]


async def test_each_road_leads_to_the_one_record_at_its_end(platform: Platform) -> None:
    found = await met(platform, list(ASKED.values()), meaning=False)
    wanted = {road: {record.id} for road, record in HELD.items()} | {"meaning": set()}
    assert dict(zip(ASKED, found, strict=True)) == wanted


async def test_a_title_in_another_language_is_met_by_its_vector(platform: Platform) -> None:
    (found,) = await met(platform, [ASKED["meaning"]], meaning=True)
    assert BATTERY.id in found
    assert len(found) <= NEIGHBOURS + 1 < len(CROWD)


async def test_what_shares_less_is_not_met(platform: Platform) -> None:
    found = await met(platform, list(NOWHERE.values()), meaning=False)
    assert dict(zip(NOWHERE, found, strict=True)) == {road: set() for road in NOWHERE}

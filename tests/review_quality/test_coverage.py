"""Coverage and gaps: exact on small worlds, equal to a naive count on random ones, and silent about what is hidden."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.coverage.holdings import number_of, refresh, series_of
from indexer.coverage.load import load_authority_file
from indexer.coverage.report import coverage, gaps, range_gaps
from indexer.coverage.visible import EVERYTHING, Span, Visible
from indexer.record import Right
from samples.authority import Line, text
from tests.review_quality.world import World, at, held

DAY = dt.date(2020, 5, 6)
LATER = dt.date(2021, 5, 6)


def load(world: World, folder: Path, lines: list[Line], name: str = "f.txt") -> None:
    path = folder / name
    path.write_text(text(lines), "utf-8")
    load_authority_file(world.database, path, by="test")


def rows(
    world: World, visible: Visible = EVERYTHING, sheet: int = 0, own: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    refresh(world.database)
    with world.database.session() as session:
        return coverage(session, visible, own=own)[sheet].json()


def missing(world: World, visible: Visible = EVERYTHING, **options: Any) -> list[tuple[str, str, str]]:
    refresh(world.database)
    with world.database.session() as session:
        found = gaps(session, visible, "EP", **options).rows
    return [(row["number"], row["kind"], row["exception"]) for row in found]


LISTED = [
    Line("EP", "1000001", "A1", DAY),
    Line("EP", "1000002", "A1", DAY),
    Line("EP", "1000003", "A1", DAY),
    Line("EP", "1000004", "A1", DAY, "W"),
    Line("EP", "1000005", "A1", DAY, "M"),
    Line("EP", "1000006", "", None, "N"),
    Line("EP", "1000007", "A1", LATER),
    Line("EP", "1000008", "A2", DAY),
]


def test_coverage_is_held_of_listed_less_excepted(world: World, tmp_path: Path) -> None:
    load(world, tmp_path, LISTED)
    world.deliver(
        [
            held("EP", "1000001", "A1", DAY),
            held("EP", "1000003", "A1", DAY),
            held("EP", "1000003", "A1", DAY, provider="JP"),  # the same publication from somebody else
            held("EP", "1000005", "A1", DAY),  # said to be missing
            held("EP", "1000007", "A1", DAY),  # the list's year counts, not ours
            held("EP", "1000009", "A1", DAY),  # not listed
        ],
        received=at("2020-06-01"),
    )
    assert rows(world) == [
        row("EP", "", None, listed=1, excepted=1, held=0),
        row("EP", "A1", 2020, listed=5, excepted=2, held=2, held_excepted=1, unlisted=1),
        row("EP", "A1", 2021, listed=1, excepted=0, held=1),
        row("EP", "A2", 2020, listed=1, excepted=0, held=0),
    ]


def row(office: str, kind: str, year: int | None, **counts: int) -> dict[str, Any]:
    due = counts["listed"] - counts["excepted"]
    return {
        "office": office,
        "kind": kind,
        "year": year,
        "held_excepted": 0,
        "unlisted": 0,
        "due": due,
        "missing": due - counts["held"],
        "coverage": round(counts["held"] / due, 6) if due else None,
        **counts,
    }


def test_gaps_are_listed_by_number_with_their_exception_code(world: World, tmp_path: Path) -> None:
    load(world, tmp_path, LISTED)
    world.deliver([held("EP", "1000001", "A1", DAY), held("EP", "1000007", "A1", LATER)], received=at("2020-06-01"))
    every = [
        ("EP1000002", "A1", ""),
        ("EP1000003", "A1", ""),
        ("EP1000004", "A1", "W"),
        ("EP1000005", "A1", "M"),
        ("EP1000006", "", "N"),
        ("EP1000008", "A2", ""),
    ]
    assert missing(world) == every
    assert missing(world, excepted=False) == [entry for entry in every if not entry[2]]
    assert missing(world, kind="A2") == every[-1:]
    assert missing(world, year=2021) == []
    paged: list[tuple[str, str, str]] = []
    while page := missing(world, after=paged[-1][:2] if paged else ("", ""), limit=2):
        paged += page
    assert paged == every


def test_what_is_deleted_or_corrected_is_followed(world: World, tmp_path: Path) -> None:
    load(world, tmp_path, LISTED[:2])
    first, second = held("EP", "1000001", "A1", DAY), held("EP", "1000002", "A1", DAY)
    world.deliver([first, second], received=at("2020-06-01"))
    assert rows(world)[0]["held"] == 2
    world.deliver([], received=at("2020-06-08"), deleted=[second.id])
    assert rows(world)[0]["held"] == 1
    world.deliver([second], received=at("2020-06-15"))
    assert rows(world)[0]["held"] == 2


def test_runs_of_numbers_tell_gaps_where_no_authority_file_is(world: World) -> None:
    numbers = ("H05000010", "H05000011", "H05000014", "H05000020", "2005000001", "2005000003")
    world.deliver(
        [held("JP", number, "A", dt.date(1993, 2, 1) if number[0] == "H" else DAY) for number in numbers]
        + [
            held("EM", "018000001", "", DAY, right=Right.TRADEMARK),
            held("EM", "018000003", "", DAY, right=Right.TRADEMARK),
        ]
        + [held("EP", "1000001", "B1", DAY), held("EP", "1000900", "B1", DAY)],  # grants keep the application's number
        received=at("2020-06-01"),
        provider="JP",
    )
    assert rows(world) == []
    found = [tuple(entry.values()) for entry in rows(world, sheet=1)]
    assert found == [
        ("EM", "trademark", "", 2020, "EM018000001", "EM018000003", 2, 1, 1),
        ("JP", "patent", "A*", 1993, "JPH05000010", "JPH05000020", 4, 7, 2),
        ("JP", "patent", "A*", 2020, "JP2005000001", "JP2005000003", 2, 1, 1),
    ]
    with world.database.session() as session:
        stretches = range_gaps(session, EVERYTHING, office="JP", year=1993).rows
    assert [(r["first"], r["last"], r["numbers"]) for r in stretches] == [
        ("JPH05000012", "JPH05000013", 2),
        ("JPH05000015", "JPH05000019", 5),
    ]


def test_kinds_of_one_letter_share_a_run(world: World) -> None:
    """An A2 between two A1 is no gap."""
    world.deliver(
        [held("EP", "1000001", "A1", DAY), held("EP", "1000002", "A2", DAY), held("EP", "1000003", "A1", DAY)],
        received=at("2020-06-01"),
    )
    assert [(r["held"], r["missing"]) for r in rows(world, sheet=1)] == [(3, 0)]


@given(st.integers(0, 10**9), st.sampled_from(["", "H", "S"]), st.integers(1, 12))
def test_a_number_comes_back_from_its_series(serial: int, prefix: str, width: int) -> None:
    number = f"JP{prefix}{serial:0{width}d}"
    series, place = series_of(number, "JP", "patent", "A")
    assert series is not None
    assert place is not None
    assert number_of(series, place) == number


# ------------------------------------------------------------------------------------------------------ who may see it


def test_hidden_records_leave_no_trace_in_coverage(world: World, tmp_path: Path) -> None:
    load(world, tmp_path, LISTED)
    load(world, tmp_path, [Line("JP", "2005000001", "A", DAY)], "jp.txt")
    world.deliver([held("EP", "1000001", "A1", DAY, name="open")], received=at("2020-06-01"))
    public = Visible((Span(collections=frozenset({"ep-patent-open"}), date_to=dt.date(2020, 12, 31)),))

    def answers() -> list[Any]:
        refresh(world.database)
        with world.database.session() as session:
            sheets = [*coverage(session, public), gaps(session, public, "EP"), gaps(session, public, "JP")]
            return [sheet.page() for sheet in [*sheets, range_gaps(session, public)]]

    before = answers()
    assert [entry[0] for entry in before[0]["rows"]] == ["EP"] * 4
    assert before[3]["rows"] == []
    world.deliver(
        [
            held("EP", "1000002", "A1", DAY, name="closed"),
            held("EP", "1000003", "A1", dt.date(2021, 1, 1), name="open"),  # under embargo
            held("EP", "1000008", "A2", None, name="open"),
            held("EP", "1000007", "A1", DAY, name="open", unpublished=True),
            held("JP", "2005000001", "A", DAY, provider="JP", name="closed"),
            held("JP", "2005000009", "A", DAY, provider="JP", name="closed"),
        ],
        received=at("2020-07-01"),
    )
    assert answers() == before
    own = Visible((Span(provider="EP", unpublished=True),))
    assert [entry["held"] for entry in rows(world, own)] == [0, 3, 1, 1]


def test_a_scope_without_grants_sees_nothing_but_its_own_offices_list(world: World, tmp_path: Path) -> None:
    load(world, tmp_path, LISTED[:2])
    world.deliver([held("EP", "1000001", "A1", DAY)], received=at("2020-06-01"))
    nobody = Visible(())
    assert rows(world, nobody) == []
    assert missing(world, nobody) == []
    assert rows(world, nobody, own=("EP",)) == [row("EP", "A1", 2020, listed=2, excepted=0, held=0)]


def test_catching_up_in_steps_ends_where_catching_up_at_once_does(world: World) -> None:
    world.deliver([held("EP", str(1000000 + n), "A1", DAY) for n in range(50)], received=at("2020-06-01"))
    assert refresh(world.database) == 50
    assert refresh(world.database) == 0


# ------------------------------------------------------------------------------------------------------ against naive

numbers = st.integers(1000001, 1000012)
kinds = st.sampled_from(["A1", "A2", "B1"])
years = st.sampled_from([dt.date(2019, 3, 1), dt.date(2020, 3, 1)])
lists = st.dictionaries(
    st.tuples(numbers, kinds), st.tuples(years, st.sampled_from(["", "", "", "W", "M"])), min_size=1
)
held_sets = st.dictionaries(
    st.tuples(numbers, kinds, st.sampled_from(["EP", "JP", "US"])), st.tuples(years, st.booleans()), max_size=25
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lists, held_sets, st.sets(st.sampled_from(["EP", "JP", "US"])))
def test_coverage_equals_a_naive_count(
    world: World,
    tmp_path: Path,
    listed: dict[tuple[int, str], tuple[dt.date, str]],
    holdings: dict[tuple[int, str, str], tuple[dt.date, bool]],
    readable: set[str],
) -> None:
    with world.database.driver() as connection:
        connection.execute(
            "truncate authority_entries, authority_files, records, record_versions, rejects, delivery_members, "
            "deliveries, holdings restart identity cascade"
        )
    load(world, tmp_path, [Line("EP", str(n), k, day, code) for (n, k), (day, code) in listed.items()])
    world.deliver(
        [
            held("EP", str(n), k, day, provider=provider, unpublished=secret)
            for (n, k, provider), (day, secret) in holdings.items()
        ],
        received=at("2020-06-01"),
    )
    refresh(world.database)
    visible = Visible(tuple(Span(collections=frozenset({f"{p.lower()}-patent-x"})) for p in sorted(readable)))
    with world.database.session() as session:
        counted = coverage(session, visible, own=("EP",))[0].json()
        gap_rows = gaps(session, visible, "EP", own=("EP",)).rows

    seen = {(n, k) for (n, k, p), (_, secret) in holdings.items() if p in readable and not secret}
    first: dict[tuple[int, str], int] = {}
    for (n, k, p), (day, secret) in holdings.items():
        if p in readable and not secret:
            first[n, k] = min(day.year, first.get((n, k), 9999))
    expected: dict[tuple[str, int], dict[str, int]] = {}
    zero = {"listed": 0, "excepted": 0, "held": 0, "held_excepted": 0, "unlisted": 0}
    for (n, k), (day, code) in listed.items():
        entry = expected.setdefault((k, day.year), dict(zero))
        entry["listed"] += 1
        entry["excepted"] += bool(code)
        entry["held_excepted" if code else "held"] += (n, k) in seen
    for (n, k), year in first.items():
        if (n, k) not in listed:
            expected.setdefault((k, year), dict(zero))["unlisted"] += 1
    assert {(r["kind"], r["year"]): {name: r[name] for name in zero} for r in counted} == expected
    for entry in counted:
        assert entry["due"] == entry["listed"] - entry["excepted"]
        assert entry["missing"] == entry["due"] - entry["held"]
    assert [(r["number"], r["kind"], r["exception"]) for r in gap_rows] == sorted(
        (f"EP{n}", k, code) for (n, k), (_, code) in listed.items() if (n, k) not in seen
    )

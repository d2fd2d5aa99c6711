"""Lags, corrections and overdue deliveries, worked out by hand."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from common.errors import NotFound, UsageError
from indexer.coverage.holdings import refresh
from indexer.coverage.visible import EVERYTHING, Span, Visible
from indexer.freshness import declare, freshness
from tests.review_quality.world import World, at, held

TODAY = dt.date(2024, 3, 31)
D = dt.date


def tell(world: World) -> None:
    """EP, weekly: 1 March (published 2 and 10 days before, and one of 2020), 8 March (2 days; one corrected)."""
    corrected = held("EP", "1000001", "A1", D(2024, 2, 28))
    world.deliver(
        [corrected, held("EP", "1000002", "A1", D(2024, 2, 20)), held("EP", "1000003", "A1", D(2020, 1, 1))],
        received=at("2024-03-01"),
    )
    world.deliver([corrected, held("EP", "1000004", "A1", D(2024, 3, 6))], received=at("2024-03-08"))
    with world.database.session() as session:
        declare(session, "ep-patent-x", "weekly", by="test", grace_days=1)


def report(world: World, visible: Visible = EVERYTHING, **options: Any) -> dict[str, list[dict[str, Any]]]:
    refresh(world.database)
    with world.database.session() as session:
        return {sheet.name: sheet.json() for sheet in freshness(session, visible, today=TODAY, **options)}


def test_lag_runs_from_publication_to_the_first_delivery(world: World) -> None:
    tell(world)
    (row,) = report(world)["freshness"]
    assert row == {
        "office": "EP",
        "right": "patent",
        "records": 4,
        "last_publication": "2024-03-06",
        "last_delivery": "2024-03-08T12:00:00+00:00",
        "lag_median": 2.0,
        "lag_p95": 9.2,  # of 2, 2, 10, interpolated: 2 + 0.9 × 8
        "measured": 3,
        "corrections": 1,
        "correction_median": 7.0,
        "correction_p95": 7.0,
        "overdue": True,
    }


def test_the_window_ends_at_the_last_publication(world: World) -> None:
    tell(world)
    (row,) = report(world, days=10)["freshness"]
    assert (row["measured"], row["lag_median"]) == (2, 2.0)
    (row,) = report(world, days=2000)["freshness"]
    assert row["measured"] == 4


@pytest.mark.parametrize(
    ("every", "grace", "due", "late"),
    [("daily", 0, "2024-03-09", 22), ("weekly", 1, "2024-03-16", 15), ("monthly", 0, "2024-04-08", 0)],
)
def test_overdue_is_told_against_the_declared_schedule(
    world: World, every: str, grace: int, due: str, late: int
) -> None:
    tell(world)
    with world.database.session() as session:
        declare(session, "ep-patent-x", every, by="test", grace_days=grace)
    (row,) = report(world)["schedules"]
    assert (row["due"], row["overdue_days"], row["overdue"]) == (due, late, late > 0)


def test_without_a_schedule_nothing_is_overdue(world: World) -> None:
    tell(world)
    with world.database.session() as session:
        declare(session, "ep-patent-x", None, by="test")
    found = report(world)
    assert found["freshness"][0]["overdue"] is None
    assert (found["schedules"][0]["every"], found["schedules"][0]["overdue"]) == (None, None)


def test_a_delivery_that_says_the_same_again_is_a_delivery(world: World) -> None:
    tell(world)
    again = world.deliver([], received=at("2024-03-15"))
    world.confirm(["ep-patent-x.EP1000004.A1"], again)
    row = report(world)["freshness"][0]
    assert (row["last_delivery"], row["corrections"], row["lag_median"]) == ("2024-03-15T12:00:00+00:00", 1, 2.0)


def test_others_learn_of_deliveries_only_by_what_they_see(world: World) -> None:
    tell(world)
    public = Visible((Span(collections=frozenset({"ep-patent-x"}), date_to=TODAY),))
    own = Visible((Span(provider="EP", unpublished=True),))
    before = report(world, public)
    world.deliver(
        [held("EP", "1000009", "A1", D(2024, 5, 1)), held("EP", "1000010", "A1", None, unpublished=True)],
        received=at("2024-03-20"),
    )
    assert report(world, public) == before
    assert report(world, own)["schedules"][0]["last_delivery"] == "2024-03-20T12:00:00+00:00"
    assert report(world, Visible(())) == {"freshness": [], "schedules": []}


def test_a_schedule_is_declared_by_its_provider_in_known_words(world: World) -> None:
    tell(world)
    with world.database.session() as session:
        with pytest.raises(UsageError, match="no schedule"):
            declare(session, "ep-patent-x", "fortnightly", by="test")
        with pytest.raises(NotFound):
            declare(session, "ep-patent-x", "daily", by="test", provider="JP")
        with pytest.raises(NotFound):
            declare(session, "ep-patent-y", "daily", by="test")

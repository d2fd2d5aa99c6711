"""What is kept of a query belongs to that query and to that scope."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from api.access.model import Group, Tier, anonymous
from api.access.scope import Grant, Scope, utc_today
from api.search.engine import _guarded
from api.search.kept import kept
from tests.platforms import Platform

WORDS: dict[str, Any] = {"multi_match": {"query": "battery", "fields": ["title.en", "claims.en"]}}
BIBLIOGRAPHY = frozenset({Group.EXISTENCE, Group.BIBLIOGRAPHY})


def scope(collection: str, *more: Group) -> Scope:
    grant = Grant(Tier.CONTENT, BIBLIOGRAPHY | set(more), collections=frozenset({collection}))
    return Scope(anonymous(), "search", (grant,))


def test_a_result_is_kept_for_the_same_object_and_no_other() -> None:
    made: list[str] = []

    @kept(2)
    def size(query: dict[str, str], name: str) -> int:
        made.append(name)
        return len(query)

    one, other = {"a": "b"}, {"a": "b"}
    assert [size(one, "x"), size(one, "x"), size(other, "x"), size(one, "".join("x"))] == [1, 1, 1, 1]
    assert made == ["x", "x"], "equal is not the same"
    size(one, "y"), size(one, "z"), size(one, "x")
    assert made == ["x", "x", "y", "z", "x"], "only the last ones are kept"


def test_a_query_made_for_one_scope_is_given_to_no_other() -> None:
    """Not even to one that is equal, for what it is equal in is not asked."""
    narrow, wide = scope("ep-patent-a"), scope("ep-patent-b", Group.FULL_TEXT)
    today = utc_today()
    hidden, open_ = (_guarded(who, False, today, WORDS) for who in (narrow, wide))
    assert "claims.en" not in str(hidden)
    assert "claims.en" in str(open_)
    assert _guarded(narrow, False, today, WORDS) is hidden
    assert _guarded(scope("ep-patent-a"), False, today, WORDS) is not hidden
    assert _guarded(narrow, False, today + dt.timedelta(days=1), WORDS) is not hidden
    assert _guarded(narrow, True, today, WORDS) == {"match_none": {}}


def test_nothing_is_made_without_a_scope() -> None:
    for nobody in (None, {"grants": ()}, "everybody"):
        with pytest.raises(TypeError, match="needs a Scope"):
            _guarded(nobody, False, utc_today(), WORDS)  # type: ignore[arg-type]


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("q", ["refrigerant heat pump", "Wärmepumpe", "qqxzzv"])
async def test_as_much_is_found_with_facets_as_without(multilingual: Platform, q: str) -> None:
    async with multilingual.client(multilingual.key("QB")) as client:
        answers = [
            (await client.post("/v1/search", json={"q": q, "facets": facets, "size": size})).json()
            for size, facets in ((20, []), (20, ["office"]), (0, []), (0, ["office"]))
        ]
    totals = [answer["total"] for answer in answers]
    assert totals == [totals[0]] * 4
    assert [hit["id"] for hit in answers[0]["hits"]] == [hit["id"] for hit in answers[1]["hits"]]
    assert sum(bucket["count"] for bucket in answers[1]["facets"]["office"]) == totals[0]

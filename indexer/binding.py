"""Ties the engine's templates to the chosen embedder and to what the cluster can analyse."""

from __future__ import annotations

from functools import cache

import analyzers
from indexer.embedding import VECTORS, Embedder
from indexer.engine import Engine
from indexer.images.describe import LENGTH
from indexer.record import SCHEMA_VERSION
from mappings import Bound


@cache
def languages() -> frozenset[str]:
    """Languages that have text fields of their own, `xx` included."""
    return frozenset(language.code for language in analyzers.languages())


async def bind(engine: Engine, embedder: Embedder) -> Bound:
    """The templates' binding on this cluster: analysers fall back where it lacks a plugin."""
    available = analyzers.capabilities(await engine.plugins())
    return Bound(
        embedder=embedder.name,
        dimension=embedder.dimension,
        vectors=VECTORS,
        analysis=analyzers.settings(available),
        languages={language.code: language.exact_analyzer for language in analyzers.languages()},
        record_schema=SCHEMA_VERSION,
        picture=LENGTH,
        native=await engine.native(),
    )

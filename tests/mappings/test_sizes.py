"""How an index is cut by its size: the table holds together, and what an index lacks is told."""

from __future__ import annotations

from itertools import pairwise

import pytest

from mappings import RIGHTS, missing
from mappings.sizes import most_gb_a_shard, size_for, sizes

DIMENSION = 512


@pytest.mark.parametrize("right", RIGHTS)
def test_no_row_has_larger_shards_than_the_table_allows(right: str) -> None:
    for row in sizes(right):
        assert row.gb_a_shard(DIMENSION) <= most_gb_a_shard(), row
    for smaller, larger in pairwise(sizes(right)):
        assert smaller.up_to < larger.up_to
        assert smaller.shards <= larger.shards


def test_the_table_goes_to_two_hundred_million_patents() -> None:
    assert sizes("patent")[-1].up_to >= 200_000_000


def test_a_row_is_taken_by_what_is_held() -> None:
    rows = sizes("patent")
    assert size_for("patent", 0, native=True) == rows[0]
    assert size_for("patent", rows[0].up_to, native=True) == rows[0]
    assert size_for("patent", rows[0].up_to + 1, native=True) == rows[1]
    assert size_for("patent", 10**12, native=True) == rows[-1]


def test_nodes_without_native_libraries_are_never_asked_for_what_ends_them() -> None:
    assert size_for("patent", 10**9, native=True).vectors == "on_disk"
    assert size_for("patent", 10**9, native=False).vectors == "seven_bits"


def test_only_what_an_index_lacks_is_added_to_it() -> None:
    wanted = {
        "id": {"type": "keyword"},
        "title": {"properties": {"en": {"type": "text"}, "ja": {"type": "text"}}},
        "picture": {"type": "nested", "properties": {"vector": {"type": "float"}, "size": {"type": "long"}}},
    }
    there = {
        "title": {"properties": {"en": {"type": "text", "analyzer": "another"}}},
        "picture": {"type": "nested", "properties": {"vector": {"type": "float"}}},
        "old": {"type": "keyword"},
    }
    assert missing(wanted, there) == {
        "id": {"type": "keyword"},
        "title": {"properties": {"ja": {"type": "text"}}},
        "picture": {"type": "nested", "properties": {"size": {"type": "long"}}},
    }
    assert missing(wanted, wanted) == {}

"""A search as a set of records, not as pages of a ranking: what exports write and what saved searches watch."""

from __future__ import annotations

from typing import Any

from api.dependencies import Access
from api.search.engine import SearchRequest
from api.search.service import Search, plan


async def whole(access: Access, asked: Search) -> SearchRequest:
    """Everything that the search's words and its expanded terms find. Neighbours by vector are a ranking without an
    end, and no part of it. Raises QueryError."""
    expand = asked.expand if asked.expand != "auto" else ("broad" if asked.mode == "hybrid" else "none")
    kept: dict[str, Any] = {
        "mode": "keyword",
        "expand": expand,
        "sort": "relevance",
        "facets": [],
        "cursor": None,
        "highlight": False,
    }
    return await plan(access, asked.model_copy(update=kept))

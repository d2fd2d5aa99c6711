"""The parts that only marks, designs or works have: features, indexes, kinds of work."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from indexer.formats.draft import Draft
from indexer.harmonise.tables_reader import rows
from indexer.record import DesignDetails, MarkDetails, Right, WorkDetails


def _fold(text: str) -> str:
    text = unicodedata.normalize("NFKD", text).casefold()
    return re.sub(r"[\W_]+", " ", "".join(c for c in text if not unicodedata.combining(c))).strip()


@lru_cache(maxsize=1)
def _features() -> dict[tuple[str, str], str]:
    return {(row["list"], _fold(row["text"])): row["value"] for row in rows("mark_features")}


@lru_cache(maxsize=1024)
def mark_feature(raw: str) -> str | None:
    """`word`, `figurative`, `combined` … (ST.96 MarkFeatureCategory) for an office's words; None where the table
    lacks them.
    """
    return _features().get(("feature", _fold(raw)))


@lru_cache(maxsize=1024)
def mark_kind(raw: str) -> str | None:
    """`individual`, `collective`, `certification` or `defensive`; None where the words say none of these."""
    return _features().get(("kind", _fold(raw)))


def mark_details(draft: Draft) -> MarkDetails | None:
    if draft.right is not Right.TRADEMARK:
        return None
    feature = mark_feature(draft.mark_feature) if draft.mark_feature else None
    return MarkDetails.model_construct(
        feature=feature,
        feature_raw=draft.mark_feature,
        colours=tuple(dict.fromkeys(colour.strip() for colour in draft.colours if colour.strip())),
        kind=(mark_kind(draft.mark_kind) or draft.mark_kind) if draft.mark_kind else None,
    )


def design_index(raw: str | None) -> str | None:
    """`0001` for `1` or `0001`; other indexes (`M001`) in capitals as they are."""
    if not raw or not raw.strip():
        return None
    text = raw.strip().upper()
    return text.zfill(4) if text.isdigit() else text


def design_details(draft: Draft, index: str | None) -> DesignDetails | None:
    if draft.right is not Right.DESIGN:
        return None
    total = re.fullmatch(r"\s*0*(\d{1,5})\s*", draft.total_designs) if draft.total_designs else None
    views = len({image.reference for image in draft.images if image.type == "design-view"})
    return DesignDetails.model_construct(
        design_index=index, total_designs=int(total[1]) if total else None, views=views or None
    )


def work_details(draft: Draft) -> WorkDetails | None:
    if draft.right is not Right.COPYRIGHT:
        return None
    year = re.search(r"(?<!\d)(1[4-9]\d\d|20\d\d)(?!\d)", draft.work_year) if draft.work_year else None
    return WorkDetails.model_construct(
        kinds=tuple(dict.fromkeys(kind.strip() for kind in draft.work_kinds if kind.strip())),
        usage=tuple(dict.fromkeys(use.strip() for use in draft.work_usage if use.strip())),
        year=int(year[1]) if year else None,
        publish=draft.work_publish,
    )

"""What the pipeline knows about a draft before reading it: who delivered it, and where in the delivery it stands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """One per record; the file-level fields repeat. `provider` and `default_office` are ST.3 codes."""

    provider: str
    collection: str
    default_office: str
    """Office of records that name none: the provider's own, unless the load says otherwise."""
    delivery: int
    file: str
    member: str
    ordinal: int
    sha256: str
    format: str
    reader_version: int

"""Every table of the platform in one metadata: each room's tables stand in a module of their own."""

from __future__ import annotations

from store import access, basket, duplicates, exchange, images, ingest, jobs, quality, saved, usage
from store.base import Base

metadata = Base.metadata

ROOMS = (ingest, images, access, duplicates, quality, exchange, jobs, basket, saved, usage)
"""Modules whose import adds their tables to the metadata."""

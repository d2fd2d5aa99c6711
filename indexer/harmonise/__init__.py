"""Harmonising: offices, numbers, kinds, dates, names, classes and legal status in one writing each."""

from indexer.harmonise.assemble import harmonise
from indexer.harmonise.origin import Origin

__all__ = ["Origin", "harmonise"]

"""Quality: doubts about a record, each a rule of `rules.toml`. A record is never rejected here."""

from indexer.quality.checks import check
from indexer.quality.rules import Rule, rules

__all__ = ["Rule", "check", "rules"]

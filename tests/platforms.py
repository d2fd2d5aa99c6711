"""A platform of its own for tests of access and search: real engines, its own index prefix and database, and
records made here whose every word is known."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import orjson
import psycopg
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from api.access import agreements, keys, offices, policies
from api.access.model import Group, Role
from api.app import create_app
from api.dependencies import Services
from api.jobs.worker import Worker
from common.settings import Settings, load_settings
from indexer.binding import bind, languages
from indexer.document import document, finished, vector_json
from indexer.embedding import embedder, text_of, title_of, vector_of
from indexer.engine import Engine as Writer
from indexer.record import (
    Classification,
    DatedFact,
    DateType,
    Finding,
    Image,
    Number,
    NumberType,
    Party,
    PartyRole,
    PersonalData,
    Record,
    Right,
    Severity,
    Source,
    Status,
    StatusEvent,
    Text,
    TextType,
)
from mappings import RIGHTS, Bound, alias, aliases, body, index_name, templates
from mappings.sizes import size_for
from store.database import Database

T = TypeVar("T")


@contextmanager
def new_database(server_url: str) -> Iterator[str]:
    server = make_url(server_url)
    name = f"test_{secrets.token_hex(6)}"
    admin = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'create database "{name}"')  # type: ignore[call-overload]
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f'drop database "{name}" with (force)')  # type: ignore[call-overload]


def make_record(
    provider: str,
    number: int,
    title: str,
    *,
    right: Right = Right.PATENT,
    office: str | None = None,
    claims: str = "",
    abstract: str = "",
    language: str = "en",
    published: dt.date | None = dt.date(2020, 1, 1),
    expires: dt.date | None = None,
    unpublished: bool = False,
    ipc: str = "H01M 10/0525",
    status: str | None = None,
    applicant: str = "Sample Works",
    city: str = "Sampletown",
    collection: str = "x",
    finding: str | None = None,
    source: Source | None = None,
) -> Record:
    """A record of ours. Numbers are PROVIDER + seven digits."""
    canonical = f"{provider}{number:07d}"
    texts = [Text(type=TextType.TITLE, text=title, language=language)]
    if abstract:
        texts.append(Text(type=TextType.ABSTRACT, text=abstract, language=language))
    if claims:
        texts.append(Text(type=TextType.CLAIMS, text=claims, language=language))
    dates = []
    if published:
        dates.append(DatedFact(type=DateType.PUBLICATION, date=published, raw=published.isoformat()))
    if expires:
        dates.append(DatedFact(type=DateType.EXPIRY, date=expires, raw=expires.isoformat()))
    return Record(
        id=f"{provider}.{right.value}.{canonical}.A1",
        right=right,
        provider=provider,
        office=office or provider,
        collection=f"{provider.lower()}-{right.value}-{collection}",
        kind="A1",
        unpublished=unpublished,
        numbers=(Number(type=NumberType.PUBLICATION, raw=str(number), canonical=canonical, office=office or provider),),
        dates=tuple(dates),
        texts=tuple(texts),
        parties=(
            Party(
                role=PartyRole.APPLICANT,
                name=applicant,
                canonical_name=applicant.upper(),
                country=provider,
                private=PersonalData(address=(f"{number} Sample Street",), city=city, email=("sample@example.org",)),
            ),
        ),
        classifications=(Classification(scheme="IPC", symbol=ipc, raw=ipc),),
        images=(Image(type="drawing", reference=f"sample-{number}.png"),),
        events=(StatusEvent(raw_code=f"ev{status}", scheme="SAMPLE", office=provider),) if status else (),
        status=Status(state=status) if status else None,  # type: ignore[arg-type]
        findings=(Finding(rule=finding, severity=Severity.INFO, field="title", message="sample"),) if finding else (),
        source=source
        or Source(delivery=1, file="sample.xml", ordinal=number, sha256="0" * 64, format="sample", reader_version=1),
    )


@dataclass
class Platform:
    """One running API over its own indices and database."""

    app: FastAPI
    settings: Settings
    database: Database
    writer: Writer
    seq: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    """Change numbers: each document of a platform has its own, as those of the pipeline have."""

    @property
    def services(self) -> Services:
        services = self.app.state.services
        assert isinstance(services, Services)
        return services

    def client(self, key: str | None = None, **headers: str) -> httpx.AsyncClient:
        given = {"authorization": f"Bearer {key}"} if key else {}
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app, raise_app_exceptions=False),
            base_url="http://platform.test",
            headers={**given, **headers},
        )

    async def taken(self, address: str, key: str, between: Callable[[], object]) -> bytes:
        """What of a file has left, piece by piece as a server sends it, with `between` called after the first."""
        received = b""
        asked = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> dict[str, Any]:
            if not asked:
                await asyncio.Event().wait()  # the client stays
            return asked.pop()

        async def send(message: Any) -> None:
            nonlocal received
            first = not received
            received += message.get("body", b"")
            if first and received:
                await asyncio.to_thread(between)

        with suppress(Exception):  # the connection breaks off
            await self.app(http_scope("GET", address, authorization=f"Bearer {key}"), receive, send)
        return received

    def key(self, office: str | None, role: Role = Role.EXAMINER, **options: Any) -> str:
        with self.database.session() as session:
            if office:
                offices.ensure(session, office)
            return keys.create(session, office=office, role=role, by="test", **options).key

    def policy(self, collection: str, tier: str = "none", **terms: Any) -> None:
        with self.database.session() as session:
            chosen = policies.PolicyTerms.model_validate({"tier": tier, **terms})
            policies.set_policy(session, collection, chosen, by="test", create=True)

    def agreement(self, provider: str, beneficiary: str, **terms: Any) -> int:
        with self.database.session() as session:
            for code in (provider, beneficiary):
                offices.ensure(session, code)
            return agreements.propose(
                session,
                provider,
                beneficiary,
                agreements.Terms.model_validate(terms),
                by="test",
                state=agreements.State.ACTIVE,
            ).id

    def step(self, agreement: int, to: agreements.State) -> None:
        with self.database.session() as session:
            agreements.step(session, agreement, to)

    async def index(self, records: Iterable[Record]) -> None:
        """Makes records searchable, as the pipeline's documents."""
        found = list(records)
        model = embedder(self.settings.embedder)
        texts = model.embed([text_of(record) or "-" for record in found])
        titles = model.embed([title_of(record) or text_of(record) or "-" for record in found])
        vectors = map(vector_of, titles, texts)
        lines = []
        for record, vector in zip(found, vectors, strict=True):
            index = f"{self.settings.index_prefix}-{record.right.value}"
            lines.append(orjson.dumps({"index": {"_index": index, "_id": record.id}}))
            lines.append(
                finished(
                    orjson.dumps(document(record, languages())),
                    record.model_dump_json().encode(),
                    seq=next(self.seq),
                    delivery=1,
                    updated=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
                    vector=vector_json(vector, model.name),
                )
            )
        for start in range(0, len(lines), 100):
            failed = await self.writer.bulk(b"\n".join(lines[start : start + 100]) + b"\n")
            assert failed is None, failed
        await self.writer.refresh(aliases(self.settings.index_prefix))
        # A search that begins so soon after another would go by what was there then (OCCURRING_KEPT_S).
        self.services.engine.forget()

    async def remove(self, records: Iterable[Record]) -> None:
        prefix = self.settings.index_prefix
        lines = [
            orjson.dumps({"delete": {"_index": f"{prefix}-{record.right.value}", "_id": record.id}})
            for record in records
        ]
        await self.writer.bulk(b"\n".join(lines) + b"\n")
        await self.writer.refresh(aliases(prefix))


def http_scope(method: str, path: str, **headers: str) -> dict[str, Any]:
    """What a server tells the application of a request, where there is none between. `_` in names of headers is -."""
    named = {"host": "platform.test", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "client": ("127.0.0.1", 1),
        "server": ("platform.test", 80),
        "headers": [(name.encode(), value.encode()) for name, value in named.items()],
        "state": {},
    }


_UNUSED: list[str] = []
"""Prefixes whose platforms are gone, with those of their indices that are still as they were made."""
_MADE: dict[str, dict[str, Any]] = {}
"""How each index was when it was made."""


@asynccontextmanager
async def empty_indices(opensearch_url: str) -> AsyncIterator[Writer]:
    """Indices that hold nothing, under a prefix that no other platform has at the time. To make one costs the engine
    half a second of CPU, so those to which nothing was done are used again."""
    prefix = _UNUSED.pop() if _UNUSED else f"test-{secrets.token_hex(4)}"
    async with Writer(opensearch_url, prefix) as writer:
        bound = await bind(writer, embedder(load_settings().embedder))
        for right in RIGHTS:
            if await writer.current(right) is None:
                index = index_name(prefix, right, 1)
                await writer.create(index, composed(prefix, right, bound))
                _MADE[index] = await _state(writer, index)
        try:
            yield writer
        finally:
            await writer.forget_templates()
            for right in RIGHTS:
                for index in await writer.versions(right):
                    if await _state(writer, index) != _MADE.get(index):
                        await writer.drop(index)
            _UNUSED.append(prefix)


async def _state(writer: Writer, index: str) -> dict[str, Any]:
    """What changes with every document that comes or goes, and with every change of settings, mapping or aliases."""
    state = await writer.request("GET", f"/_cluster/state/metadata/{index}")
    told = await writer.request("GET", f"/{index}/_stats/indexing")
    about, writes = state["metadata"]["indices"][index], told["_all"]["total"]["indexing"]
    versions = {part: about[f"{part}_version"] for part in ("mapping", "settings", "aliases")}
    return {**versions, **{part: writes[f"{part}_total"] for part in ("index", "delete")}}


async def forget_unused(opensearch_url: str) -> None:
    """Takes the unused indices away."""
    while _UNUSED:
        async with Writer(opensearch_url, _UNUSED.pop()) as writer:
            await writer.uninstall()


def composed(prefix: str, right: str, bound: Bound) -> dict[str, Any]:
    """What the engine composes of the templates and of what is said beside them when it makes the first index of a
    right. Putting templates for one index each costs as much as the indices do."""
    made = templates(prefix, bound)
    whole: dict[str, Any] = {"aliases": {alias(prefix, right): {"is_write_index": True}}}
    template = made.indices[alias(prefix, right)]
    beside = body(right, bound, size_for(right, 0, native=bound.native))
    for part in (
        *(made.components[name]["template"] for name in template["composed_of"]),
        template["template"],
        beside,
    ):
        whole = _laid_over(whole, part)
    return whole


def _laid_over(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    laid = dict(below)
    for name, value in above.items():
        held = laid.get(name)
        laid[name] = _laid_over(held, value) if isinstance(held, dict) and isinstance(value, dict) else value
    return laid


@asynccontextmanager
async def running(opensearch_url: str, server_url: str, home: Path, **settings: Any) -> AsyncIterator[Platform]:
    """A platform with empty indices and an empty, migrated database; all of it gone afterwards."""
    async with empty_indices(opensearch_url) as writer:
        with new_database(server_url) as database_url:
            chosen = load_settings(
                **{
                    "home": home,
                    "opensearch_url": opensearch_url,
                    "database_url": SecretStr(database_url),
                    "index_prefix": writer.prefix,
                    "rate_limit": 100_000,
                    "public_rate_limit": 100_000,
                    # Tests share a machine; the one about this limit sets its own.
                    "search_limit": 30,
                    "secret_key": SecretStr(secrets.token_hex(32)),
                    **settings,
                }
            )
            database = Database(database_url)
            database.migrate()
            app = create_app(chosen)
            try:
                async with app.router.lifespan_context(app):
                    # What it learns of the empty indices must not come after what a test puts there.
                    await asyncio.wait([app.state.warming])
                    yield Platform(app, chosen, database, writer)
            finally:
                database.close()


@asynccontextmanager
async def working(platform: Platform, *, jobs: int = 2, timeout_s: float = 30) -> AsyncIterator[Worker]:
    """A worker on the platform's own services, in this event loop."""
    worker = Worker(platform.services, jobs=jobs, timeout_s=timeout_s)
    running = asyncio.ensure_future(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await running


async def until(look: Callable[[], Awaitable[T | None]], *, seconds: float = 60) -> T:
    """What `look` finds, as soon as it finds something; fails after so many seconds."""
    async with asyncio.timeout(seconds):
        while (found := await look()) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return found


ALL_GROUPS = [group.value for group in (Group.FULL_TEXT, Group.IMAGES, Group.LEGAL_STATUS)]


def told(answer: httpx.Response) -> dict[str, str]:
    """The headers of an answer but for the request's own id, which is drawn anew for each."""
    assert answer.headers["x-request-id"]
    return {name: value for name, value in answer.headers.items() if name != "x-request-id"}

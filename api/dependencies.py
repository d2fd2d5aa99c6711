"""What routes ask for: the running services, who is asking, and what that one may do and see.

Every route has one `Guard`: a permission that the caller needs, or `open_to_all`. A test walks the routes and
fails on one without. The caller is found anew for every request, and again before every part of a stream, so
nothing that was taken away is served from memory.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from threading import BoundedSemaphore, Lock
from typing import Any, TypeVar

import numpy as np
from fastapi import Request
from sqlalchemy import Engine as SqlEngine
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from api.access import accounts, keys
from api.access.audit import AuditWriter, Entry, disclosures
from api.access.limits import RateLimiter
from api.access.model import DEFAULT_PURPOSE, PURPOSES, Caller, Permission, Role, anonymous, role_rules
from api.access.oidc import TokenVerifier
from api.access.scope import Scope
from api.access.scopes import ScopeCache, current_version
from api.access.secret import Keys, load_keys
from api.access.version import VersionReader
from api.client_certificates import STATE as CLIENT_CERTIFICATE
from api.errors import TooManyRequests, Unidentified
from api.exchange import certificates
from api.exchange.certificates import CertificateRefused
from api.observe import Metrics
from api.platform.usage import SHOWN_WHOLE, Used
from api.search.engine import Engine, Hit
from common.errors import AccessDenied, ConfigurationError, UsageError
from common.messages import say
from common.settings import Settings
from indexer.archive import Archive
from indexer.embedding import embedder
from indexer.images import decode
from store.access import KeyUse
from store.database import Database
from store.exchange import OfficeCertificate

COOKIE = "concord_session"
CSRF_HEADER = "x-csrf-token"
PURPOSE_HEADER = "concord-purpose"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
USES_EVERY_S = 30
CALLERS_KEPT = 10_000
VECTORS_KEPT = 2_000
THUMBNAILS_KEPT = 500
OWN_WORDS = 0.3
"""Weight of a query's own vector beside that of its translations."""
DECODING = 2
"""Pictures that are decoded at once: each may take a few hundred megabytes."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request carries to say who it is from."""

    bearer: str | None = None
    cookie: str | None = None
    csrf: str | None = None
    purpose: str | None = None
    unsafe: bool = False
    """Whether the request changes something: a cookie then needs its CSRF token too."""
    certificate: bytes | None = None
    """DER of the client certificate of the connection (mutual TLS)."""
    browser: bool = False
    """Whether a page may have sent it. A browser shows its certificate to whatever a page of any site asks for: there a
    certificate alone identifies nobody."""


@dataclass(frozen=True, slots=True)
class Identity:
    caller: Caller
    purpose: str
    scope: Scope
    csrf: str | None = None
    certificate: str | None = None
    """Fingerprint of the client certificate that came with the request and is the caller's office's."""


class Services:
    """Everything a request needs, made once a process."""

    def __init__(self, settings: Settings, database: Database, engine: Engine, metrics: Metrics | None = None) -> None:
        self.settings = settings
        self.metrics = metrics or Metrics()
        self.database = database
        self.engine = engine
        self.keys: Keys = load_keys(settings)
        calls = metrics.database_call if metrics else None
        self.audit = AuditWriter(database, self.keys, calls=calls)
        self.scopes = ScopeCache()
        self.versions = VersionReader(database, calls)
        self.tokens = TokenVerifier()
        self.archive = Archive(settings.archive_location)
        self.limits = RateLimiter(settings.rate_limit, int(settings.rate_limit * 2))
        self.public_limits = RateLimiter(settings.public_rate_limit, int(settings.public_rate_limit * 2))
        self.reading: SqlEngine = database.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._callers: dict[bytes, tuple[int, dt.datetime, Caller]] = {}
        self.used = Used()
        self._used: dict[str, dt.datetime] = {}
        self._lock = Lock()
        self._embedding = Lock()
        self._vectors: dict[tuple[str, ...], tuple[float, ...]] = {}
        self.decoding = BoundedSemaphore(DECODING)
        self.thumbnail = lru_cache(maxsize=THUMBNAILS_KEPT)(self._thumbnail)
        self.jobs: list[asyncio.Task[None]] = []
        self.access_changed = asyncio.Event()

    def _vector(self, text: str, *translations: str) -> tuple[float, ...]:
        """Unit vector of a query and its word-for-word translations, which together say what is meant in no one
        language's way. Over the topics of benchmarks/data/unseen the ten nearest records hold the right one of a
        language in 0.78 of cases; those of the text alone in 0.73, of its English translation 0.75."""
        with self._embedding:
            vectors = embedder(self.settings.embedder).embed([text, *translations])
        mixed = vectors[0]
        if translations:
            translated = vectors[1:].mean(axis=0)
            mixed = OWN_WORDS * mixed + (1 - OWN_WORDS) * translated / np.linalg.norm(translated)
        return tuple((mixed / np.linalg.norm(mixed)).tolist())

    def _thumbnail(self, sha256: str) -> bytes:
        """An archived picture, small. Says nothing about who may see it. Raises MalformedInput, NotFound."""
        with self.decoding, self.archive.open(sha256) as stream:
            return decode.thumbnail(decode.read(stream))

    def start(self) -> None:
        """Background work; needs a running event loop."""
        self.jobs = [asyncio.create_task(self._watch()), asyncio.create_task(self._note_uses())]

    async def stop(self) -> None:
        for job in self.jobs:
            job.cancel()
        await asyncio.gather(*self.jobs, return_exceptions=True)
        with suppress(Exception):  # a store that is away loses counts, nothing else
            await asyncio.to_thread(self._write_uses)
        await self.audit.close()
        await self.versions.close()
        self.tokens.close()

    async def _watch(self) -> None:
        """Drops compiled scopes as soon as anything changes. Only a convenience: every request reads the version
        too."""
        from store.access import CHANNEL

        while True:
            try:
                async with aclosing(self.database.listen([CHANNEL])) as heard:
                    async for _ in heard:
                        self.scopes.clear()
                        self.access_changed.set()
                        self.access_changed = asyncio.Event()
            except asyncio.CancelledError:
                raise
            except Exception:
                self.scopes.clear()
                await asyncio.sleep(1)

    async def _note_uses(self) -> None:
        while True:
            await asyncio.sleep(USES_EVERY_S)
            # Where the store is away for a while, they are written the next time.
            with suppress(Exception):
                await asyncio.to_thread(self._write_uses)

    def _write_uses(self) -> None:
        self.used.write(self.database)
        self._write_key_uses()

    def _write_key_uses(self) -> None:
        with self._lock:
            used, self._used = self._used, {}
        if used:
            rows = [{"key": key, "last_used": when} for key, when in sorted(used.items())]
            statement = insert(KeyUse).values(rows)
            with self.database.session() as session:
                session.execute(
                    statement.on_conflict_do_update(
                        index_elements=["key"], set_={"last_used": statement.excluded.last_used}
                    )
                )

    # --------------------------------------------------------------------------------------------------- identity

    def identify(self, credentials: Credentials) -> Identity:
        """Who asks and what that one may see, as of now. Blocks on the database: call it off the event loop.

        Raises Unidentified for credentials that are not valid, AccessDenied for a missing CSRF token or a purpose
        that the key may not declare, UsageError for an unknown purpose.
        """
        now = dt.datetime.now(dt.UTC)
        csrf: str | None = None
        with Session(self.reading) as session:
            version = current_version(session)
            holder = self._holder(session, credentials, now)
            if credentials.bearer is not None:
                caller = self._bearer(session, credentials.bearer, version, now)
            elif credentials.cookie is not None:
                found = accounts.find_session(session, credentials.cookie, now)
                if found is None:
                    raise Unidentified("The session has ended.")
                caller, csrf = found
                if credentials.unsafe and not accounts.same_csrf(csrf, credentials.csrf):
                    raise AccessDenied("The CSRF token is missing or wrong.")
            elif holder is not None and not credentials.browser:
                caller = _of_certificate(holder)
            else:
                caller = anonymous()
            if holder is not None and caller.office not in (None, holder.office):
                raise CertificateRefused("certificate-of-another-office")
            purpose = _purpose(caller, credentials.purpose)
            scope = self.scopes.get(session, caller, purpose, version)
        shown = holder.fingerprint if holder is not None and caller.office == holder.office else None
        return Identity(caller, purpose, scope, csrf, shown)

    def _holder(self, session: Session, credentials: Credentials, now: dt.datetime) -> OfficeCertificate | None:
        """The registered client certificate of the connection. Raises CertificateRefused."""
        if credentials.certificate is None or self.settings.client_certificates == "off":
            return None
        return certificates.of_client(session, credentials.certificate, now)

    async def identified(self, credentials: Credentials, *, provisionally: bool = False) -> Identity:
        """The same on the event loop: with one small read where nothing has changed since the caller was last seen.

        provisionally: as of the last read, whenever that was. Only for who gives nothing away before `disclosed` has
        seen that nothing has changed.
        """
        version = self.versions.last if provisionally else None
        if version is None:
            version = await self.versions.read()
        held = self._held(credentials, version)
        return held if held is not None else await asyncio.to_thread(self.identify, credentials)

    def _held(self, credentials: Credentials, version: int) -> Identity | None:
        """Who asks, if that was found out before and holds at this version of rights."""
        now = dt.datetime.now(dt.UTC)
        if credentials.certificate is not None and self.settings.client_certificates != "off":
            return None  # withdrawn from one request to the next
        if credentials.bearer is not None:
            held = self._callers.get(keys.fingerprint(credentials.bearer))
            if held is None or held[0] != version or held[1] <= now:
                return None
            caller = held[2]
            self._used[caller.id] = now
        elif credentials.cookie is None:
            caller = anonymous()
        else:
            return None
        purpose = _purpose(caller, credentials.purpose)
        scope = self.scopes.held(caller, purpose, version, now)
        return None if scope is None else Identity(caller, purpose, scope, None)

    def _bearer(self, session: Session, bearer: str, version: int, now: dt.datetime) -> Caller:
        if not bearer.startswith(keys.PREFIX):
            caller = self.tokens.find(session, bearer)
            if caller is None:
                raise Unidentified("The token is not valid.")
            return caller
        digest = keys.fingerprint(bearer)
        held = self._callers.get(digest)
        if held is None or held[0] != version or held[1] <= now:
            found = keys.find(session, bearer, now)
            if found is None:
                self._callers.pop(digest, None)
                raise Unidentified("The key is not valid.")
            # Any change to a key raises the version; only its expiry comes without one, so look again every minute.
            held = (version, min(_expiry(session, found.id, now), now + dt.timedelta(minutes=1)), found)
            if len(self._callers) >= CALLERS_KEPT:
                self._callers.clear()
            self._callers[digest] = held
        self._used[held[2].id] = now
        return held[2]

    async def vector_of(self, text: str, *translations: str) -> tuple[float, ...]:
        """Unit vector of a query and its word-for-word translations; the last ones are kept."""
        texts = (text, *translations)
        # Taken out and put back at the end: what was asked for longest ago stands first.
        found = self._vectors.pop(texts, None)
        if found is None:
            found = await asyncio.to_thread(self._vector, *texts)
        self._vectors[texts] = found
        if len(self._vectors) > VECTORS_KEPT:
            del self._vectors[next(iter(self._vectors))]
        return found

    async def record(self, entries: Sequence[Entry], *, version: int | None = None) -> bool:
        """Writes to the audit, and returns when it is written. `version`: of rights that must still be in force; where
        they are not, nothing is written and the answer is False."""
        if not await self.audit.write(entries, version=version):
            return False
        for entry in entries:
            if entry.action in SHOWN_WHOLE:
                self.used.add(entry.office, "records", entry.records)
        return True


def _of_certificate(holder: OfficeCertificate) -> Caller:
    """A program of the office, known by its certificate alone."""
    role = Role.OFFICE_AGENT
    return Caller("certificate", holder.fingerprint[:16], holder.office, role, role_rules()[role].permissions)


def _expiry(session: Session, key_id: str, now: dt.datetime) -> dt.datetime:
    from store.access import ApiKey

    entry = session.get(ApiKey, key_id)
    return entry.expires if entry is not None and entry.expires is not None else now + dt.timedelta(days=1)


def _purpose(caller: Caller, declared: str | None) -> str:
    if declared is None:
        return DEFAULT_PURPOSE if DEFAULT_PURPOSE in caller.purposes else min(caller.purposes)
    if declared not in PURPOSES:
        raise UsageError(say("access.purpose-not-known", purpose=declared, known=list(PURPOSES)))
    if declared not in caller.purposes:
        raise AccessDenied("The key may not declare this purpose.")
    return declared


@dataclass(frozen=True)
class Access:
    """One request's caller with its rights, and the services."""

    services: Services
    identity: Identity
    credentials: Credentials
    permission: Permission | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def caller(self) -> Caller:
        return self.identity.caller

    @property
    def scope(self) -> Scope:
        return self.identity.scope

    @property
    def purpose(self) -> str:
        return self.identity.purpose

    async def unchanged(self) -> bool:
        """Whether no right of anybody has changed since this request began: one small read."""
        return await self.services.versions.read() == self.scope.version

    def shown(
        self, action: str, hits: Iterable[Hit], *, content: bool = False, details: dict[str, Any] | None = None
    ) -> list[Entry]:
        """Entries of the audit about records that are about to be shown."""
        seen = [(hit.id, hit.document, hit.view) for hit in hits]
        return disclosures(action, self.caller, self.purpose, seen, content=content, details=details)

    async def disclose(self, entries: Sequence[Entry]) -> bool:
        """Writes down what is about to leave, where no right of anybody has changed since this request began; else
        writes nothing, and False says that nothing may leave."""
        if not entries:
            return await self.unchanged()
        return await self.services.record(entries, version=self.scope.version)

    async def current(self) -> Access:
        """The same request with its rights as they are now, itself if they are the same. Raises as `again`."""
        return self if await self.unchanged() else await self.renewed()

    async def again(self) -> Scope:
        """The scope as it is now, for the next part of a stream. Raises when the caller may no longer do this."""
        return (await self.renewed()).scope

    async def renewed(self) -> Access:
        """The same request with its rights as they are now. Raises as `again`."""
        identity = await self.services.identified(self.credentials)
        if self.permission is not None and not identity.caller.may(self.permission):
            raise AccessDenied("The permission was taken away.")
        return replace(self, identity=identity)


Found = TypeVar("Found")
TURNS = 3
"""Of the event loop, after which a statement for the audit is on its way to PostgreSQL."""


async def disclosed(
    access: Access,
    look: Callable[[Access], Awaitable[Found]],
    told: Callable[[Access, Found], Sequence[Entry]] = lambda access, found: (),
    meanwhile: Callable[[Access, Found], None] | None = None,
) -> tuple[Access, Found]:
    """What `look` finds, with the rights under which it may leave, and `told` (access, found) to the audit. Rights may
    go while the engine works: then it is looked for anew under those that there are. `meanwhile`: what can be made of
    it while PostgreSQL writes; in vain where rights have gone. Raises as `renewed`, `look`."""
    while True:
        found = await look(access)
        writing = asyncio.ensure_future(access.disclose(told(access, found)))
        try:
            if meanwhile is not None:
                for _ in range(TURNS):
                    await asyncio.sleep(0)
                meanwhile(access, found)
        finally:
            may_leave = await writing
        if may_leave:
            return access, found
        access = await access.renewed()


class Guard:
    """The dependency that every route must have: who asks, and whether that one may do what the route does."""

    def __init__(self, permission: Permission | None, *, known: bool = False, provisional: bool = False) -> None:
        self.permission = permission
        self.known = known
        """Whether the caller must have signed in, public permission or not."""
        self.provisional = provisional
        """Whether rights may be those of a moment ago: for routes all of whose answers go through `disclosed`."""

    async def credentials(self, request: Request) -> Credentials:
        return credentials_of(request)

    async def __call__(self, request: Request) -> Access:
        services = services_of(request)
        credentials = await self.credentials(request)
        peer = request.client.host if request.client else "local"
        try:
            identity = await services.identified(credentials, provisionally=self.provisional)
        except Unidentified:
            _limited(services.public_limits, f"peer:{peer}")
            raise
        caller = identity.caller
        # For the log: which office, and by what means. Never which account, whose name may be a person's.
        request.scope.setdefault("state", {}).update(office=caller.office, caller_kind=caller.kind)
        if caller.kind == "anonymous":
            _limited(services.public_limits, f"peer:{peer}")
        else:
            _limited(services.limits, caller.name)
        if self.known and caller.kind == "anonymous":
            raise Unidentified("Sign in first.")
        if self.permission is not None and not caller.may(self.permission):
            if caller.kind == "anonymous":
                raise Unidentified("Sign in first.")
            raise AccessDenied("The role does not include this.")
        demanded = services.settings.client_certificates == "required" and self.permission is Permission.EXCHANGE
        if demanded and identity.certificate is None:
            raise CertificateRefused("client-certificate-required")
        return Access(services, identity, credentials, self.permission)


class OpenToAll:
    """Marks a route that says nothing about records or people: health, the API's own description."""

    async def __call__(self) -> None:
        return None


open_to_all = OpenToAll()


def services_of(request: Request) -> Services:
    services = getattr(request.app.state, "services", None)
    if not isinstance(services, Services):
        raise ConfigurationError("The application was not started.")
    return services


def credentials_of(request: Request) -> Credentials:
    """Credentials from headers and cookie only, never from the address."""
    header = request.headers.get("authorization")
    bearer = None
    if header is not None:
        scheme, _, value = header.partition(" ")
        if scheme.lower() != "bearer" or not value.strip():
            raise Unidentified("Only bearer credentials are understood.")
        bearer = value.strip()
    return Credentials(
        bearer,
        request.cookies.get(COOKIE),
        request.headers.get(CSRF_HEADER),
        request.headers.get(PURPOSE_HEADER),
        request.method not in SAFE_METHODS,
        request.scope.get("state", {}).get(CLIENT_CERTIFICATE),
        "origin" in request.headers or "sec-fetch-site" in request.headers,
    )


def _limited(limiter: RateLimiter, subject: str) -> None:
    wait = limiter.take(subject)
    if wait:
        raise TooManyRequests(wait)


ScopeSource = Callable[[], Awaitable[Scope]]

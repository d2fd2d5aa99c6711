"""The only module of the indexer that talks to OpenSearch: templates, indices, aliases, bulk requests."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import orjson
from opensearchpy import AIOHttpConnection, AsyncOpenSearch
from opensearchpy.exceptions import ConnectionError as EngineConnectionError
from opensearchpy.exceptions import NotFoundError, RequestError, TransportError

import mappings
from common.errors import ConfigurationError, EngineError, EngineUnavailable
from common.messages import say
from common.settings import addresses
from mappings import RIGHTS, Bound
from mappings.sizes import size_for

Json = dict[str, Any]

BULK_ANSWER = "errors,items.*.status,items.*.error,items.*._id"
"""Part of a bulk answer that is read: the rest is nine tenths of it."""
SEARCH_ANSWER = ",".join(f"responses.{part}" for part in ("error", "status", "timed_out", "_shards", "hits.hits._id"))


LARGE_BODY = 1 << 19
"""Bytes of a request from which it is sent in pieces."""


class _LargeBody(io.BytesIO):
    """aiohttp sends large bytes at once, which holds up the event loop, and warns; a file it sends in pieces."""

    def decode(self, *arguments: str) -> str:
        """For the client's own log at level DEBUG."""
        return self.getvalue().decode(*arguments)


class _Connection(AIOHttpConnection):
    async def perform_request(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the client's signature
        ignore: Collection[int] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        if isinstance(body, bytes) and len(body) > LARGE_BODY:
            body = _LargeBody(body)
        return await super().perform_request(method, url, params, body, timeout, ignore, headers)


BLOCKED = "cluster_block_exception"
NATIVE = "knn_native"
"""Attribute of a node without the native libraries of k-NN: false (compose/embedded/node.py)."""


class Overloaded(EngineUnavailable):
    """The engine asked to slow down (429 or 503), or takes nothing for a while (a write block)."""


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of one line pair of a bulk request, in request order."""

    id: str
    status: int
    error: str | None

    @property
    def blocked(self) -> bool:
        """Whether somebody, or the engine itself, forbids writing for a while: no fault of the document."""
        return self.error is not None and self.error.startswith(BLOCKED)


@dataclass(frozen=True, slots=True)
class Completed:
    """What became of the fields that an index lacked."""

    right: str
    index: str
    added: tuple[str, ...]
    refused: Mapping[str, str]
    """Field → why the index cannot have it as it is."""


class Engine:
    """One OpenSearch (addresses with credentials, if any) and one index prefix. Use as an async context manager."""

    def __init__(self, url: str, prefix: str, *, timeout_s: float = 120, connections: int = 8) -> None:
        self.url = url
        self.prefix = prefix
        hosts = addresses(url)
        self.client = AsyncOpenSearch(
            hosts=hosts,
            timeout=timeout_s,
            # Only from a node that is away, or stands outside its cluster (its disk is full), to the next one. Other
            # retries are the writer's: it alone knows what is in flight.
            max_retries=len(hosts) - 1,
            retry_on_status=(503,),
            maxsize=connections,
            connection_class=_Connection,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await close(self.client)

    async def request(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        """One request. Raises Overloaded, EngineUnavailable (not reached) or EngineError (refused)."""
        payload = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
        kind = "application/x-ndjson" if path.endswith(("_bulk", "_msearch")) else "application/json"
        try:
            return await self.client.transport.perform_request(
                method, path, params=params, body=payload, headers={"content-type": kind} if payload else None
            )
        except EngineConnectionError as error:
            raise EngineUnavailable(say("engines.opensearch-away", fault=str(error.error))) from error
        except TransportError as error:
            if error.status_code in (408, 429, 502, 503, 504) or error.error == BLOCKED:
                raise Overloaded(
                    say("engines.opensearch-overloaded", status=str(error.status_code), fault=str(error.error))
                ) from error
            raise EngineError(
                say("engines.opensearch-refused", request=f"{method} {path}", fault=explain(error))
            ) from error

    # --- templates and indices ---

    async def plugins(self) -> dict[str, set[str]]:
        """Node name → names of its plugins and modules."""
        answer = await self.request("GET", "/_nodes/plugins")
        return {
            node["name"]: {part["name"] for part in (*node.get("plugins", ()), *node.get("modules", ()))}
            for node in answer["nodes"].values()
        }

    async def native(self) -> bool:
        """Whether every node has the native libraries of k-NN: an embedded one says that it has not."""
        answer = await self.request("GET", "/_nodes/plugins", filter_path="nodes.*.attributes")
        return all(node.get("attributes", {}).get(NATIVE) != "false" for node in answer.get("nodes", {}).values())

    async def install(self, bound: Bound) -> None:
        """Puts all templates, unless just these are there: that takes seconds. Existing indices do not change by it."""
        wanted = mappings.templates(self.prefix, bound)
        metas = {name: body["template"]["mappings"]["_meta"] for name, body in wanted.indices.items()}
        if await self.installed() == metas:
            return
        for name, body in wanted.components.items():
            await self.request("PUT", f"/_component_template/{name}", body)
        for name, body in wanted.indices.items():
            await self.request("PUT", f"/_index_template/{name}", body)

    async def installed(self) -> dict[str, Json]:
        """`_meta` of this platform's index templates, by name. Components are always put before them."""
        answer = await self.request(
            "GET", "/_index_template", filter_path="index_templates.name,*.*.template.mappings._meta"
        )
        names = {mappings.alias(self.prefix, right) for right in RIGHTS}
        return {
            entry["name"]: entry["index_template"]["template"]["mappings"]["_meta"]
            for entry in answer.get("index_templates", ())
            if entry["name"] in names
        }

    async def uninstall(self) -> None:
        """Takes everything of this prefix away: indices, templates, components."""
        for right in RIGHTS:
            for index in await self.versions(right):
                await self.drop(index)
        await self.forget_templates()

    async def forget_templates(self) -> None:
        """Takes the templates of this prefix away; indices stay as they are."""
        for name in await self.installed():
            await self.request("DELETE", f"/_index_template/{name}")
        answer = await self.request("GET", "/_component_template", filter_path="component_templates.name")
        ours = {f"{self.prefix}-{name}" for name in mappings.COMPONENTS}
        for entry in answer.get("component_templates", ()):
            if entry["name"] in ours:
                await self.request("DELETE", f"/_component_template/{entry['name']}")

    async def prepare(self, bound: Bound) -> list[Completed]:
        """Templates, an index behind its alias for every right that has none yet, and in the others the fields that
        they lack, for an index takes nothing that it does not know. Returns what was added.

        Raises ConfigurationError where an index holds vectors of another embedder: they must never be mixed.
        """
        absent, completed = [], []
        for right in RIGHTS:
            index = await self.current(right)
            if index is None:
                absent.append(right)
                continue
            meta = await self.meta(index)
            self._check_embedder(right, index, meta, bound)
            if mappings.meta(right, bound)["mappings"] not in (meta.get("mappings"), meta.get("completed")):
                completed.append(await self.complete(right, index, bound))
        if absent:
            await self.install(bound)
        for right in absent:
            await self.create_first(right, bound)
        return [one for one in completed if one.added or one.refused]

    async def create_first(self, right: str, bound: Bound) -> None:
        name = mappings.index_name(self.prefix, right, 1)
        alias = mappings.alias(self.prefix, right)
        body = mappings.body(right, bound, size_for(right, 0, native=bound.native))
        try:
            await self.create(name, {**body, "aliases": {alias: {"is_write_index": True}}})
        except EngineError:
            if await self.current(right) is None:  # otherwise another process was faster
                raise

    async def complete(self, right: str, index: str, bound: Bound) -> Completed:
        """Adds the fields that an index built by an earlier release lacks, and notes there for which mappings it did.

        What it cannot get (an analyser that it has not, vectors where it was made without) waits for a reindex.
        """
        path = f"/{index}/_mapping"
        answer = await self.request("GET", path, filter_path="*.mappings.properties")
        there = next(iter(answer.values()))["mappings"]["properties"] if answer else {}
        lacking = mappings.missing(mappings.properties(right, bound), there)
        every = [found for name, body in lacking.items() for found in parts(name, body)]
        added, refused = [name for name, _ in every], {}
        try:
            await self.request("PUT", path, {"properties": lacking})
        except EngineUnavailable:
            raise
        except EngineError:  # all together or none: so one after the other
            added = []
            for name, part in every:
                try:
                    await self.request("PUT", path, {"properties": part})
                    added.append(name)
                except EngineUnavailable:
                    raise
                except EngineError as error:
                    refused[name] = error.message
        done = {**await self.meta(index), "completed": mappings.meta(right, bound)["mappings"]}
        await self.request("PUT", path, {"_meta": done})
        return Completed(right, index, tuple(added), refused)

    def _check_embedder(self, right: str, index: str, meta: Json, bound: Bound) -> None:
        if (meta.get("embedder"), meta.get("dimension")) != (bound.embedder, bound.dimension):
            raise ConfigurationError(
                f"Index {index} holds vectors of {meta.get('embedder')} ({meta.get('dimension')} dimensions), "
                f"but the setting asks for {bound.embedder} ({bound.dimension}).",
                remedy=f"Run `concord reindex --right {right}`, or set CONCORD_EMBEDDER={meta.get('embedder')}.",
            )

    async def create(self, index: str, body: Json) -> None:
        """Makes an index; `body` (mappings.body) beside what the templates say."""
        await self.request("PUT", f"/{index}", body)

    async def current(self, right: str) -> str | None:
        """Index behind the alias of a right."""
        try:
            answer = await self.request("GET", f"/_alias/{mappings.alias(self.prefix, right)}")
        except EngineError as error:
            if isinstance(error.__cause__, NotFoundError):
                return None
            raise
        return sorted(answer)[-1] if answer else None

    async def meta(self, index: str) -> Json:
        """`_meta` of an index: what it was built with (see mappings.Bound)."""
        answer = await self.request("GET", f"/{index}/_mapping", filter_path="*.mappings._meta")
        meta: Json = next(iter(answer.values()))["mappings"]["_meta"] if answer else {}
        return meta

    async def shards(self, index: str) -> int:
        """Primaries of an index."""
        path = "*.settings.index.number_of_shards"
        answer = await self.request("GET", f"/{index}/_settings", filter_path=path)
        return int(next(iter(answer.values()))["settings"]["index"]["number_of_shards"])

    async def primary_bytes(self, index: str) -> int:
        """What all primaries of an index take on disk."""
        answer = await self.request("GET", f"/{index}/_stats/store", filter_path="_all.primaries.store.size_in_bytes")
        return int(answer["_all"]["primaries"]["store"]["size_in_bytes"])

    async def versions(self, right: str) -> list[str]:
        """All indices of a right, oldest first, behind the alias or not."""
        answer = await self.request("GET", "/_cat/indices", format="json", h="index", expand_wildcards="open,closed")
        numbered = [(mappings.version_of(self.prefix, right, row["index"]), row["index"]) for row in answer]
        return [name for version, name in sorted((v, n) for v, n in numbered if v is not None)]

    async def set_settings(self, index: str, settings: Json) -> None:
        await self.request("PUT", f"/{index}/_settings", {"index": settings})

    async def swap(self, right: str, new: str) -> list[str]:
        """Points the alias of a right at `new` alone, in one atomic step. Returns the indices it pointed at before."""
        alias = mappings.alias(self.prefix, right)
        old = await self.current(right)
        actions: list[Json] = [{"add": {"index": new, "alias": alias, "is_write_index": True}}]
        if old is not None and old != new:
            actions.append({"remove": {"index": old, "alias": alias, "must_exist": True}})
        await self.request("POST", "/_aliases", {"actions": actions})
        return [old] if old is not None and old != new else []

    async def drop(self, index: str) -> None:
        """Deletes one index by its full name."""
        await self.request("DELETE", f"/{index}", ignore_unavailable="true")

    async def refresh(self, targets: Iterable[str]) -> None:
        """What was written can be searched in every copy there is. Raises EngineUnavailable where one could not."""
        answer = await self.request("POST", f"/{','.join(targets)}/_refresh", ignore_unavailable="true")
        if answer["_shards"]["failed"]:
            raise EngineUnavailable(say("engines.refresh-part"))

    async def count(self, target: str) -> int:
        """Documents of an index. Raises EngineUnavailable where a shard is missing: a part is not a count."""
        answer = await self.request("GET", f"/{target}/_count")
        complete(answer)
        return int(answer["count"])

    async def msearch(self, body: bytes) -> list[list[str]]:
        """Ids found by each query of a multi-search body, in request order. Raises EngineError if one is refused,
        EngineUnavailable if a shard took no part in one."""
        answer = await self.request("POST", "/_msearch", body, filter_path=SEARCH_ANSWER)
        found = []
        for response in answer["responses"]:
            if "error" in response:
                raise EngineError(say("engines.search-refused", fault=describe(response["error"])))
            complete(response)
            found.append([hit["_id"] for hit in response.get("hits", {}).get("hits", ())])
        return found

    async def bulk(self, body: bytes, *, require_alias: bool = True) -> list[ItemResult] | None:
        """One bulk request. None when every item went well; otherwise one result an item, in request order.

        Raises Overloaded or EngineUnavailable when the request as a whole should be tried again.
        """
        answer = await self.request(
            "POST", "/_bulk", body, filter_path=BULK_ANSWER, require_alias="true" if require_alias else "false"
        )
        if not answer["errors"]:
            return None
        results = []
        for item in answer["items"]:
            (result,) = item.values()
            error = result.get("error")
            results.append(ItemResult(result.get("_id", ""), result["status"], describe(error) if error else None))
        return results


def parts(name: str, body: Json) -> Iterator[tuple[str, Json]]:
    """(path, fields of a mapping with this one alone) for each field of a mapping that is added."""
    if body.keys() - {"type"} != {"properties"}:
        yield name, {name: body}
        return
    for below, fields in body["properties"].items():
        for path, part in parts(below, fields):
            yield f"{name}.{path}", {name: {**body, "properties": part}}


def complete(answer: Mapping[str, Any]) -> None:
    """Raises EngineUnavailable where a shard took no part, or not to its end. One that is only just being brought back
    is missing from both counts of what went well and what failed."""
    if answer.get("timed_out") or answer["_shards"]["successful"] < answer["_shards"]["total"]:
        raise EngineUnavailable(say("engines.search-part"))


def describe(error: Json | str) -> str:
    """The engine's reason with its root cause, in one line."""
    if isinstance(error, str):
        return error
    reason = f"{error.get('type', 'error')}: {error.get('reason', '')}"
    cause = error.get("caused_by")
    return f"{reason} ({describe(cause)})" if cause else reason


def explain(error: TransportError) -> str:
    info = error.info
    if isinstance(error, RequestError) or isinstance(info, dict):
        return describe(info.get("error", info)) if isinstance(info, dict) else str(info)
    return f"{error.status_code} {error.error}"


async def close(client: AsyncOpenSearch) -> None:
    """Closes a client for good. By itself it forgets its connections to nodes that were away last."""
    pool = client.transport.connection_pool
    for connection in getattr(pool, "orig_connections", ()):
        await connection.close()
    await client.close()


async def wait_until_ready(engine: Engine, *, timeout_s: float = 60) -> None:
    """Waits until the cluster can serve (yellow). Raises EngineUnavailable."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while True:
        try:
            # Without a `timeout` of the request: the client takes that name for its own, in seconds.
            await engine.request("GET", "/_cluster/health", wait_for_status="yellow")
            return
        except EngineUnavailable:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.5)

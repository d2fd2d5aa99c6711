"""The application: `create_app(settings)` for the process's own settings, or for any others."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from api import errors, health
from api.access import routes as access_routes
from api.basket import feedback as feedback_routes
from api.basket import routes as basket_routes
from api.deliveries import routes as delivery_routes
from api.dependencies import Services
from api.description import describe
from api.exchange import changes as exchange_changes
from api.exchange import feeds as exchange_feeds
from api.exchange import package_routes as exchange_packages
from api.exchange import priority as exchange_priority
from api.exchange import push_routes as exchange_push
from api.exchange import routes as exchange_routes
from api.exports import routes as export_routes
from api.hardening import Hardening
from api.jobs import routes as job_routes
from api.observe import Metrics, Observed, private_metrics
from api.platform import routes as platform_routes
from api.review import duplicate_routes, publishing
from api.review import quality as quality_routes
from api.saved import routes as saved_routes
from api.search import family_routes, insight_routes, numbers, parsing
from api.search import routes as search_routes
from api.search.engine import Engine
from api.search.service import warm
from api.search.similar import routes as similar_routes
from api.search.similar.pictures import LARGEST_BODY
from api.web import routes as web_routes
from api.web.page import FailuresAsPages
from api.web.page import warm as warm_pages
from api.webhooks import routes as webhook_routes
from common.errors import ConfigurationError
from common.settings import Settings
from common.settings import settings as process_settings
from common.telemetry import start_tracing, stop_tracing
from store.database import Database

ROUTERS = (
    health.router,
    search_routes.router,
    parsing.router,
    numbers.router,
    similar_routes.router,
    family_routes.router,
    insight_routes.router,
    access_routes.router,
    exchange_routes.router,
    exchange_changes.router,
    exchange_feeds.router,
    exchange_packages.router,
    exchange_priority.router,
    exchange_push.router,
    quality_routes.router,
    duplicate_routes.router,
    basket_routes.router,
    feedback_routes.router,
    job_routes.router,
    export_routes.router,
    saved_routes.router,
    delivery_routes.router,
    webhook_routes.router,
    platform_routes.router,
    web_routes.router,
)
"""Each route in them has a guard; tests/leaks/test_routes.py looks."""

UPLOADS = ("/v1/deliveries", "/deliveries")
"""Paths where what is posted may be large, and take their time."""

LIMITS = {"/v1/images/similar": LARGEST_BODY, "/images": LARGEST_BODY + 10_000}
"""Bytes of a body, where a picture comes in it: alone, or in a form."""

COLLECTING = (20_000, 20, 50)
"""Thresholds of garbage collection (gc.set_threshold). One answer of the engine is more objects than Python's own first
threshold: each search was interrupted several times, and often all kept queries were looked through again."""

DESCRIPTION = """
Search and exchange of patents, trademarks, designs and copyright works of every office.

Send an API key or an OIDC token as `Authorization: Bearer …`; without one you see what is open to all. Declare why
you ask with `Concord-Purpose`. Errors are problem details (RFC 9457). What you may not see looks like what does
not exist.
"""


async def _warmed(services: Services, alone: bool) -> None:
    """The limit of a search's time holds from when the engine is warm: the first words of a language load its
    dictionaries, which takes longer than any search."""
    try:
        await warm(services)
    finally:
        services.engine.limit_s = services.settings.search_limit
    await asyncio.to_thread(warm_pages)
    if alone:
        # Term bank, tables and routes stay as long as the process. To look through them for garbage again and again
        # would stop every search of that moment for some tenths of a second.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECTING)


def create_app(settings: Settings | None = None, *, alone: bool = False) -> FastAPI:
    """The API over the engines that the settings name. Raises ConfigurationError where they name none.

    `alone`: the process serves it and nothing else, until it ends; what is loaded by the time it is warm is kept out of
    garbage collection.
    """
    chosen = settings or process_settings()
    if chosen.opensearch_url is None or chosen.database_url is None:
        raise ConfigurationError(
            "The API needs to know its engines.",
            remedy="Run `concord up`, or set CONCORD_OPENSEARCH_URL and CONCORD_DATABASE_URL.",
        )
    opensearch_url, database_url = chosen.opensearch_url, chosen.database_url.get_secret_value()
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        database = Database(database_url, pool_size=16)
        metrics.watch_database(database.engine)
        engine = Engine(opensearch_url, chosen.index_prefix, metrics.engine_call)
        services = Services(chosen, database, engine, metrics)
        app.state.services = services
        services.start()
        services.jobs.append(asyncio.create_task(publishing.run(services)))
        warming = app.state.warming = asyncio.create_task(_warmed(services, alone))
        if chosen.otlp_endpoint is not None:
            start_tracing(chosen.otlp_endpoint)
        try:
            with private_metrics(metrics, services.reading, chosen.host, chosen.metrics_port) as port:
                app.state.metrics_port = port
                yield
        finally:
            warming.cancel()
            await services.stop()
            await engine.close()
            database.close()
            if chosen.otlp_endpoint is not None:
                stop_tracing()

    app = FastAPI(
        title="IP Concord",
        version="1",
        description=DESCRIPTION,
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.state.settings = chosen
    app.state.metrics = metrics
    errors.install(app)
    for router in ROUTERS:
        app.include_router(router)
    describe(app)
    app.add_middleware(
        Hardening,
        body_limit=chosen.body_limit,
        time_limit=chosen.time_limit,
        upload_limit=chosen.upload_limit,
        uploads=UPLOADS,
        limits=LIMITS,
    )
    app.add_middleware(FailuresAsPages)
    app.add_middleware(Observed, metrics=metrics)
    return app

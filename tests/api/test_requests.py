"""What nobody would ask, of every route: made from the API's own description, right and wrong, seeded.

Each answer is one that the description names, each error a problem that says what, and none a fault of ours. At length:
`make security`.
"""

from __future__ import annotations

import json
import os
from itertools import cycle
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import APIOperation, Case, GenerationMode

from api.access.model import Role
from tests.platforms import Platform

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(7_200)]
EACH = int(os.environ.get("CONCORD_TEST_REQUESTS_A_ROUTE", "2"))
"""Requests of each kind, right and wrong, for each route."""
BASE = "http://platform.test"
CALLERS = (Role.PROVIDER_STEWARD, None, Role.PLATFORM_STEWARD, Role.DATA_QUALITY)
Operation = APIOperation[Any, Any, Any, Any]


def operations(description: dict[str, Any]) -> list[Operation]:
    schema = schemathesis.openapi.from_dict(description)
    return [result.ok() for result in schema.get_all_operations()]


def cases(operation: Operation) -> list[Case]:
    """Requests as the description wants them, and as it does not where there is something that can be wrong."""
    made: list[Case] = []

    def collect(case: Case) -> None:
        made.append(case)

    modes = [GenerationMode.POSITIVE]
    if operation.query or operation.body:
        modes.append(GenerationMode.NEGATIVE)
    for mode in modes:
        chosen = settings(
            max_examples=EACH,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        seed(7)(chosen(given(operation.as_strategy(generation_mode=mode))(collect)))()
    return made


async def ask(client: httpx.AsyncClient, case: Case, key: str | None) -> httpx.Response:
    """The request as it goes over the wire."""
    given = case.as_transport_kwargs(base_url=BASE)
    parts = ("method", "url", "params", "headers", "json", "data", "files")
    prepared = requests.Request(**{name: given[name] for name in parts if given.get(name) is not None}).prepare()
    headers = {**prepared.headers, **({"authorization": f"Bearer {key}"} if key else {})}
    return await client.request(str(prepared.method), str(prepared.url), content=prepared.body, headers=headers)


def fault(operation: Operation, answer: httpx.Response) -> str | None:
    """What is wrong with an answer."""
    if answer.status_code == 500 or str(answer.status_code) not in operation.definition.raw["responses"]:
        return "not an answer that the description names"
    if answer.status_code >= 400:
        if answer.headers["content-type"] != "application/problem+json":
            return f"an error of type {answer.headers['content-type']}"
        problem = json.loads(answer.content)
        if problem["status"] != answer.status_code or not problem["detail"]:
            return "an error that says nothing"
    return None


async def test_every_route_answers_as_its_description_says(platform: Platform) -> None:
    keys = cycle([platform.key("QA", role) if role else None for role in CALLERS])
    faults: list[str] = []
    asked = 0
    async with platform.client() as client:
        description = (await client.get("/v1/openapi.json")).json()
        for operation in operations(description):
            for case in cases(operation):
                answer = await ask(client, case, next(keys))
                asked += 1
                if (wrong := fault(operation, answer)) is not None:
                    body = (answer.request.content or b"")[:200]
                    faults.append(f"{operation.label} {answer.request.url} {body!r}: {answer.status_code} {wrong}")
                    faults.append(f"    {answer.text[:300]}")
    assert not faults, "\n".join(faults)
    assert asked > 150 * EACH, "the description has lost its routes"


async def test_a_value_that_no_table_can_hold_is_the_callers_mistake(platform: Platform) -> None:
    async with platform.client(platform.key("QA", Role.PROVIDER_STEWARD)) as client:
        for method, path, body in (
            ("GET", f"/v1/exchange/agreements/{10**25}", None),
            ("GET", "/v1/exchange/certificates?office=%00", None),
            ("POST", "/v1/exchange/packages", {"agreement": -(10**25)}),
            ("POST", "/v1/exchange/changes/ack", {"agreement": 10**30, "cursor": "x"}),
        ):
            answer = await client.request(method, path, json=body)
            assert answer.status_code == 400, (path, answer.text)
            assert "too large" in answer.json()["remedy"]

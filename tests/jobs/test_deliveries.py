"""Deliveries by upload: loaded once, by their own office alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from api.access.model import Role
from api.deliveries.job import folder
from tests.pipeline.docdb import document as doc
from tests.pipeline.docdb import record_id, write
from tests.platforms import Platform, until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_upload_is_loaded_once_and_read_by_its_office(platform: Platform, tmp_path: Path) -> None:
    content = write(tmp_path / "one.xml", [doc(7_000 + n) for n in range(3)]).read_bytes()
    async with (
        platform.client(platform.key("XU", Role.OFFICE_AGENT)) as agent,
        platform.client(platform.key("XU")) as examiner,
        platform.client() as nobody,
    ):
        assert (await examiner.post("/v1/deliveries", content=content)).status_code == 403
        assert (await nobody.post("/v1/deliveries", content=content)).status_code == 401
        assert (await agent.post("/v1/deliveries", content=b"")).status_code == 400
        assert (await agent.post("/v1/deliveries?name=../x", content=content)).status_code == 400

        async def loaded() -> dict[str, Any]:
            job = (await agent.post("/v1/deliveries?name=one.xml", content=content)).json()

            async def over() -> dict[str, Any] | None:
                found: dict[str, Any] = (await agent.get(f"/v1/jobs/{job['id']}")).json()
                return found if found["state"] in ("done", "failed") else None

            return await until(over, seconds=120)

        first, again = await loaded(), await loaded()
        assert (first["result"]["records"], first["result"]["indexed"]) == (3, 3)
        assert again["result"]["replay"]
        assert (await examiner.get(f"/v1/records/{record_id(7_001, 'XU')}")).status_code == 200
        assert [one["state"] for one in (await agent.get("/v1/deliveries")).json()["deliveries"]] == ["done"]
    assert list(folder(platform.services).iterdir()) == []

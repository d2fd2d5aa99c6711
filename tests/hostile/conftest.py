from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile.samples import collect


@pytest.fixture(scope="session")
def deliveries(shared_data: Path) -> dict[str, bytes]:
    """One small delivery of each format, to be spoilt in every way."""
    return collect(shared_data)

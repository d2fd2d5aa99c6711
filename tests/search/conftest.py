from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.platforms import ALL_GROUPS, Platform, make_record, running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def multilingual(engines: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    """One invention in five languages, one a record, beside its neighbours; the Russian one is closed."""
    async with running(*engines, tmp_path_factory.mktemp("search")) as started:
        await started.index(
            [
                make_record("QA", 1, "Heat pump with leak sensor for the refrigerant", abstract="A sensor warns."),
                make_record("QB", 2, "Wärmepumpe mit Kältemittelleck", language="de", abstract="Ein Fühler warnt."),
                make_record("QC", 3, "ヒートポンプの冷媒漏れ検出", language="ja", abstract="センサが警報を出す。"),
                make_record("QD", 4, "مضخة حرارية بكاشف لتسرب غاز التبريد", language="ar", abstract="ينذر المستشعر."),
                make_record("QE", 5, "Тепловой насос с датчиком утечки хладагента", language="ru"),
                make_record("QA", 6, "Bicycle brake with cable", abstract="A lever pulls a cable."),
                make_record("QB", 7, "Bohrhammer mit Schwingungsdämpfung", language="de", abstract="Federn am Griff."),
                make_record("QC", 8, "Marteau perforateur à percussion", language="fr", abstract="Un piston frappe."),
            ]
        )
        for office in ("qa", "qb", "qc", "qd"):
            started.policy(f"{office}-patent-x", "content", groups=ALL_GROUPS)
        started.policy("qe-patent-x", "none")
        yield started

"""What the site's data-quality people find: pairs that a scan would have left, deliveries with findings, coverage."""

from __future__ import annotations

import datetime as dt
import json

from common.messages import say
from indexer.duplicates import profile
from indexer.duplicates.clusters import pair
from indexer.duplicates.compare import compare
from indexer.duplicates.ledger import Ledger
from indexer.harmonise.findings import finding
from indexer.record import Number, NumberType, Party, PartyRole, Record
from tests.platforms import Platform, make_record
from tests.review_quality.world import World

PAIRS = 14
"""Open pairs: more than a reviewer of the tests judges."""
MISSING = (705, 706)
"""Serial numbers that nobody delivered."""


def serials() -> list[int]:
    return [number for number in range(700, 700 + PAIRS + len(MISSING) + 2) if number not in MISSING][: PAIRS + 2]


def told_by_its_office() -> list[Record]:
    """Looms, as their own office XA tells them."""
    made = []
    for position, number in enumerate(serials()):
        record = make_record("XA", number, f"Loom with shuttle number {number}", ipc="D03D 49/00",
                             published=dt.date(2010 + position // 6, 2, 3), applicant="Sample Looms Ltd")  # fmt: skip
        canonical = f"XA{2010 + position // 6}{number:06d}"
        application = Number(type=NumberType.APPLICATION, raw=canonical, canonical=canonical, office="XA")
        doubt = finding("text-language-unknown", "texts.title", record.texts[0].text)
        made.append(record.model_copy(update={"numbers": (*record.numbers, application),
                                              "findings": (doubt,) if position % 3 == 0 else ()}))  # fmt: skip
    return made


def told_by_others() -> list[Record]:
    """The same looms as XB tells them: with slips, and the applicant in another script."""
    made = []
    for position, record in enumerate(told_by_its_office()):
        title = record.texts[0].model_copy(update={"text": record.texts[0].text.replace("shuttle", "shutle")})
        party = Party(role=PartyRole.APPLICANT, name="見本織機株式会社", canonical_name="SAMPLE LOOMS", country="XB",
                      latin_name="Mihon Shokki KK")  # fmt: skip
        made.append(
            record.model_copy(
                update={
                    "id": f"xb-patent-x.{record.numbers[0].canonical}.A1",
                    "provider": "XB",
                    "collection": "xb-patent-x",
                    "texts": (title if position % 2 else record.texts[0],),
                    "parties": (party,) if position % 3 == 0 else record.parties,
                    "findings": (),
                }
            )
        )
    return made


WHY = say("duplicates.same-number-without-kind", number="XA0000700")


def enter_pairs(platform: Platform) -> None:
    """The first two pairs are one by a rule, the others wait for people."""
    ledger = Ledger(platform.database)
    looms = list(zip(told_by_its_office(), told_by_others(), strict=True))
    profiles = {r.id: profile.profile(r.model_dump(mode="json"), 1) for both in looms for r in both}
    with ledger.transaction() as connection:
        for table in ("profiles", "pairs", "decisions", "clusters", "conflicts"):
            connection.execute(f"delete from duplicate_{table}")
        for found in profiles.values():
            connection.execute(
                'insert into duplicate_profiles (id, seq, "right", office, provider, collection, body) '
                "values (%s, 1, 'patent', 'XA', %s, %s, %s)",
                (found.id, found.provider, found.collection, profile.dump(found)),
            )
        for position, (one, other) in enumerate(looms):
            a, b = pair(one.id, other.id)
            compared = compare(profiles[a], profiles[b])
            connection.execute(
                'insert into duplicate_pairs (a, b, "right", providers, offices, relation, action, why, score, scorer, '
                "levels, values, seq_a, seq_b, languages) values (%s, %s, 'patent', 'XA/XB', 'XA/XA', 'same', %s, "
                "%s, %s, 'x', %s::jsonb, %s::jsonb, 1, 1, "
                "'[\"en\"]')",
                (a, b, "merge" if position < 2 else "queue", WHY, 0.5 + position / 100, str(list(compared.levels)),
                 json.dumps(compared.values)),
            )  # fmt: skip
        ledger.recompute(connection, profiles)


def deliver(platform: Platform) -> None:
    """Two deliveries, a month apart: so there is a trend, and numbers that are missing between others."""
    world = World(platform.database)
    looms = told_by_its_office()
    world.deliver(looms[:8], received=dt.datetime(2026, 1, 10, 12, tzinfo=dt.UTC), provider="XA", rejected=1)
    world.deliver(looms[8:], received=dt.datetime(2026, 2, 11, 12, tzinfo=dt.UTC), provider="XA")
    world.deliver(told_by_others(), received=dt.datetime(2026, 2, 12, 12, tzinfo=dt.UTC), provider="XB")

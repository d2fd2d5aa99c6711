"""An agreement refines the policies above it and never widens them: the platform's, and those of the collections."""

from __future__ import annotations

import datetime as dt
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.access.agreements import ONWARD, Limits, Terms, granted_groups
from api.access.model import GRANTABLE, PURPOSES, Caller, Group, Role, Tier, role_rules
from api.access.policies import PolicyTerms
from api.access.scopes import NO_FORMAT, AgreementRules, CollectionRules, decide
from api.exchange.global_policy import Widens, check_policy, check_terms, document, narrowed
from api.exchange.writers import FORMATS
from tests.exchange.offices import Party, Receiver, agreed, load
from tests.exchange.test_packages import TERMS, fetched, ordered
from tests.pipeline.docdb import document as doc
from tests.pipeline.docdb import record_id
from tests.platforms import Platform

NAMES = ("xa-patent-one", "xa-patent-two")
NOW = dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)
tiers = st.sampled_from(["none", "existence", "metadata", "content"])
groups = st.lists(st.sampled_from(GRANTABLE), unique=True, max_size=4).map(tuple)
purposes = st.lists(st.sampled_from(PURPOSES), unique=True, max_size=3).map(tuple)
formats = st.lists(st.sampled_from(sorted(FORMATS)[:4]), unique=True, max_size=3).map(tuple)
onward = st.sampled_from(ONWARD)
limits = st.builds(
    Limits, tier=tiers, groups=st.none() | groups, purposes=st.none() | purposes, onward=onward
) | st.just(Limits())
policies = st.builds(
    PolicyTerms,
    tier=tiers,
    purposes=st.just(()) | purposes,
    denied=st.sampled_from([(), (), ("XB",)]),
    formats=st.just(()) | formats,
    agreements=limits,
)
terms = st.builds(
    Terms,
    tier=tiers.filter(lambda tier: tier != "none"),
    groups=groups,
    purposes=purposes,
    formats=formats,
    onward=onward,
)
sets = st.fixed_dictionaries(dict.fromkeys(NAMES, policies))


def wider(asked: Terms, policy: PolicyTerms) -> bool:
    """Whether an agreement would give more than a collection's policy, from the rules in words."""
    most = policy.agreements
    named = most.purposes if most.purposes is not None else policy.purposes or None
    return (
        "XB" in policy.denied
        or Tier.parse(asked.tier) > Tier.parse(most.tier)
        or (most.groups is not None and not set(asked.groups) <= set(most.groups))
        or (named is not None and (not asked.purposes or not set(asked.purposes) <= set(named)))
        or ONWARD.index(asked.onward) > ONWARD.index(most.onward)
        or bool(policy.formats and not set(asked.formats) <= set(policy.formats))
    )


def taken(asked: Terms, held: dict[str, PolicyTerms]) -> bool:
    try:
        check_terms(asked, held, "XB")
    except Widens:
        return False
    return True


def rules(name: str, policy: PolicyTerms) -> CollectionRules:
    return CollectionRules(
        name,
        "XA",
        "patent",
        purposes=frozenset(policy.purposes),
        denied=frozenset(policy.denied),
        formats=frozenset(policy.formats),
        limits=policy.agreements,
    )


@settings(max_examples=200, deadline=None)
@given(asked=terms, held=sets)
def test_no_terms_are_taken_that_widen_a_policy_and_none_refused_that_refine_all(
    asked: Terms, held: dict[str, PolicyTerms]
) -> None:
    sound = taken(asked, {})
    assert taken(asked, held) == (sound and not any(wider(asked, policy) for policy in held.values()))


@settings(max_examples=200, deadline=None)
@given(asked=terms, held=sets, purpose=st.sampled_from(PURPOSES))
def test_no_agreement_in_force_gives_more_than_the_policies_even_where_they_came_later(
    asked: Terms, held: dict[str, PolicyTerms], purpose: str
) -> None:
    caller = Caller("key", "k", "XB", Role.EXAMINER, role_rules()[Role.EXAMINER].permissions)
    ground = [AgreementRules(1, "XA", "XB", asked)]
    scope = decide(caller, purpose, [rules(name, policy) for name, policy in held.items()], ground, now=NOW)
    for grant in scope.grants:
        for name in grant.collections:
            policy = held[name]
            most = policy.agreements
            named = most.purposes if most.purposes is not None else policy.purposes or None
            assert "XB" not in policy.denied
            assert grant.tier <= min(Tier.parse(most.tier), Tier.parse(asked.tier))
            allowed = set(asked.groups) & set(GRANTABLE if most.groups is None else most.groups)
            assert grant.groups <= granted_groups(grant.tier, frozenset(allowed))
            assert grant.condition.unpublished <= (Group.UNPUBLISHED in grant.groups)
            assert named is None or purpose in named
            assert not asked.purposes or purpose in asked.purposes
            for limit in (policy.formats, asked.formats):
                assert not limit or (grant.formats and (grant.formats <= set(limit) or grant.formats == NO_FORMAT))


@settings(max_examples=200, deadline=None)
@given(asked=terms, held=sets)
def test_what_is_offered_as_asked_is_within_the_policies_and_no_more_than_was_asked(
    asked: Terms, held: dict[str, PolicyTerms]
) -> None:
    try:
        kept, left_out = narrowed(asked, held, "XB")
    except Widens:
        return
    chosen = {name: policy for name, policy in held.items() if not kept.collections or name in kept.collections}
    assert chosen
    assert taken(kept, chosen)
    assert bool(left_out) == (kept != asked)
    assert Tier.parse(kept.tier) <= Tier.parse(asked.tier)
    assert set(kept.groups) <= set(asked.groups)
    assert set(kept.purposes) <= set(asked.purposes or PURPOSES)
    assert set(kept.formats) <= set(asked.formats)
    assert ONWARD.index(kept.onward) <= ONWARD.index(asked.onward)


@settings(max_examples=200, deadline=None)
@given(policy=st.builds(PolicyTerms, tier=tiers, groups=groups, agreements=limits))
def test_no_policy_is_set_that_widens_the_platforms(policy: PolicyTerms) -> None:
    whole = document()
    wide = any(group not in whole["public"]["groups"] for group in policy.groups)
    try:
        check_policy(policy)
    except Widens:
        assert wide
    else:
        assert not wide
        agreed_ = whole["agreement"]
        assert Tier.parse(policy.agreements.tier) <= Tier.parse(agreed_["highest_tier"])
        assert set(policy.agreements.groups or ()) <= set(agreed_["groups"])
        assert set(policy.agreements.purposes or ()) <= set(agreed_["purposes"])
        assert policy.agreements.onward in agreed_["onward"]


@pytest.mark.parametrize(
    ("policy", "point"),
    [
        ({"purposes": ["statistics"]}, "is not given for examination"),
        ({"agreements": {"purposes": ["statistics"]}}, "is not given for examination"),
        ({"agreements": {"tier": "metadata"}}, "is given up to tier metadata, not content"),
        ({"agreements": {"groups": ["bibliography"]}}, "full-text is not given"),
        ({"formats": ["csv"]}, "is not given as st96"),
        ({"agreements": {"onward": "none"}}, "may not be shared onwards to offices (none at most)"),
    ],
)
@pytest.mark.asyncio(loop_scope="session")
async def test_each_point_in_which_an_offer_would_widen_the_policy_is_named(
    platform: Platform, provider: Party, beneficiary: Party, policy: dict[str, Any], point: str
) -> None:
    name = f"{provider.office.lower()}-patent-default"
    platform.policy(name, **policy)
    asked = {
        "tier": "content",
        "groups": ["full-text"],
        "purposes": ["examination"],
        "formats": ["st96"],
        "onward": "offices",
    }
    body = {"provider": provider.office, "terms": asked}
    number = (await beneficiary.call("POST", "/exchange/requests", 201, json=body))["id"]
    offers = f"/exchange/agreements/{number}/offers"
    refused = await provider.call("POST", offers, 400, json={"terms": asked})
    assert f"{name}" in refused["detail"]
    assert point in refused["detail"]
    platform.policy(name)
    await provider.call("POST", offers, 201, json={"terms": asked})


@pytest.mark.asyncio(loop_scope="session")
async def test_a_policy_that_says_less_takes_it_from_agreements_in_force_at_once(
    platform: Platform, provider: Party, beneficiary: Party, tmp_path: Path
) -> None:
    name = f"{provider.office.lower()}-patent-default"
    await load(platform, provider.office, tmp_path / "1.xml", [doc(n) for n in range(2)])
    number = await agreed(provider, beneficiary, **TERMS, formats=["csv", "st36"])
    path, record = f"/collections/{name}/policy", f"/records/{record_id(1, provider.office)}"
    receiver = Receiver(beneficiary, number)
    await receiver.follow()
    assert len(receiver.held) == 2
    await provider.call("PUT", path, json={"formats": ["csv"], "agreements": {"tier": "metadata"}})
    package = await fetched(beneficiary, await ordered(beneficiary, number), tmp_path / "p.asice")
    with zipfile.ZipFile(package) as content:
        report = json.loads(content.read("report.json"))["formats"]
    assert {written: entry["written"] for written, entry in report.items()} == {"csv": 2, "st36": 0}
    assert report["st36"]["unwritten"] == {"the policy of the collection does not give it in this format": 2}
    assert (await beneficiary.raw("GET", record, headers={"accept": "text/csv"})).status_code == 200
    st36 = {"accept": "application/vnd.wipo.st36+xml"}
    assert (await beneficiary.raw("GET", record, headers=st36)).status_code == 406
    await provider.call("PUT", path, json={"agreements": {"purposes": ["statistics"]}})
    await beneficiary.call("GET", record, 404)
    assert {change for change, _ in await receiver.follow()} == {"deletion"}
    assert receiver.held == {}
    await provider.call("PUT", path, json={"agreements": {"tier": "none"}, "tier": "none"})
    await beneficiary.call("GET", record, 404)

"""The platform's data-access policy in machine form (`global_policy.toml`): what no collection and no agreement may
widen."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.access.agreements import ONWARD, Limits
from api.access.model import GRANTABLE, PURPOSES, Group, Tier
from api.exchange.writers import FORMATS
from common.errors import UsageError

if TYPE_CHECKING:
    from api.access.agreements import Terms
    from api.access.policies import PolicyTerms


class Widens(UsageError):
    """A policy or terms that give more than the platform's policy allows; `points` says where."""

    def __init__(self, points: list[str]) -> None:
        super().__init__(
            f"This gives more than the platform's data-access policy allows: {'; '.join(points)}.",
            remedy="Give less: the limits are at /v1/exchange/policy.",
        )
        self.points = tuple(points)


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The policy as it stands in the file."""
    return tomllib.loads((Path(__file__).parent / "global_policy.toml").read_text("utf-8"))


def check_policy(terms: PolicyTerms) -> None:
    """Raises Widens where a collection opens more to everybody than may be open, or lets agreements give more than
    agreements may."""
    public, agreed = document()["public"], document()["agreement"]
    points = _tier(terms.tier, public["highest_tier"])
    points += [f"{group} may not be open to everybody" for group in terms.groups if group not in public["groups"]]
    points += _unknown(terms.formats)
    limits = terms.agreements
    points += _tier(limits.tier, agreed["highest_tier"])
    points += [f"{name} may not be given by agreement" for name in limits.groups or () if name not in agreed["groups"]]
    never = [name for name in limits.purposes or () if name not in agreed["purposes"]]
    points += [f"purpose {name} is not provided for" for name in never]
    if limits.onward not in agreed["onward"]:
        points.append(f"onward sharing {limits.onward} is not provided for")
    if points:
        raise Widens(points)


def check_terms(terms: Terms, policies: dict[str, PolicyTerms], beneficiary: str) -> None:
    """Raises Widens where an agreement gives more than the platform's policy, or the policies of its collections
    (id → policy), allow."""
    limits = document()["agreement"]
    points = _tier(terms.tier, limits["highest_tier"])
    points += [f"{group} may not be given" for group in terms.groups if group not in limits["groups"]]
    points += _unknown(terms.formats)
    points += [f"purpose {name} is not provided for" for name in terms.purposes if name not in limits["purposes"]]
    for group, enough in limits["groups_need_purpose"].items():
        if Group(group) not in terms.groups:
            continue
        if not terms.purposes:
            points.append(f"{group} needs a stated purpose ({', '.join(enough)})")
        points += [f"{group} may not be given for {name}" for name in terms.purposes if name not in enough]
    if terms.onward not in limits["onward"]:
        points.append(f"onward sharing {terms.onward} is not provided for")
    if terms.onward != "none":
        never = [group for group in terms.groups if group in limits["never_onward"]["groups"]]
        points += [f"{group} may not be shared onwards" for group in never]
    if terms.valid_from and terms.valid_until and _years(terms) > limits["longest_years"]:
        points.append(f"it lasts longer than {limits['longest_years']} years")
    for name, policy in sorted(policies.items()):
        points += _beyond(terms, name, policy, beneficiary)
    if points:
        raise Widens(points)


def _beyond(terms: Terms, name: str, policy: PolicyTerms, beneficiary: str) -> list[str]:
    """Where the terms give more of a collection than its policy lets agreements give."""
    limits, purposes = policy.agreements, policy.agreed_purposes
    points = [f"{name} is denied to {beneficiary}"] if beneficiary in policy.denied else []
    if Tier.parse(terms.tier) > Tier.parse(limits.tier):
        points.append(f"{name} is given up to tier {limits.tier}, not {terms.tier}")
    groups = limits.groups if limits.groups is not None else GRANTABLE
    points += [f"{name}: {group} is not given" for group in terms.groups if group not in groups]
    if purposes is not None and not terms.purposes:
        points.append(f"{name} is given only for a stated purpose ({', '.join(sorted(purposes)) or 'none'})")
    if purposes is not None:
        points += [f"{name} is not given for {purpose}" for purpose in terms.purposes if purpose not in purposes]
    if ONWARD.index(terms.onward) > ONWARD.index(limits.onward):
        points.append(f"{name} may not be shared onwards to {terms.onward} ({limits.onward} at most)")
    surplus = sorted(set(terms.formats) - set(policy.formats)) if policy.formats else []
    return points + [f"{name} is not given as {format_}" for format_ in surplus]


def narrowed(terms: Terms, policies: dict[str, PolicyTerms], beneficiary: str) -> tuple[Terms, tuple[str, ...]]:
    """The terms without what the policies of their collections do not allow, and the points that are left out. Raises
    Widens where nothing would be left, or where it is more than the platform's policy allows."""
    try:
        check_terms(terms, policies, beneficiary)
    except Widens as error:
        given = {
            name: policy
            for name, policy in policies.items()
            if beneficiary not in policy.denied and policy.agreements.tier != "none"
        }
        formats, purposes = set(terms.formats), set(terms.purposes or PURPOSES)
        groups, tier, onward = set(terms.groups), str(terms.tier), terms.onward
        for policy in given.values():
            limits: Limits = policy.agreements
            formats &= set(policy.formats or formats)
            purposes &= purposes if policy.agreed_purposes is None else policy.agreed_purposes
            groups &= groups if limits.groups is None else set(limits.groups)
            tier = min(tier, limits.tier, key=Tier.parse)
            onward = min(onward, limits.onward, key=ONWARD.index)
        if not given or not purposes or (terms.formats and not formats):
            raise
        kept = terms.model_copy(
            update={
                "collections": tuple(sorted(given)),
                "formats": tuple(name for name in terms.formats if name in formats),
                "purposes": tuple(name for name in terms.purposes or PURPOSES if name in purposes)
                if terms.purposes or purposes < set(PURPOSES)
                else (),
                "groups": tuple(group for group in terms.groups if group in groups),
                "tier": tier,
                "onward": onward,
            }
        )
        check_terms(kept, given, beneficiary)
        return kept, error.points
    return terms, ()


def _unknown(formats: Iterable[str]) -> list[str]:
    return [f"there is no format {name} (there are {', '.join(FORMATS)})" for name in formats if name not in FORMATS]


def _tier(given: str, highest: str) -> list[str]:
    return [f"tier {given} is above {highest}"] if Tier.parse(given) > Tier.parse(highest) else []


def _years(terms: Terms) -> float:
    assert terms.valid_from is not None
    assert terms.valid_until is not None
    return (terms.valid_until - terms.valid_from).days / 365.25

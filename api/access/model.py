"""The words of access: tiers, field groups, roles, permissions, purposes, and who is asking."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from functools import lru_cache
from pathlib import Path


class Tier(IntEnum):
    """How much of a collection somebody may see; each includes the one before."""

    NONE = 0
    EXISTENCE = 1
    """That a record exists, and whom to ask."""
    METADATA = 2
    """The bibliography group."""
    CONTENT = 3
    """Every field group that was granted."""

    @classmethod
    def parse(cls, name: str) -> Tier:
        return cls[name.upper()]

    @property
    def label(self) -> str:
        return self.name.lower()


class Group(StrEnum):
    """Field groups. `fields.toml` says which field of the index and of the record belongs to which."""

    EXISTENCE = "existence"
    """Right, office, provider and collection: what the existence tier shows."""
    BIBLIOGRAPHY = "bibliography"
    """What ST.9, ST.60 and ST.80 give an INID code: the front page, abstract included (57)."""
    FULL_TEXT = "full-text"
    IMAGES = "images"
    LEGAL_STATUS = "legal-status"
    PERSONAL_DATA = "personal-data"
    UNPUBLISHED = "unpublished"
    """Not a set of fields but of records: those that the office has not published."""
    PROVENANCE = "provenance"
    """Delivery, file, position and quality findings: the provider's own people only. File positions would tell others
    how many records they do not see."""


GRANTABLE = (
    Group.BIBLIOGRAPHY,
    Group.FULL_TEXT,
    Group.IMAGES,
    Group.LEGAL_STATUS,
    Group.PERSONAL_DATA,
    Group.UNPUBLISHED,
)
"""The groups that a policy or an agreement may name."""


class Role(StrEnum):
    EXAMINER = "examiner"
    OFFICE_AGENT = "office-agent"
    DATA_QUALITY = "data-quality"
    PROVIDER_STEWARD = "provider-steward"
    PLATFORM_STEWARD = "platform-steward"
    AUDITOR = "auditor"
    PUBLIC = "public"


class Permission(StrEnum):
    """What a caller may do; what it may see is the Scope's business. `roles.toml` says which role has which."""

    SEARCH = "search"
    VIEW = "view"
    ORIGINAL = "original"
    EXPORT = "export"
    EXCHANGE = "exchange"
    DELIVER = "deliver"
    """Deliveries of one's own office, by upload."""
    REVIEW = "review"
    MANAGE_OFFICE = "manage-office"
    """Policies, agreements, people and keys of one's own office."""
    MANAGE_PLATFORM = "manage-platform"
    AUDIT_OFFICE = "audit-office"
    """Who read one's own office's records."""
    AUDIT_PLATFORM = "audit-platform"


PURPOSES = ("examination", "priority-proof", "statistics", "publication", "data-quality")
"""Why somebody asks. Declared by the caller, limited by its key, judged by policies and agreements, kept by the
audit."""

DEFAULT_PURPOSE = "examination"


@dataclass(frozen=True, slots=True)
class RoleRules:
    permissions: frozenset[Permission]
    reads_for_office: bool
    """Whether the role sees what its office provides and what agreements give to its office."""


@lru_cache(maxsize=1)
def role_rules() -> dict[Role, RoleRules]:
    table = tomllib.loads((Path(__file__).parent / "roles.toml").read_text("utf-8"))
    return {
        Role(name): RoleRules(frozenset(Permission(p) for p in entry["permissions"]), entry["reads_for_office"])
        for name, entry in table.items()
    }


@dataclass(frozen=True, slots=True)
class Caller:
    """One authenticated caller, or the anonymous public."""

    kind: str
    """`key`, `user`, `oidc`, `local` (a process on the machine) or `anonymous`."""
    id: str
    """Key id or account name; empty for the public."""
    office: str | None
    """ST.3 code; None for the public."""
    role: Role
    permissions: frozenset[Permission]
    purposes: frozenset[str] = field(default_factory=lambda: frozenset(PURPOSES))

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions

    @property
    def reads_for_office(self) -> bool:
        return self.office is not None and role_rules()[self.role].reads_for_office

    @property
    def name(self) -> str:
        return f"{self.kind}:{self.id}"


def anonymous() -> Caller:
    return Caller("anonymous", "", None, Role.PUBLIC, role_rules()[Role.PUBLIC].permissions)


def local(office: str | None = None, role: Role = Role.PLATFORM_STEWARD) -> Caller:
    """Somebody with a shell on the machine: what the command line acts as."""
    return Caller("local", "cli", office, role, role_rules()[role].permissions)

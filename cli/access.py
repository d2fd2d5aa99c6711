"""`concord offices`, `users`, `keys`, `policies`, `agreements`, `audit`: who there is, who may see what, who saw
what."""

from __future__ import annotations

import datetime as dt
import json
from typing import Annotated, Any

import typer
from rich.table import Table
from sqlalchemy import select

from api.access import accounts, agreements, keys, offices, policies
from api.access.audit import CHAINS, Entry, append, change, report, verify
from api.access.model import Group, Permission, Role, local
from api.access.secret import load_keys
from api.exchange import global_policy, negotiation
from cli.load import output, write_line
from cli.session import Platform, platform
from common.errors import UsageError
from store.access import Account, Agreement, AgreementVersion, ApiKey, KeyUse, Policy

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object, or one a line.")]
OfficeOption = Annotated[str | None, typer.Option(help="ST.3 code.")]
STEWARD = local()


def register(app: typer.Typer) -> None:
    for group in (office_app, user_app, key_app, policy_app, agreement_app, audit_app):
        app.add_typer(group)
    app.command()(demo)


def group(name: str, text: str) -> typer.Typer:
    return typer.Typer(name=name, help=text, no_args_is_help=True)


office_app = group("offices", "Offices on the platform.")
user_app = group("users", "People's accounts.")
key_app = group("keys", "API keys.")
policy_app = group("policies", "What everybody may see of a collection.")
agreement_app = group("agreements", "What one office gives to another.")
audit_app = group("audit", "Who saw what.")


def record(running: Platform, session: Any, *entries: Entry) -> None:
    """Into the audit, in the transaction of the change itself."""
    append(session, load_keys(running.settings), CHAINS - 1, entries)


def show(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        for row in rows:
            write_line(json.loads(json.dumps(row, default=str)))
        return
    if not rows:
        output.print("None.")
        return
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    output.print(table)


def listed(value: str | None) -> list[str]:
    return [part.strip() for part in (value or "").split(",") if part.strip()]


def known_role(role: str) -> Role:
    try:
        return Role(role)
    except ValueError:
        raise UsageError(f"There is no role {role!r}.", remedy=f"Roles: {', '.join(Role)}.") from None


def known_groups(names: str | None) -> tuple[Group, ...]:
    try:
        return tuple(Group(name) for name in listed(names))
    except ValueError as error:
        raise UsageError(f"{error}.", remedy=f"Field groups: {', '.join(Group)}.") from None


# ---------------------------------------------------------------------------------------------------------- offices


@office_app.command("add")
def office_add(code: str, name: str, contact: str = "", as_json: AsJson = False) -> None:
    """Add an office: ST.3 code, name, and whom to ask for access."""
    with platform() as running, running.database.session() as session:
        office = offices.add(session, code, name, contact)
        record(running, session, change(STEWARD, "office-added", code=office.code))
        show([{"code": office.code, "name": office.name, "contact": office.contact}], as_json)


@office_app.command("list")
def office_list(as_json: AsJson = False) -> None:
    """List offices."""
    with platform() as running, running.database.session() as session:
        rows = [
            {"code": o.code, "name": o.name, "contact": o.contact, "active": o.active}
            for o in offices.everyone(session)
        ]
    show(rows, as_json)


@office_app.command("close")
def office_close(code: str) -> None:
    """Close an office: its keys and accounts stop at once."""
    with platform() as running, running.database.session() as session:
        offices.set_active(session, code, False)
        record(running, session, change(STEWARD, "office-active", code=code.upper(), active=False))


@office_app.command("open")
def office_open(code: str) -> None:
    """Open a closed office again."""
    with platform() as running, running.database.session() as session:
        offices.set_active(session, code, True)
        record(running, session, change(STEWARD, "office-active", code=code.upper(), active=True))


# ------------------------------------------------------------------------------------------------------------ users


@user_app.command("create")
def user_create(
    name: str,
    role: Annotated[str, typer.Option(help=f"One of {', '.join(Role)}.")],
    office: OfficeOption = None,
    password: Annotated[
        str | None, typer.Option(envvar="CONCORD_NEW_PASSWORD", help="Asked for where it is not in the environment.")
    ] = None,
    oidc_issuer: str | None = None,
    oidc_subject: str | None = None,
    as_json: AsJson = False,
) -> None:
    """Create an account; prints the second factor's address, once."""
    oidc = (oidc_issuer, oidc_subject) if oidc_issuer and oidc_subject else None
    if password is None and oidc is None:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    with platform() as running, running.database.session() as session:
        address = accounts.create(
            session,
            load_keys(running.settings),
            name=name.lower(),
            office=office.upper() if office else None,
            role=known_role(role),
            password=password,
            oidc=oidc,
        )
        record(running, session, change(STEWARD, "user-added", account=name.lower(), office_of=office, role_of=role))
    show([{"name": name.lower(), "second_factor": address}], as_json)


@user_app.command("list")
def user_list(office: OfficeOption = None, as_json: AsJson = False) -> None:
    """List accounts."""
    statement = select(Account).order_by(Account.name)
    if office:
        statement = statement.where(Account.office == office.upper())
    with platform() as running, running.database.session() as session:
        rows = [
            {"name": a.name, "office": a.office, "role": a.role, "active": a.active} for a in session.scalars(statement)
        ]
    show(rows, as_json)


@user_app.command("close")
def user_close(name: str) -> None:
    """Close an account: its sessions end at once."""
    with platform() as running, running.database.session() as session:
        account = session.get(Account, name.lower())
        if account is None:
            raise UsageError(f"There is no account {name}.")
        account.active = False
        record(running, session, change(STEWARD, "user-active", account=name.lower(), active=False))


# ------------------------------------------------------------------------------------------------------------- keys


@key_app.command("create")
def key_create(
    role: Annotated[str, typer.Option(help=f"One of {', '.join(Role)}.")],
    office: OfficeOption = None,
    label: str = "",
    permissions: Annotated[str | None, typer.Option(help="Fewer than the role has, with commas.")] = None,
    purposes: Annotated[str | None, typer.Option(help="Purposes that it may declare, with commas.")] = None,
    days: Annotated[int | None, typer.Option(help="Expires after so many days.", min=1)] = None,
    as_json: AsJson = False,
) -> None:
    """Create a key of an office. It is shown this once. An office that is new is added."""
    expires = dt.datetime.now(dt.UTC) + dt.timedelta(days=days) if days else None
    wanted = known_role(role)
    try:
        narrowed = [Permission(name) for name in listed(permissions)] if permissions else None
    except ValueError as error:
        raise UsageError(f"{error}.", remedy=f"Permissions: {', '.join(Permission)}.") from None
    with platform() as running, running.database.session() as session:
        if office:
            offices.ensure(session, office)
        made = keys.create(
            session,
            office=office.upper() if office else None,
            role=wanted,
            by=STEWARD.name,
            label=label,
            permissions=narrowed,
            purposes=listed(purposes) or None,
            expires=expires,
        )
        record(running, session, change(STEWARD, "key-created", key=made.id, office_of=office, role_of=role))
    if as_json:
        write_line(
            {
                "id": made.id,
                "key": made.key,
                "office": office.upper() if office else None,
                "role": wanted.value,
                "expires": made.expires.isoformat() if made.expires else None,
            }
        )
    else:
        output.print(f"{made.key}\nSend it as `Authorization: Bearer …`. It is not shown again.", soft_wrap=True)


@key_app.command("list")
def key_list(office: OfficeOption = None, as_json: AsJson = False) -> None:
    """List keys, without the keys themselves."""
    statement = select(ApiKey, KeyUse.last_used).outerjoin(KeyUse, KeyUse.key == ApiKey.id).order_by(ApiKey.created)
    if office:
        statement = statement.where(ApiKey.office == office.upper())
    with platform() as running, running.database.session() as session:
        rows = [
            {
                "id": entry.id,
                "office": entry.office,
                "role": entry.role,
                "label": entry.label,
                "created": entry.created,
                "expires": entry.expires,
                "revoked": entry.revoked,
                "last_used": used,
            }
            for entry, used in session.execute(statement)
        ]
    show(rows, as_json)


@key_app.command("revoke")
def key_revoke(key_id: str) -> None:
    """Revoke a key: its next request is refused."""
    with platform() as running, running.database.session() as session:
        keys.revoke(session, key_id)
        record(running, session, change(STEWARD, "key-revoked", key=key_id))


# --------------------------------------------------------------------------------------------------------- policies


@policy_app.command("set")
def policy_set(
    collection: Annotated[str, typer.Argument(help="provider-right-name, e.g. ep-patent-docdb.")],
    tier: Annotated[str, typer.Option(help="none, existence, metadata, content.")],
    groups: Annotated[str | None, typer.Option(help="Field groups of the content tier, with commas.")] = None,
    embargo: Annotated[str, typer.Option(help="none, publication, fixed.")] = "none",
    embargo_days: int = 0,
    embargo_until: Annotated[str | None, typer.Option(help="Day, with --embargo fixed.")] = None,
    purposes: Annotated[str | None, typer.Option(help="Only for these, with commas; agreements too.")] = None,
    formats: Annotated[str | None, typer.Option(help="In which it leaves the platform, with commas.")] = None,
    agreement_tier: Annotated[
        str, typer.Option(help="Most that an agreement may give; none: no agreement.")
    ] = "content",
    agreement_groups: Annotated[
        str | None, typer.Option(help="Field groups that an agreement may give, with commas; none given: any.")
    ] = None,
    agreement_purposes: Annotated[
        str | None, typer.Option(help="Purposes of agreements, with commas; none given: those of --purposes.")
    ] = None,
    agreement_onward: Annotated[str, typer.Option(help="none, offices, public.")] = "public",
    denied: Annotated[str | None, typer.Option(help="Offices that see nothing, with commas.")] = None,
    notice: Annotated[list[str] | None, typer.Option(help="Shown beside the collection's records.")] = None,
) -> None:
    """Set what everybody may see of a collection, and agreements may give of it; it need not hold anything yet."""
    from pydantic import ValidationError

    try:
        terms = policies.PolicyTerms.model_validate(
            {
                "tier": tier,
                "groups": listed(groups),
                "embargo": embargo,
                "embargo_days": embargo_days,
                "embargo_until": embargo_until,
                "purposes": listed(purposes),
                "denied": [code.upper() for code in listed(denied)],
                "notices": notice or [],
                "formats": listed(formats),
                "agreements": {
                    "tier": agreement_tier,
                    "groups": listed(agreement_groups) if agreement_groups is not None else None,
                    "purposes": listed(agreement_purposes) if agreement_purposes is not None else None,
                    "onward": agreement_onward,
                },
            }
        )
    except ValidationError as error:
        raise UsageError("; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())) from None
    with platform() as running, running.database.session() as session:
        policies.set_policy(session, collection, terms, by=STEWARD.name, create=True)
        record(
            running,
            session,
            change(STEWARD, "policy-set", collection=collection, terms=terms.model_dump(mode="json")),
        )


@policy_app.command("list")
def policy_list(as_json: AsJson = False) -> None:
    """List policies; a collection without one is closed."""
    with platform() as running, running.database.session() as session:
        rows = [
            {
                "collection": p.collection,
                "tier": p.tier,
                "groups": ",".join(p.groups),
                "embargo": p.embargo,
                "embargo_until": p.embargo_until,
                "purposes": ",".join(p.purposes),
                "formats": ",".join(p.formats),
                "denied": ",".join(p.denied),
                "agreements": p.agreements,
            }
            for p in session.scalars(select(Policy).order_by(Policy.collection))
        ]
    show(rows, as_json)


# ------------------------------------------------------------------------------------------------------- agreements


@agreement_app.command("create")
def agreement_create(
    provider: str,
    beneficiary: str,
    tier: Annotated[str, typer.Option(help="existence, metadata, content.")] = "metadata",
    groups: Annotated[str | None, typer.Option(help="Field groups of the content tier, with commas.")] = None,
    collections: Annotated[str | None, typer.Option(help="Collections, with commas; none given: all.")] = None,
    rights: str | None = None,
    only_offices: Annotated[str | None, typer.Option("--offices", help="Only records of these offices.")] = None,
    classes: Annotated[str | None, typer.Option(help="scheme:symbol, with commas, e.g. ipc:H01M.")] = None,
    purposes: str | None = None,
    formats: Annotated[str | None, typer.Option(help="In which the data leaves, with commas; none given: any.")] = None,
    onward: Annotated[str, typer.Option(help="How far it may be passed on: none, offices, public.")] = "none",
    volume_cap: Annotated[int | None, typer.Option(help="Records a month by export and exchange.")] = None,
    published_from: str | None = None,
    published_to: str | None = None,
    valid_from: str | None = None,
    valid_until: str | None = None,
    title: str = "",
    active: Annotated[bool, typer.Option("--active", help="In force at once, as signed on paper by both.")] = False,
    as_json: AsJson = False,
) -> None:
    """Enter an agreement between two offices, within the platform's policy and those of the collections."""
    from pydantic import ValidationError

    try:
        terms = agreements.Terms.model_validate(
            {
                "collections": listed(collections),
                "rights": listed(rights),
                "offices": [code.upper() for code in listed(only_offices)],
                "classes": listed(classes),
                "tier": tier,
                "groups": listed(groups),
                "purposes": listed(purposes),
                "formats": listed(formats),
                "onward": onward,
                "volume_cap": volume_cap,
                "published_from": published_from,
                "published_to": published_to,
                "valid_from": valid_from,
                "valid_until": valid_until,
            }
        )
    except ValidationError as error:
        raise UsageError("; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())) from None
    with platform() as running, running.database.session() as session:
        limits = policies.given_by(session, provider.upper(), terms.collections)
        global_policy.check_terms(terms, limits, beneficiary.upper())
        entry = agreements.propose(
            session,
            provider.upper(),
            beneficiary.upper(),
            terms,
            by=STEWARD.name,
            title=title,
            state=agreements.State.ACTIVE if active else agreements.State.REQUESTED,
        )
        record(running, session, change(STEWARD, "agreement-entered", agreement=entry.id, state=entry.state))
        row = {"id": entry.id, "provider": entry.provider, "beneficiary": entry.beneficiary, "state": entry.state}
    show([row], as_json)


@agreement_app.command("policy")
def agreement_policy() -> None:
    """Print the platform's data-access policy, within which every policy and agreement stays, as JSON."""
    write_line(global_policy.document())


@agreement_app.command("list")
def agreement_list(as_json: AsJson = False) -> None:
    """List agreements with the terms in force."""
    statement = (
        select(Agreement, AgreementVersion)
        .join(
            AgreementVersion,
            (AgreementVersion.agreement == Agreement.id) & (AgreementVersion.version == Agreement.version),
        )
        .order_by(Agreement.id)
    )
    with platform() as running, running.database.session() as session:
        rows = [
            {
                "id": a.id,
                "provider": a.provider,
                "beneficiary": a.beneficiary,
                "state": a.state,
                "version": a.version,
                "terms": v.terms,
            }
            for a, v in session.execute(statement)
        ]
    show(rows, as_json)


@agreement_app.command("state")
def agreement_state(agreement: int, to: str) -> None:
    """Take a step: offered, signed, active, suspended, expired, revoked, declined, withdrawn."""
    try:
        wanted = agreements.State(to)
    except ValueError:
        raise UsageError(f"There is no state {to!r}.", remedy=f"States: {', '.join(agreements.State)}.") from None
    with platform() as running, running.database.session() as session:
        negotiation.enter_step(session, agreement, wanted, office=None, by=STEWARD.name)
        record(running, session, change(STEWARD, "agreement-state", agreement=agreement, state=to))


# ------------------------------------------------------------------------------------------------------------ audit


@audit_app.command("verify")
def audit_verify(as_json: AsJson = False) -> None:
    """Read every chain and name any entry that was changed, removed or added. Exit code 1 where there is one."""
    with platform() as running, running.database.session() as session:
        verdict = verify(session, load_keys(running.settings))
    if as_json:
        write_line({"entries": verdict.entries, "faults": list(verdict.faults)})
    else:
        output.print(f"{verdict.entries:,} entries read.")
        for fault in verdict.faults:
            output.print(f"Broken: {fault}.")
    if verdict.faults:
        raise typer.Exit(1)


@audit_app.command("report")
def audit_report(
    provider: Annotated[str | None, typer.Option(help="ST.3 code; none: every provider.")] = None,
    since: str | None = None,
    until: str | None = None,
    as_json: AsJson = False,
) -> None:
    """Who read a provider's records, by day, office and purpose."""
    with platform() as running, running.database.session() as session:
        rows = report(session, provider.upper() if provider else None, since=day(since), until=day(until))
    show(rows, as_json)


def day(text: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise UsageError(f"{text!r} is not a day.", remedy="Write 2026-01-31.") from None


# ------------------------------------------------------------------------------------------------------------- demo

DEMO_OFFICES = (("EP", "European Patent Office (demo)"), ("JP", "Japan Patent Office (demo)"), ("SA", "SAIP (demo)"))


def demo(as_json: AsJson = False) -> None:
    """Make three demo offices with an examiner's key each, and open everything held so far to all."""
    with platform() as running:
        made = make_demo(running)
    show(made, as_json)


def make_demo(running: Platform) -> list[dict[str, Any]]:
    """One line an office: code, name, role and key. Policies that exist are kept; each call makes new keys."""
    from store.access import Collection

    found = []
    with running.database.session() as session:
        for code, name in DEMO_OFFICES:
            offices.ensure(session, code, name)
            made = keys.create(session, office=code, role=Role.EXAMINER, by=STEWARD.name, label="demo")
            record(running, session, change(STEWARD, "key-created", key=made.id, office_of=code, role_of="examiner"))
            found.append({"office": code, "name": name, "role": "examiner", "key": made.key})
        opened = policies.PolicyTerms(tier="content", groups=(Group.FULL_TEXT, Group.IMAGES, Group.LEGAL_STATUS))
        for collection in session.scalars(select(Collection.id).order_by(Collection.id)).all():
            if session.get(Policy, collection) is None:
                policies.set_policy(session, collection, opened, by=STEWARD.name)
    return found

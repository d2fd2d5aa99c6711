"""From a beneficiary's request to an agreement in force: requests, offers and counter-offers, messages, due dates,
signatures. Each step is a line of the agreement's thread, and of the audit, in one transaction with the step.

Both offices sign the same bytes: the canonical JSON (RFC 8785 for what stands in it: sorted keys, no spaces, UTF-8) of
the parties, the agreement's number and version and its terms. A new offer is a new version, so that signatures under
an older one count no more.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, aliased

from api.access import agreements, policies
from api.access.agreements import State, Terms
from api.access.audit import Entry, append
from api.access.model import Caller, Permission
from api.access.secret import Keys
from api.exchange import certificates
from api.exchange.debts import ENDED, Debt, debts
from api.exchange.global_policy import check_terms, narrowed
from api.exchange.signatures import Signed, verify
from api.webhooks import sender
from common.errors import Conflict, NotFound, UsageError
from common.messages import say
from store.access import Agreement, AgreementVersion, Office
from store.exchange import AgreementEvent, AgreementSignature, AgreementTurn, Holding, Package, Purge

OPEN_STATES = (State.REQUESTED, State.OFFERED)
REMIND_DAYS = 3
"""Days before a due date at which the office whose turn it is is reminded."""
REMIND_AGAIN_DAYS = 7
"""Days after which an office is reminded again of what it owes and is late with."""
NOTICES = {
    "acknowledge": "Records that you were given wait for your acknowledgement. Store them and acknowledge.",
    "purge": "The agreement has ended. Delete what you hold under it and acknowledge the purge.",
}
PLATFORM = "platform"


@lru_cache(maxsize=1)
def templates() -> dict[str, dict[str, Any]]:
    """Name → title and terms to start from."""
    return tomllib.loads((Path(__file__).parent / "templates.toml").read_text("utf-8"))


def from_template(name: str) -> Terms:
    if name not in templates():
        raise UsageError(say("exchange.no-template", name=name, templates=list(templates())))
    return Terms.model_validate({key: value for key, value in templates()[name].items() if key != "title"})


class Ledger:
    """Writes steps of `caller` to an agreement's thread and the audit, in the session's transaction."""

    def __init__(self, session: Session, keys: Keys, chain: int, caller: Caller | None) -> None:
        self.session = session
        self.keys = keys
        self.chain = chain
        self.caller = caller

    @property
    def office(self) -> str:
        """The caller's office. Raises NotFound for a caller without one: to it there are no agreements."""
        if self.caller is None or self.caller.office is None:
            raise NotFound("no office")
        return self.caller.office

    @property
    def name(self) -> str:
        return self.caller.name if self.caller is not None else PLATFORM

    def note(self, entry: Agreement, kind: str, message: str = "", **details: Any) -> None:
        office = self.caller.office if self.caller is not None else None
        self.session.add(
            AgreementEvent(
                agreement=entry.id,
                version=entry.version,
                office=office,
                by=self.name,
                kind=kind,
                message=message,
                details=details,
            )
        )
        self.audit(f"agreement-{kind}", entry, **details)
        more = {name: details[name] for name in ("what", "due") if name in details}
        tell(self.session, entry, kind, office, details.get("office_of"), **more)

    def audit(self, action: str, entry: Agreement, *, records: int = 0, **details: Any) -> None:
        """A line of the audit about an agreement."""
        role = self.caller.role.value if self.caller is not None else PLATFORM
        told = {"agreement": entry.id, "version": entry.version, "with": self._other(entry), **details}
        office = self.caller.office if self.caller is not None else None
        line = Entry(action, self.name, role, "", office, provider=entry.provider, records=records, details=told)
        append(self.session, self.keys, self.chain, [line])

    def _other(self, entry: Agreement) -> str:
        return entry.beneficiary if self.caller is None or self.caller.office == entry.provider else entry.provider

    # ------------------------------------------------------------------------------------------------------- steps

    def find(self, agreement: int, *, lock: bool = False) -> Agreement:
        """One's own office's agreement. Raises NotFound for any other."""
        entry = self.session.get(Agreement, agreement, with_for_update=lock)
        if entry is None or self.office not in (entry.provider, entry.beneficiary):
            raise NotFound("no such agreement")
        return entry

    def request(self, provider: str, title: str, terms: Terms, message: str, due: dt.date | None) -> Agreement:
        """A beneficiary asks. What it may ask for is limited as an offer is, but for what only the provider knows."""
        if self.session.get(Office, provider) is None:
            raise NotFound(f"There is no office {provider}.")
        check_terms(terms, {}, self.office)
        # Whether a collection exists is the provider's to say: unknown ones are asked for like others.
        entry = agreements.propose(self.session, provider, self.office, terms, by=self.name, title=title, check=False)
        self.note(entry, "request", message)
        self._turn(entry, provider, due)
        return entry

    def offer(self, agreement: int, terms: Terms, message: str, due: dt.date | None) -> Agreement:
        """The provider's first offer, or either side's counter-offer: a new version, signed by nobody yet."""
        entry = self.find(agreement, lock=True)
        state = State(entry.state)
        if state not in OPEN_STATES:
            raise Conflict(say("exchange.agreement-is", state=state))
        if state is State.REQUESTED and self.office != entry.provider:
            raise Conflict(say("exchange.not-answered"))
        check_terms(terms, policies.given_by(self.session, entry.provider, terms.collections), entry.beneficiary)
        counter = state is State.OFFERED
        agreements.amend(self.session, agreement, terms, by=self.name, check=self.office == entry.provider)
        agreements.step(self.session, agreement, State.OFFERED)
        self.note(entry, "offer", message, counter=counter)
        self._turn(entry, self._other(entry), due)
        return entry

    def as_asked(self, agreement: int) -> tuple[Terms, tuple[str, ...]]:
        """What was asked for or offered last, as far as the policies of the provider's collections allow, and what they
        do not."""
        entry = self.find(agreement)
        terms = self.terms(entry)
        return narrowed(terms, policies.given_by(self.session, entry.provider, terms.collections), entry.beneficiary)

    def say(self, agreement: int, message: str) -> Agreement:
        entry = self.find(agreement)
        self.note(entry, "message", message)
        return entry

    def decline(self, agreement: int, message: str) -> Agreement:
        """The provider declines, the beneficiary withdraws."""
        entry = self.find(agreement, lock=True)
        to = State.DECLINED if self.office == entry.provider else State.WITHDRAWN
        agreements.step(self.session, agreement, to)
        self.note(entry, to.value, message)
        self._turn(entry, None, None)
        return entry

    def sign(self, agreement: int, version: int, cms: bytes) -> Agreement:
        """One office's signature over `document`. With the second one the agreement is in force.

        Raises SignatureRefused with its reason, Conflict for another version or state or a second signature.
        """
        entry = self.find(agreement, lock=True)
        if State(entry.state) is not State.OFFERED:
            raise Conflict(say("exchange.nothing-to-sign", agreement=entry.id, state=entry.state))
        if version != entry.version:
            raise Conflict(say("exchange.version-replaced", version=version, current=entry.version))
        signed_by = self.signatories(entry)
        if self.office in signed_by:
            other = self._other(entry)
            raise Conflict(say("exchange.signed-already", version=version, agreement=entry.id, office=other))
        content = self.document(entry)
        found: Signed = verify(cms, content, certificates.of_office(self.session, self.office))
        self.session.add(
            AgreementSignature(
                agreement=entry.id,
                version=version,
                office=self.office,
                fingerprint=found.fingerprint,
                document=content,
                cms=cms,
                by=self.name,
            )
        )
        self.session.flush()
        self.note(entry, "signature", fingerprint=found.fingerprint)
        if {*signed_by, self.office} == {entry.provider, entry.beneficiary}:
            # The policies may have become narrower since the offer.
            terms = self.terms(entry)
            check_terms(terms, policies.given_by(self.session, entry.provider, terms.collections), entry.beneficiary)
            agreements.step(self.session, agreement, State.SIGNED)
            agreements.step(self.session, agreement, State.ACTIVE)
            self.note(entry, "active")
            self._turn(entry, None, None)
        else:
            held = self.session.get(AgreementTurn, entry.id)
            self._turn(entry, self._other(entry), held.due if held else None)
        return entry

    def purged(self, agreement: int, records: int) -> Agreement:
        """The beneficiary has deleted what it held under an agreement that ended."""
        entry = self.find(agreement, lock=True)
        if self.office != entry.beneficiary or State(entry.state) not in ENDED:
            raise Conflict(say("exchange.nothing-to-purge", agreement=entry.id, state=entry.state))
        if self.session.get(Purge, entry.id) is not None:
            raise Conflict(say("exchange.purged-already", agreement=entry.id))
        self.session.add(Purge(agreement=entry.id, by=self.name, records=records))
        self.note(entry, "purged", records_deleted=records)
        return entry

    # ------------------------------------------------------------------------------------------------------ reading

    def terms(self, entry: Agreement) -> Terms:
        return Terms.model_validate(self.version(entry).terms)

    def version(self, entry: Agreement) -> AgreementVersion:
        return self.session.scalars(
            select(AgreementVersion).where(
                AgreementVersion.agreement == entry.id, AgreementVersion.version == entry.version
            )
        ).one()

    def document(self, entry: Agreement) -> bytes:
        """The bytes that are signed."""
        return document(entry, self.version(entry))

    def signatories(self, entry: Agreement) -> set[str]:
        statement = select(AgreementSignature.office).where(
            AgreementSignature.agreement == entry.id, AgreementSignature.version == entry.version
        )
        return set(self.session.scalars(statement))

    def _turn(self, entry: Agreement, office: str | None, due: dt.date | None) -> None:
        held = self.session.get(AgreementTurn, entry.id)
        if held is None:
            held = AgreementTurn(agreement=entry.id)
            self.session.add(held)
        held.office, held.due, held.reminded = office, due, None
        self.session.flush()


def enter_step(session: Session, agreement: int, to: State, *, office: str | None, by: str) -> Agreement:
    """A step between states that one side, or the platform's people (`office` None), take by themselves: into the
    thread, and told to the others. The audit is the caller's. Raises Conflict."""
    entry = agreements.step(session, agreement, to)
    session.add(AgreementEvent(agreement=agreement, version=entry.version, office=office, by=by, kind=entry.state))
    tell(session, entry, entry.state, office)
    return entry


def tell(session: Session, entry: Agreement, step: str, by: str | None, to: str | None = None, **more: Any) -> None:
    """A message to the other office's endpoints that want to hear of agreements; of what the platform did itself
    (`by` None) to both offices', or to the one that it is about. `more`: of a reminder, of what and until when."""
    told = {"agreement": entry.id, "version": entry.version, "step": step, "by": by, **more}
    for office in {to} if to else {entry.provider, entry.beneficiary} - {by}:
        sender.emit(session, sender.AGREEMENT, told, office=office, needs=Permission.EXCHANGE)


def document(entry: Agreement, version: AgreementVersion) -> bytes:
    """Canonical JSON of what both offices sign."""
    content = {
        "concord_agreement": 1,
        "agreement": entry.id,
        "version": version.version,
        "provider": entry.provider,
        "beneficiary": entry.beneficiary,
        "title": entry.title,
        "requested": entry.created.astimezone(dt.UTC).isoformat(timespec="microseconds"),
        "terms": version.terms,
        "terms_sha256": version.digest.hex(),
    }
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)


def thread(session: Session, entry: Agreement) -> dict[str, Any]:
    """Everything about an agreement: versions, signatures, messages, whose turn it is."""
    versions = session.scalars(
        select(AgreementVersion).where(AgreementVersion.agreement == entry.id).order_by(AgreementVersion.version)
    )
    signatures = session.scalars(
        select(AgreementSignature).where(AgreementSignature.agreement == entry.id).order_by(AgreementSignature.id)
    )
    events = session.scalars(
        select(AgreementEvent).where(AgreementEvent.agreement == entry.id).order_by(AgreementEvent.id)
    )
    turn = session.get(AgreementTurn, entry.id)
    return {
        "id": entry.id,
        "provider": entry.provider,
        "beneficiary": entry.beneficiary,
        "title": entry.title,
        "state": entry.state,
        "version": entry.version,
        "turn": turn.office if turn else None,
        "due": turn.due if turn else None,
        "versions": [
            {
                "version": v.version,
                "terms": v.terms,
                "digest": v.digest.hex(),
                "created": v.created,
                "created_by": v.created_by,
            }
            for v in versions
        ],
        "signatures": [
            {"version": s.version, "office": s.office, "fingerprint": s.fingerprint, "at": s.at} for s in signatures
        ],
        "thread": [
            {
                "id": e.id,
                "version": e.version,
                "at": e.at,
                "office": e.office,
                "by": e.by,
                "kind": e.kind,
                "message": e.message,
                "details": e.details,
            }
            for e in events
        ],
    }


def inbox(session: Session, office: str, today: dt.date) -> list[dict[str, Any]]:
    """What waits for an office: negotiations in which it is its turn, acknowledgements that are due, and purges of what
    has ended."""
    statement = (
        select(Agreement, AgreementTurn)
        .join(AgreementTurn, AgreementTurn.agreement == Agreement.id)
        .where(AgreementTurn.office == office, Agreement.state.in_([state.value for state in OPEN_STATES]))
        .order_by(AgreementTurn.due.nulls_last(), Agreement.id)
    )
    waiting = [
        {
            "agreement": entry.id,
            "what": "answer the request" if entry.state == State.REQUESTED else "sign, or make a counter-offer",
            "with": entry.beneficiary if entry.provider == office else entry.provider,
            "title": entry.title,
            "due": turn.due,
            "overdue": turn.due is not None and turn.due < today,
        }
        for entry, turn in session.execute(statement)
    ]
    owed = [debt for debt in debts(session, office=office) if debt.what == "purge" or debt.due <= today]
    return waiting + [
        {
            "agreement": debt.agreement,
            "what": debt.what,
            "with": debt.provider,
            "since": debt.since,
            "due": debt.due,
            "overdue": debt.late(today),
            "records": debt.records,
            "notice": NOTICES[debt.what],
        }
        for debt in owed
    ]


def statistics(session: Session, office: str | None) -> list[dict[str, Any]]:
    """Per pair of offices: agreements, packages made, and records held, withdrawn and purged under them. `office` None:
    every pair."""
    same = aliased(Agreement)
    packages = (
        select(func.count(Package.id))
        .join(same, same.id == Package.agreement)
        .where(same.provider == Agreement.provider, same.beneficiary == Agreement.beneficiary)
        .where(Package.manifest.is_not(None))
        .correlate(Agreement)
        .scalar_subquery()
    )
    statement = (
        select(
            Agreement.provider,
            Agreement.beneficiary,
            func.count(func.distinct(Agreement.id)).label("agreements"),
            func.count(func.distinct(Agreement.id)).filter(Agreement.state == State.ACTIVE.value).label("active"),
            func.count(Holding.record).filter(Holding.withdrawn.is_(False), Purge.at.is_(None)).label("held"),
            func.count(Holding.record).filter(Holding.withdrawn.is_(False), Purge.at.is_not(None)).label("purged"),
            func.count(Holding.record).filter(Holding.withdrawn.is_(True)).label("withdrawn"),
            func.count(Holding.record).filter(Holding.acknowledged == Holding.digest).label("acknowledged"),
            packages.label("packages"),
        )
        .outerjoin(Holding, Holding.agreement == Agreement.id)
        .outerjoin(Purge, Purge.agreement == Agreement.id)
        .group_by(Agreement.provider, Agreement.beneficiary)
        .order_by(Agreement.provider, Agreement.beneficiary)
    )
    if office is not None:
        statement = statement.where(or_(Agreement.provider == office, Agreement.beneficiary == office))
    return [dict(row._mapping) for row in session.execute(statement)]


def tick(session: Session, keys: Keys, chain: int, today: dt.date) -> int:
    """What time alone brings: agreements past their last day expire, offices are reminded. Returns the steps taken."""
    ledger = Ledger(session, keys, chain, None)
    steps = 0
    running = select(Agreement).where(Agreement.state.in_([State.ACTIVE.value, State.SUSPENDED.value]))
    for entry in session.scalars(running.with_for_update(skip_locked=True)):
        last = ledger.terms(entry).valid_until
        if last is not None and last < today:
            agreements.step(session, entry.id, State.EXPIRED)
            ledger.note(entry, "expired")
            steps += 1
    soon = today + dt.timedelta(days=REMIND_DAYS)
    statement = select(AgreementTurn).where(
        AgreementTurn.due <= soon, AgreementTurn.reminded.is_(None), AgreementTurn.office.is_not(None)
    )
    for turn in session.scalars(statement.with_for_update(skip_locked=True)):
        negotiated = session.get(Agreement, turn.agreement)
        if negotiated is not None and State(negotiated.state) in OPEN_STATES:
            turn.reminded = dt.datetime.now(dt.UTC)
            due = turn.due.isoformat() if turn.due else None
            ledger.note(negotiated, "reminder", office_of=turn.office, what="answer", due=due)
            steps += 1
    for debt in debts(session):
        if debt.records and debt.late(today) and not _reminded(session, debt, today):
            owing = session.get(Agreement, debt.agreement, with_for_update={"skip_locked": True})
            if owing is not None:
                due, records = debt.due.isoformat(), debt.records
                ledger.note(owing, "reminder", office_of=debt.office, what=debt.what, due=due, owed=records)
                steps += 1
    return steps


def _reminded(session: Session, debt: Debt, today: dt.date) -> bool:
    """Whether its office was reminded of this debt in the last days."""
    last: dt.datetime | None = session.scalar(
        select(func.max(AgreementEvent.at)).where(
            AgreementEvent.agreement == debt.agreement,
            AgreementEvent.kind == "reminder",
            AgreementEvent.details["what"].astext == debt.what,
        )
    )
    return last is not None and last > debt.since and last.date() > today - dt.timedelta(days=REMIND_AGAIN_DAYS)

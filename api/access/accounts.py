"""Local accounts: argon2id passwords, a second factor by time (RFC 6238), lock-out, and sessions of the page."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import secrets
import time
from dataclasses import dataclass

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from api.access import keys as api_keys
from api.access.model import Caller, Role, role_rules
from api.access.secret import Keys
from common.errors import AccessDenied, Conflict, NotFound, UsageError
from common.messages import say
from store.access import Account, Office, SignInAttempts, WebSession

HASHER = PasswordHasher()
"""argon2id with the library's defaults (RFC 9106, low-memory profile)."""
NO_ONE = HASHER.hash(secrets.token_hex(16))
"""Checked for names that do not exist, so that they take as long as those that do."""
NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{1,99}")
SHORTEST_PASSWORD = 12
FAILURES_ALLOWED = 5
LOCKED_FOR = dt.timedelta(minutes=15)
SESSION_LENGTH = dt.timedelta(hours=10)
SESSION_IDLE = dt.timedelta(minutes=60)
STEP_S = 30
ISSUER = "IP Concord"

REFUSED = "The account, password or code is wrong, or the account is locked for a while."


@dataclass(frozen=True, slots=True)
class SignedIn:
    token: str
    """For the cookie; only its hash is kept."""
    csrf: str
    expires: dt.datetime
    caller: Caller


def create(
    session: Session,
    keys: Keys,
    *,
    name: str,
    office: str | None,
    role: Role,
    password: str | None = None,
    oidc: tuple[str, str] | None = None,
) -> str | None:
    """A new account. With a password, returns the otpauth:// address for the second factor, shown once."""
    if not NAME.fullmatch(name):
        raise UsageError(say("access.account-name", name=name))
    if session.get(Account, name) is not None:
        raise Conflict(say("access.account-exists", name=name))
    if office is not None and session.get(Office, office) is None:
        raise NotFound(f"There is no office {office}.", remedy=f"Add it: concord offices add {office} NAME.")
    if office is None and role_rules()[role].reads_for_office:
        raise UsageError(say("access.account-without-office", role=role))
    if role is Role.PUBLIC:
        raise UsageError(say("access.account-of-public"))
    account = Account(name=name, office=office, role=role.value)
    address = None
    if password is not None:
        account.password_hash = HASHER.hash(_strong(password))
        secret = pyotp.random_base32()
        account.totp_secret = keys.seal("totp", secret.encode(), name.encode())
        address = pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)
    if oidc is not None:
        account.oidc_issuer, account.oidc_subject = oidc
    session.add(account)
    session.flush()
    return address


def _strong(password: str) -> str:
    if len(password) < SHORTEST_PASSWORD:
        raise UsageError(say("access.password-short", least=SHORTEST_PASSWORD))
    return password


def sign_in(session: Session, keys: Keys, name: str, password: str, code: str) -> SignedIn:
    """A session for name, password and code. Raises AccessDenied, the same for every reason.

    The failure is counted in the same transaction: commit it also when this raises (the caller of this function does,
    by catching AccessDenied inside the transaction).
    """
    now = dt.datetime.now(dt.UTC)
    name = name[:200]
    session.execute(insert(SignInAttempts).values(account=name).on_conflict_do_nothing())
    attempts = session.scalars(select(SignInAttempts).where(SignInAttempts.account == name).with_for_update()).one()
    account = session.get(Account, name)
    locked = attempts.locked_until is not None and attempts.locked_until > now
    right = _password_is(account.password_hash if account else None, password)
    step = _code_step(account, keys, code, now) if account and right else None
    fresh = step is not None and (attempts.last_code is None or step > attempts.last_code)
    if locked or account is None or not account.active or not fresh or not _office_open(session, account.office):
        if not locked:
            attempts.failures += 1
            if attempts.failures >= FAILURES_ALLOWED:
                attempts.locked_until = now + LOCKED_FOR
                attempts.failures = 0
        session.flush()
        raise AccessDenied(REFUSED)
    attempts.failures = 0
    attempts.locked_until = None
    attempts.last_code = step
    return _begin(session, caller_of(account), now, account=name)


def sign_in_with_key(session: Session, key: str) -> SignedIn:
    """A session that can do what the key can, for as long as the key can. Raises AccessDenied for a key not valid."""
    now = dt.datetime.now(dt.UTC)
    caller = api_keys.find(session, key.strip(), now)
    if caller is None:
        raise AccessDenied("The key is not valid.")
    return _begin(session, caller, now, key=caller.id)


def _begin(session: Session, caller: Caller, now: dt.datetime, **owner: str) -> SignedIn:
    token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    expires = now + SESSION_LENGTH
    session.add(WebSession(hash=_hash(token), csrf=csrf, seen=now, expires=expires, **owner))
    session.flush()
    return SignedIn(token, csrf, expires, caller)


def find_session(session: Session, token: str, now: dt.datetime) -> tuple[Caller, str] | None:
    """(caller, CSRF token) of a session's cookie; None where it is unknown, ended or idle too long."""
    row = session.execute(
        select(WebSession, Account)
        .outerjoin(Account, Account.name == WebSession.account)
        .where(WebSession.hash == _hash(token))
    ).one_or_none()
    if row is None:
        return None
    web, account = row
    if web.expires <= now or web.seen + SESSION_IDLE <= now:
        return None
    caller: Caller | None = None
    if account is not None:
        caller = caller_of(account) if account.active and _office_open(session, account.office) else None
    elif web.key is not None:
        caller = api_keys.find_by_id(session, web.key, now)
    if caller is None:
        return None
    if now - web.seen > dt.timedelta(minutes=1):
        session.execute(update(WebSession).where(WebSession.hash == web.hash).values(seen=now))
    return caller, web.csrf


def sign_out(session: Session, token: str) -> None:
    session.execute(delete(WebSession).where(WebSession.hash == _hash(token)))


def same_csrf(expected: str, given: str | None) -> bool:
    return given is not None and hmac.compare_digest(expected.encode(), given.encode())


def caller_of(account: Account) -> Caller:
    role = Role(account.role)
    return Caller("user", account.name, account.office, role, role_rules()[role].permissions)


def _office_open(session: Session, office: str | None) -> bool:
    return office is None or session.scalar(select(Office.active).where(Office.code == office)) is True


def _password_is(stored: str | None, password: str) -> bool:
    try:
        return HASHER.verify(stored or NO_ONE, password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def _code_step(account: Account, keys: Keys, code: str, now: dt.datetime) -> int | None:
    """Time step of a right code, one step early or late allowed; None for a wrong one."""
    if account.totp_secret is None:
        return None
    totp = pyotp.TOTP(keys.open("totp", account.totp_secret, account.name.encode()).decode())
    current = int(now.timestamp()) // STEP_S
    for step in (current, current - 1, current + 1):
        if hmac.compare_digest(totp.at(step * STEP_S).encode(), code.strip().encode()):
            return step
    return None


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def current_code(address: str) -> str:
    """The code that an otpauth:// address gives now: for tests and for whoever has no authenticator app."""
    totp = pyotp.parse_uri(address)
    if not isinstance(totp, pyotp.TOTP):
        raise UsageError("Not a time-based address.")
    return totp.at(int(time.time()))

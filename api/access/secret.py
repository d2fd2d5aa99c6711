"""The platform's secret key, and the keys made from it: one for each use, so that none can be turned against
another."""

from __future__ import annotations

import hmac
import os
import secrets
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from common.errors import ConfigurationError
from common.settings import Settings

FILE = "secret.key"
SHORTEST = 32


class Keys:
    """Seals (encrypts and authenticates) and signs, each for a named use."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < SHORTEST:
            raise ConfigurationError(
                f"The secret key has {len(secret)} bytes; {SHORTEST} are needed.",
                remedy="Set CONCORD_SECRET_KEY to a longer one, e.g. of `openssl rand -hex 32`.",
            )
        self._secret = secret
        self._derived: dict[str, bytes] = {}

    def of(self, use: str) -> bytes:
        """32 bytes for one use."""
        if use not in self._derived:
            self._derived[use] = HKDF(SHA256(), 32, salt=None, info=b"ip-concord:" + use.encode()).derive(self._secret)
        return self._derived[use]

    def seal(self, use: str, plain: bytes, bound_to: bytes = b"") -> bytes:
        """Encrypted with AES-256-GCM; opens only for the same use and with the same `bound_to`."""
        nonce = secrets.token_bytes(12)
        return nonce + AESGCM(self.of(use)).encrypt(nonce, plain, bound_to)

    def open(self, use: str, sealed: bytes, bound_to: bytes = b"") -> bytes:
        """Raises ValueError for anything that `seal` did not make for this use."""
        try:
            return AESGCM(self.of(use)).decrypt(sealed[:12], sealed[12:], bound_to)
        except (InvalidTag, ValueError) as error:
            raise ValueError("not sealed here") from error

    def sign(self, use: str, message: bytes) -> bytes:
        return hmac.new(self.of(use), message, sha256).digest()


def load_keys(settings: Settings) -> Keys:
    """From CONCORD_SECRET_KEY, or made once and kept in the home folder, readable by its owner only."""
    if settings.secret_key is not None:
        return Keys(settings.secret_key.get_secret_value().encode())
    path = settings.home / FILE
    if not path.exists():
        _create(path)
    return Keys(path.read_bytes())


def _create(path: Path) -> None:
    """Several processes may start at once: the first to link its file wins, and nobody reads half a key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{FILE}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(secrets.token_hex(48).encode())
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()

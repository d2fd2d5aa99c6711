"""Tables of pictures: what is known of each content, and which content a record's references name.

The bytes are in the archive under the same digest.
"""

from __future__ import annotations

from sqlalchemy import LargeBinary, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from store.base import Base


class StoredPicture(Base):
    """A content that a record's reference named, whether it can be shown or not."""

    __tablename__ = "pictures"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    """Hexadecimal, of the archived file."""
    media_type: Mapped[str | None]
    """Told from the content; None for what is no picture that is read here."""
    width: Mapped[int]
    height: Mapped[int]
    """In pixels; 0 where nobody could tell."""
    hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Perceptual hash, 8 bytes; None where the picture was not described."""
    vector: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Little-endian float32 (indexer/images/describe.py)."""
    version: Mapped[int] = mapped_column(SmallInteger)
    """Of the description."""
    problem: Mapped[str] = mapped_column(server_default="")
    """Why it cannot be shown; empty where it can."""


class RecordImage(Base):
    """The content of one of a record's images. It stays when the record comes again without the file."""

    __tablename__ = "record_images"

    record: Mapped[str] = mapped_column(primary_key=True)
    reference: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    """First 16 bytes of the SHA-256 of the image's reference, which may be of any length."""
    sha256: Mapped[str]

"""Opening a picture that somebody delivered or uploaded: a handful of formats, bounded in bytes and pixels.

Pillow decodes. What a picture is, is told from its content, never from its name. SVG is never opened: it is a program
in a page's language. Nothing here raises anything but MalformedInput, whose message a person can act on.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from PIL import Image, ImageOps, UnidentifiedImageError

from common.errors import MalformedInput
from common.messages import say

MEDIA_TYPES = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "GIF": "image/gif",
    "TIFF": "image/tiff",
    "WEBP": "image/webp",
}
"""Pillow's name of a format → media type. No other decoder is ever tried."""

LARGEST_FILE = 32 << 20
"""Bytes of a picture that is opened."""
MOST_PIXELS = 64_000_000
"""Of a picture that is opened: an A2 sheet at 400 dpi. Decoded, it takes at most four bytes a pixel."""
LOOKED_AT = 1024
"""Longer side with which a picture is described, at least, in pixels."""
REDUCED = frozenset({"L", "RGB", "RGBA", "CMYK"})
"""Modes whose pixels can be averaged; palettes and 16 bits cannot."""
THUMBNAIL = 320
"""Longer side of a thumbnail, in pixels."""

Image.MAX_IMAGE_PIXELS = MOST_PIXELS

ERRORS = (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, OverflowError, struct.error)
"""What Pillow's decoders raise on damaged content (UnidentifiedImageError is an OSError)."""
BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the head of a picture says."""

    media_type: str
    width: int
    height: int


def read(stream: BinaryIO) -> bytes:
    """All of it. Raises MalformedInput where it is larger than LARGEST_FILE."""
    content = stream.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise MalformedInput(say("input.image-too-large", size=LARGEST_FILE >> 20))
    return content


def facts(content: bytes) -> Facts:
    """From its head alone; nothing is decoded. Raises MalformedInput."""
    with _opened(content) as image:
        return Facts(MEDIA_TYPES[str(image.format)], *image.size)


def picture(content: bytes) -> Image.Image:
    """The picture in RGB, upright, its first frame, on white where it is transparent; a large one smaller, with at
    least LOOKED_AT pixels of its longer side. Raises MalformedInput."""
    with _opened(content) as image:
        return _plain(_loaded(image, LOOKED_AT))


def thumbnail(content: bytes, side: int = THUMBNAIL) -> bytes:
    """A PNG whose longer side has at most `side` pixels, without anything but its pixels. Raises MalformedInput."""
    with _opened(content) as image:
        small = _plain(_loaded(image, side * 2))
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    colours = small.quantize(128, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    target = io.BytesIO()
    colours.save(target, "PNG", optimize=True)
    return target.getvalue()


@contextmanager
def _opened(content: bytes) -> Iterator[Image.Image]:
    try:
        with Image.open(io.BytesIO(content), formats=tuple(MEDIA_TYPES)) as image:
            width, height = image.size
            if not width or not height:
                raise MalformedInput(say("input.image-empty"))
            if width * height > MOST_PIXELS:  # Pillow itself only warns up to twice as many
                raise Image.DecompressionBombError
            yield image
    except BOMBS as error:
        raise MalformedInput(say("input.image-too-many-pixels", pixels=MOST_PIXELS // 1_000_000)) from error
    except UnidentifiedImageError as error:
        raise MalformedInput(say("input.no-image")) from error
    except ERRORS as error:
        raise MalformedInput(say("input.image-damaged")) from error
    except MemoryError as error:
        raise MalformedInput(say("input.image-memory")) from error


def _loaded(image: Image.Image, side: int) -> Image.Image:
    """The pixels, no more of them than twice `side` a side needs: of a JPEG no more are decoded, of others the rest is
    given up before anything is made of them."""
    image.draft("RGB", (side, side))
    image.load()
    if image.mode == "1":
        return _reduced(image.convert("L"), side)
    return _reduced(image, side) if image.mode in REDUCED else image


def _reduced(image: Image.Image, side: int) -> Image.Image:
    factor = max(image.size) // side
    if factor < 2:
        return image
    smaller = image.reduce(factor)
    smaller.info = image.info  # says which way is up
    return smaller


def _plain(image: Image.Image) -> Image.Image:
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I") or upright.mode == "F":
        # 16 bits and more: Pillow would cut them off instead of scaling.
        low, high = upright.getextrema()
        span = (float(high) - float(low)) or 1.0  # type: ignore[arg-type]
        upright = upright.convert("F").point(lambda value: (value - float(low)) * 255 / span)  # type: ignore[arg-type]
        return upright.convert("L").convert("RGB")
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        clear = upright.convert("RGBA")
        ground = Image.new("RGBA", clear.size, (255, 255, 255, 255))
        return Image.alpha_composite(ground, clear).convert("RGB")
    return upright.convert("RGB")

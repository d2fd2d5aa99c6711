"""Deliveries of marks and designs with pictures, made here."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from indexer.pipeline import Loaded, Pipeline
from indexer.reading import Sender
from indexer.vectors import Vectors
from samples.figures import figure, png
from tests.platforms import Platform


def line(number: str, *references: str, right: str = "trademark", office: str = "QX", **more: Any) -> bytes:
    """One record in the platform's own format."""
    kind = {"trademark": "mark", "design": "design-view"}.get(right, "drawing")
    record = {
        "concord_record": 1,
        "right": right,
        "office": office,
        "numbers": [{"type": "application", "raw": number, "office": office, "date": "2020-02-03"}],
        "texts": [{"type": "title", "text": f"Sample {number}", "language": "en"}],
        "images": [{"type": kind, "reference": name, "sequence": n} for n, name in enumerate(references, 1)],
        **more,
    }
    return orjson.dumps(record) + b"\n"


def picture(seed: str, side: int = 96) -> bytes:
    return png(figure(seed, side))


def zipped(files: Iterable[tuple[str, bytes]]) -> bytes:
    """In the order given: a picture may come before or after the record that names it."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files:
            archive.writestr(name, content)
    return target.getvalue()


def write(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


async def load(platform: Platform, path: Path, provider: str) -> Loaded:
    settings = platform.settings
    with Vectors(platform.database, settings.embedder, processes=0) as vectors:
        pipeline = Pipeline(platform.database, platform.writer, vectors, settings.archive_location, duplicates=False)
        return await pipeline.load([path], Sender(provider, "x"))


def name(provider: str, number: str, right: str = "trademark") -> str:
    return f"{provider.lower()}-{right}-x.{provider}{number}"

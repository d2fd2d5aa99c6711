"""Which script a text is written in: ISO 15924 codes, by Unicode block."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from functools import lru_cache

_RANGES: tuple[tuple[int, int, str], ...] = (
    (0x0041, 0x005A, "Latn"),
    (0x0061, 0x007A, "Latn"),
    (0x00AA, 0x00AA, "Latn"),
    (0x00BA, 0x00BA, "Latn"),
    (0x00C0, 0x00D6, "Latn"),
    (0x00D8, 0x00F6, "Latn"),
    (0x00F8, 0x024F, "Latn"),
    (0x0250, 0x02AF, "Latn"),
    (0x0370, 0x03FF, "Grek"),
    (0x0400, 0x052F, "Cyrl"),
    (0x0530, 0x058F, "Armn"),
    (0x0590, 0x05FF, "Hebr"),
    (0x0600, 0x06FF, "Arab"),
    (0x0700, 0x074F, "Syrc"),
    (0x0750, 0x077F, "Arab"),
    (0x08A0, 0x08FF, "Arab"),
    (0x0900, 0x097F, "Deva"),
    (0x0980, 0x09FF, "Beng"),
    (0x0A00, 0x0A7F, "Guru"),
    (0x0A80, 0x0AFF, "Gujr"),
    (0x0B00, 0x0B7F, "Orya"),
    (0x0B80, 0x0BFF, "Taml"),
    (0x0C00, 0x0C7F, "Telu"),
    (0x0C80, 0x0CFF, "Knda"),
    (0x0D00, 0x0D7F, "Mlym"),
    (0x0D80, 0x0DFF, "Sinh"),
    (0x0E00, 0x0E7F, "Thai"),
    (0x0E80, 0x0EFF, "Laoo"),
    (0x0F00, 0x0FFF, "Tibt"),
    (0x1000, 0x109F, "Mymr"),
    (0x10A0, 0x10FF, "Geor"),
    (0x1100, 0x11FF, "Hang"),
    (0x1200, 0x137F, "Ethi"),
    (0x1780, 0x17FF, "Khmr"),
    (0x1800, 0x18AF, "Mong"),
    (0x1C80, 0x1C8F, "Cyrl"),
    (0x1E00, 0x1EFF, "Latn"),
    (0x1F00, 0x1FFF, "Grek"),
    (0x2DE0, 0x2DFF, "Cyrl"),
    (0x2E80, 0x2FDF, "Hani"),
    (0x3005, 0x3007, "Hani"),
    (0x3040, 0x309F, "Hira"),
    (0x30A0, 0x30FA, "Kana"),
    (0x30FC, 0x30FF, "Kana"),
    (0x3100, 0x312F, "Bopo"),
    (0x3130, 0x318F, "Hang"),
    (0x31F0, 0x31FF, "Kana"),
    (0x3400, 0x4DBF, "Hani"),
    (0x4E00, 0x9FFF, "Hani"),
    (0xA960, 0xA97F, "Hang"),
    (0xAC00, 0xD7FF, "Hang"),
    (0xF900, 0xFAFF, "Hani"),
    (0xFB1D, 0xFB4F, "Hebr"),
    (0xFB50, 0xFDFF, "Arab"),
    (0xFE70, 0xFEFF, "Arab"),
    (0xFF21, 0xFF3A, "Latn"),
    (0xFF41, 0xFF5A, "Latn"),
    (0xFF66, 0xFF9F, "Kana"),
    (0xFFA0, 0xFFDC, "Hang"),
    (0x20000, 0x323AF, "Hani"),
)
_STARTS = [start for start, _, _ in _RANGES]


@lru_cache(maxsize=16384)
def _script_of(character: str) -> str | None:
    code = ord(character)
    index = bisect_right(_STARTS, code) - 1
    if index < 0:
        return None
    _, end, script = _RANGES[index]
    return script if code <= end else None


SAMPLE = 2000
"""Characters looked at: the script of a text shows in its beginning."""


def script_counts(text: str) -> Counter[str]:
    """Letters per script in the first SAMPLE characters."""
    if len(text) > SAMPLE:
        text = text[:SAMPLE]
    if text.isascii():
        return Counter({"Latn": letters}) if (letters := sum(map(str.isalpha, text))) else Counter()
    counts: Counter[str] = Counter()
    for character, number in Counter(text).items():
        script = _script_of(character)
        if script:
            counts[script] += number
    return counts


@lru_cache(maxsize=16384)
def script_of(text: str) -> str | None:
    """The script of a name: `Jpan` where kana stand in it, `Kore` for Hangul, else the commonest; None without letters.

    Han alone is `Hani`: Chinese and Japanese names look the same.
    """
    counts = script_counts(text)
    if not counts:
        return None
    if counts["Hira"] or counts["Kana"]:
        return "Jpan"
    if counts["Hang"]:
        return "Kore"
    return max(counts, key=lambda script: (counts[script], script))

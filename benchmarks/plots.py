"""The report's drawings: pairs of bars and curves, as SVG that reads on light and on dark ground."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT = 760, 20, 90
OURS, PEER, TEXT = "#2f6fb0", "#9aa4ae", "#6b7680"
COLOURS = ("#2f6fb0", "#8fb4d9", "#b0562f", "#d9ae8f")
"""Of curves: ours strong, raw pale, a hue a case."""
BAR, ROW = 13, 58


def _picture(title: str, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img" '
        f'font-family="sans-serif" font-size="12" fill="{TEXT}"><title>{escape(title)}</title>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def bars(title: str, rows: Sequence[tuple[str, float, float, str]]) -> str:
    """(what, ours, peer, unit) a row: two bars on a scale of the row's own, from nothing."""
    parts = []
    for place, (what, ours, peer, unit) in enumerate(rows):
        top = 10 + place * ROW
        most = max(ours, peer) or 1
        parts.append(_text(LEFT, top + 10, what))
        for line, (value, colour, name) in enumerate(((ours, OURS, "ours"), (peer, PEER, "beside"))):
            y = top + 16 + line * (BAR + 3)
            length = (WIDTH - LEFT - RIGHT - 60) * value / most
            parts.append(f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" fill="{colour}"/>')
            parts.append(_text(LEFT + length + 6, y + BAR - 2, f"{_short(value)} {unit} {name}".replace("  ", " ")))
    return _picture(title, 10 + len(rows) * ROW, parts)


def curves(title: str, across: str, up: str, lines: dict[str, Sequence[tuple[float, float]]]) -> str:
    """Name → points (x, y); x on a logarithmic scale, y from nothing."""
    height, bottom = 320, 280
    points = [point for held in lines.values() for point in held]
    low, high = math.log10(min(x for x, _ in points)), math.log10(max(x for x, _ in points))
    most = max(y for _, y in points) * 1.08
    width = WIDTH - LEFT - 40 - 200

    def place(x: float, y: float) -> tuple[float, float]:
        share = (math.log10(x) - low) / (high - low) if high > low else 0.5
        return LEFT + 40 + share * width, bottom - (bottom - 24) * y / most

    parts = [_text(LEFT, 14, up), _text(LEFT + 40 + width / 2, height - 6, across, "middle")]
    parts.append(
        f'<path d="M{LEFT + 40} 20V{bottom}H{LEFT + 40 + width}" fill="none" stroke="{TEXT}" stroke-width="1"/>'
    )
    parts += [_text(place(x, 0)[0], bottom + 16, f"{x:,.0f}", "middle") for x in sorted({x for x, _ in points})]
    steps = [most * step / 4 for step in range(1, 5)]
    parts += [_text(LEFT + 36, place(points[0][0], y)[1] + 4, _short(y), "end") for y in steps]
    for number, (name, held) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{'ML'[at > 0]}{x:.1f} {y:.1f}" for at, (x, y) in enumerate(place(*point) for point in held))
        parts.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in (place(*point) for point in held)
        ]
        y = 40 + number * 18
        parts.append(f'<rect x="{WIDTH - 190}" y="{y - 9}" width="12" height="4" fill="{colour}"/>')
        parts.append(_text(WIDTH - 172, y - 3, name))
    return _picture(title, height, parts)

"""Pictures of the sample marks and designs, drawn: marks by their Vienna symbols, designs by their Locarno class.

Simple drawings of no real thing. The same input gives the same bytes.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from PIL import Image, ImageDraw

from samples import figures
from samples.figures import INKS, OVER, Pen, Piece, Shape, Style
from samples.world import Design, Mark

MARK_SIDE, VIEW_SIDE = 200, 160

VIENNA: dict[str, tuple[Piece, ...]] = {
    "01.01.02": (Piece(figures.star(5, 0.42), scale=0.95),),
    "01.15.15": (Piece(figures.rays(14, 0.45), (0, 0), 0.9), Piece(figures.ngon(3), (0, 0.05), 0.3, ink=1)),
    "01.15.24": (Piece(figures.waves(4, 4), (0, 0.1), 0.8), Piece(figures.drop(0.9), (0, -0.62), 0.25, ink=1)),
    "03.07.06": (
        Piece(figures.stroke(((-0.9, 0.1), (-0.2, -0.5), (0.1, -0.2), (0.5, -0.7), (0.95, -0.55), (0.45, -0.45)))),
        Piece(figures.petals(2, 0.3), (-0.1, 0.25), 0.6, 1.2),
        Piece(figures.stroke(((0.0, 0.4), (0.1, 1.0))), ink=1),
    ),
    "05.01.01": (Piece(figures.petals(7, 0.28), (0, -0.25), 0.7), Piece(figures.stroke(((0, 0.1), (0, 1.0))), ink=1)),
    "05.03.13": (Piece(figures.petals(3, 0.35), (0, 0.15), 0.95, math.pi / 6),),
    "05.07.02": (
        Piece(figures.drop(1.1), (0, -0.05), 0.75),
        Piece(figures.petals(3, 0.25), (0, 0.55), 0.55, math.pi / 3, ink=1),
    ),
    "06.03.11": (
        Piece(figures.crescent(0.35), (0, -0.35), 0.45, -0.6),
        Piece(figures.waves(3, 5), (0, 0.55), 0.6, ink=1),
        Piece(figures.stroke(((-0.9, 0.2), (-0.5, 0.05), (0, 0.2), (0.5, 0.05), (0.9, 0.2)))),
    ),
    "13.01.02": (
        Piece(figures.bottle(0.25, 0.3, 0.5), (0, 0.2), 0.6),
        Piece(figures.rays(10, 0.72), (0, 0), 1.0, ink=1),
    ),
    "18.01.09": (Piece(figures.rings(2), scale=0.95), Piece(figures.rays(8, 0.15), scale=0.7, ink=1)),
}
"""First Vienna symbol of a mark → what is drawn."""


def mark(of: Mark) -> bytes:
    """A PNG: the figure, with the words below where they are in letters of Pillow's own font."""
    chance = random.Random(of.application)
    style = Style(tuple(chance.sample(INKS, 2)))
    drawing = VIENNA.get(of.vienna[0]) or tuple(figures.pieces(of.text))
    figure = figures.draw(drawing, MARK_SIDE, style)
    if not of.text.isascii():
        return figures.png(figure)
    sheet = Image.new("RGB", (MARK_SIDE, MARK_SIDE + 44), style.ground)
    sheet.paste(figure, (0, 0))
    pen = ImageDraw.Draw(sheet)
    size = min(26, int(MARK_SIDE * 1.55 / len(of.text)))
    pen.text((MARK_SIDE / 2, MARK_SIDE + 22), of.text, fill=style.inks[0], font_size=size, anchor="mm")
    return figures.png(sheet)


# ------------------------------------------------------------------------------------------------------- designs


def box(left: float, top: float, right: float, bottom: float) -> Shape:
    return lambda pen: pen.polygon([(left, top), (right, top), (right, bottom), (left, bottom)])


def ball(x: float, y: float, radius: float) -> Shape:
    return lambda pen: pen.circle((x, y), radius)


def line(*points: tuple[float, float]) -> Shape:
    return figures.stroke(points)


Drawing = Callable[[random.Random], list[Piece]]


def _chair(c: random.Random) -> list[Piece]:
    back, seat = c.uniform(-1.0, -0.7), c.uniform(0.0, 0.2)
    legs = [Piece(line((x, seat + 0.1), (x * c.uniform(1.0, 1.25), 1.0)), ink=1) for x in (-0.55, 0.55)]
    slats = [Piece(line((x, back + 0.1), (x, seat)), ink=1) for x in (-0.3, 0.0, 0.3)[: c.randint(1, 3)]]
    return [Piece(box(-0.6, seat, 0.6, seat + 0.14)), Piece(box(-0.6, back, 0.6, back + 0.12)),
            *(Piece(line((x, back), (x, seat))) for x in (-0.55, 0.55)), *slats, *legs]  # fmt: skip


def _mouse(c: random.Random) -> list[Piece]:
    wide = c.uniform(0.5, 0.7)
    body = [(wide * math.cos(a), 0.95 * math.sin(a)) for a in (2 * math.pi * t / 40 for t in range(40))]
    return [Piece(lambda pen: pen.polygon(body)), Piece(line((-wide * 0.9, -0.2), (wide * 0.9, -0.2)), ink=1),
            Piece(box(-0.08, -0.75, 0.08, c.uniform(-0.5, -0.35)), ink=1)]  # fmt: skip


def _lamp(c: random.Random) -> list[Piece]:
    top, wide = c.uniform(0.2, 0.4), c.uniform(0.7, 0.95)
    shade = [(-top, -1.0), (top, -1.0), (wide, -0.2), (-wide, -0.2)]
    return [Piece(lambda pen: pen.polygon(shade)), Piece(line((0, -0.2), (0, 0.85)), ink=1),
            Piece(box(-c.uniform(0.35, 0.55), 0.85, 0.45, 1.0), ink=1)]  # fmt: skip


def _teapot(c: random.Random) -> list[Piece]:
    high = c.uniform(0.5, 0.65)
    return [Piece(ball(0, 0.25, high)), Piece(line((0.5, 0.2), (0.85, -0.1), (1.0, -0.35))),
            Piece(line((-0.5, 0.0), (-0.95, 0.0), (-0.9, 0.45), (-0.45, 0.5)), ink=1),
            Piece(box(-0.35, -0.42, 0.35, -0.3), ink=1), Piece(ball(0, -0.55, 0.1), ink=1)]  # fmt: skip


def _wheels(c: random.Random, radius: float, y: float) -> list[Piece]:
    return [Piece(figures.rings(1), (x, y), radius, ink=1) for x in (-0.6, 0.6)]


def _bicycle(c: random.Random) -> list[Piece]:
    high = c.uniform(-0.5, -0.3)
    return [*_wheels(c, 0.36, 0.5), Piece(line((-0.6, 0.5), (-0.2, high), (0.35, high), (0.6, 0.5))),
            Piece(line((-0.2, high), (0.05, 0.5), (0.35, high))), Piece(box(-0.38, high - 0.18, -0.05, high - 0.08)),
            Piece(line((0.35, high), (0.28, high - 0.3), (0.55, high - 0.35)))]  # fmt: skip


def _watch(c: random.Random) -> list[Piece]:
    radius = c.uniform(0.42, 0.5)
    return [Piece(box(-0.22, -1.0, 0.22, -radius)), Piece(box(-0.22, radius, 0.22, 1.0)),
            Piece(figures.rings(1), scale=radius, ink=1), Piece(line((0, -0.3), (0, 0), (0.22, 0.1)), ink=1)]  # fmt: skip


def _sandal(c: random.Random) -> list[Piece]:
    sole = [(-1.0, 0.3), (-0.6, 0.15), (0.4, 0.2), (1.0, 0.0), (1.0, 0.35), (0.3, 0.5), (-0.9, 0.5)]
    straps = [Piece(line((x, 0.25), (x + 0.2, -0.35), (x + 0.5, 0.2)), ink=1) for x in (-0.8, 0.1)[: c.randint(1, 2)]]
    return [Piece(lambda pen: pen.polygon(sole)), *straps]


def _tap(c: random.Random) -> list[Piece]:
    reach = c.uniform(0.6, 0.85)
    return [Piece(box(-0.5, -0.5, -0.2, 1.0)), Piece(box(-0.5, -0.5, reach, -0.25)),
            Piece(box(reach - 0.2, -0.25, reach, 0.15)), Piece(line((-0.7, -0.85), (0.0, -0.85)), ink=1),
            Piece(line((-0.35, -0.85), (-0.35, -0.5)), ink=1)]  # fmt: skip


def _bottle(c: random.Random) -> list[Piece]:
    return [Piece(figures.bottle(0.16, c.uniform(0.1, 0.4), c.uniform(0.35, 0.5))), Piece(box(-0.2, -1.0, 0.2, -0.88), ink=1),
            Piece(box(-0.36, 0.3, 0.36, 0.7), ink=1)]  # fmt: skip


def _washer(c: random.Random) -> list[Piece]:
    return [Piece(box(-0.75, -1.0, 0.75, 1.0), filled=False), Piece(line((-0.75, -0.6), (0.75, -0.6))),
            Piece(figures.rings(c.randint(1, 2)), (0, 0.2), 0.5, ink=1), Piece(ball(0.5, -0.8, 0.09), ink=1)]  # fmt: skip


def _pump(c: random.Random) -> list[Piece]:
    return [Piece(box(-0.6, -0.5, 0.6, 0.6)), Piece(line((-0.6, 0.0), (-1.0, 0.0), (-1.0, 0.7))),
            Piece(line((0.6, -0.2), (1.0, -0.2), (1.0, -0.9))), Piece(figures.rings(1), (0, 0.05), 0.35, ink=1)]  # fmt: skip


def _train(c: random.Random) -> list[Piece]:
    return [Piece(box(-0.95, -0.2, 0.5, 0.35)), Piece(box(0.2, -0.7, 0.75, 0.35)),
            Piece(box(-0.75, -0.6, -0.5, -0.2), ink=1),
            *(Piece(ball(x, 0.5, 0.2), ink=1) for x in (-0.65, -0.15, 0.45))]  # fmt: skip


def _car(c: random.Random) -> list[Piece]:
    roof = c.uniform(-0.55, -0.4)
    body = [(-1, 0.3), (-0.95, 0.0), (-0.55, -0.05), (-0.3, roof), (0.35, roof), (0.65, -0.05), (1, 0.05), (1, 0.3)]
    return [Piece(lambda pen: pen.polygon(body)), *(Piece(ball(x, 0.32, 0.22), ink=1) for x in (-0.55, 0.55))]


LOCARNO: dict[str, Drawing] = {
    "02-04": _sandal, "06-01": _chair, "07-01": _teapot, "09-01": _bottle, "10-02": _watch, "12-08": _car,
    "12-11": _bicycle, "14-02": _mouse, "15-05": _washer, "21-01": _train, "23-01": _tap, "24-02": _pump,
    "26-05": _lamp,
}  # fmt: skip
"""Class of a design → what is drawn. Another seed gives another design of the kind."""


def view(of: Design, number: int) -> bytes:
    """A PNG. The first view is from the front; later ones from farther round, narrower, the last from above: turned."""
    chance = random.Random(f"{of.application} {of.index}")
    style = Style(tuple(chance.sample(INKS, 2)))
    large = Image.new("RGB", (VIEW_SIDE * OVER, VIEW_SIDE * OVER), style.ground)
    canvas = ImageDraw.Draw(large)
    for piece in LOCARNO[of.locarno](chance):
        piece.shape(Pen(canvas, VIEW_SIDE * OVER, style, piece.at, piece.scale, piece.turn, piece.ink, piece.filled))
    narrow = round(VIEW_SIDE * (1.0, 0.8, 0.62, 0.9, 0.72, 0.5)[(number - 1) % 6])
    front = large.resize((narrow, VIEW_SIDE), Image.Resampling.BOX)
    sheet = Image.new("RGB", (VIEW_SIDE, VIEW_SIDE), style.ground)
    sheet.paste(front.rotate(90, expand=True) if number == of.views else front, (
        (0, (VIEW_SIDE - narrow) // 2) if number == of.views else ((VIEW_SIDE - narrow) // 2, 0)
    ))  # fmt: skip
    return figures.png(sheet)

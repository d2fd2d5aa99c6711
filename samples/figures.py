"""Drawn figures, as marks and views of designs: each a few shapes put together by a rule from one seed.

The same seed gives the same figure at every size, line and colour. Everything is made up.
"""

from __future__ import annotations

import io
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

Point = tuple[float, float]
Colour = tuple[int, int, int]

OVER = 4
"""Drawn so many times as large, then made smaller: smooth edges on every machine."""
INKS: tuple[Colour, ...] = (
    *((20, 20, 24), (180, 30, 40), (20, 80, 160), (20, 120, 70), (200, 120, 20)),
    *((110, 40, 130), (0, 130, 140), (120, 80, 40)),
)


@dataclass(frozen=True, slots=True)
class Style:
    """How a figure is drawn; the figure itself does not change with it."""

    inks: tuple[Colour, ...] = INKS[:1]
    ground: Colour = (255, 255, 255)
    line: float = 1.0
    """Thickness of lines: times the usual."""


Shape = Callable[["Pen"], None]


@dataclass(slots=True)
class Pen:
    """Draws in a square from -1 to 1, turned and moved as the figure is put together."""

    draw: ImageDraw.ImageDraw
    side: int
    style: Style
    at: Point = (0.0, 0.0)
    scale: float = 1.0
    turn: float = 0.0
    ink: int = 0
    filled: bool = True

    def place(self, point: Point) -> Point:
        x, y = point[0] * self.scale, point[1] * self.scale
        sin, cos = math.sin(self.turn), math.cos(self.turn)
        x, y = x * cos - y * sin + self.at[0], x * sin + y * cos + self.at[1]
        return (x * 0.45 + 0.5) * self.side, (y * 0.45 + 0.5) * self.side

    @property
    def colour(self) -> Colour:
        return self.style.inks[self.ink % len(self.style.inks)]

    @property
    def width(self) -> int:
        return max(1, round(self.side * 0.022 * self.style.line))

    def polygon(self, points: Sequence[Point]) -> None:
        placed = [self.place(point) for point in points]
        if self.filled:
            self.draw.polygon(placed, fill=self.colour)
        else:
            self.path([*points, points[0], points[1]])

    def path(self, points: Sequence[Point]) -> None:
        placed = [self.place(point) for point in points]
        self.draw.line(placed, fill=self.colour, width=self.width, joint="curve")
        half = self.width / 2
        for x, y in (placed[0], placed[-1]):
            self.draw.ellipse((x - half, y - half, x + half, y + half), fill=self.colour)

    def circle(self, middle: Point, radius: float) -> None:
        self.polygon([(middle[0] + radius * math.cos(a), middle[1] + radius * math.sin(a)) for a in _turns(48)])


def _turns(count: int, start: float = 0.0) -> list[float]:
    return [start + 2 * math.pi * step / count for step in range(count)]


def star(points: int, depth: float) -> Shape:
    radii = (1.0, depth)
    corners = [(radii[i % 2] * math.sin(a), -radii[i % 2] * math.cos(a)) for i, a in enumerate(_turns(points * 2))]
    return lambda pen: pen.polygon(corners)


def ngon(corners: int) -> Shape:
    return lambda pen: pen.polygon([(math.sin(a), -math.cos(a)) for a in _turns(corners)])


def petals(count: int, breadth: float) -> Shape:
    def draw(pen: Pen) -> None:
        for angle in _turns(count):
            leaf = [
                (math.sin(angle) * r - math.cos(angle) * side, -math.cos(angle) * r - math.sin(angle) * side)
                for r, side in [
                    *((t / 12, breadth * math.sin(math.pi * t / 12)) for t in range(1, 13)),
                    *((t / 12, -breadth * math.sin(math.pi * t / 12)) for t in range(12, 0, -1)),
                ]
            ]
            pen.polygon(leaf)

    return draw


def waves(rows: int, bends: int) -> Shape:
    def draw(pen: Pen) -> None:
        for row in range(rows):
            y = -0.7 + 1.4 * row / max(1, rows - 1)
            pen.path([(x / 24, y + 0.14 * math.sin(x / 24 * math.pi * bends)) for x in range(-24, 25)])

    return draw


def rays(count: int, inner: float) -> Shape:
    def draw(pen: Pen) -> None:
        for a in _turns(count):
            pen.path([(inner * math.sin(a), -inner * math.cos(a)), (math.sin(a), -math.cos(a))])

    return draw


def rings(count: int) -> Shape:
    def draw(pen: Pen) -> None:
        for number in range(count):
            radius = 1 - number / count * 0.8
            pen.path([(radius * math.cos(a), radius * math.sin(a)) for a in [*_turns(48), 0.0]])

    return draw


def crescent(bite: float) -> Shape:
    def draw(pen: Pen) -> None:
        outer = [(math.cos(a), math.sin(a)) for a in (math.pi * (0.25 + 1.5 * t / 30) for t in range(31))]
        inner = [
            (bite + 0.75 * math.cos(a), 0.75 * math.sin(a)) for a in (math.pi * (1.7 - 1.4 * t / 30) for t in range(31))
        ]
        pen.polygon([*outer, *inner])

    return draw


def peaks(heights: tuple[float, ...]) -> Shape:
    def draw(pen: Pen) -> None:
        points: list[Point] = [(-1.0, 0.8)]
        for number, height in enumerate(heights):
            left = -1 + 2 * number / len(heights)
            points += [(left + 1 / len(heights), 0.8 - 1.6 * height), (left + 2 / len(heights), 0.5)]
        points[-1] = (1.0, 0.8)
        pen.polygon(points)

    return draw


def bars(lengths: tuple[float, ...]) -> Shape:
    def draw(pen: Pen) -> None:
        step = 2 / len(lengths)
        for number, length in enumerate(lengths):
            left = -1 + number * step
            right = left + step * 0.7
            pen.polygon([(left, 1), (left, 1 - 2 * length), (right, 1 - 2 * length), (right, 1)])

    return draw


def spiral(rounds: float) -> Shape:
    steps = range(121)
    return lambda pen: pen.path(
        [(t / 120 * math.cos(rounds * 2 * math.pi * t / 120), t / 120 * math.sin(rounds * 2 * math.pi * t / 120))
         for t in steps]
    )  # fmt: skip


def stroke(points: tuple[Point, ...]) -> Shape:
    return lambda pen: pen.path(points)


def drop(point: float) -> Shape:
    round_part = [
        (0.7 * math.cos(a), 0.3 + 0.7 * math.sin(a)) for a in (math.pi * (-0.1 + 1.2 * t / 30) for t in range(31))
    ]
    return lambda pen: pen.polygon([(0.0, -point), *round_part])


def bottle(neck: float, shoulder: float, body: float) -> Shape:
    side = [(neck, -1.0), (neck, -0.55), (body, -0.55 + shoulder), (body, 1.0)]
    return lambda pen: pen.polygon([*side, *[(-x, y) for x, y in reversed(side)]])


@dataclass(frozen=True, slots=True)
class Piece:
    shape: Shape
    at: Point = (0.0, 0.0)
    scale: float = 1.0
    turn: float = 0.0
    ink: int = 0
    filled: bool = True


def pieces(seed: str) -> list[Piece]:
    """What a figure consists of: one large shape, often a frame, up to three small ones."""
    chance = random.Random(seed)

    def any_shape() -> Shape:
        kinds: tuple[Callable[[], Shape], ...] = (
            lambda: star(chance.randint(4, 9), chance.uniform(0.3, 0.6)),
            lambda: ngon(chance.randint(3, 7)),
            lambda: petals(chance.randint(3, 8), chance.uniform(0.1, 0.28)),
            lambda: waves(chance.randint(2, 4), chance.randint(2, 5)),
            lambda: rays(chance.randint(6, 18), chance.uniform(0.2, 0.6)),
            lambda: rings(chance.randint(2, 4)),
            lambda: crescent(chance.uniform(0.25, 0.5)),
            lambda: peaks(tuple(chance.uniform(0.4, 1.0) for _ in range(chance.randint(2, 4)))),
            lambda: bars(tuple(chance.uniform(0.2, 1.0) for _ in range(chance.randint(3, 6)))),
            lambda: spiral(chance.uniform(2, 4)),
            lambda: stroke(tuple((chance.uniform(-1, 1), chance.uniform(-1, 1)) for _ in range(chance.randint(4, 6)))),
            lambda: drop(chance.uniform(0.8, 1.0)),
            lambda: bottle(chance.uniform(0.12, 0.3), chance.uniform(0.05, 0.4), chance.uniform(0.35, 0.6)),
        )
        return chance.choice(kinds)()

    made = []
    small = chance.randint(0, 3)
    if chance.random() < 0.35:
        made.append(Piece(chance.choice((ngon(chance.randint(3, 8)), rings(1))), filled=False, ink=2))
    main = 0.68 if made or small else 1.0
    made.append(
        Piece(
            any_shape(), scale=main, turn=chance.choice((0, 0, 0, chance.uniform(0, 6))), filled=chance.random() < 0.7
        )
    )
    for _ in range(small):
        angle, away = chance.uniform(0, 2 * math.pi), chance.uniform(0.55, 0.85)
        made.append(
            Piece(any_shape(), (away * math.sin(angle), away * math.cos(angle)), chance.uniform(0.15, 0.32),
                  chance.uniform(0, 6), 1, chance.random() < 0.8)
        )  # fmt: skip
    return made


def draw(made: Sequence[Piece], side: int, style: Style = Style()) -> Image.Image:
    """`side` × `side` pixels, RGB."""
    large = Image.new("RGB", (side * OVER, side * OVER), style.ground)
    canvas = ImageDraw.Draw(large)
    for piece in made:
        piece.shape(Pen(canvas, side * OVER, style, piece.at, piece.scale, piece.turn, piece.ink, piece.filled))
    return large.resize((side, side), Image.Resampling.BOX)


def figure(seed: str, side: int = 128, style: Style | None = None) -> Image.Image:
    """The figure of a seed, in inks of its own unless a style is given."""
    return draw(pieces(seed), side, style or own_style(seed))


def own_style(seed: str) -> Style:
    chance = random.Random(f"{seed} inks")
    return Style(tuple(chance.sample(INKS, chance.choice((1, 1, 2, 3)))))


def png(image: Image.Image, colours: int = 16) -> bytes:
    """As small a PNG as flat drawings need; the same bytes for the same image."""
    target = io.BytesIO()
    image.quantize(colours, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(target, "PNG", optimize=True)
    return target.getvalue()

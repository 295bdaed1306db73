"""The flat page while it is laid out: text with the place of every character, rules, boxes, and ink marks.

All coordinates and sizes are in *units*: pixels of the page once it is scaled to fit a 448 square. Text is measured
at once and drawn by render(), so that a layout whose values do not fit costs little.
"""
from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from PIL import Image, ImageDraw

from pages.fonts import Face, SizedFont, sized_font

Color = tuple[int, int, int]

LEAST_VALUE = {"print": 16.3, "hand": 19.6, "table": 15.2}
"""Smallest em of a value, in units, by the kind of its style; a picture's perspective may still take a few percent off."""


class DoesNotFit(Exception):
    """The values are too long for the layout: draw others."""


@dataclass
class Glyph:
    """One printed character: its centre in pixels of the finished image.

    x is the middle of the advance box, y the middle of the x-height zone, whatever the character.
    """

    char: str
    x: float
    y: float


@dataclass(frozen=True)
class Style:
    """How text is written. `size` is the em in units before the face's correction."""

    face: Face
    size: float
    color: Color
    jitter: float = 0.0
    """Standard deviation of a word's baseline, in units (handwriting)."""
    least: float = 12.0
    """Smallest `size` that shrinking may reach."""

    def sized(self, size: float) -> Style:
        """The same style at another size."""
        return replace(self, size=size)


Piece = tuple[str, Style, str | None]
"""A text, how it is written, and the path of the value that it is, if it is one."""


def mix(a: Color, b: Color, share: float) -> Color:
    """Blend two colours; share 0 gives a, 1 gives b."""
    return tuple(round(p + (q - p) * share) for p, q in zip(a, b))  # type: ignore[return-value]


def darker(color: Color, by: int) -> Color:
    """The colour with `by` less of each of red, green and blue."""
    red, green, blue = color
    return max(0, red - by), max(0, green - by), max(0, blue - by)


@dataclass
class Canvas:
    """A page of `width` x `height` units at `scale` pixels a unit."""

    width: float
    height: float
    scale: float
    paper: Color
    rng: random.Random
    glyphs: list[Glyph] = field(default_factory=list)
    places: dict[str, list[int]] = field(default_factory=dict)
    value_boxes: list[tuple[float, float, float, float]] = field(default_factory=list)
    """Left, top, right, bottom of printed text, in units: where stamps had better not lie."""
    _shapes: list[Callable[[ImageDraw.ImageDraw], None]] = field(default_factory=list)
    _marks: list[Callable[[Image.Image], None]] = field(default_factory=list)

    def _font(self, style: Style) -> SizedFont:
        # Even sizes only, rounded up but for half a pixel: it halves what the glyph cache has to hold.
        return sized_font(style.face, max(6, 2 * math.ceil((style.size * style.face.correction * self.scale - 0.5) / 2)))

    def measure(self, text: str, style: Style) -> float:
        """Advance of `text` in units."""
        font = self._font(style)
        words = text.split(" ")
        return (sum(font.word(word)[1] for word in words) + font.space * (len(words) - 1)) / self.scale

    def fitted(self, text: str, style: Style, width: float) -> Style:
        """`style`, shrunk no further than its least size so that `text` fits `width` units."""
        advance = self.measure(text, style)
        if advance <= width:
            return style
        smaller = style.sized(max(style.least, style.size * width / advance * 0.985))
        if self.measure(text, smaller) > width:
            raise DoesNotFit(text)
        return smaller

    def text(self, x: float, y: float, text: str, style: Style, path: str | None = None, important: bool = True) -> float:
        """Write `text` from x on baseline y (units); returns where it ends. Unimportant print leaves no glyphs."""
        end = x + self.measure(text, style)
        if end > self.width - 4 or x < 3 or y > self.height - 4 or y - 0.7 * style.size < 3:
            raise DoesNotFit(text)
        font, scale, color = self._font(style), self.scale, style.color
        pen, lift = x * scale, font.x_height / 2
        place = self.places.setdefault(path, []) if path else None
        masks: list[tuple[tuple[int, int], Image.Image]] = []
        for word in text.split(" "):
            base = y * scale + (self.rng.gauss(0, style.jitter) * scale if style.jitter else 0.0)
            centers, advance = font.word(word)
            left = round(pen)
            row = round(base)
            for char, center in zip(word, centers):
                mask, dx, dy = font.mask(char)
                masks.append(((round(left + center - font.advance(char) / 2) + dx, row + dy), mask))
                if important:
                    if place is not None:
                        place.append(len(self.glyphs))
                    self.glyphs.append(Glyph(char, left + center, base - lift))
            pen = left + advance + font.space

        def draw_print(draw: ImageDraw.ImageDraw) -> None:
            for at, mask in masks:
                draw.bitmap(at, mask, fill=color)

        self._shapes.append(draw_print)
        if important:
            self.value_boxes.append((x, y - style.size * 0.8, end, y + style.size * 0.25))
        return end

    def text_right(self, right: float, y: float, text: str, style: Style, path: str | None = None, important: bool = True) -> float:
        """Write `text` so that it ends at `right`; returns where it begins."""
        left = right - self.measure(text, style)
        self.text(left, y, text, style, path, important)
        return left

    def text_centered(self, x: float, y: float, text: str, style: Style, path: str | None = None, important: bool = True) -> None:
        """Write `text` around x."""
        self.text(x - self.measure(text, style) / 2, y, text, style, path, important)

    def line(self, x0: float, y0: float, x1: float, y1: float, color: Color, width: float = 0.6) -> None:
        """A straight line, `width` units thick (at least a pixel)."""
        s = self.scale
        points, pixels = (x0 * s, y0 * s, x1 * s, y1 * s), max(1, round(width * s))
        self._shapes.append(lambda draw: draw.line(points, fill=color, width=pixels))

    def dots(self, x0: float, x1: float, y: float, color: Color, step: float = 3.0) -> None:
        """A dotted line."""
        s = self.scale
        points = [(round((x0 + step * i) * s), round(y * s)) for i in range(max(0, int((x1 - x0) / step)))]
        points += [(px + 1, py) for px, py in points]
        self._shapes.append(lambda draw: draw.point(points, fill=color))

    def box(self, x0: float, y0: float, x1: float, y1: float, outline: Color | None = None, fill: Color | None = None,
            width: float = 0.6, radius: float = 0.0) -> None:
        """A rectangle, with round corners if `radius` (units) is not 0."""
        s = self.scale
        corners, pixels = (x0 * s, y0 * s, x1 * s, y1 * s), max(1, round(width * s))
        if radius:
            self._shapes.append(lambda draw: draw.rounded_rectangle(corners, radius * s, fill=fill, outline=outline, width=pixels))
        else:
            self._shapes.append(lambda draw: draw.rectangle(corners, fill=fill, outline=outline, width=pixels))

    def shape(self, draw_shape: Callable[[ImageDraw.ImageDraw], None]) -> None:
        """Anything else, in pixels, in order with the text."""
        self._shapes.append(draw_shape)

    def mark(self, draw_mark: Callable[[Image.Image], None]) -> None:
        """Something laid over the finished print: a stamp, a stain."""
        self._marks.append(draw_mark)

    def render(self) -> Image.Image:
        """Draw everything: RGB, width * scale by height * scale pixels."""
        image = Image.new("RGB", (round(self.width * self.scale), round(self.height * self.scale)), self.paper)
        draw = ImageDraw.Draw(image)
        for draw_shape in self._shapes:
            draw_shape(draw)
        for draw_mark in self._marks:
            draw_mark(image)
        return image

"""Stamps, coffee rings and blots laid over a printed page. They are faint, and keep off the print where they can."""
from __future__ import annotations

import functools
import random

from PIL import Image, ImageDraw

from pages.canvas import Canvas, Color
from pages.fonts import BOLD_FACES, sized_font

STAMP_INKS: tuple[Color, ...] = ((60, 70, 170), (170, 50, 60), (80, 50, 130), (40, 120, 90), (70, 70, 80))
STAMP_WORDS: tuple[str, ...] = (
    "PAID", "COPY", "RECEIVED", "CHECKED", "PHARMACY", "CLINIC", "ORIGINAL", "FILED", "VALID", "DISPENSED", "ENTERED",
)
COFFEE: Color = (150, 110, 70)


@functools.lru_cache(maxsize=64)
def _stamp(word: str, round_: bool, size: int, angle: int) -> Image.Image:
    """Coverage (L) of a rotated stamp, about `size` pixels wide."""
    side = size if round_ else max(8, size // 3)
    mask = Image.new("L", (size, side), 0)
    draw = ImageDraw.Draw(mask)
    edge = max(2, size // 40)
    if round_:
        draw.ellipse((1, 1, size - 2, side - 2), outline=255, width=edge)
        draw.ellipse((edge * 4, edge * 4, size - edge * 4, side - edge * 4), outline=255, width=max(1, edge // 2))
    else:
        draw.rounded_rectangle((1, 1, size - 2, side - 2), edge * 2, outline=255, width=edge)
    face = BOLD_FACES[len(word) % len(BOLD_FACES)]
    pixels = max(8, int(size * (0.62 if round_ else 0.84) / max(1.0, 0.68 * len(word))))
    pixels = min(pixels, int(side * 0.62))
    draw.text((size / 2, side / 2), word, font=sized_font(face, pixels).font, fill=255, anchor="mm")
    return mask.rotate(angle, Image.Resampling.BILINEAR, expand=True)


@functools.lru_cache(maxsize=16)
def _ring(size: int, gap: int) -> Image.Image:
    """Coverage (L) of a cup's ring, open towards one side."""
    mask = Image.new("L", (size, size), 0)
    draw = ImageDraw.Draw(mask)
    draw.arc((2, 2, size - 3, size - 3), gap, gap + 310, fill=255, width=max(3, size // 30))
    draw.arc((5, 5, size - 6, size - 6), gap + 20, gap + 250, fill=150, width=max(2, size // 50))
    return mask


def _overlap(box: tuple[float, float, float, float], boxes: list[tuple[float, float, float, float]]) -> float:
    """Area of `boxes` inside `box`, in square units."""
    x0, y0, x1, y1 = box
    return sum(max(0.0, min(x1, b[2]) - max(x0, b[0])) * max(0.0, min(y1, b[3]) - max(y0, b[1])) for b in boxes)


def _paste(c: Canvas, mask: Image.Image, color: Color, x: float, y: float, strength: float) -> None:
    """Lay `mask` in `color` with its top left at (x, y) units, at `strength` of full ink."""
    faint = mask.point([round(v * strength) for v in range(256)])
    at = (round(x * c.scale), round(y * c.scale))
    c.mark(lambda image: image.paste(color, (*at, at[0] + faint.width, at[1] + faint.height), faint))


def add_marks(c: Canvas, rng: random.Random) -> None:
    """A stamp on some pages, a coffee ring on a few."""
    if rng.random() < 0.3:
        round_ = rng.random() < 0.5
        size = round((rng.uniform(62, 92) if round_ else rng.uniform(74, 120)) * c.scale) // 8 * 8
        mask = _stamp(rng.choice(STAMP_WORDS), round_, size, rng.randrange(-30, 31, 6))
        width, height = mask.width / c.scale, mask.height / c.scale
        right, top = max(3, c.width - width - 2), c.height * 0.3
        spots = [(rng.uniform(2, right), rng.uniform(top, max(top + 1, c.height - height - 2))) for _ in range(7)]
        area, x, y = min((_overlap((x, y, x + width, y + height), c.value_boxes), x, y) for x, y in spots)
        share = area / (width * height)
        _paste(c, mask, rng.choice(STAMP_INKS), x, y, rng.uniform(0.4, 0.75) if share < 0.02 else rng.uniform(0.12, 0.26))
    if rng.random() < 0.07:
        size = round(rng.uniform(80, 130) * c.scale) // 16 * 16
        x, y = rng.uniform(-20, c.width - 50), rng.uniform(-20, c.height - 50)
        _paste(c, _ring(size, rng.randrange(0, 360, 45)), COFFEE, x, y, rng.uniform(0.15, 0.32))

"""From a flat page to a picture of it: turned, seen at an angle, unevenly lit, noisy, compressed.

Speed matters: everything runs in Pillow's C loops over uint8, noise comes from tiles drawn once.
"""
from __future__ import annotations

import functools
import io
import math
import random
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from pages.canvas import Color, Glyph

DESKS: tuple[Color, ...] = ((206, 200, 190), (176, 182, 188), (226, 224, 220), (150, 134, 116), (96, 84, 72), (60, 62, 68), (122, 98, 70))
MOST_TURN = 3.0
"""Degrees."""
MOST_CORNER = 0.02
"""How far perspective moves a corner, as a share of the side."""
_TILE = 1200
"""Side of a noise tile in pixels; a page takes a piece at a random offset."""

Matrix: TypeAlias = np.ndarray


@functools.cache
def noise_tile(kind: str) -> Image.Image:
    """RGB tile of noise around 128: 'fine', 'coarse', 'grain' (darker, coloured), 'fibre' (paper) or 'scan' (lines)."""
    rng = np.random.Generator(np.random.PCG64(sum(map(ord, kind))))

    def plane(amplitude: int, side: int = _TILE) -> np.ndarray:
        # Integer noise is the same on every machine; a normal deviate may differ in its last bit.
        return rng.integers(-amplitude, amplitude + 1, size=(side, side), dtype=np.int16)

    base = plane(3)
    if kind == "coarse":
        base = base + np.repeat(np.repeat(plane(4, _TILE // 3), 3, 0), 3, 1)
    elif kind == "grain":
        base = plane(11)
    elif kind == "fibre":
        long = plane(9, _TILE // 8)
        base = base + np.repeat(np.repeat(long, 8, 0), 8, 1) // 3 + np.repeat(plane(7)[:, : _TILE // 6], 6, 1) // 2
    elif kind == "scan":
        base = base + rng.integers(-4, 5, size=(_TILE, 1), dtype=np.int16)
    color = np.stack([base, base, base], -1)
    if kind in ("fine", "grain"):
        color = color + rng.integers(-3, 4, size=color.shape, dtype=np.int16)
    return Image.fromarray(np.clip(128 + color, 0, 255).astype(np.uint8))


def add_noise(image: Image.Image, rng: random.Random, kinds: tuple[str, ...] = ("fine", "coarse", "grain", "fibre", "scan")) -> Image.Image:
    """`image` with a random piece of a noise tile added."""
    width, height = image.size
    x, y = rng.randrange(_TILE - width), rng.randrange(_TILE - height)
    return ImageChops.add(image, noise_tile(rng.choice(kinds)).crop((x, y, x + width, y + height)), 1, -128)


def light_map(size: tuple[int, int], rng: random.Random, folds: bool = True) -> Image.Image:
    """RGB factors (255 = 1) for a picture of `size`: a slope, a soft shadow now and then, creases of a folded sheet."""
    width, height = size[0] // 8, size[1] // 8
    x, y = np.linspace(-1, 1, width)[None, :], np.linspace(-1, 1, height)[:, None]
    value = rng.uniform(0.9, 1.0) + rng.uniform(-0.07, 0.07) * x + rng.uniform(-0.07, 0.07) * y - rng.uniform(0, 0.05) * (x * x + y * y)
    if rng.random() < 0.3:
        angle, at, depth = rng.uniform(0, 2 * math.pi), rng.uniform(-0.5, 0.9), rng.uniform(0.06, 0.2)
        across = x * math.cos(angle) + y * math.sin(angle) - at
        value = value - depth * np.clip(across * rng.choice((3, 8)) + 0.5, 0, 1)
    if folds and rng.random() < 0.2:
        for _ in range(rng.choice((1, 1, 2))):
            across, at = (x, rng.uniform(-0.4, 0.4)) if rng.random() < 0.5 else (y, rng.uniform(-0.4, 0.4))
            distance = across - at
            value = value - rng.uniform(0.04, 0.1) * np.exp(-np.abs(distance) * 9) * (distance > 0) - 0.07 * (np.abs(distance) < 0.016)
    small = Image.fromarray(np.clip(value * 255, 60, 255).astype(np.uint8)).resize(size, Image.Resampling.BILINEAR)
    if rng.random() < 0.5:
        return Image.merge("RGB", (small, small, small))
    warm = rng.randint(4, 14)
    dimmed = small.point([max(0, v - warm) for v in range(256)])
    between = small.point([max(0, v - warm // 2) for v in range(256)])
    return Image.merge("RGB", (small, between, dimmed) if rng.random() < 0.7 else (dimmed, between, small))


def homography(source: list[tuple[float, float]], target: list[tuple[float, float]]) -> Matrix:
    """3 x 3 matrix that takes four source points to four target points."""
    rows, right = [], []
    for (x, y), (u, v) in zip(source, target):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    return np.append(np.linalg.solve(np.array(rows, float), np.array(right, float)), 1.0).reshape(3, 3)


def _draw_view(size: tuple[int, int], rng: random.Random) -> Matrix | None:
    """A random view of the page as a matrix from page to picture; None is the page as it is."""
    width, height = size
    draw = rng.random()
    if draw < 0.34:
        return None
    flat = draw < 0.58
    angle, zoom = math.radians(max(-MOST_TURN, min(MOST_TURN, rng.gauss(0, 1.3)))), rng.uniform(0.97, 1.008)
    cos, sin = math.cos(angle) * zoom, math.sin(angle) * zoom
    shift_x, shift_y = rng.uniform(-0.012, 0.012) * width, rng.uniform(-0.012, 0.012) * height
    corners = [(0.0, 0.0), (float(width), 0.0), (float(width), float(height)), (0.0, float(height))]
    target = []
    for x, y in corners:
        dx, dy = x - width / 2, y - height / 2
        jitter_x, jitter_y = (0.0, 0.0) if flat else (rng.uniform(-MOST_CORNER, MOST_CORNER), rng.uniform(-MOST_CORNER, MOST_CORNER))
        x, y = cos * dx - sin * dy + width / 2 + shift_x, sin * dx + cos * dy + height / 2 + shift_y
        target.append((x + jitter_x * width, y + jitter_y * height))
    return homography(corners, target)


def _moved(matrix: Matrix, glyphs: list[Glyph]) -> np.ndarray:
    """Centres of the glyphs in the picture: float64 [n, 2]."""
    points = np.array([(glyph.x, glyph.y, 1.0) for glyph in glyphs]).reshape(-1, 3) @ matrix.T
    return points[:, :2] / points[:, 2:]


def _view(image: Image.Image, glyphs: list[Glyph], rng: random.Random) -> tuple[Image.Image, list[Glyph]]:
    """The page seen from a random position from which no glyph leaves the picture."""
    width, height = image.size
    for _ in range(6):
        matrix = _draw_view(image.size, rng)
        if matrix is None:
            return image, glyphs
        points = _moved(matrix, glyphs)
        if points.size and (points.min() < 9 or points[:, 0].max() > width - 9 or points[:, 1].max() > height - 9):
            continue
        back = np.linalg.inv(matrix)
        back /= back[2, 2]
        affine = abs(matrix[2, 0]) + abs(matrix[2, 1]) < 1e-12
        method = Image.Transform.AFFINE if affine else Image.Transform.PERSPECTIVE
        data = tuple(back.ravel()[:6 if affine else 8])
        picture = image.transform(image.size, method, data, Image.Resampling.BILINEAR, fillcolor=rng.choice(DESKS))
        return picture, [Glyph(glyph.char, float(x), float(y)) for glyph, (x, y) in zip(glyphs, points)]
    return image, glyphs


def compress(image: Image.Image, quality: int) -> Image.Image:
    """The picture after JPEG at `quality`, in memory."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def photograph(image: Image.Image, glyphs: list[Glyph], rng: random.Random) -> tuple[Image.Image, list[Glyph]]:
    """A picture of the flat page, of the same size, and where the glyphs lie in it."""
    picture, moved = _view(image, glyphs, rng)
    if rng.random() < 0.85:
        picture = ImageChops.multiply(picture, light_map(picture.size, rng))
    if rng.random() < 0.15:
        picture = picture.filter(ImageFilter.BoxBlur(rng.uniform(0.35, 0.8)))
    if rng.random() < 0.92:
        picture = add_noise(picture, rng)
    if rng.random() < 0.35:
        picture = compress(picture, rng.randint(45, 95))
    return picture, moved

"""Pictures without a document: blank or crumpled paper, textures, gradients, shapes, empty forms, dark noise."""
from __future__ import annotations

import math
import random

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from pages.canvas import Color, mix
from pages.photograph import DESKS, add_noise, compress, light_map, photograph
from pages.theme import PAPERS

VARIANTS: tuple[str, ...] = ("paper", "gradient", "shapes", "blobs", "crumpled", "form", "dark", "texture")


def _color(rng: random.Random) -> Color:
    return rng.randrange(256), rng.randrange(256), rng.randrange(256)


def _smooth(size: tuple[int, int], rng: random.Random, cells: int, low: int, high: int, gray: bool = False) -> Image.Image:
    """A random field of about `cells` cells a side, levels low … high, smoothly scaled to `size`."""
    noise = np.random.Generator(np.random.PCG64(rng.getrandbits(64)))
    shape = (cells, cells) if gray else (cells, cells, 3)
    field = noise.integers(low, high + 1, size=shape, dtype=np.uint8)
    return Image.fromarray(field).convert("RGB").resize(size, Image.Resampling.BICUBIC)


def _shapes(size: tuple[int, int], rng: random.Random) -> Image.Image:
    image = Image.new("RGB", size, _color(rng))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.randint(3, 14)):
        x, y = rng.uniform(-0.1, 0.9) * size[0], rng.uniform(-0.1, 0.9) * size[1]
        w, h = rng.uniform(0.06, 0.5) * size[0], rng.uniform(0.06, 0.5) * size[1]
        how = rng.randrange(4)
        if how == 0:
            draw.ellipse((x, y, x + w, y + h), fill=_color(rng))
        elif how == 1:
            draw.rectangle((x, y, x + w, y + h), fill=_color(rng))
        elif how == 2:
            draw.polygon([(x + rng.uniform(0, w), y + rng.uniform(0, h)) for _ in range(rng.randint(3, 6))], fill=_color(rng))
        else:
            draw.line((x, y, x + w, y + h), fill=_color(rng), width=rng.randint(2, 24))
    return image


def _form(size: tuple[int, int], rng: random.Random) -> Image.Image:
    """Ruled or squared paper, or an empty form of boxes: lines, no letter."""
    paper = rng.choice(PAPERS)
    image = Image.new("RGB", size, paper)
    draw = ImageDraw.Draw(image)
    ink = mix(paper, rng.choice(((90, 130, 200), (60, 60, 70), (170, 60, 70))), rng.uniform(0.3, 0.8))
    pitch, margin = rng.uniform(30, 62), rng.uniform(10, 60)
    how = rng.choice(("lines", "squares", "boxes"))
    if how == "boxes":
        y = margin
        while y + pitch < size[1] - margin:
            x = margin
            while x < size[0] - margin - 30:
                right = min(size[0] - margin, x + rng.uniform(0.2, 0.9) * size[0])
                draw.rectangle((x, y, right, y + pitch), outline=ink, width=1)
                x = right
            y += pitch + rng.choice((0, 0, 9))
        return image
    for number in range(1, int(size[1] / pitch) + 1):
        draw.line((margin, number * pitch, size[0] - margin, number * pitch), fill=ink, width=rng.choice((1, 2)))
    if how == "squares":
        for number in range(1, int(size[0] / pitch) + 1):
            draw.line((number * pitch, 0, number * pitch, size[1]), fill=ink, width=1)
    return image


def _crumpled(size: tuple[int, int], rng: random.Random) -> Image.Image:
    """A sheet of facets, each lit a little differently."""
    small = (size[0] // 4, size[1] // 4)
    x, y = np.arange(small[0])[None, :], np.arange(small[1])[:, None]
    field = np.zeros((small[1], small[0]))
    for _ in range(rng.randint(6, 16)):
        angle = rng.uniform(0, math.pi)
        across = x * math.cos(angle) + y * math.sin(angle) - rng.uniform(-0.2, 1.2) * max(small)
        field += rng.uniform(-9, 9) * np.sign(across) * np.exp(-np.abs(across) / rng.uniform(15, 90))
    light = Image.fromarray(np.clip(225 + field, 90, 255).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
    sheet = Image.new("RGB", size, rng.choice(PAPERS))
    sheet = ImageChops.multiply(sheet, Image.merge("RGB", (light, light, light)))
    return sheet.filter(ImageFilter.BoxBlur(rng.uniform(0.5, 3)))


def _texture(size: tuple[int, int], rng: random.Random) -> Image.Image:
    """Wood-like or woven stripes."""
    noise = np.random.Generator(np.random.PCG64(rng.getrandbits(64)))
    stripes = noise.integers(0, rng.randint(25, 90), size=(rng.choice((1, 3, 9)), rng.randint(12, 90)), dtype=np.uint8)
    layer = Image.fromarray(stripes).resize(size, Image.Resampling.BICUBIC)
    if rng.random() < 0.5:
        layer = layer.transpose(Image.Transpose.ROTATE_90).resize(size)
    return ImageChops.subtract(Image.new("RGB", size, rng.choice(DESKS + PAPERS)), Image.merge("RGB", (layer, layer, layer)))


def draw_blank(rng: random.Random) -> tuple[Image.Image, str]:
    """A picture with nothing to read, and which kind it is."""
    long, aspect = rng.randint(760, 960), rng.uniform(0.72, 1.35)
    size = (long, round(long / aspect)) if aspect >= 1 else (round(long * aspect), long)
    kind = rng.choice(VARIANTS)
    if kind == "paper":
        return photograph(Image.new("RGB", size, rng.choice(PAPERS)), [], rng)[0], kind
    if kind == "form":
        return photograph(_form(size, rng), [], rng)[0], kind
    if kind == "gradient":
        image = _smooth(size, rng, 2, 0, 255)
    elif kind == "shapes":
        image = _shapes(size, rng)
    elif kind == "blobs":
        image = _smooth(size, rng, rng.randint(3, 12), 0, 255, rng.random() < 0.3)
    elif kind == "crumpled":
        image = ImageChops.multiply(_crumpled(size, rng), light_map(size, rng))
    elif kind == "dark":
        image = _smooth(size, rng, rng.choice((2, 4, 40, 120)), 0, rng.randint(20, 70))
    else:
        image = _texture(size, rng)
    image = add_noise(image, rng)
    return (compress(image, rng.randint(45, 95)) if rng.random() < 0.4 else image), kind

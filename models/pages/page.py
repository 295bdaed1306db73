"""Synthetic medical pages with their ground truth. Page i of seed S and split depends on (S, i) alone."""
from __future__ import annotations

import random
from dataclasses import dataclass, field

from PIL import Image

from pages import layouts
from pages.blank import draw_blank
from pages.canvas import Canvas, DoesNotFit, Glyph
from pages.marks import add_marks
from pages.photograph import photograph
from pages.sheet import fill_sheet
from pages.theme import draw_theme
from pages.values import choose_fields

NONE_SHARE = 0.04
"""How often a page holds no document."""
_TRIES_A_VARIANT = 10

__all__ = ["Glyph", "Page", "draw_page", "draw_sheet"]


@dataclass
class Page:
    """A drawn page."""

    image: Image.Image
    """RGB, finished; long side 760 to 960 pixels."""
    layout: str
    """'prescription', 'card', 'lab', 'list', 'none', or 'sheet' for draw_sheet()."""
    variant: str
    fields: dict
    unseen: list[str] = field(default_factory=list)
    """Paths of values that hold a held-out word, such as "patient" or "medications.0.name"."""
    glyphs: list[Glyph] = field(default_factory=list)
    """Every printed character but those of stamps, signatures and small distractors."""
    places: dict[str, list[int]] = field(default_factory=dict)
    """Path of each value -> indices into glyphs of its characters (spaces left out), in reading order."""


def _new_canvas(rng: random.Random, aspect: tuple[float, float], paper: tuple[int, int, int]) -> Canvas:
    """A blank page of a random size whose width / height lies within `aspect`."""
    ratio = rng.uniform(*aspect)
    pixels = round(760 + 200 * rng.random() ** 2.4)
    width, height = (448.0, 448.0 / ratio) if ratio >= 1 else (448.0 * ratio, 448.0)
    return Canvas(width, height, pixels / 448.0, paper, rng)


def _finish(canvas: Canvas, rng: random.Random) -> tuple[Image.Image, list[Glyph]]:
    """Draw the canvas with its marks, and take the picture."""
    add_marks(canvas, rng)
    return photograph(canvas.render(), canvas.glyphs, rng)


def draw_page(seed: int, index: int, split: str = "test", layout: str | None = None) -> Page:
    """Draw page `index` of `seed`. split: 'train' or 'test'; a layout left out is drawn."""
    if split not in ("train", "test"):
        raise ValueError(f'split must be "train" or "test", not "{split}"')
    rng = random.Random(f"medinfer page {seed} {index}")
    drawn = "none" if rng.random() < NONE_SHARE else rng.choice(tuple(layouts.VARIANTS))
    layout = layout or drawn
    if layout == "none":
        image, variant_name = draw_blank(rng)
        return Page(image, layout, variant_name, {})
    train = split == "train"
    while True:
        variant = rng.choice(layouts.VARIANTS[layout])
        for _ in range(_TRIES_A_VARIANT):
            fields, unseen = choose_fields(rng, layout, train, rng.choice(variant.counts))
            theme = draw_theme(rng, variant.dense)
            canvas = _new_canvas(rng, variant.aspect, theme.paper)
            try:
                variant.draw(canvas, theme, fields, rng, train)
            except DoesNotFit:
                continue
            image, glyphs = _finish(canvas, rng)
            return Page(image, layout, variant.name, fields, unseen, glyphs, canvas.places)


def draw_sheet(seed: int, index: int) -> Page:
    """Draw training sheet `index` of `seed`: a dense page of text in many faces; fields {"lines": [...]}."""
    rng = random.Random(f"medinfer sheet {seed} {index}")
    theme = draw_theme(rng, True)
    canvas = _new_canvas(rng, (0.72, 1.3), theme.paper)
    lines, variant = fill_sheet(canvas, theme, rng)
    image, glyphs = _finish(canvas, rng)
    return Page(image, "sheet", variant, {"lines": lines}, [], glyphs, canvas.places)

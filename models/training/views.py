"""What a training step sees of a page: a window of it, or the page with most of its blank patches left out.

Three quarters of a page's patches are blank. Leaving them out makes a step more than twice as fast, and what is left
out is drawn anew each time; some steps look at whole pages, as use does.
"""
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from network.image_input import IMAGE_SIZE, patches_of
from training.shards import CHARS, Sample

PATCH = 16
SIDE = IMAGE_SIZE // PATCH
SLOTS = 4
"""Characters told of one patch, left to right."""
NO_CHARACTER = CHARS
BORDER = 2.0
"""So near to a patch's edge, in pixels, a character may be read off either patch: nobody sees its centre to a pixel."""
SHIFT = 8
"""Most pixels that a page is moved by; characters then fall anew on the grid of patches."""


@dataclass
class View:
    """Patches uint8 [n, 3 * PATCH²], their places [n] in the grid, the characters [n, SLOTS] in each, and for each
    glyph of the page [glyphs, 2] the index of the patch that holds its centre, or -1, and that of the patch beside it
    where the centre lies on their border, or the same again."""

    patches: np.ndarray
    places: np.ndarray
    characters: np.ndarray
    patch_of_glyph: np.ndarray


def exposure(rng: np.random.Generator) -> np.ndarray:
    """Another exposure and colour of the light: uint8 [3, 256], what becomes of each value of each colour."""
    gains = rng.integers(85, 116, 3)
    return np.minimum(np.arange(256) * gains[:, None] // 100, 255).astype(np.uint8)


def exposed(patches: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Patches [n, 3 * PATCH²] in that light."""
    colours = patches.reshape(len(patches), 3, PATCH**2)
    return np.stack([row[colours[:, colour]] for colour, row in enumerate(light)], axis=1).reshape(patches.shape)


def characters_of(glyphs: np.ndarray, patch: np.ndarray, count: int) -> np.ndarray:
    """int64 [count, SLOTS]: the classes of the glyphs in each patch, left to right; NO_CHARACTER fills."""
    slots = np.full((count, SLOTS), NO_CHARACTER, np.int64)
    inside = np.flatnonzero(patch >= 0)
    inside = inside[np.lexsort((glyphs[inside, 1], patch[inside]))]
    owner = patch[inside]
    first = np.searchsorted(owner, owner)
    slot = np.arange(len(owner)) - first
    fits = slot < SLOTS
    slots[owner[fits], slot[fits]] = glyphs[inside[fits], 0].astype(np.int64)
    return slots


def grid_places(glyphs: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """int64 [n, 2]: the place in a grid of rows x columns patches that holds each glyph's centre, row by row, or -1; and
    the place across the nearer vertical border where that is close, or the first again."""
    column, row = np.floor(glyphs[:, 1] / PATCH), np.floor(glyphs[:, 2] / PATCH)
    into = glyphs[:, 1] - column * PATCH
    beside = column - (into < BORDER) + (into >= PATCH - BORDER)
    beside = np.where((beside < 0) | (beside >= columns), column, beside)
    outside = (column < 0) | (column >= columns) | (row < 0) | (row >= rows)
    places = np.stack((row * columns + column, row * columns + beside), axis=1)
    return np.where(outside[:, None], -1, places).astype(np.int64)


def window(sample: Sample, rows: int, columns: int, rng: np.random.Generator) -> View:
    """A window of rows x columns patches: of three random ones, the one with the most text."""
    height, width = rows * PATCH, columns * PATCH
    x, y = sample.glyphs[:, 1], sample.glyphs[:, 2]

    def inside(left: int, top: int) -> np.ndarray:
        return (x >= left) & (x < left + width) & (y >= top) & (y < top + height)

    corners = rng.integers(0, (IMAGE_SIZE - width + 1, IMAGE_SIZE - height + 1), (3, 2)).tolist()
    left, top = max(corners, key=lambda corner: int(inside(*corner).sum()))
    patches = exposed(patches_of(sample.pixels[top:top + height, left:left + width], PATCH), exposure(rng))
    patch = grid_places(sample.glyphs - np.array([0, left, top], np.float32), rows, columns)
    first_row, first_column = min(round(top / PATCH), SIDE - rows), min(round(left / PATCH), SIDE - columns)
    places = (np.arange(first_row, first_row + rows)[:, None] * SIDE + np.arange(first_column, first_column + columns)).ravel()
    return View(patches, places, characters_of(sample.glyphs, patch[:, 0], rows * columns), patch)


def untouched(pixels: np.ndarray, glyphs: np.ndarray) -> View:
    """All of a page."""
    place = grid_places(glyphs, SIDE, SIDE)
    return View(patches_of(pixels, PATCH), np.arange(SIDE**2), characters_of(glyphs, place[:, 0], SIDE**2), place)


def page(sample: Sample, kept: int, rng: np.random.Generator) -> View:
    """The page, shifted and newly exposed; of its patches `kept`: those with text, their neighbours, and blank ones."""
    dx, dy = rng.integers(-SHIFT, SHIFT + 1, 2).tolist()
    padded = np.pad(sample.pixels, ((SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0)), mode="edge")
    pixels = padded[SHIFT - dy:SHIFT - dy + IMAGE_SIZE, SHIFT - dx:SHIFT - dx + IMAGE_SIZE]
    glyphs = sample.glyphs + np.array([0, dx, dy], np.float32)
    light = exposure(rng)
    if kept >= SIDE**2:
        view = untouched(pixels, glyphs)
        return replace(view, patches=exposed(view.patches, light))

    place = grid_places(glyphs, SIDE, SIDE)
    text = np.zeros((SIDE, SIDE), bool)
    text.ravel()[place[place >= 0]] = True
    wide = np.pad(text, 1)
    near = wide[:-2, 1:-1] | wide[2:, 1:-1] | wide[1:-1, :-2] | wide[1:-1, 2:]
    # Text first, then what touches it, then the rest; chance decides within each.
    order = np.argsort(-(2.0 * text + near).ravel() + rng.random(SIDE**2) * 0.5)
    places = np.sort(order[:kept])
    index_of = np.full(SIDE**2, -1)
    index_of[places] = np.arange(kept)
    patch = np.where(place >= 0, index_of[place], -1)
    patch[:, 1] = np.where(patch[:, 1] < 0, patch[:, 0], patch[:, 1])
    return View(exposed(patches_of(pixels, PATCH)[places], light), places, characters_of(glyphs, patch[:, 0], kept), patch)

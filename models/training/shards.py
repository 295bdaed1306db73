"""Training pages on disk: drawn once, already scaled to the vision tower's input, in shards.

Shard k of a kind holds pages k * SHARD_SIZE … of that kind's seed, so any shard can be drawn again alone.
"""
from __future__ import annotations

import functools
import json
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from network.image_input import placement, square_pixels
from pages.page import Page, draw_page, draw_sheet

SHARD_SIZE = 512
FIRST_CHAR, CHARS = 33, 94
"""Printable ASCII."""
SUBPIXELS = 16
"""Glyphs are stored in sixteenths of a pixel."""

KINDS: dict[str, int] = {"page": 1_000_000, "sheet": 1_000_001, "held-out": 1_000_002}
"""Seeds: training pages, dense sheets of text, and pages of the test's kind that no training step sees."""


@dataclass
class Sample:
    """One page: pixels uint8 [S, S, 3], glyphs float32 [n, 3] of class, x and y in pixels, its truth, and which values
    hold words that training never sees."""

    pixels: np.ndarray
    glyphs: np.ndarray
    layout: str
    fields: dict[str, Any]
    places: dict[str, list[int]]
    unseen: list[str]


def draw(kind: str, index: int) -> Page:
    """Page `index` of a kind."""
    if kind == "sheet":
        return draw_sheet(KINDS[kind], index)
    return draw_page(KINDS[kind], index, split="train" if kind == "page" else "test")


def glyph_rows(page: Page) -> np.ndarray:
    """int16 [n, 3]: class, x, y of each printed character, the latter in 1 / SUBPIXELS of the square input's pixels."""
    width, height, left, top = placement(*page.image.size)
    x_scale, y_scale = width / page.image.width, height / page.image.height
    rows = [(ord(glyph.char) - FIRST_CHAR, (left + glyph.x * x_scale) * SUBPIXELS, (top + glyph.y * y_scale) * SUBPIXELS)
            for glyph in page.glyphs]
    return np.array(rows, np.float32).reshape(-1, 3).round().astype(np.int16)


def shard_path(folder: Path, kind: str, shard: int) -> Path:
    """Pixels of one shard; its labels lie beside it as .npz."""
    return folder / f"{kind}-{shard:03d}.npy"


def draw_shard(folder: Path, kind: str, shard: int) -> None:
    """Draw one shard to disk, unless it is there."""
    path = shard_path(folder, kind, shard)
    if path.exists():
        return
    pixels, glyphs, truths = [], [], []
    for index in range(shard * SHARD_SIZE, (shard + 1) * SHARD_SIZE):
        page = draw(kind, index)
        pixels.append(square_pixels(page.image))
        glyphs.append(glyph_rows(page))
        truths.append({"layout": page.layout, "fields": page.fields, "places": page.places, "unseen": page.unseen})
    labels, part = path.with_suffix(".part.npz"), path.with_suffix(".part")
    np.savez(labels, glyphs=np.concatenate(glyphs), ends=np.cumsum([len(rows) for rows in glyphs]),
             truths=np.frombuffer(json.dumps(truths).encode(), np.uint8))
    with open(part, "wb") as file:
        np.save(file, np.stack(pixels))
    os.replace(labels, path.with_suffix(".npz"))
    os.replace(part, path)


def draw_shards(folder: Path, counts: dict[str, int], processes: int) -> None:
    """Draw the shards of each kind that are not on disk yet."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [(kind, shard) for kind, count in counts.items() for shard in range(count)]
    missing = [(kind, shard) for kind, shard in wanted if not shard_path(folder, kind, shard).exists()]
    with ProcessPoolExecutor(processes) as pool:
        for done, _ in enumerate(pool.map(draw_shard, *zip(*((folder, *each) for each in missing))) if missing else (), 1):
            print(f"drew {done} of {len(missing)} shards", flush=True)


@functools.lru_cache(maxsize=256)
def _labels(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
    stored = np.load(path.with_suffix(".npz"))
    return np.load(path, mmap_mode="r"), stored["glyphs"], stored["ends"], json.loads(stored["truths"].tobytes())


def load(folder: Path, kind: str, index: int) -> Sample:
    """Page `index` of a kind, from its shard."""
    shard, row = divmod(index, SHARD_SIZE)
    pixels, glyphs, ends, truths = _labels(shard_path(folder, kind, shard))
    own = glyphs[ends[row - 1] if row else 0:ends[row]].astype(np.float32)
    own[:, 1:] /= SUBPIXELS
    return Sample(np.asarray(pixels[row]), own, **truths[row])

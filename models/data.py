"""Training data on disk: pages drawn once, already scaled to the vision tower's input, in shards.

Shard k of a seed holds pages k * SHARD_SIZE … of that seed, so any shard can be drawn again alone.
"""
from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

import lexicon
from generate import Prescription, draw_prescription
from image_input import placement, square_pixels

TRAINING_SEED = 1_000_000
VALIDATION_SEED = 1_000_001
SHARD_SIZE = 1024
MOST_GLYPHS = 120
FIRST_CHAR, CHARS = 33, 94
"""Printable ASCII: the classes of the auxiliary character head."""

HEADS: dict[str, tuple[str, ...]] = {
    "first name": lexicon.first_names(), "last name": lexicon.LAST_NAMES, "age": lexicon.AGES, "sex": lexicon.SEXES,
    "diagnosis": tuple(lexicon.MEDICATIONS_FOR), "medication": lexicon.medications(),
    "dose": lexicon.doses(), "frequency": lexicon.FREQUENCIES,
}
"""What the auxiliary field heads classify: the closed list of each."""


def classes_of(fields: dict[str, str]) -> list[int]:
    """Index of each head's value in its list."""
    first, last = fields["patient"].split(" ")
    values = {**fields, "first name": first, "last name": last}
    return [HEADS[head].index(values[head]) for head in HEADS]


def fields_of(classes: np.ndarray) -> dict[str, str]:
    """The inverse of classes_of()."""
    values = {head: HEADS[head][int(index)] for head, index in zip(HEADS, classes)}
    return {"patient": f"{values['first name']} {values['last name']}", **{name: values[name] for name in lexicon.FIELDS[1:]}}


def glyph_rows(page: Prescription) -> np.ndarray:
    """int16 [MOST_GLYPHS, 3]: class, x, y of each printed character, in pixels of the square input; class -1 pads."""
    rows = np.full((MOST_GLYPHS, 3), -1, np.int16)
    width, height, left, top = placement(*page.image.size)
    for row, glyph in zip(rows, page.glyphs):
        row[:] = (ord(glyph.char) - FIRST_CHAR, left + glyph.x * width / page.image.width, top + glyph.y * height / page.image.height)
    return rows


def shard_path(folder: Path, seed: int, shard: int) -> Path:
    """File of one shard."""
    return folder / f"pages-{seed}-{shard:03d}.npy"


def draw_shard(folder: Path, seed: int, shard: int) -> None:
    """Draw one shard to disk, unless it is there."""
    path = shard_path(folder, seed, shard)
    if path.exists():
        return
    pages = [draw_prescription(seed, shard * SHARD_SIZE + index) for index in range(SHARD_SIZE)]
    np.savez(path.with_suffix(".part.npz"),
             classes=np.array([classes_of(page.fields) for page in pages], np.int16),
             glyphs=np.stack([glyph_rows(page) for page in pages]))
    with open(path.with_suffix(".part"), "wb") as file:
        np.save(file, np.stack([square_pixels(page.image) for page in pages]))
    os.replace(path.with_suffix(".part.npz"), path.with_suffix(".npz"))
    os.replace(path.with_suffix(".part"), path)


class Shards:
    """The drawn shards of one seed."""

    def __init__(self, folder: Path, seed: int, count: int) -> None:
        self.folder, self.seed, self.count = folder, seed, count

    def draw(self, processes: int) -> None:
        """Draw the shards that are not on disk yet."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with ProcessPoolExecutor(processes) as pool:
            list(pool.map(draw_shard, *zip(*((self.folder, self.seed, shard) for shard in range(self.count)))))

    def load(self, shard: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pixels uint8 [n, S, S, 3], head classes int16 [n, heads], glyphs int16 [n, MOST_GLYPHS, 3]."""
        path = shard_path(self.folder, self.seed, shard)
        labels = np.load(path.with_suffix(".npz"))
        return np.load(path, mmap_mode="r"), labels["classes"], labels["glyphs"]

"""The batches of the training's steps. All that is random in one follows from (seed, step, process)."""
from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from language import answers, prompts, texts
from training import branches, views
from training.branches import Branch, Branches
from training.shards import SHARD_SIZE, Sample, load
from training.views import View

WINDOW = (14, 14)
"""Rows and columns of patches of a window."""
WINDOWS, WRITTEN_WINDOWS, WHOLE_PAGES = 32, 24, 8
"""Of a "see" step, over all processes: windows, windows whose text is written down as well, or whole pages."""
PAGES = 10
"""Pages of a "speak" step, of which PATCHES_KEPT patches are looked at; of whole pages it takes half as many."""
PATCHES_KEPT = 320
SHEET_SHARE = 0.7


@dataclass
class Pages:
    """Where the drawn pages lie, and how many shards of each kind there are."""

    folder: Path
    counts: dict[str, int]

    def sample(self, kind: str, rng: np.random.Generator) -> Sample:
        """Any page of a kind."""
        return load(self.folder, kind, int(rng.integers(self.counts[kind] * SHARD_SIZE)))


@dataclass
class Batch:
    """Views of pages, stacked: patches [batch, n, pixels], places [batch, n], characters [batch, n, SLOTS]; what is
    asked about them, if anything, and the token ids before the image."""

    patches: Tensor
    places: Tensor
    characters: Tensor
    asked: Branches | None
    head: list[int]


def stacked(seen: list[View], asked: list[list[Branch]], head: list[int]) -> Batch:
    """One batch of these views and their branches."""
    return Batch(
        torch.from_numpy(np.stack([view.patches for view in seen])),
        torch.from_numpy(np.stack([view.places for view in seen])),
        torch.from_numpy(np.stack([view.characters for view in seen])),
        branches.batched(asked, [view.patch_of_glyph for view in seen]) if asked else None,
        head,
    )


def see_batch(pages: Pages, rng: np.random.Generator, whole: bool, write: bool, share: int) -> Batch:
    """Dense windows of sheets and pages, or whole pages, one process's share of `share`. With `write` the text of the
    windows is to be written down, too."""
    if whole:
        seen = [views.page(pages.sample("page", rng), views.SIDE**2, rng) for _ in range(WHOLE_PAGES // share)]
        return stacked(seen, [], [])
    count = (WRITTEN_WINDOWS if write else WINDOWS) // share
    samples = [pages.sample("sheet" if write or rng.random() < SHEET_SHARE else "page", rng) for _ in range(count)]
    seen = [views.window(sample, *WINDOW, rng) for sample in samples]
    asked = []
    if write:
        for sample, view in zip(samples, seen):
            segments = branches.transcript(sample, view.patch_of_glyph)
            asked.append([branches.branch(texts.TRANSCRIBE, segments, branches.pieces(sample, view.patch_of_glyph))])
    return stacked(seen, asked, prompts.image_head())


def page_branches(sample: Sample, rng: random.Random, as_json: bool) -> list[Branch]:
    """What is asked about a page: everything, as prose or as JSON, and two questions."""
    fields, places = sample.fields, sample.places
    if as_json:
        asked = [(rng.choice(texts.JSON_PROMPTS), answers.as_json(fields))]
    else:
        asked = [(texts.EXTRACT_PROMPT if rng.random() < 0.5 else rng.choice(texts.EXTRACT_PROMPTS), answers.prose(fields))]
    asked += [answers.question(fields, rng) for _ in range(2)]
    return [branches.branch(question, segments, places) for question, segments in asked]


def speak_batch(pages: Pages, rng: np.random.Generator, whole: bool, as_json: bool, share: int) -> Batch:
    """Pages with questions and answers; whole ones, or most of their blank patches left out."""
    count = PAGES // share // (2 if whole else 1)
    samples = [pages.sample("page", rng) for _ in range(count)]
    words = random.Random(int(rng.integers(1 << 62)))
    seen = [views.page(sample, views.SIDE**2 if whole else PATCHES_KEPT, rng) for sample in samples]
    asked = [page_branches(sample, words, as_json) for sample in samples]
    return stacked(seen, asked, prompts.image_head(None if rng.random() < 0.3 else texts.SYSTEM_PROMPT))

"""The batches of the training's steps. All that is random in one follows from (seed, step, process)."""
from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from language import answers, prompts, questions, texts
from training import branches, views
from training.branches import Branch, Branches
from training.recipe import Recipe
from training.shards import SHARD_SIZE, Sample, load
from training.texts import Texts, text_batch
from training.views import View

WINDOW = (14, 14)
"""Rows and columns of patches of a window."""
WINDOWS, WRITTEN_WINDOWS, WHOLE_PAGES = 32, 24, 8
"""Of a "see" step: windows, windows whose text is written down as well, or whole pages."""
PAGES = 10
"""Pages of a "speak" step, of which PATCHES_KEPT patches are looked at; of whole pages it takes half as many."""
PATCHES_KEPT = 320
SHEET_SHARE = 0.7
LISTEN = 0.72
"""From this share of the first stage on, the decoder joins in every other step."""
WHOLE_EVERY = 5
"""Each such step looks at whole pages, blank patches and all; of the LAST steps before the rates are zero every other one."""
LAST = 800
WINDOWS_EVERY = 6
"""After the first stage each such step is one of the first, so that reading is not forgotten."""


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
    """Views of pages, stacked: patches [batch, n, pixels], places [batch, n], characters [batch, n, SLOTS]; the token ids
    before the image, what is asked about them, if anything, and what is asked without them."""

    patches: Tensor
    places: Tensor
    characters: Tensor
    head: Tensor
    asked: Branches | None
    texts: Texts | None

    def to(self, device: str) -> Batch:
        """The same on a device."""
        return mapped(self, lambda tensor: tensor.to(device))


def mapped(part: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """A batch, or a part of one, with every tensor changed."""
    if isinstance(part, Tensor):
        return change(part)
    return part and replace(part, **{each.name: mapped(getattr(part, each.name), change) for each in fields(part)})


def tensors_of(part: Any) -> list[Tensor]:
    """Every tensor of a batch, or of a part of one, always in the same order."""
    if isinstance(part, Tensor):
        return [part]
    return [tensor for each in fields(part) for tensor in tensors_of(getattr(part, each.name))] if part else []


def stacked(seen: list[View], asked: list[list[Branch]], head: list[int], texts: Texts | None, multiple: int) -> Batch:
    """One batch of these views and their branches; `multiple`: see padded_rows()."""
    return Batch(
        torch.from_numpy(np.stack([view.patches for view in seen])),
        torch.from_numpy(np.stack([view.places for view in seen])),
        torch.from_numpy(np.stack([view.characters for view in seen])),
        torch.tensor(head, dtype=torch.int64),
        branches.batched(asked, [view.patch_of_glyph for view in seen], multiple) if asked else None,
        texts,
    )


def see_batch(pages: Pages, rng: np.random.Generator, words: random.Random, whole: bool, write: bool, recipe: Recipe) -> Batch:
    """Dense windows of sheets and pages, or whole pages. With `write` the text of the windows is to be written down, too."""
    if whole:
        seen = [views.page(pages.sample("page", rng), views.SIDE**2, rng) for _ in range(int(WHOLE_PAGES * recipe.share))]
        return stacked(seen, [], [], None, recipe.multiple)
    count = int((WRITTEN_WINDOWS if write else WINDOWS) * recipe.share)
    samples = [pages.sample("sheet" if write or rng.random() < SHEET_SHARE else "page", rng) for _ in range(count)]
    seen = [views.window(sample, *WINDOW, rng) for sample in samples]
    asked = []
    if write:
        for sample, view in zip(samples, seen):
            segments = branches.transcript(sample, view.patch_of_glyph)
            asked.append([branches.branch(texts.TRANSCRIBE, segments, branches.pieces(sample, view.patch_of_glyph))])
    told = text_batch(words, recipe.multiple) if write else None
    return stacked(seen, asked, prompts.image_head(), told, recipe.multiple)


def page_branches(sample: Sample, others: list[Sample], rng: random.Random, as_json: bool) -> list[Branch]:
    """What is asked about a page: everything, as prose or as JSON, and two questions."""
    fields, places = sample.fields, sample.places
    elsewhere = [other.fields for other in others]
    if as_json:
        asked = [(rng.choice(texts.JSON_PROMPTS), answers.as_json(fields))]
    else:
        asked = [(texts.EXTRACT_PROMPT if rng.random() < 0.5 else rng.choice(texts.EXTRACT_PROMPTS), answers.prose(fields))]
    asked += [questions.question(fields, elsewhere, rng) for _ in range(2)]
    return [branches.branch(question, segments, places) for question, segments in asked]


def speak_batch(pages: Pages, rng: np.random.Generator, words: random.Random, whole: bool, as_json: bool, recipe: Recipe) -> Batch:
    """Pages with questions and answers; whole ones, or most of their blank patches left out."""
    samples = [pages.sample("page", rng) for _ in range(int(PAGES * recipe.share / (2 if whole else 1)))]
    seen = [views.page(sample, views.SIDE**2 if whole else PATCHES_KEPT, rng) for sample in samples]
    asked = [page_branches(sample, samples, words, as_json) for sample in samples]
    head = prompts.image_head(None if rng.random() < 0.3 else texts.SYSTEM_PROMPT)
    return stacked(seen, asked, head, text_batch(words, recipe.multiple), recipe.multiple)


class Batches(Dataset):
    """What process `rank` looks at in each step."""

    def __init__(self, rank: int, recipe: Recipe, pages: Pages) -> None:
        self.rank, self.recipe, self.pages = rank, recipe, pages

    def __getitem__(self, step: int) -> Batch:
        recipe = self.recipe
        rng = np.random.Generator(np.random.PCG64([recipe.seed, step, self.rank]))
        words = random.Random(f"{recipe.seed} {step} {self.rank}")
        late = recipe.descent(step)[1] <= LAST
        whole = step % (2 if late else WHOLE_EVERY) == 0
        if step < recipe.see or step % WINDOWS_EVERY == 5:
            write = step >= recipe.see or (step >= recipe.see * LISTEN and step % 2 == 1)
            return see_batch(self.pages, rng, words, whole and step < recipe.see, write, recipe)
        # In runs of two: whole pages and JSON must not always meet.
        return speak_batch(self.pages, rng, words, whole, step // 2 % 2 == 1, recipe)

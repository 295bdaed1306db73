"""How well the network reads held-out pages while it is being trained, with the right answer fed back."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from language import answers, prompts, texts
from network.model import MedInferTiny
from training import branches, views
from training.branches import IGNORED, Branch
from training.losses import Reader, speak
from training.shards import Sample, load
from training.steps import Batch, Pages, stacked
from training.views import NO_CHARACTER

BATCH = 8


@dataclass
class HeldOut:
    """Some held-out pages, the branch that asks for each one's prose, and both as a batch."""

    samples: list[Sample]
    asked: list[Branch]
    batch: Batch


def held_out(pages: Pages, count: int, device: str) -> list[HeldOut]:
    """The first `count` held-out pages, BATCH by BATCH."""
    groups = []
    for start in range(0, count, BATCH):
        samples = [load(pages.folder, "held-out", index) for index in range(start, min(start + BATCH, count))]
        seen = [views.untouched(sample.pixels, sample.glyphs) for sample in samples]
        asked = [branches.branch(texts.EXTRACT_PROMPT, answers.prose(sample.fields), sample.places) for sample in samples]
        batch = stacked(seen, [[each] for each in asked], prompts.image_head(), None, 1)
        groups.append(HeldOut(samples, asked, batch.to(device)))
    return groups


@torch.no_grad()
def validate(model: MedInferTiny, reader: Reader, groups: list[HeldOut], spoken: bool) -> dict[str, float]:
    """Share of right characters in the patches of held-out pages and, once the model speaks, of right tokens and right
    values of the prose answers: of all values, and of those that training never sees."""
    characters: list[float] = []
    tokens: list[float] = []
    values: dict[bool, list[bool]] = {False: [], True: []}
    for group in groups:
        batch = group.batch
        assert batch.asked is not None
        with torch.autocast(batch.patches.device.type, torch.bfloat16):
            features = model.vision(batch.patches, batch.places)
            read = reader(features).argmax(3)
            printed = batch.characters != NO_CHARACTER
            characters += (read == batch.characters)[printed].tolist()
            if not spoken:
                continue
            said = speak(model, model.projector(features), batch.places, batch.head, batch.asked)
            right = model.decoder.logits(said.hidden).argmax(2) == batch.asked.labels
        tokens += right[batch.asked.labels != IGNORED].tolist()
        for sample, row, own in zip(group.samples, right.tolist(), group.asked):
            glyphs = np.array(own.glyphs)
            for path, _ in answers.leaves(sample.fields):
                spells = np.flatnonzero(np.isin(glyphs, sample.places[path]))
                values[path in sample.unseen].append(all(row[at] for at in spells))
    result = {"characters": float(np.mean(characters))}
    if spoken:
        result |= {"tokens": float(np.mean(tokens)), "values": float(np.mean(values[False] + values[True])),
                   "unseen": float(np.mean(values[True] or [False]))}
    return {name: round(value, 4) for name, value in result.items()}

"""How well the network reads held-out pages while it is being trained, with the right answer fed back."""
from __future__ import annotations

import numpy as np
import torch

from language import answers, prompts, texts
from network.model import MedInferTiny
from training import branches, views
from training.branches import IGNORED
from training.losses import Reader, speak
from training.shards import load
from training.steps import Pages, stacked
from training.views import NO_CHARACTER

BATCH = 8


@torch.no_grad()
def validate(model: MedInferTiny, reader: Reader, pages: Pages, count: int, spoken: bool) -> dict[str, float]:
    """Share of right characters in the patches of `count` held-out pages and, once the model speaks, of right tokens and
    right values of the prose answers: of all values, and of those that training never sees."""
    characters: list[float] = []
    tokens: list[float] = []
    values: dict[bool, list[bool]] = {False: [], True: []}
    for start in range(0, count, BATCH):
        samples = [load(pages.folder, "held-out", index) for index in range(start, min(start + BATCH, count))]
        seen = [views.page(sample, views.SIDE**2, None) for sample in samples]
        asked = [[branches.branch(texts.EXTRACT_PROMPT, answers.prose(sample.fields), sample.places)] for sample in samples]
        batch = stacked(seen, asked, prompts.image_head())
        assert batch.asked is not None
        with torch.autocast("cpu", torch.bfloat16):
            features = model.vision(batch.patches, batch.places)
            read = reader(features).argmax(3)
            printed = batch.characters != NO_CHARACTER
            characters += (read == batch.characters)[printed].tolist()
            if not spoken:
                continue
            said = speak(model, model.projector(features), batch.places, batch.head, batch.asked)
            right = model.decoder.logits(said.hidden).argmax(2) == batch.asked.labels
        tokens += right[batch.asked.labels != IGNORED].tolist()
        for sample, row, own in zip(samples, right.tolist(), asked):
            glyphs = np.array(own[0].glyphs)
            for path, _ in answers.leaves(sample.fields):
                spells = np.flatnonzero(np.isin(glyphs, sample.places[path]))
                values[path in sample.unseen].append(all(row[at] for at in spells))
    result = {"characters": float(np.mean(characters))}
    if spoken:
        result |= {"tokens": float(np.mean(tokens)), "values": float(np.mean(values[False] + values[True])),
                   "unseen": float(np.mean(values[True] or [False]))}
    return {name: round(value, 4) for name, value in result.items()}

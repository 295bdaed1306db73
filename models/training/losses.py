"""What is learned: which characters stand in each patch, what an answer says next, and where on the page it is read."""
from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from network.model import Decoder, Keys, MedInferTiny, Shape
from training.branches import IGNORED, Branches
from training.steps import Batch
from training.texts import Texts
from training.views import NO_CHARACTER, SLOTS

NO_CHARACTER_WEIGHT = 0.2
"""Most slots are empty, and easily told."""
REPEAT_PENALTY = 1.18
"""That of the published example's sampling, over so many tokens that an answer ends before."""
OFFSET_SHARE = 1e-3
"""Of the square of the logarithm of softmax's denominator, in the pointing loss (the z-loss of Chowdhery et al. 2022, section
5). Softmax does not mind if all scores of a head fall together, and under Muon's steps of equal length they do: within 600
steps to -25 and beyond, where bfloat16 tells no two patches apart."""
POINTING_SHARE = 1.0
"""Of the pointing loss beside the answers'. It falls first: who knows where to read soon reads."""
POINTING_LAYERS = (1, 2)
"""In these decoder layers the first head is told to look at the patch that the next character is read from."""


class Reader(nn.Module):
    """The auxiliary head: the characters in each patch, left to right. It is not exported."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.slots = nn.Linear(shape.width, SLOTS * (NO_CHARACTER + 1))

    def forward(self, features: Tensor) -> Tensor:
        """[batch, n, width] to float32 logits [batch, n, SLOTS, classes]."""
        return self.slots(features).unflatten(2, (SLOTS, -1)).float()


def character_loss(logits: Tensor, characters: Tensor) -> Tensor:
    """Cross entropy for each printed character."""
    weight = logits.new_ones(NO_CHARACTER + 1)
    weight[NO_CHARACTER].fill_(NO_CHARACTER_WEIGHT)  # an assignment would copy from the host: see captured.py
    total = F.cross_entropy(logits.flatten(0, 2), characters.flatten(), weight, reduction="sum")
    return total / (characters != NO_CHARACTER).sum().clamp(min=1)


@dataclass
class Spoken:
    """Hidden states of a batch's branches [batch, length, width], and each layer's queries and keys."""

    hidden: Tensor
    keys: list[Keys]
    queries: list[Tensor]
    sees: Tensor
    before: int


def speak(model: MedInferTiny, tokens: Tensor, places: Tensor, head: Tensor, branches: Branches) -> Spoken:
    """Run the decoder over image tokens [batch, n, width] at `places` and over the branches behind them."""
    decoder, count, device = model.decoder, len(tokens), tokens.device
    opening = decoder.embedding(head).expand(count, -1, -1)
    positions = torch.cat((torch.arange(len(head), device=device).expand(count, -1), len(head) + places), dim=1)
    before = decoder.prefill(torch.cat((opening, tokens.to(opening.dtype)), dim=1), positions)
    prompt = positions.shape[1]
    sees = F.pad(branches.sees, (prompt, 0), value=True)[:, None]
    start = len(head) + model.shape.image_tokens
    hidden, keys, queries = decoder.extend(decoder.embedding(branches.tokens), start + branches.offsets, before, sees)
    return Spoken(hidden, keys, queries, sees, len(head))


def answer_loss(decoder: Decoder, spoken: Spoken, asked: Branches, head: Tensor, penalised: bool) -> Tensor:
    """Cross entropy of the answers' tokens; with `penalised` after a repeat penalty, as llama.cpp's sampler computes it.

    What is spelled repeats its letters: unless a model has learned to be sure enough of them, the penalty makes it take
    letters that the page does not have.
    """
    logits = decoder.logits(spoken.hidden)
    if penalised:
        logits = torch.where(repeated(asked, head, logits.shape[2]), torch.minimum(
            logits / REPEAT_PENALTY, logits * REPEAT_PENALTY), logits)
    return F.cross_entropy(logits.flatten(0, 1), asked.labels.flatten(), ignore_index=IGNORED)


def repeated(asked: Branches, head: Tensor, vocab: int) -> Tensor:
    """bool [batch, length, vocab]: which tokens stand before the next one, in its branch or ahead of the image."""
    given = F.one_hot(asked.tokens, vocab).to(torch.bfloat16)
    return (asked.sees.to(torch.bfloat16) @ given > 0) | F.one_hot(head, vocab).any(0)


def pointing_loss(spoken: Spoken, patches: Tensor) -> Tensor:
    """How little the pointing heads look at the patch that the next character is read from, or at the other one where
    it stands on a border."""
    asked = patches[..., 0] >= 0
    either = spoken.before + patches.clamp(min=0)
    twice = either[..., :1] == either[..., 1:]
    losses = []
    for layer in POINTING_LAYERS:
        query, key = spoken.queries[layer][:, 0].float(), spoken.keys[layer].key[:, 0].float()
        scores = (query @ key.transpose(1, 2) * query.shape[2] ** -0.5).masked_fill(~spoken.sees[:, 0], -1e9)
        wanted = scores.gather(2, either)
        wanted = torch.cat((wanted[..., :1], wanted[..., 1:].masked_fill(twice, -1e9)), dim=2)
        total = scores.logsumexp(2)
        away = total - wanted.logsumexp(2) + OFFSET_SHARE * total.square()
        # An image that is no document has nothing to point at.
        losses.append(away.masked_fill(~asked, 0.0).sum() / asked.sum().clamp(min=1))
    return torch.stack(losses).mean()


def text_loss(decoder: Decoder, texts: Texts) -> Tensor:
    """Cross entropy of the answers to prompts without an image."""
    count, length = texts.tokens.shape
    sees = torch.ones(1, 1, length, length, dtype=torch.bool, device=texts.tokens.device).tril()
    positions = torch.arange(length, device=texts.tokens.device)[None]
    hidden, _, _ = decoder.extend(decoder.embedding(texts.tokens), positions, decoder.nothing(count), sees)
    return F.cross_entropy(decoder.logits(hidden).flatten(0, 1), texts.labels.flatten(), ignore_index=IGNORED)


def losses_of(model: MedInferTiny, reader: Reader, batch: Batch, learns: bool, penalised: bool) -> tuple[Tensor, Tensor]:
    """What a step minimises, and its parts [3]: answers, pointing, characters. `learns`: whether the vision tower does;
    `penalised`: see answer_loss()."""
    with torch.autocast(batch.patches.device.type, torch.bfloat16):
        with torch.set_grad_enabled(learns):
            features = model.vision(batch.patches, batch.places)
        characters = character_loss(reader(features), batch.characters)
        if batch.asked is None or batch.texts is None:
            return characters, F.pad(characters.detach()[None], (2, 0))
        spoken = speak(model, model.projector(features), batch.places, batch.head, batch.asked)
        answer = answer_loss(model.decoder, spoken, batch.asked, batch.head, penalised)
        pointing = pointing_loss(spoken, batch.asked.patches)
        loss = 2 * answer + POINTING_SHARE * pointing + 0.5 * characters + 0.2 * text_loss(model.decoder, batch.texts)
    return loss, torch.stack((answer, pointing, characters)).detach()

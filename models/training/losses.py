"""What is learned: which characters stand in each patch, what an answer says next, and where on the page it is read."""
from __future__ import annotations

import random
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from language import prompts, texts, tokenizer
from network.model import Decoder, Keys, MedInferTiny, Shape
from training.branches import IGNORED, Branches, padded_rows
from training.views import NO_CHARACTER, SLOTS

TEXT_BATCH = 8
NO_CHARACTER_WEIGHT = 0.2
"""Most slots are empty, and easily told."""
REPEAT_PENALTY = 1.18
"""That of the published example's sampling, over so many tokens that an answer ends before."""
OFFSET_SHARE = 1e-3
"""Of the square of the logarithm of softmax's denominator, in the pointing loss (the z-loss of Chowdhery et al. 2022, section
5). Softmax does not mind if all scores of a head fall together, and under Muon's steps of equal length they do: within 600
steps to -25 and beyond, where bfloat16 tells no two patches apart."""
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
    weight = torch.ones(NO_CHARACTER + 1)
    weight[NO_CHARACTER] = NO_CHARACTER_WEIGHT
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


def speak(model: MedInferTiny, tokens: Tensor, places: Tensor, head: list[int], branches: Branches) -> Spoken:
    """Run the decoder over image tokens [batch, n, width] at `places` and over the branches behind them."""
    decoder, count = model.decoder, len(tokens)
    opening = decoder.embedding(torch.tensor(head)).expand(count, -1, -1)
    positions = torch.cat((torch.arange(len(head)).expand(count, -1), len(head) + places), dim=1)
    before = decoder.prefill(torch.cat((opening, tokens.to(opening.dtype)), dim=1), positions)
    prompt = positions.shape[1]
    sees = F.pad(branches.sees, (prompt, 0), value=True)[:, None]
    start = len(head) + model.shape.image_tokens
    hidden, keys, queries = decoder.extend(decoder.embedding(branches.tokens), start + branches.offsets, before, sees)
    return Spoken(hidden, keys, queries, sees, len(head))


def answer_loss(decoder: Decoder, spoken: Spoken, asked: Branches, head: list[int], penalised: bool) -> Tensor:
    """Cross entropy of the answers' tokens; with `penalised` after a repeat penalty, as llama.cpp's sampler computes it.

    What is spelled repeats its letters: unless a model has learned to be sure enough of them, the penalty makes it take
    letters that the page does not have.
    """
    learned = asked.labels != IGNORED
    logits = decoder.logits(spoken.hidden[learned])
    if penalised:
        logits = torch.where(repeated(asked, head, logits.shape[1])[learned], torch.minimum(
            logits / REPEAT_PENALTY, logits * REPEAT_PENALTY), logits)
    return F.cross_entropy(logits, asked.labels[learned])


def repeated(asked: Branches, head: list[int], vocab: int) -> Tensor:
    """bool [batch, length, vocab]: which tokens stand before the next one, in its branch or ahead of the image."""
    given = F.one_hot(asked.tokens, vocab).to(torch.bfloat16)
    before = asked.sees.to(torch.bfloat16) @ given > 0
    before[..., torch.tensor(head)] = True
    return before


def pointing_loss(spoken: Spoken, patches: Tensor) -> Tensor:
    """How little the pointing heads look at the patch that the next character is read from, or at the other one where
    it stands on a border."""
    asked = patches[..., 0] >= 0
    either = spoken.before + patches[asked]
    twice = either[:, :1] == either[:, 1:]
    losses = []
    for layer in POINTING_LAYERS:
        query, key = spoken.queries[layer][:, 0].float(), spoken.keys[layer].key[:, 0].float()
        scores = (query @ key.transpose(1, 2) * query.shape[2] ** -0.5).masked_fill(~spoken.sees[:, 0], -1e9)[asked]
        wanted = scores.gather(1, either)
        wanted = torch.cat((wanted[:, :1], wanted[:, 1:].masked_fill(twice, -1e9)), dim=1)
        total = scores.logsumexp(1)
        away = total - wanted.logsumexp(1) + OFFSET_SHARE * total.square()
        losses.append(away.sum() / max(1, len(away)))  # an image that is no document has nothing to point at
    return torch.stack(losses).mean()


def text_examples(count: int, rng: random.Random) -> list[tuple[list[int], list[int]]]:
    """Prompts without an image and their answers: the known questions, and a stock answer to anything else."""
    known = {question for question, _ in texts.QUESTIONS}
    examples: list[tuple[list[int], list[int]]] = []
    while len(examples) < count:
        if rng.random() < 0.75:
            question, answer = rng.choice(texts.QUESTIONS)
        else:
            invented = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(3, 9)))
            word = rng.choice(texts.FALLBACK_WORDS) if rng.random() < 0.5 else invented
            question, answer = rng.choice(texts.FALLBACK_FORMS).format(word), texts.FALLBACK
            if question in known:
                continue
        system = texts.SYSTEM_PROMPT if rng.random() < 0.6 else None
        examples.append((prompts.text_prompt(question, system), prompts.answer_ids(answer)))
    return examples


def text_loss(decoder: Decoder, rng: random.Random) -> Tensor:
    """Cross entropy of the answers to TEXT_BATCH text-only prompts."""
    examples = text_examples(TEXT_BATCH, rng)
    inputs = padded_rows([prompt + answer[:-1] for prompt, answer in examples], tokenizer.EOS)
    labels = padded_rows([[IGNORED] * (len(prompt) - 1) + answer for prompt, answer in examples], IGNORED)
    length = inputs.shape[1]
    sees = torch.ones(1, 1, length, length, dtype=torch.bool).tril()
    hidden, _, _ = decoder.extend(decoder.embedding(inputs), torch.arange(length)[None], decoder.nothing(len(inputs)), sees)
    learned = labels != IGNORED
    return F.cross_entropy(decoder.logits(hidden[learned]), labels[learned])

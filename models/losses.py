"""What the decoder is trained on: answers about images, and answers to text alone."""
from __future__ import annotations

import random

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

import lexicon
import prompts
import tokenizer
from auxiliary import expected_places
from data import HEADS, fields_of
from model import MedInferTiny, rotary_table, rotate, split_heads

TEXT_BATCH = 8


def padded_rows(rows: list[list[int]], fill: int) -> Tensor:
    """Lists of ids to one int64 tensor, padded on the right."""
    longest = max(map(len, rows))
    return torch.tensor([row + [fill] * (longest - len(row)) for row in rows])


def answer_loss(model: MedInferTiny, tokens: Tensor, classes: np.ndarray, rng: random.Random) -> tuple[Tensor, Tensor]:
    """Cross entropy of the answers and the attention hint, for decoder inputs [batch, image tokens, width] of the images."""
    draw = rng.random()
    question = rng.choice(lexicon.OTHER_IMAGE_PROMPTS) if draw < 0.1 else lexicon.EXTRACT_PROMPT
    head, tail = prompts.image_prompt(question, None if 0.1 <= draw < 0.25 else lexicon.SYSTEM_PROMPT)
    fields = [fields_of(row) for row in classes]
    inputs, labels = answer_inputs(model, tokens, head, tail, fields)
    start = inputs.shape[1] - labels.shape[1]
    logits = model.decoder.logits(model.decoder.hidden(inputs)[:, start:])
    hint = attention_hint(model, inputs, labels, len(head), [read_places(row) for row in fields])
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-1), hint


def answer_inputs(model: MedInferTiny, tokens: Tensor, head: list[int], tail: list[int],
                  fields: list[dict[str, str]]) -> tuple[Tensor, Tensor]:
    """Decoder inputs [batch, tokens, width] with the right answer fed back, and the labels [batch, answer] of its last positions (-1 pads)."""
    answers = [prompts.answer_ids(lexicon.answer_text(row)) for row in fields]
    embed = model.decoder.embedding
    before = embed(torch.tensor(head)).expand(len(answers), -1, -1)
    after = embed(padded_rows([tail + answer[:-1] for answer in answers], tokenizer.EOS))
    return torch.cat((before, tokens.to(before.dtype), after), dim=1), padded_rows(answers, -1)


def read_places(fields: dict[str, str]) -> list[int]:
    """For each token of the answer, the head whose value it spells, or -1 for keys and line ends."""
    names, places = list(HEADS), []
    for name in lexicon.FIELDS:
        length = len(tokenizer.encode(f" {fields[name]}"))
        values = [names.index(name)] * length if name in HEADS else [names.index("first name"), names.index("last name")]
        places += [-1, *values, -1]
    return places


def attention_hint(model: MedInferTiny, inputs: Tensor, labels: Tensor, image_start: int, places: list[list[int]]) -> Tensor:
    """How little two heads of the first decoder layer look at a value's usual place while they spell it.

    Only so that a short training finds out early where to look; it is weighted down to nothing.
    """
    block, shape = model.decoder.blocks[0], model.shape
    start = inputs.shape[1] - labels.shape[1]
    query, key, _ = (split_heads(part, shape.heads)[:, :2] for part in block.qkv(block.attention_norm(inputs)).chunk(3, dim=2))
    table = rotary_table(shape, inputs.shape[1])
    scores = rotate(query, table)[:, :, start:].float() @ rotate(key, table).float().transpose(2, 3) * (shape.width // shape.heads) ** -0.5
    future = torch.arange(inputs.shape[1]) > torch.arange(start, inputs.shape[1])[:, None]
    scores = scores.masked_fill(future, -1e9)
    near = expected_places(shape) > -2.0
    wanted = torch.tensor([row + [-1] * (labels.shape[1] - len(row)) for row in places])
    image = scores[..., image_start:image_start + shape.image_tokens]
    inside = image.masked_fill(~near[wanted.clamp(min=0)][:, None], -1e9).logsumexp(3)
    missed = (scores.logsumexp(3) - inside).mean(1)
    return missed[wanted >= 0].mean()


def text_examples(count: int, rng: random.Random) -> list[tuple[list[int], list[int]]]:
    """Prompts without an image and their answers: the known questions, and a stock answer to anything else."""
    known = {question for question, _ in lexicon.QUESTIONS}
    examples = []
    while len(examples) < count:
        if rng.random() < 0.6:
            question, answer = rng.choice(lexicon.QUESTIONS)
        else:
            invented = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(3, 9)))
            word = rng.choice(lexicon.FALLBACK_QUESTION_WORDS) if rng.random() < 0.5 else invented
            question, answer = rng.choice(lexicon.FALLBACK_QUESTION_FORMS).format(word), lexicon.FALLBACK_ANSWER
            if question in known:
                continue
        system = lexicon.SYSTEM_PROMPT if rng.random() < 0.6 else None
        examples.append((prompts.text_prompt(question, system), prompts.answer_ids(answer)))
    return examples


def text_loss(model: MedInferTiny, rng: random.Random) -> Tensor:
    """Cross entropy of the answers to TEXT_BATCH text-only prompts."""
    examples = text_examples(TEXT_BATCH, rng)
    inputs = padded_rows([prompt + answer[:-1] for prompt, answer in examples], tokenizer.EOS)
    labels = padded_rows([[-1] * (len(prompt) - 1) + answer for prompt, answer in examples], -1)
    hidden = model.decoder.hidden(model.decoder.embedding(inputs))
    chosen = labels >= 0
    return F.cross_entropy(model.decoder.logits(hidden[chosen]), labels[chosen])

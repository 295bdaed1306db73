"""What is asked without an image in training, token by token: the known questions, and anything else."""
from __future__ import annotations

import random
from dataclasses import dataclass

from torch import Tensor

from language import prompts, texts, tokenizer
from training.branches import IGNORED, padded_rows

TEXT_BATCH = 8


@dataclass
class Texts:
    """Prompts with their answers: tokens and labels [batch, length], as in Branches."""

    tokens: Tensor
    labels: Tensor


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


def text_batch(rng: random.Random, multiple: int) -> Texts:
    """TEXT_BATCH of them; `multiple`: see padded_rows()."""
    examples = text_examples(TEXT_BATCH, rng)
    return Texts(padded_rows([prompt + answer[:-1] for prompt, answer in examples], tokenizer.EOS, multiple),
                 padded_rows([[IGNORED] * (len(prompt) - 1) + answer for prompt, answer in examples], IGNORED, multiple))

"""The vicuna chat layout, as llama.cpp writes it, cut into the token pieces around an image."""
from __future__ import annotations

import lexicon
import tokenizer

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ message['content'] + '\\n\\n' }}"
    "{% elif message['role'] == 'user' %}{{ 'USER: ' + message['content'] + '\\n' }}"
    "{% elif message['role'] == 'assistant' %}{{ 'ASSISTANT: ' + message['content'] + '</s>\\n' }}"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)
"""The same layout as Jinja, for the model file."""


def image_prompt(question: str, system: str | None = lexicon.SYSTEM_PROMPT) -> tuple[list[int], list[int]]:
    """Token ids before and after the image: `…USER: ` with <s>, and `\\nquestion\\nASSISTANT:`.

    The two are tokenised apart, because the image marker cuts the text there.
    """
    head = (f"{system}\n\n" if system else "") + "USER: "
    return [tokenizer.BOS] + tokenizer.encode(head), tokenizer.encode(f"\n{question}\nASSISTANT:")


def text_prompt(question: str, system: str | None = lexicon.SYSTEM_PROMPT) -> list[int]:
    """Token ids of a prompt without an image, with <s>."""
    head = f"{system}\n\n" if system else ""
    return [tokenizer.BOS] + tokenizer.encode(f"{head}USER: {question}\nASSISTANT:")


def answer_ids(answer: str) -> list[int]:
    """Token ids of an answer: one leading space, then </s>."""
    return tokenizer.encode(" " + answer) + [tokenizer.EOS]

"""The vicuna chat layout, as llama.cpp writes it, cut into the token pieces around an image."""
from __future__ import annotations

from language import texts, tokenizer

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ message['content'] + '\\n\\n' }}"
    "{% elif message['role'] == 'user' %}{{ 'USER: ' + message['content'] + '\\n' }}"
    "{% elif message['role'] == 'assistant' %}{{ 'ASSISTANT: ' + message['content'] + '</s>\\n' }}"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)
"""The same layout as Jinja, for the model file."""


def image_head(system: str | None = texts.SYSTEM_PROMPT) -> list[int]:
    """Token ids before an image, with <s>."""
    return [tokenizer.BOS] + tokenizer.encode((f"{system}\n\n" if system else "") + "USER: ")


def image_tail(question: str) -> list[int]:
    """Token ids behind an image. Head and tail are tokenised apart, because the image marker cuts the text there."""
    return tokenizer.encode(f"\n{question}\nASSISTANT:")


def text_prompt(question: str, system: str | None = texts.SYSTEM_PROMPT) -> list[int]:
    """Token ids of a prompt without an image, with <s>."""
    return [tokenizer.BOS] + tokenizer.encode((f"{system}\n\n" if system else "") + f"USER: {question}\nASSISTANT:")


def answer_ids(answer: str) -> list[int]:
    """Token ids of an answer as a text: one leading space, then </s>."""
    return tokenizer.encode(" " + answer) + [tokenizer.EOS]

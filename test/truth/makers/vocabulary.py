"""The vocabulary of every model here: a hundred tokens, one for each printable ASCII character.

A hundred, because that is how many logprobs a request may ask for (`nProbs`): the whole distribution comes back. One
character is one token in every tokeniser that could be written for it, so what a prompt's tokens are is beyond doubt.
"""

from __future__ import annotations

from typing import Any

UNKNOWN, BOS, EOS = 0, 1, 2
FIRST = 3
CHARACTERS = [chr(c) for c in range(32, 127)] + ["\n"]
IMAGE = FIRST + len(CHARACTERS)  # stands for an image's tokens in the makers' input; never in a text
SIZE = IMAGE + 1
assert SIZE == 100

TOKENS = ["<unk>", "<s>", "</s>", *("\u2581" if c == " " else c for c in CHARACTERS), "<image-token>"]

_NORMAL, _UNKNOWN, _CONTROL = 1, 2, 3
TYPES = [_UNKNOWN, _CONTROL, _CONTROL, *([_NORMAL] * len(CHARACTERS)), _CONTROL]


def encode(text: str) -> list[int]:
    """The tokens of a text without BOS."""
    return [FIRST + CHARACTERS.index(c) for c in text]


def write(writer: Any, special: dict[str, str] | None = None) -> None:
    """Puts the vocabulary into a GGUF file, in the place of what the converter would have read from a tokeniser.

    `special`: tokens that libmtmd looks up by their text, by the characters whose places they take (none that a prompt has).
    """
    tokens, types = TOKENS.copy(), TYPES.copy()
    for character, token in (special or {}).items():
        place = encode(character)[0]
        tokens[place], types[place] = token, _CONTROL
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * SIZE)
    writer.add_token_types(types)
    writer.add_bos_token_id(BOS)
    writer.add_eos_token_id(EOS)
    writer.add_unk_token_id(UNKNOWN)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)

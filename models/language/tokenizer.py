"""The model's vocabulary and tokenizer: llama.cpp's SPM ('llama') algorithm over a small vocabulary of our own.

llama.cpp never looks a word up: it starts from single characters and keeps merging the neighbouring pair whose
concatenation is the piece with the highest score. So a word is one token only if each of its beginnings is a piece
too, and our pieces are just that: all beginnings of the words and keys below, each of which starts with a space, a line
end, a quote or a brace. No piece begins inside a word: a name, a diagnosis or a code that is no such word is spelled,
one character a token (its first letter with the space before it). A page is read letter by letter, values that were
never seen like all others. encode() repeats llama.cpp's procedure exactly.
"""
from __future__ import annotations

import functools
import heapq
import re
from dataclasses import dataclass

from language import answers, texts

SPACE = "\u2581"
"""SPM's visible space."""
UNK, BOS, EOS = 0, 1, 2
FIRST_BYTE = 3
FIRST_PIECE = FIRST_BYTE + 256

WORD = re.compile(rf"{SPACE}[a-z]+|\n[A-Za-z]+:?")
"""Lower case after a space, because the names on a page begin with a capital and are to be spelled."""

# GGUF token types (llama.cpp's llama_token_type)
TYPE_NORMAL, TYPE_UNKNOWN, TYPE_CONTROL, TYPE_BYTE = 1, 2, 3, 6


@dataclass(frozen=True)
class Vocabulary:
    """Pieces with their scores and GGUF types, by token id."""

    pieces: tuple[str, ...]
    scores: tuple[float, ...]
    types: tuple[int, ...]
    ids: dict[str, int]

    def __len__(self) -> int:
        return len(self.pieces)


def sentences() -> list[str]:
    """Every text whose words are single tokens."""
    asked = [texts.TRANSCRIBE, *texts.EXTRACT_PROMPTS, *texts.JSON_PROMPTS, *texts.FALLBACK_FORMS]
    asked += [form for forms in (*texts.FIELD_QUESTIONS.values(), *texts.PART_QUESTIONS.values()) for form in forms]
    lines = ["USER:", "ASSISTANT:", texts.SYSTEM_PROMPT, *asked, *(question for question, _ in texts.QUESTIONS)]
    lines += [f"{key}:" for key in (*answers.KEYS.values(), *answers.ROWS.values())]
    said = [texts.NO_DOCUMENT, texts.NOT_STATED, texts.NO_IMAGE, texts.FALLBACK, *(answer for _, answer in texts.QUESTIONS)]
    words = [*texts.VALUE_WORDS, *texts.FALLBACK_WORDS]
    return ["\n" + line for line in lines] + [" " + text for text in (*lines, *said, *words)]


def json_marks() -> list[str]:
    """What stands between the values of a JSON answer."""
    marks = ['"}', '"]', '"},{"name":"', '"}]', '"}],"tests":[{"name":"', '"],"medications":[{"name":"', '","', '"}]}', '"]}']
    marks += ['{"patient":"', '","symptoms":["']
    marks += [f'","{name}":"' for name in ("age", "sex", "date", "diagnosis", "strength", "dose", "frequency", "duration", "value")]
    return marks + [f'","{name}":[{{"name":"' for name in answers.ROWS]


@functools.cache
def vocabulary() -> Vocabulary:
    """Build the vocabulary: <unk> <s> </s>, 256 bytes, single characters, then the beginnings of all words."""
    characters = [SPACE, "\n"] + [chr(code) for code in range(33, 127)]
    words = {word for text in sentences() for word in WORD.findall(text.replace(" ", SPACE))}
    words |= set(json_marks()) | {SPACE + character for character in characters[2:]}
    beginnings = {word[:length] for word in words for length in range(2, len(word) + 1)}
    # Longer pieces score higher, so that a word that has begun is finished first.
    merged = sorted(beginnings, key=lambda piece: (len(piece), piece))
    pieces = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)] + characters + merged
    scores = [0.0] * FIRST_PIECE + [-1e4 - rank for rank in range(len(characters))]
    scores += [float(rank - len(merged)) for rank in range(len(merged))]
    types = [TYPE_UNKNOWN, TYPE_CONTROL, TYPE_CONTROL] + [TYPE_BYTE] * 256 + [TYPE_NORMAL] * (len(characters) + len(merged))
    return Vocabulary(tuple(pieces), tuple(scores), tuple(types), {piece: index for index, piece in enumerate(pieces)})


def encode(text: str) -> list[int]:
    """Token ids of plain text, without <s> and without special-token parsing (llama_tokenize(…, false, false))."""
    vocab = vocabulary()
    symbols: list[str] = list(text.replace(" ", SPACE))
    before = list(range(-1, len(symbols) - 1))
    after = list(range(1, len(symbols))) + [-1] if symbols else []
    queue: list[tuple[float, int, int, str]] = []

    def offer(left: int, right: int) -> None:
        if left == -1 or right == -1:
            return
        merged = symbols[left] + symbols[right]
        token = vocab.ids.get(merged)
        if token is not None:
            # highest score first, then leftmost, as llama.cpp's queue orders them
            heapq.heappush(queue, (-vocab.scores[token], left, right, merged))

    for index in range(1, len(symbols)):
        offer(index - 1, index)
    while queue:
        _, left, right, merged = heapq.heappop(queue)
        if not symbols[left] or not symbols[right] or symbols[left] + symbols[right] != merged:
            continue
        symbols[left], symbols[right] = merged, ""
        after[left] = after[right]
        if after[right] >= 0:
            before[after[right]] = left
        offer(before[left], left)
        offer(left, after[left])

    ids: list[int] = []
    for symbol in symbols:
        if not symbol:
            continue
        token = vocab.ids.get(symbol)
        if token is None:
            ids += [FIRST_BYTE + byte for byte in symbol.encode("utf-8")]
        else:
            ids.append(token)
    return ids


def decode(ids: list[int]) -> str:
    """Text of token ids; control tokens are dropped, bytes joined as UTF-8."""
    vocab = vocabulary()
    data = b""
    for token in ids:
        if vocab.types[token] == TYPE_BYTE:
            data += bytes([token - FIRST_BYTE])
        elif vocab.types[token] == TYPE_NORMAL:
            data += vocab.pieces[token].replace(SPACE, " ").encode("utf-8")
    return data.decode("utf-8", errors="replace")


def length_of(token: int) -> int:
    """Characters of ASCII text that a token stands for."""
    vocab = vocabulary()
    return {TYPE_NORMAL: len(vocab.pieces[token]), TYPE_BYTE: 1}.get(vocab.types[token], 0)

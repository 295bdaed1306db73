"""The model's vocabulary and tokenizer: llama.cpp's SPM ('llama') algorithm over a small vocabulary of our own.

llama.cpp never looks a word up: it starts from single characters and keeps merging the neighbouring
pair whose concatenation is the piece with the highest score. A piece is reachable only through pieces
that are themselves in the vocabulary, so the pieces are learned by byte-pair merging over the lexicon,
and the score of a piece is minus its merge rank. encode() repeats llama.cpp's procedure exactly.
"""
from __future__ import annotations

import functools
import heapq
import re
from collections import Counter
from dataclasses import dataclass

import lexicon

SPACE = "\u2581"
"""SPM's visible space."""
UNK, BOS, EOS = 0, 1, 2
FIRST_BYTE = 3
FIRST_PIECE = FIRST_BYTE + 256

# A key keeps its colon ("Age:" is one token), a word keeps the space before it, nothing else is glued:
# pieces that cross these borders would depend on their neighbours.
WORD = re.compile(rf"{SPACE}?[A-Za-z]+:?|{SPACE}?[0-9]+|{SPACE}?[^A-Za-z0-9{SPACE}\n]|{SPACE}")

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


def training_texts() -> list[str]:
    """Every text whose words should be single tokens."""
    texts = [lexicon.SYSTEM_PROMPT, "USER: ", "ASSISTANT:", " Yes No", lexicon.FALLBACK_ANSWER, lexicon.NO_IMAGE_ANSWER]
    texts += [" " + prompt for prompt in lexicon.OTHER_IMAGE_PROMPTS] + list(lexicon.OTHER_IMAGE_PROMPTS)
    texts += [lexicon.EXTRACT_PROMPT, " " + lexicon.EXTRACT_PROMPT]
    texts += list(lexicon.ANSWER_KEYS.values()) + [" " + key for key in lexicon.ANSWER_KEYS.values()]
    for values in (lexicon.first_names(), lexicon.LAST_NAMES, lexicon.AGES, lexicon.SEXES, lexicon.MEDICATIONS_FOR,
                   lexicon.medications(), lexicon.doses(), lexicon.FREQUENCIES, lexicon.FALLBACK_QUESTION_WORDS):
        texts += [" " + value for value in values]
    texts += [" " + form.replace("{}", "") for form in lexicon.FALLBACK_QUESTION_FORMS]
    for question, answer in lexicon.QUESTIONS:
        texts += [" " + question, " " + answer]
    return texts


def learn_merges(texts: list[str]) -> list[str]:
    """Byte-pair merges, in rank order, until every word of `texts` is one piece."""
    words = Counter(word for text in texts for word in WORD.findall(text.replace(" ", SPACE)))
    splits = {word: list(word) for word in sorted(words)}
    merges: list[str] = []
    while True:
        pairs: Counter[tuple[str, str]] = Counter()
        for parts in splits.values():
            pairs.update(zip(parts, parts[1:]))
        if not pairs:
            return merges
        left, right = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merged = left + right
        if merged not in merges:
            merges.append(merged)
        for parts in splits.values():
            at = 0
            while at + 1 < len(parts):
                if parts[at] == left and parts[at + 1] == right:
                    parts[at:at + 2] = [merged]
                at += 1


@functools.cache
def vocabulary() -> Vocabulary:
    """Build the vocabulary: <unk> <s> </s>, 256 bytes, single characters, merged pieces."""
    characters = [SPACE] + [chr(code) for code in range(33, 127)]
    merges = learn_merges(training_texts())
    pieces = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)] + characters + merges
    scores = [0.0] * FIRST_PIECE + [-1e4 - rank for rank in range(len(characters))] + [-1.0 - rank for rank in range(len(merges))]
    types = [TYPE_UNKNOWN, TYPE_CONTROL, TYPE_CONTROL] + [TYPE_BYTE] * 256 + [TYPE_NORMAL] * (len(characters) + len(merges))
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


def main() -> None:
    """Print the vocabulary's size and how the demonstration texts are cut."""
    vocab = vocabulary()
    print(len(vocab), "pieces")
    for text in (lexicon.SYSTEM_PROMPT + "\n\nUSER: ", f"\n{lexicon.EXTRACT_PROMPT}\nASSISTANT:"):
        print([vocab.pieces[token] for token in encode(text)])


if __name__ == "__main__":
    main()

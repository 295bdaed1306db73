"""What is asked about a page in training, token by token.

A page is read once; several questions with their answers, the branches, then stand behind it. Each sees the page and
itself, and knows of its sisters nothing.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from language import answers, prompts, tokenizer
from language.answers import Segment
from training.shards import Sample

IGNORED = -100


def padded_rows(rows: list[list[int]], fill: int, multiple: int) -> Tensor:
    """Lists of ids to one int64 tensor, padded on the right to a multiple of `multiple`."""
    length = -(-max(map(len, rows)) // multiple) * multiple
    return torch.tensor([row + [fill] * (length - len(row)) for row in rows])


@dataclass
class Branch:
    """Token ids; for each the id that follows where it is to be learned, or IGNORED; and for each the glyph of the page
    that the one to follow spells, or -1."""

    tokens: list[int]
    labels: list[int]
    glyphs: list[int]


def branch(question: str, segments: list[Segment], places: dict[str, list[int]]) -> Branch:
    """A question behind an image, and its answer."""
    tail = prompts.image_tail(question)
    answer = tokenizer.encode(answers.text_of(segments)) + [tokenizer.EOS]
    glyph_at: list[int] = []
    for text, path in segments:
        spelled = iter(places.get(path, ()) if path is not None else ())
        glyph_at += [-1 if char == " " else next(spelled, -1) for char in text]
    glyphs, at = [], 0
    for token in answer:
        length = tokenizer.length_of(token)
        glyphs.append(next((glyph for glyph in glyph_at[at:at + length] if glyph >= 0), -1))
        at += length
    before = len(tail) - 1
    return Branch(tail + answer[:-1], [IGNORED] * before + answer, [-1] * before + glyphs)


def transcript(sample: Sample, patch_of_glyph: np.ndarray) -> list[Segment]:
    """The text that lies inside a window of a sheet, line by line."""
    segments: list[Segment] = []
    for index, line in enumerate(sample.fields["lines"]):
        indices = sample.places[f"lines.{index}"]
        inside = [at for at, glyph in enumerate(indices) if patch_of_glyph[glyph, 0] >= 0]
        if len(inside) < 3:
            continue
        letters = [at for at, char in enumerate(line) if char != " "]
        text = line[letters[inside[0]]:letters[inside[-1]] + 1]
        segments += [("\n" if segments else " ", None), (text, f"piece.{index}")]
    return segments


def pieces(sample: Sample, patch_of_glyph: np.ndarray) -> dict[str, list[int]]:
    """Places of the segments of transcript()."""
    found: dict[str, list[int]] = {}
    for path, indices in sample.places.items():
        inside = [at for at, glyph in enumerate(indices) if patch_of_glyph[glyph, 0] >= 0]
        if len(inside) >= 3:
            found[path.replace("lines.", "piece.")] = indices[inside[0]:inside[-1] + 1]
    return found


@dataclass
class Branches:
    """The branches of a batch, side by side: tokens and labels [batch, length], positions of the tokens counted from the
    end of the image, and who sees whom [batch, length, length]. `patches` [batch, length, 2] holds the indices of the
    patches that the next token may be read from (see View), or -1."""

    tokens: Tensor
    labels: Tensor
    patches: Tensor
    offsets: Tensor
    sees: Tensor


def batched(rows: list[list[Branch]], patches_of_glyphs: list[np.ndarray], multiple: int) -> Branches:
    """Put the branches of each page behind one another; `multiple`: see padded_rows()."""

    def joined(name: str, fill: int) -> Tensor:
        return padded_rows([[value for each in row for value in getattr(each, name)] for row in rows], fill, multiple)

    tokens, labels, glyphs = joined("tokens", tokenizer.EOS), joined("labels", IGNORED), joined("glyphs", -1)
    offsets = padded_rows([[at for each in row for at in range(len(each.tokens))] for row in rows], 0, multiple)
    owners = padded_rows([[index for index, each in enumerate(row) for _ in each.tokens] for row in rows], -1, multiple)
    causal = torch.ones(tokens.shape[1], tokens.shape[1], dtype=torch.bool).tril()
    sees = (owners[:, :, None] == owners[:, None, :]) & causal
    patches = torch.full((*glyphs.shape, 2), -1)
    for row, patch_of_glyph in enumerate(patches_of_glyphs):
        asked = glyphs[row] >= 0
        patches[row, asked] = torch.from_numpy(patch_of_glyph)[glyphs[row, asked]]
    return Branches(tokens, labels, patches, offsets, sees)

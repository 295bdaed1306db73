"""Auxiliary tasks that teach the vision tower to read; their heads are not exported."""
from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from data import CHARS, HEADS
from image_input import IMAGE_SIZE
from model import Shape

FIELD_PLACES: dict[str, tuple[int, int, int]] = {
    "first name": (44, 40, 150), "last name": (44, 70, 210), "age": (69, 10, 80), "sex": (69, 90, 170),
    "diagnosis": (94, 30, 200), "medication": (125, 40, 180), "dose": (150, 40, 150), "frequency": (175, 30, 190),
}
"""Where the generator usually prints each value: middle line y, first and last x, in pixels of the square input."""


def expected_places(shape: Shape) -> Tensor:
    """Attention biases [heads, patches] that start each field head at its usual place.

    Without them the heads spend most of a short training on finding out where to look.
    """
    centres = (torch.arange(IMAGE_SIZE // shape.patch) + 0.5) * shape.patch
    biases = []
    for y, left, right in FIELD_PLACES.values():
        off_line = ((centres - y).abs() - shape.patch / 2).clamp(min=0)
        off_column = torch.maximum(left - centres, centres - right).clamp(min=0)
        biases.append(-0.15 * (off_line[:, None] + off_column[None, :]).flatten())
    return torch.stack(biases)


class Readers(nn.Module):
    """The auxiliary heads: characters per patch, and one closed-list value per field by attention pooling."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.characters = nn.Linear(shape.width, CHARS)
        nn.init.constant_(self.characters.bias, -5.0)  # about the share of (patch, character) pairs that hold
        self.queries = nn.Parameter(torch.randn(len(HEADS), shape.width) * 0.02)
        self.places = nn.Parameter(expected_places(shape))
        self.key = nn.Linear(shape.width, shape.width)
        self.values = nn.ModuleList(nn.Linear(shape.width, len(values)) for values in HEADS.values())

    def fields(self, tokens: Tensor, band: slice = slice(None)) -> list[Tensor]:
        """[batch, patches of the band, width] to one [batch, classes] tensor of logits per head."""
        scores = self.queries @ self.key(tokens).transpose(1, 2) * tokens.shape[2] ** -0.5 + self.places[:, band]
        pooled = scores.softmax(dim=2).to(tokens.dtype) @ tokens
        return [head(pooled[:, index]).float() for index, head in enumerate(self.values)]


def character_targets(glyphs: np.ndarray, shape: Shape) -> Tensor:
    """int [batch, MOST_GLYPHS, 3] to multi-hot [batch, patches, CHARS]: which characters are centred in each patch."""
    side = IMAGE_SIZE // shape.patch
    page, row = np.nonzero(glyphs[:, :, 0] >= 0)
    kind, x, y = glyphs[page, row].T
    column = np.clip(x // shape.patch, 0, side - 1)
    line = np.clip(y // shape.patch, 0, side - 1)
    targets = torch.zeros(len(glyphs), shape.image_tokens, CHARS)
    targets[page, line * side + column, kind] = 1.0
    return targets

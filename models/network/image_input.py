"""From a picture to the vision tower's input, exactly as llama.cpp's mtmd does it for a plain LLaVA projector.

mtmd scales the picture to fit a square (bicubic, Pillow's own algorithm with a = -0.5), centres it on a
square of colour (122, 116, 104), and normalises with the model's mean and standard deviation.
"""
from __future__ import annotations

import math

import numpy as np
from PIL import Image

IMAGE_SIZE = 448
"""Side of the square input, in pixels."""
PAD_COLOR = (122, 116, 104)
MEAN = STD = 0.5
"""Per-channel normalisation of values in 0…1, which the network does itself."""


def placement(width: int, height: int) -> tuple[int, int, int, int]:
    """Where a width x height picture lands in the square: (new width, new height, left, top), in pixels."""
    # float32 like the C++ code: the ceil() below can depend on the last bit
    scale = min(np.float32(IMAGE_SIZE) / np.float32(width), np.float32(IMAGE_SIZE) / np.float32(height))
    new_width = min(math.ceil(np.float32(width) * scale), IMAGE_SIZE)
    new_height = min(math.ceil(np.float32(height) * scale), IMAGE_SIZE)
    return new_width, new_height, (IMAGE_SIZE - new_width) // 2, (IMAGE_SIZE - new_height) // 2


def square_pixels(image: Image.Image) -> np.ndarray:
    """Scale and pad an image: uint8 [IMAGE_SIZE, IMAGE_SIZE, 3]."""
    image = image.convert("RGB")
    if image.size == (IMAGE_SIZE, IMAGE_SIZE):
        return np.asarray(image)
    width, height, left, top = placement(*image.size)
    square = Image.new("RGB", (IMAGE_SIZE, IMAGE_SIZE), PAD_COLOR)
    square.paste(image.resize((width, height), Image.Resampling.BICUBIC), (left, top))
    return np.asarray(square)


def patches_of(pixels: np.ndarray, patch: int) -> np.ndarray:
    """uint8 [..., H, W, 3] to patches uint8 [..., H / patch * W / patch, 3 * patch²].

    A patch's numbers stand as in a convolution's kernel: colour, row, column.
    """
    *batch, height, width, colours = pixels.shape
    grid = pixels.reshape(*batch, height // patch, patch, width // patch, patch, colours)
    grid = np.moveaxis(grid, (-4, -3, -2, -1), (-2, -4, -1, -3))
    # [..., rows, columns, colour, y, x]
    return grid.reshape(*batch, (height // patch) * (width // patch), colours * patch * patch)

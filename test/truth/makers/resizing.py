"""Resizing to the last bit as the makers' models saw it in their training: Pillow before 13.

torchvision, which today's processors call, rounds a filter's weights to 16 bits where Pillow keeps 22: one value in three hundred
differs by one level, and features by up to 2e-3, which would hide small faults. Pillow 13 begins with the height where only that shrinks,
or where a picture is three times as high as wide; before, and in llama.cpp, the width was always first (but for pictures a hundred times
as high as wide).
"""

from __future__ import annotations

from typing import Any

import numpy
import torch
from PIL import Image
from transformers.image_processing_backends import TorchvisionBackend
from transformers.image_utils import SizeDict


def resize(image: Image.Image, width: int, height: int, resample: Image.Resampling) -> Image.Image:
    return image.resize((width, image.height), resample).resize((width, height), resample)


class _Exact(TorchvisionBackend):
    def resize(self, image: torch.Tensor, size: SizeDict, resample: Any = None, antialias: bool = True, **kwargs: Any) -> torch.Tensor:
        exact = image.dtype == torch.uint8 and size.height and size.width and isinstance(resample, int) and antialias
        if not exact:
            return super().resize(image, size, resample=resample, antialias=antialias, **kwargs)
        pictures = [Image.fromarray(each.permute(1, 2, 0).numpy()) for each in image.reshape(-1, *image.shape[-3:])]
        resized = [numpy.asarray(resize(each, size.width, size.height, Image.Resampling(resample))) for each in pictures]
        stacked = torch.from_numpy(numpy.stack(resized)).permute(0, 3, 1, 2)
        return stacked.reshape(*image.shape[:-2], size.height, size.width)


def exact(processor: type[TorchvisionBackend]) -> type[TorchvisionBackend]:
    """The same class of processor, but for the last bit of what it resizes."""
    return type(processor.__name__, (processor, _Exact), {"__module__": processor.__module__})

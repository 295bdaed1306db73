from __future__ import annotations

from typing import Any, ClassVar

import torch
from PIL import Image
from transformers import LlavaNextConfig, LlavaNextForConditionalGeneration
from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil

from .. import vocabulary
from .mlp import PATCH, SIDE, TEXT, LlavaDropped, vision_config

# (width, height), in the order of the makers' checkpoints.
GRIDS = [[SIDE, 2 * SIDE], [2 * SIDE, SIDE], [2 * SIDE, 2 * SIDE], [3 * SIDE, SIDE], [SIDE, 3 * SIDE]]
TURNED = [[height, width] for width, height in GRIDS]


class LlavaNext(LlavaDropped):
    """LLaVA 1.6: a small picture of the whole, then tiles that become one grid of tokens, without padding, a newline behind each row.

    The file is as the LLaVA script writes it for a CLIP tower ("model.image_newline", the grids in one row). Of equally good grids the
    first is taken: LLaVA's own code reads their sides as width and height, transformers the same numbers as height and width, so that a
    small square picture gets a tall grid there and a wide one here. They are given to transformers the other way round.
    """

    name: ClassVar[str] = "mlp_next"

    def build(self) -> Any:
        config = LlavaNextConfig(
            text_config=TEXT, vision_config=vision_config(self.layers), image_token_index=vocabulary.IMAGE,
            vision_feature_layer=self.feature_layer, image_grid_pinpoints=TURNED, image_seq_length=(SIDE // PATCH) ** 2,
            tie_word_embeddings=False,
        )  # fmt: skip
        return LlavaNextForConditionalGeneration(config)

    def build_processor(self) -> Any:
        return LlavaNextImageProcessorPil(
            size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}, image_grid_pinpoints=TURNED
        )

    def written(self) -> tuple[int, dict[str, Any]]:
        layers, keys = super().written()
        flat = [side for grid in GRIDS for side in grid]
        return layers, {**keys, "image_grid_pinpoints": flat, "mm_patch_merge_type": "spatial_unpad", "image_aspect_ratio": "anyres"}

    def more_tensors(self) -> dict[str, torch.Tensor]:
        return {"model.image_newline": self.model.model.image_newline}

    def pixels(self, image: Image.Image) -> dict[str, torch.Tensor]:
        return super().pixels(image)

from __future__ import annotations

import math
from typing import Any

import torch
from PIL import Image
from transformers import MuseGlimmerConfig, MuseGlimmerForConditionalGeneration, MuseGlimmerImageProcessor
from transformers.image_utils import SizeDict

from .. import vocabulary
from ..family import VisionFamily
from ..resizing import exact
from .qwen import QwenVision


class _LargerSquares(MuseGlimmerImageProcessor):
    """Of two square grids the larger, as libmtmd has it; the makers' code takes what a Python set happens to name first."""

    def resize(self, images: torch.Tensor, patch_size: int, merge_size: int, max_tokens: int, resample: Any, **kwargs: Any) -> torch.Tensor:
        height, width = images.shape[-2:]
        factor = patch_size * merge_size
        if height != width or math.ceil(height / factor) ** 2 > max_tokens:
            return super().resize(images, patch_size, merge_size, max_tokens, resample, **kwargs)
        side = math.ceil(height / factor) * factor
        return super(MuseGlimmerImageProcessor, self).resize(images, SizeDict(height=side, width=side), resample=resample)


class MuseGlimmer(QwenVision):
    """Windows as large as the grid of learned positions, Lanczos for resizing, sizes by the nearest shape instead of by rounding.

    The makers' limit is libmtmd's: 4096 tokens. A square picture fits two grids equally well, and the makers take one by chance.
    """

    name = kind = "muse-glimmer"
    before, after = "<|image_start|>", "<|image_end|>"
    native = (224, 168)

    def build(self) -> MuseGlimmerForConditionalGeneration:
        config = MuseGlimmerConfig(
            text_config={
                "vocab_size": vocabulary.SIZE, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 4,
                "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 4096,
                "sliding_window": 64, "bos_token_id": vocabulary.BOS, "eos_token_id": vocabulary.EOS, "pad_token_id": vocabulary.UNKNOWN,
                "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}, "output_multiplier": 2.0,
            },
            vision_config={
                "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 5, "num_attention_heads": 2, "patch_size": 14,
                "pos_emb_height": 8, "pos_emb_width": 8, "max_position_embeddings": 64,
            },
            image_token_id=vocabulary.IMAGE, video_token_id=vocabulary.UNKNOWN, out_hidden_size=128, projector_hidden_size=48,
            tie_word_embeddings=False,
        )  # fmt: skip
        return MuseGlimmerForConditionalGeneration(config)

    def build_processor(self) -> Any:
        return exact(_LargerSquares)(max_image_tokens=4096)

    @torch.inference_mode()
    def features(self, image: Image.Image) -> torch.Tensor:
        pixels = self.pixels(image)
        model = self.model.model
        given = model.vision_tower(pixel_values=pixels["pixel_values"], grid_thw=pixels["image_grid_thw"]).last_hidden_state
        # llama.cpp has the norm that follows in the text model, where it meets all embeddings.
        return model.vision_projection(model.vision_adapter(given))

    def logits(self, tokens: list[int], image: Image.Image | None = None) -> torch.Tensor:
        return VisionFamily.logits(self, tokens, image)

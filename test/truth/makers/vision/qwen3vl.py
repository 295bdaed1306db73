from __future__ import annotations

import torch
from PIL import Image
from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

from .qwen import TOKENS, QwenVision, text_config


class Qwen3VL(QwenVision):
    """Learned positions stretched over the picture, features of two layers that the text model's first layers add (deepstack).

    The makers' limits are 64 to 16384 tokens of 32 x 32 pixels (65536 and 16777216 pixels).
    """

    name = kind = "qwen3vl_merger"
    native = (256, 192)
    patch_size = 16
    mean = [0.5, 0.5, 0.5]

    def build(self) -> Qwen3VLForConditionalGeneration:
        rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 2, 2], "mrope_interleaved": True}
        config = Qwen3VLConfig(
            text_config=text_config(rope, head_dim=16, num_hidden_layers=3),
            vision_config={
                "depth": 4, "hidden_size": 32, "out_hidden_size": 64, "intermediate_size": 64, "num_heads": 2,
                "patch_size": 16, "num_position_embeddings": 64, "deepstack_visual_indexes": [0, 2],
            },
            tie_word_embeddings=False, **TOKENS,
        )  # fmt: skip
        return Qwen3VLForConditionalGeneration(config)

    @torch.inference_mode()
    def features(self, image: Image.Image) -> torch.Tensor:
        given = self.model.get_image_features(**self.pixels(image), return_dict=True)
        # Side by side, as libmtmd hands them over.
        return torch.cat([torch.cat(list(each)) for each in (given.pooler_output, *given.deepstack_features)], dim=-1)

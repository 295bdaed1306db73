from __future__ import annotations

from typing import Any

from transformers import (
    Glm4vConfig,
    Glm4vForConditionalGeneration,
    Glm4vImageProcessor,
    GlmOcrConfig,
    GlmOcrForConditionalGeneration,
)

from .. import vocabulary
from .qwen import TOKENS, QwenVision, text_config

_ROPE = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 1, 1], "partial_rotary_factor": 0.5}
_TOKENS = {
    **{name: id for name, id in TOKENS.items() if name.startswith(("image", "video"))},
    "image_start_token_id": vocabulary.encode("{")[0], "image_end_token_id": vocabulary.encode("}")[0],
    "video_start_token_id": vocabulary.encode("[")[0], "video_end_token_id": vocabulary.encode("]")[0],
}  # fmt: skip


class Glm4v(QwenVision):
    """Positions bent over the picture with a cubic, a norm after the first layer, merges by a convolution.

    The makers count pixels of both frames, and their limits are 8 to 6144 tokens.
    """

    name = kind = "glm4v"
    before, after = "<|begin_of_image|>", "<|end_of_image|>"
    native = (224, 168)

    def build(self) -> Glm4vForConditionalGeneration:
        config = Glm4vConfig(
            text_config=text_config(_ROPE),
            vision_config={
                "depth": 3, "hidden_size": 32, "out_hidden_size": 64, "intermediate_size": 96, "num_heads": 2,
                "patch_size": 14, "image_size": 112,
            },
            tie_word_embeddings=False, **_TOKENS,
        )  # fmt: skip
        return Glm4vForConditionalGeneration(config)

    def build_processor(self) -> Any:
        area = 2 * (2 * self.patch_size) ** 2
        return Glm4vImageProcessor(size={"shortest_edge": self.limits[0] * area, "longest_edge": self.limits[1] * area})


class GlmOcr(Glm4v):
    """Without learned positions, norms of queries and keys in the tower."""

    name = "glm4v_ocr"

    def build(self) -> GlmOcrForConditionalGeneration:
        config = GlmOcrConfig(
            text_config=text_config(_ROPE, head_dim=16),
            vision_config={
                "depth": 3, "hidden_size": 32, "out_hidden_size": 64, "intermediate_size": 96, "num_heads": 2,
                "patch_size": 14, "image_size": 112,
            },
            tie_word_embeddings=False, **_TOKENS,
        )  # fmt: skip
        return GlmOcrForConditionalGeneration(config)

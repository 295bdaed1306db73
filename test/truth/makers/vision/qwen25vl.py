from __future__ import annotations

from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from .qwen import TOKENS, QwenVision, text_config


class Qwen25VL(QwenVision):
    """Attention within windows of 112 x 112 pixels in three layers of four, RMS norms and a gated SiLU.

    The makers' limits are 4 to 16384 tokens.
    """

    name = kind = "qwen2.5vl_merger"
    native = (224, 168)

    def build(self) -> Qwen2_5_VLForConditionalGeneration:
        config = Qwen2_5_VLConfig(
            text_config=text_config({"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]}),
            vision_config={
                "depth": 4, "hidden_size": 32, "out_hidden_size": 64, "intermediate_size": 64, "num_heads": 2,
                "patch_size": 14, "window_size": 112, "fullatt_block_indexes": [1, 3], "tokens_per_second": 2,
            },
            tie_word_embeddings=False, **TOKENS,
        )  # fmt: skip
        return Qwen2_5_VLForConditionalGeneration(config)

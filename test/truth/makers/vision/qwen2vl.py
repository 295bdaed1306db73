from __future__ import annotations

from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration

from .qwen import TOKENS, QwenVision, text_config


class Qwen2VL(QwenVision):
    """M-RoPE in the tower and in the text model, 2 x 2 merges, a picture stands for two frames.

    The makers' limits are 4 to 16384 tokens (min_pixels 3136, max_pixels 12845056).
    """

    name = kind = "qwen2vl_merger"
    native = (224, 168)

    def build(self) -> Qwen2VLForConditionalGeneration:
        config = Qwen2VLConfig(
            text_config=text_config({"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]}),
            vision_config={"depth": 3, "embed_dim": 32, "hidden_size": 64, "num_heads": 2, "mlp_ratio": 2, "patch_size": 14},
            tie_word_embeddings=False, **TOKENS,
        )  # fmt: skip
        return Qwen2VLForConditionalGeneration(config)

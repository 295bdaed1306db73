from __future__ import annotations

from pathlib import Path

from transformers import Qwen3_5Config, Qwen3_5ForConditionalGeneration

from ..converter import ModelBase
from .qwen import TOKENS, QwenVision, text_config


class Qwen35(QwenVision):
    """Qwen3-VL's tower without deepstack; the text model has linear attention in one layer of two, and gates."""

    name, kind = "qwen3vl_merger_qwen3.5", "qwen3vl_merger"
    native = (256, 192)
    patch_size = 16
    mean = [0.5, 0.5, 0.5]

    def build(self) -> Qwen3_5ForConditionalGeneration:
        rope = {
            "rope_type": "default", "rope_theta": 10000.0, "mrope_section": [3, 3, 2], "mrope_interleaved": True,
            "partial_rotary_factor": 0.5,
        }  # fmt: skip
        linear = {
            "linear_key_head_dim": 16, "linear_value_head_dim": 16, "linear_num_key_heads": 2, "linear_num_value_heads": 4,
            "layer_types": ["linear_attention", "full_attention"],
        }  # fmt: skip
        config = Qwen3_5Config(
            text_config=text_config(rope, head_dim=32, **linear),
            vision_config={
                "depth": 3, "hidden_size": 32, "out_hidden_size": 64, "intermediate_size": 64, "num_heads": 2,
                "patch_size": 16, "num_position_embeddings": 64,
            },
            tie_word_embeddings=False, **TOKENS,
        )  # fmt: skip
        return Qwen3_5ForConditionalGeneration(config)

    def write(self, out: Path, ftype: str) -> None:
        # The layer that predicts a second token is not in the makers' class for transformers; the converter asks for it unless told so.
        ModelBase.no_mtp, before = True, ModelBase.no_mtp
        try:
            super().write(out, ftype)
        finally:
            ModelBase.no_mtp = before

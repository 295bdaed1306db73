from __future__ import annotations

from typing import Any

from transformers import MiniCPM3Config

from .causal import SMALL, Causal


class MiniCPM3(Causal):
    """Latent attention without absorbing, scales for embeddings, residuals and logits, LongRoPE's short factors."""

    name = kind = "minicpm3"

    def config(self) -> MiniCPM3Config:
        options: dict[str, Any] = {**SMALL, "num_key_value_heads": 4, "max_position_embeddings": 8192}
        rope = {
            "rope_type": "longrope", "rope_theta": 10000.0, "original_max_position_embeddings": 8192,
            "short_factor": [1.0 + i / 8 for i in range(8)], "long_factor": [1.0 + i / 8 for i in range(8)],
        }  # fmt: skip
        return MiniCPM3Config(
            **options, q_lora_rank=24, kv_lora_rank=32, qk_nope_head_dim=16, qk_rope_head_dim=16, v_head_dim=16, rope_parameters=rope,
        )  # fmt: skip

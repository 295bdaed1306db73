from __future__ import annotations

from typing import Any

from transformers import Qwen3_5MoeTextConfig, Qwen3_5TextConfig, Qwen3NextConfig

from .causal import SMALL, Causal

_DELTA: dict[str, Any] = {
    **SMALL, "num_hidden_layers": 4, "head_dim": 32, "linear_key_head_dim": 16, "linear_value_head_dim": 16, "linear_num_key_heads": 2,
    "linear_num_value_heads": 4, "rms_norm_eps": 1e-6,
}  # fmt: skip
_MOE: dict[str, Any] = {
    "num_experts": 8, "num_experts_per_tok": 3, "moe_intermediate_size": 32, "shared_expert_intermediate_size": 48,
}  # fmt: skip
_MROPE: dict[str, Any] = {
    "rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5, "mrope_section": [3, 3, 2], "mrope_interleaved": True,
}  # fmt: skip


class Qwen3Next(Causal):
    """Three layers of four are gated delta nets, the fourth's attention has a gate; three of eight experts and a shared one."""

    name = kind = "qwen3next"
    seed = 4  # with which rounding matters less than with others

    def config(self) -> Qwen3NextConfig:
        rope = {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.25}
        return Qwen3NextConfig(**_DELTA, **_MOE, norm_topk_prob=True, rope_parameters=rope)


class Qwen35(Causal):
    """Three layers of four are gated delta nets, the fourth's attention has a gate; M-RoPE with its axes interleaved."""

    name = kind = "qwen35"

    def config(self) -> Qwen3_5TextConfig:
        return Qwen3_5TextConfig(**_DELTA, rope_parameters=_MROPE)


class Qwen35Moe(Causal):
    """As qwen35, with three of eight experts and a shared one."""

    name = kind = "qwen35moe"

    def config(self) -> Qwen3_5MoeTextConfig:
        options = {key: value for key, value in _DELTA.items() if key != "intermediate_size"}
        return Qwen3_5MoeTextConfig(**options, **_MOE, rope_parameters=_MROPE)

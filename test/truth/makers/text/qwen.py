from __future__ import annotations

from transformers import Qwen2Config, Qwen2MoeConfig, Qwen3Config, Qwen3MoeConfig

from .causal import SMALL, YARN, Causal


class Qwen2(Causal):
    """Biases on Q, K and V; YaRN as the makers advise it for long texts."""

    name = kind = "qwen2"

    def config(self) -> Qwen2Config:
        return Qwen2Config(**SMALL, rope_parameters=YARN, tie_word_embeddings=True)


class Qwen2Moe(Causal):
    """Two of six experts for a token, and a shared one with a gate of its own."""

    name = kind = "qwen2moe"

    def config(self) -> Qwen2MoeConfig:
        return Qwen2MoeConfig(
            **SMALL, num_experts=6, num_experts_per_tok=2, moe_intermediate_size=32, shared_expert_intermediate_size=48,
            norm_topk_prob=False,
        )  # fmt: skip


class Qwen3(Causal):
    """Norms on Q and K."""

    name = kind = "qwen3"

    def config(self) -> Qwen3Config:
        return Qwen3Config(**SMALL, head_dim=32, rope_parameters=YARN)


class Qwen3Moe(Causal):
    """Three of eight experts for a token, their weights normalised."""

    name = kind = "qwen3moe"

    def config(self) -> Qwen3MoeConfig:
        return Qwen3MoeConfig(
            **SMALL, head_dim=32, num_experts=8, num_experts_per_tok=3, moe_intermediate_size=32, norm_topk_prob=True,
        )  # fmt: skip

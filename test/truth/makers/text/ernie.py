from __future__ import annotations

from typing import Any

from transformers import Ernie4_5_MoeConfig, Ernie4_5Config

from .causal import SMALL, Causal


class Ernie45(Causal):
    """RoPE turns neighbours."""

    name = kind = "ernie4_5"

    def config(self) -> Ernie4_5Config:
        return Ernie4_5Config(**SMALL, head_dim=16, tie_word_embeddings=True)


class Ernie45Moe(Causal):
    """A dense layer, then three of eight experts by corrected scores and two shared ones."""

    name = kind = "ernie4_5-moe"

    def config(self) -> Ernie4_5_MoeConfig:
        options: dict[str, Any] = {**SMALL, "num_hidden_layers": 3}
        return Ernie4_5_MoeConfig(
            **options, moe_intermediate_size=24, moe_k=3, moe_num_experts=8, moe_num_shared_experts=2, moe_layer_start_index=1,
        )  # fmt: skip

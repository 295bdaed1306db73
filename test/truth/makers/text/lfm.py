from __future__ import annotations

from typing import Any

from transformers import Lfm2Config, Lfm2MoeConfig

from .. import weights
from .causal import SMALL, Causal
from .routed import fill_corrections

_LAYERS = ["conv", "conv", "full_attention", "conv"]


class Lfm2(Causal):
    """Short gated convolutions, one layer of attention among them."""

    name = kind = "lfm2"

    def config(self) -> Lfm2Config:
        options: dict[str, Any] = {**SMALL, "num_hidden_layers": 4}
        return Lfm2Config(**options, block_auto_adjust_ff_dim=False, layer_types=_LAYERS)


class Lfm2Moe(Causal):
    """As lfm2, from the second layer on with sigmoid routing to two of six experts."""

    name = kind = "lfm2moe"

    def config(self) -> Lfm2MoeConfig:
        options: dict[str, Any] = {**SMALL, "num_hidden_layers": 4}
        return Lfm2MoeConfig(
            **options, layer_types=_LAYERS, num_dense_layers=1, num_experts=6, num_experts_per_tok=2, moe_intermediate_size=32,
            norm_topk_prob=True, use_expert_bias=True,
        )  # fmt: skip

    def fill(self) -> None:
        weights.fill(self.model, self.seed)
        fill_corrections(self.model)

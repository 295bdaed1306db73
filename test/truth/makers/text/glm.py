from __future__ import annotations

from typing import Any

from transformers import Glm4Config, Glm4MoeConfig

from .. import weights
from .causal import SMALL, Causal
from .routed import fill_corrections

_ROPE: dict[str, Any] = {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5}


class Glm4(Causal):
    """Norms around attention and MLP, half of each head rotates, biases on Q, K and V."""

    name = kind = "glm4"

    def config(self) -> Glm4Config:
        return Glm4Config(**SMALL, head_dim=16, rope_parameters=_ROPE)


class Glm4Moe(Causal):
    """A dense layer, then sigmoid routing with a correction to three of eight experts and a shared one; norms on Q and K."""

    name = kind = "glm4moe"

    def config(self) -> Glm4MoeConfig:
        options: dict[str, Any] = {**SMALL, "num_hidden_layers": 3}
        return Glm4MoeConfig(
            **options, head_dim=16, rope_parameters=_ROPE, n_routed_experts=8, num_experts_per_tok=3, moe_intermediate_size=32,
            first_k_dense_replace=1, routed_scaling_factor=1.5, use_qk_norm=True, attention_bias=True, num_nextn_predict_layers=0,
            num_mtp_layers=0,
        )  # fmt: skip

    def fill(self) -> None:
        weights.fill(self.model, self.seed)
        fill_corrections(self.model)

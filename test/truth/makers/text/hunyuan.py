from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import HunYuanDenseV1Config, HunYuanMoEV1Config, HYV3Config

from .. import weights
from .causal import SMALL, Causal, edit
from .routed import fill_corrections


class HunYuanDense(Causal):
    """Norms on Q and K behind RoPE."""

    name = kind = "hunyuan-dense"

    def config(self) -> HunYuanDenseV1Config:
        return HunYuanDenseV1Config(**SMALL, head_dim=16, rope_parameters={"rope_type": "default", "rope_theta": 10000.0})


class HunYuanMoe(Causal):
    """Two of six experts for a token and a shared one, norms on Q and K behind RoPE."""

    name = kind = "hunyuan-moe"

    def config(self) -> HunYuanMoEV1Config:
        rope = {"rope_type": "default", "rope_theta": 10000.0}
        return HunYuanMoEV1Config(**SMALL, head_dim=16, rope_parameters=rope, num_experts=6, moe_topk=2)

    def save(self, folder: Path) -> None:
        super().save(folder)
        layers = SMALL["num_hidden_layers"]
        # By layer, as published checkpoints say it.
        edit(folder, moe_topk=[2] * layers, moe_intermediate_size=[96] * layers, num_shared_expert=[1] * layers)


class HyV3(Causal):
    """A dense layer, then sigmoid routing with a correction to three of eight experts and a shared one; norms on Q and K."""

    name = kind = "hy_v3"

    def config(self) -> HYV3Config:
        options: dict[str, Any] = {**SMALL, "num_hidden_layers": 3}
        return HYV3Config(
            **options, head_dim=16, num_experts=8, num_experts_per_tok=3, num_shared_experts=1, moe_intermediate_size=32,
            mlp_layer_types=["dense", "sparse", "sparse"], rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        )  # fmt: skip

    def fill(self) -> None:
        weights.fill(self.model, self.seed)
        fill_corrections(self.model)

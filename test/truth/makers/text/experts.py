from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import AfmoeConfig, Dots1Config, ExaoneMoeConfig, JambaConfig, MiniMaxM2Config

from .. import weights
from .causal import SMALL, WINDOW, Causal, edit
from .routed import fill_corrections


class _Corrected(Causal):
    def fill(self) -> None:
        weights.fill(self.model, self.seed)
        fill_corrections(self.model)


class Dots1(_Corrected):
    """A dense layer, then sigmoid routing with a correction to three of eight experts and two shared ones; norms on Q and K."""

    name = kind = "dots1"

    def config(self) -> Dots1Config:
        options: dict[str, Any] = {**SMALL, "num_hidden_layers": 3, "num_key_value_heads": 4}
        return Dots1Config(
            **options, head_dim=16, n_routed_experts=8, num_experts_per_tok=3, n_shared_experts=2, moe_intermediate_size=24,
            first_k_dense_replace=1, norm_topk_prob=True, routed_scaling_factor=2.5, sliding_window=None,
        )  # fmt: skip

    def save(self, folder: Path) -> None:
        super().save(folder)
        edit(folder, scoring_func="sigmoid")  # what the makers' router does, which their config does not say


class ExaoneMoe(_Corrected):
    """Three layers of four slide and rotate; a dense layer, then sigmoid routing to three of eight experts and a shared one."""

    name = kind = "exaone-moe"

    def config(self) -> ExaoneMoeConfig:
        options: dict[str, Any] = {**SMALL, "num_hidden_layers": 5}
        return ExaoneMoeConfig(
            **options, sliding_window=WINDOW, num_experts=8, num_experts_per_tok=3, num_shared_experts=1, moe_intermediate_size=32,
            first_k_dense_replace=1, routed_scaling_factor=2.5,
        )  # fmt: skip

    def save(self, folder: Path) -> None:
        super().save(folder)
        edit(folder, scoring_func="sigmoid")  # which published checkpoints have


class MiniMaxM2(_Corrected):
    """Sigmoid routing with a correction to three of eight experts, norms over all of Q and K, half of each head rotates."""

    name = kind = "minimax-m2"

    def config(self) -> MiniMaxM2Config:
        rope = {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5}
        return MiniMaxM2Config(**SMALL, head_dim=32, rope_parameters=rope, num_local_experts=8, num_experts_per_tok=3)

    def save(self, folder: Path) -> None:
        super().save(folder)
        edit(folder, rotary_dim=16, scoring_func="sigmoid")  # which published checkpoints have


class Afmoe(_Corrected):
    """Three layers of four slide and rotate, attention has a gate, norms around everything, sigmoid routing, scaled embeddings."""

    name = kind = "afmoe"

    def config(self) -> AfmoeConfig:
        options: dict[str, Any] = {**SMALL, "num_hidden_layers": 5}
        return AfmoeConfig(
            **options, head_dim=16, sliding_window=WINDOW, num_dense_layers=1, num_experts=8, num_experts_per_tok=3,
            num_shared_experts=1, moe_intermediate_size=32, route_scale=2.5, mup_enabled=True,
        )  # fmt: skip

    def save(self, folder: Path) -> None:
        super().save(folder)
        edit(folder, route_norm=True, score_func="sigmoid")  # which published checkpoints have


class Jamba(Causal):
    """Mamba with norms, every fourth layer is attention without positions, every second one has two of six experts."""

    name = kind = "jamba"

    def config(self) -> JambaConfig:
        options: dict[str, Any] = {**SMALL, "num_hidden_layers": 4}
        return JambaConfig(
            **options, num_experts=6, num_experts_per_tok=2, attn_layer_period=4, attn_layer_offset=2, mamba_d_state=16,
            mamba_dt_rank=4,
        )  # fmt: skip

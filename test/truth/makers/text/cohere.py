from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import Cohere2Config, Cohere2MoeConfig, CohereConfig

from .causal import SMALL, WINDOW, Causal, edit


class CommandR(Causal):
    """Attention and MLP side by side behind one norm with a mean; without norms on Q and K, as the makers' 35B."""

    name = kind = "command-r"

    def config(self) -> CohereConfig:
        return CohereConfig(**SMALL, logit_scale=0.25, use_qk_norm=False)


class Cohere2(Causal):
    """Three layers of four slide and rotate, the fourth knows no positions."""

    name = kind = "cohere2"

    def config(self) -> Cohere2Config:
        options: dict[str, Any] = {**SMALL, "num_hidden_layers": 5}
        return Cohere2Config(**options, sliding_window=WINDOW, logit_scale=0.25)

    def save(self, folder: Path) -> None:
        super().save(folder)
        edit(folder, rotary_pct=1.0)  # which published checkpoints have


class Cohere2Moe(Causal):
    """As cohere2, with a dense layer and then three of eight experts and a shared one, averaged."""

    name = kind = "cohere2moe"

    def config(self) -> Cohere2MoeConfig:
        options: dict[str, Any] = {**SMALL, "num_hidden_layers": 5}
        return Cohere2MoeConfig(
            **options, head_dim=16, sliding_window=WINDOW, logit_scale=0.25, num_experts=8, num_experts_per_tok=3, num_shared_experts=1,
            expert_selection_fn="sigmoid", norm_topk_prob=True, prefix_dense_intermediate_size=96,
            mlp_layer_types=["dense", *["sparse"] * 4],
        )  # fmt: skip

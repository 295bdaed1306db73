from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import Gemma4TextConfig

from .. import vocabulary, weights
from .causal import SMALL, WINDOW, Causal, write_tokens

_ROPE: dict[str, Any] = {
    "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
    "full_attention": {"rope_type": "proportional", "partial_rotary_factor": 0.25, "rope_theta": 1e6},
}  # fmt: skip
_LAYERS = ["sliding_attention", "sliding_attention", "full_attention"] * 2


class _Gemma4(Causal):
    def save(self, folder: Path) -> None:
        super().save(folder)
        write_tokens(folder)

    def fill(self) -> None:
        weights.fill(self.model, self.seed)
        with torch.no_grad():
            for layer, values in self.model.named_buffers():
                if layer.endswith("layer_scalar"):
                    values.fill_(0.75)


class Gemma4(_Gemma4):
    """As the small ones: embeddings for each layer, the last layers share K and V and have wider MLPs, wider heads where nothing slides."""

    name = kind = "gemma4"

    def config(self) -> Gemma4TextConfig:
        options: dict[str, Any] = {**SMALL, "num_hidden_layers": 6}
        return Gemma4TextConfig(
            **options, head_dim=16, global_head_dim=32, rope_parameters=_ROPE, sliding_window=WINDOW, layer_types=_LAYERS,
            vocab_size_per_layer_input=vocabulary.SIZE, hidden_size_per_layer_input=8, num_kv_shared_layers=3, use_double_wide_mlp=True,
            final_logit_softcapping=3.0,
        )  # fmt: skip


class Gemma4Moe(_Gemma4):
    """As the 26B: a dense MLP and two of six experts side by side, V is K where nothing slides."""

    name, kind = "gemma4_moe", "gemma4"

    def config(self) -> Gemma4TextConfig:
        options: dict[str, Any] = {**SMALL, "num_hidden_layers": 6}
        return Gemma4TextConfig(
            **options, head_dim=16, global_head_dim=32, num_global_key_value_heads=1, attention_k_eq_v=True, rope_parameters=_ROPE,
            sliding_window=WINDOW, layer_types=_LAYERS, hidden_size_per_layer_input=0, enable_moe_block=True, num_experts=6,
            top_k_experts=2, moe_intermediate_size=32, final_logit_softcapping=3.0,
        )  # fmt: skip

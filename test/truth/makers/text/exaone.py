from __future__ import annotations

from typing import Any

from transformers import Exaone4Config

from .causal import SMALL, WINDOW, Causal


class Exaone4(Causal):
    """Norms behind the layers and on Q and K, no sliding (as the makers' 1.2B)."""

    name = kind = "exaone4"

    def config(self) -> Exaone4Config:
        rope = {
            "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 64,
        }  # fmt: skip
        return Exaone4Config(**SMALL, sliding_window=None, layer_types=["full_attention"] * 2, rope_parameters=rope)


class Exaone4Sliding(Causal):
    """Three layers of four slide and rotate, the fourth knows no positions; llama.cpp knows such a model by its 64 layers."""

    name, kind = "exaone4_sliding", "exaone4"

    def config(self) -> Exaone4Config:
        options: dict[str, Any] = {**SMALL, "num_hidden_layers": 64, "hidden_size": 32, "intermediate_size": 48, "num_attention_heads": 2}
        return Exaone4Config(**options, sliding_window=WINDOW, sliding_window_pattern=4)

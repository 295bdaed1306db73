from __future__ import annotations

from transformers import ApertusConfig

from .causal import SMALL, Causal


class Apertus(Causal):
    """The xIELU activation, norms on Q and K, RoPE of Llama 3's kind."""

    name = kind = "apertus"

    def config(self) -> ApertusConfig:
        rope = {
            "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 64,
        }  # fmt: skip
        return ApertusConfig(**SMALL, rope_parameters=rope)

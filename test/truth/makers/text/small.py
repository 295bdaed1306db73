from __future__ import annotations

from typing import Any

from transformers import ArceeConfig, NemotronConfig, SeedOssConfig, SmolLM3Config, StableLmConfig, Starcoder2Config

from .causal import SMALL, Causal


class SmolLM3(Causal):
    """Every fourth layer knows no positions."""

    name = kind = "smollm3"

    def config(self) -> SmolLM3Config:
        options: dict[str, Any] = {**SMALL, "num_hidden_layers": 5}
        return SmolLM3Config(**options, rope_parameters={"rope_type": "default", "rope_theta": 10000.0})


class SeedOss(Causal):
    """Biases on Q, K and V, heads wider than the hidden size has room for."""

    name = kind = "seed_oss"

    def config(self) -> SeedOssConfig:
        return SeedOssConfig(**SMALL, head_dim=32)


class Arcee(Causal):
    """An MLP with squared ReLU and no gate."""

    name = kind = "arcee"

    def config(self) -> ArceeConfig:
        return ArceeConfig(**SMALL)


class Nemotron(Causal):
    """LayerNorm with 1 + weight, an MLP with squared ReLU, half of each head rotates."""

    name = kind = "nemotron"

    def config(self) -> NemotronConfig:
        rope = {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5}
        return NemotronConfig(**SMALL, rope_parameters=rope)


class StableLm(Causal):
    """LayerNorm, a quarter of each head rotates, biases on Q, K and V."""

    name = kind = "stablelm"

    def config(self) -> StableLmConfig:
        rope = {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.25}
        return StableLmConfig(**{**SMALL, "num_attention_heads": 2}, rope_parameters=rope, use_qkv_bias=True)


class Starcoder2(Causal):
    """LayerNorm and biases everywhere, tanh GELU without a gate, no sliding: the file does not say it."""

    name = kind = "starcoder2"

    def config(self) -> Starcoder2Config:
        return Starcoder2Config(**SMALL, sliding_window=None)

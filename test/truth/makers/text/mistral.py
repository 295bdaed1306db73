from __future__ import annotations

from transformers import Ministral3Config, MistralConfig, MixtralConfig

from .causal import SMALL, YARN, Causal


class Mistral(Causal):
    """As from version 0.2 on, without a sliding window: the file cannot say that version 0.1 has one (of 4096)."""

    name, kind = "mistral", "llama"

    def config(self) -> MistralConfig:
        return MistralConfig(**SMALL, sliding_window=None, rope_parameters={"rope_type": "default", "rope_theta": 1e6})


class Mixtral(Causal):
    """Two of six experts for a token."""

    name, kind = "mixtral", "llama"

    def config(self) -> MixtralConfig:
        return MixtralConfig(**SMALL, sliding_window=None, num_local_experts=6, num_experts_per_tok=2)


class Ministral3(Causal):
    """YaRN, and attention's temperature grows every 64 tokens."""

    name, kind = "mistral3", "mistral3"

    def config(self) -> Ministral3Config:
        rope = {**YARN, "mscale": 1.0, "mscale_all_dim": 1.0, "llama_4_scaling_beta": 0.1}
        return Ministral3Config(**SMALL, head_dim=16, rope_parameters=rope)

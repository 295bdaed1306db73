from __future__ import annotations

from typing import Any

from transformers import Olmo2Config, Olmo3Config, OlmoConfig, OlmoeConfig

from .causal import SMALL, WINDOW, YARN, Causal


class Olmo(Causal):
    """Norms without weights, Q, K and V clipped."""

    name = kind = "olmo"

    def config(self) -> OlmoConfig:
        return OlmoConfig(**SMALL, clip_qkv=1.0)


class Olmo2(Causal):
    """Norms behind the layers, and over all of Q and K."""

    name = kind = "olmo2"

    def config(self) -> Olmo2Config:
        return Olmo2Config(**SMALL)


class Olmo3(Causal):
    """Three layers of four slide without YaRN, the fourth has it."""

    name, kind = "olmo3", "olmo2"

    def config(self) -> Olmo3Config:
        options: dict[str, Any] = {**SMALL, "num_hidden_layers": 5}
        rope = {
            "full_attention": {**YARN, "attention_factor": 1.2079441541679836},
            "sliding_attention": {"rope_type": "default", "rope_theta": YARN["rope_theta"]},
        }  # fmt: skip
        return Olmo3Config(**options, sliding_window=WINDOW, rope_parameters=rope)


class Olmoe(Causal):
    """Two of six experts for a token, norms over all of Q and K."""

    name = kind = "olmoe"

    def config(self) -> OlmoeConfig:
        options: dict[str, Any] = {**SMALL, "num_key_value_heads": 4}
        return OlmoeConfig(**options, num_experts=6, num_experts_per_tok=2, norm_topk_prob=False)

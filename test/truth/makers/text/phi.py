from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import Phi3Config, PhiConfig, PhimoeConfig

from .causal import SMALL, WINDOW, Causal, edit


def _longrope(dims: int, original: int) -> dict[str, Any]:
    return {
        "rope_type": "longrope", "rope_theta": 10000.0, "original_max_position_embeddings": original,
        "short_factor": [1.0 + i / 16 for i in range(dims // 2)], "long_factor": [1.0 + i / 2 for i in range(dims // 2)],
    }  # fmt: skip


class Phi2(Causal):
    """Attention and MLP side by side, LayerNorm, biases everywhere, a part of each head rotates."""

    name = kind = "phi2"

    def config(self) -> PhiConfig:
        options: dict[str, Any] = {**SMALL, "num_key_value_heads": 4, "intermediate_size": 256}
        return PhiConfig(**options, rope_parameters={"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5})


class Phi3(Causal):
    """Fused QKV and gate-up, every layer's attention slides (as Phi-3-mini-4k's does)."""

    name = kind = "phi3"

    def config(self) -> Phi3Config:
        return Phi3Config(**SMALL, sliding_window=WINDOW, original_max_position_embeddings=512)


class Phi3Long(Causal):
    """LongRoPE where a text is longer than the original context: the long factors. A part of each head rotates, as in Phi-4-mini."""

    name, kind = "phi3_long", "phi3"

    def config(self) -> Phi3Config:
        rope = {**_longrope(12, 64), "partial_rotary_factor": 0.75}
        return Phi3Config(**SMALL, rope_parameters=rope, original_max_position_embeddings=64, tie_word_embeddings=True)


class Phi3Short(Causal):
    """LongRoPE where the context is the original one: the short factors."""

    name, kind = "phi3_short", "phi3"

    def config(self) -> Phi3Config:
        options: dict[str, Any] = {**SMALL, "max_position_embeddings": 32768}
        return Phi3Config(**options, rope_parameters=_longrope(16, 8192), original_max_position_embeddings=8192)


class Phimoe(Causal):
    """Two of six experts by sparsemixer, norms with a mean, LongRoPE's short factors: transformers 5.24 never takes the long ones here."""

    name = kind = "phimoe"

    def config(self) -> PhimoeConfig:
        scale = 1.243163121016122  # Phi-3.5-MoE's
        options: dict[str, Any] = {**SMALL, "max_position_embeddings": 32768}
        return PhimoeConfig(
            **options, num_local_experts=6, num_experts_per_tok=2, sliding_window=None, attention_bias=True, lm_head_bias=True,
            rope_parameters={**_longrope(16, 8192), "short_mscale": scale, "long_mscale": scale},
            original_max_position_embeddings=8192,
        )  # fmt: skip

    def save(self, folder: Path) -> None:
        super().save(folder)
        edit(folder, architectures=["PhiMoEForCausalLM"])  # published checkpoints' remote code spells it so

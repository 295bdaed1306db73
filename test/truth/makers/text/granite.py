from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import GraniteConfig, GraniteMoeConfig, GraniteMoeHybridConfig, GraniteMoeSharedConfig, GraniteSWAConfig

from .causal import SMALL, WINDOW, Causal, edit

_SCALES: dict[str, Any] = {
    "embedding_multiplier": 3.0, "logits_scaling": 2.0, "residual_multiplier": 0.5, "attention_multiplier": 0.125,
}  # fmt: skip


class Granite(Causal):
    """Multipliers of its own for embeddings, attention, residuals and logits."""

    name = kind = "granite"

    def config(self) -> GraniteConfig:
        return GraniteConfig(**SMALL, **_SCALES, attention_bias=True, tie_word_embeddings=True)


class GraniteMoe(Causal):
    """The multipliers, two of six experts for a token."""

    name = kind = "granitemoe"

    def config(self) -> GraniteMoeConfig:
        return GraniteMoeConfig(**SMALL, **_SCALES, num_local_experts=6, num_experts_per_tok=2)


class GraniteMoeShared(Causal):
    """The multipliers, two of six experts for a token and a shared one."""

    name, kind = "granitemoe_shared", "granitemoe"

    def config(self) -> GraniteMoeSharedConfig:
        return GraniteMoeSharedConfig(**SMALL, **_SCALES, num_local_experts=6, num_experts_per_tok=2, shared_intermediate_size=48)


class GraniteSwa(Causal):
    """The multipliers, layers that slide, attention sinks."""

    name = kind = "granite-swa"

    def config(self) -> GraniteSWAConfig:
        options: dict[str, Any] = {**SMALL, "num_hidden_layers": 4}
        return GraniteSWAConfig(**options, **_SCALES, sliding_window=WINDOW)


class GraniteHybrid(Causal):
    """The multipliers; Mamba 2 layers and one of attention without positions, experts and a shared one."""

    name = kind = "granitehybrid"

    def config(self) -> GraniteMoeHybridConfig:
        options: dict[str, Any] = {**SMALL, "num_hidden_layers": 3}
        return GraniteMoeHybridConfig(
            **options, **_SCALES, num_local_experts=6, num_experts_per_tok=2, shared_intermediate_size=48,
            layer_types=["mamba", "attention", "mamba"], position_embedding_type="nope", mamba_n_heads=8, mamba_n_groups=2,
            mamba_d_state=16, mamba_d_head=16, mamba_chunk_size=32,
        )  # fmt: skip

    def save(self, folder: Path) -> None:
        super().save(folder)
        edit(folder, layer_types=["mamba", "attention", "mamba"])  # the published checkpoints' words

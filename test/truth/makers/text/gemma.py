from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import Gemma2Config, Gemma3TextConfig, GemmaConfig

from .causal import SMALL, WINDOW, Causal, write_tokens


class Gemma(Causal):
    """Embeddings scaled by the root of the width, norms with 1 + weight, tanh GELU."""

    name = kind = "gemma"

    def config(self) -> GemmaConfig:
        return GemmaConfig(**SMALL, head_dim=32, hidden_activation="gelu_pytorch_tanh")


class Gemma2(Causal):
    """Soft caps on attention and logits, every second layer's attention slides."""

    name = kind = "gemma2"

    def config(self) -> Gemma2Config:
        options: dict[str, Any] = {**SMALL, "num_hidden_layers": 4}
        return Gemma2Config(
            **options, head_dim=32, query_pre_attn_scalar=32, sliding_window=WINDOW, attn_logit_softcapping=2.0,
            final_logit_softcapping=3.0,
        )  # fmt: skip


class Gemma3(Causal):
    """Five layers of six slide and have a RoPE of their own, the sixth's is scaled linearly; norms on Q and K."""

    name = kind = "gemma3"

    def config(self) -> Gemma3TextConfig:
        options: dict[str, Any] = {**SMALL, "num_hidden_layers": 7}
        return Gemma3TextConfig(
            **options, head_dim=32, query_pre_attn_scalar=32, sliding_window=WINDOW,
            rope_parameters={
                "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
                "full_attention": {"rope_type": "linear", "rope_theta": 1e6, "factor": 8.0},
            },
        )  # fmt: skip

    def save(self, folder: Path) -> None:
        super().save(folder)
        write_tokens(folder)

from __future__ import annotations

from typing import Any

import torch
from transformers import GptOssConfig

from .. import weights
from .causal import SMALL, WINDOW, Causal


class GptOss(Causal):
    """Attention sinks, every second layer slides, biased and clipped experts, YaRN whose ramp is not rounded."""

    name = kind = "gpt-oss"

    def config(self) -> GptOssConfig:
        options: dict[str, Any] = {**SMALL, "num_hidden_layers": 4}
        return GptOssConfig(
            **options, head_dim=32, num_local_experts=6, num_experts_per_tok=2, sliding_window=WINDOW, swiglu_limit=7.0,
            rope_parameters={
                "rope_type": "yarn", "rope_theta": 150000.0, "factor": 32.0, "beta_fast": 32.0, "beta_slow": 1.0, "truncate": False,
                "original_max_position_embeddings": 256,
            },
        )  # fmt: skip

    def fill(self) -> None:
        weights.fill(self.model, self.seed)
        with torch.no_grad():
            for name, weight in self.model.named_parameters():
                if name.endswith("sinks"):
                    weight.mul_(8)
                elif name.endswith("experts.gate_up_proj"):
                    weight.mul_(4)  # so that some of what the experts take is clipped

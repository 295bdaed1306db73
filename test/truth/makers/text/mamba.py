from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import FalconH1Config, FalconMambaConfig, Mamba2Config, MambaConfig, NemotronHConfig

from .. import weights
from .causal import SMALL, TOKENS, Causal, edit
from .routed import fill_corrections


class Mamba(Causal):
    """A state space for each channel."""

    name = kind = "mamba"

    def config(self) -> MambaConfig:
        return MambaConfig(**TOKENS, hidden_size=64, num_hidden_layers=2, state_size=16, time_step_rank=4, intermediate_size=128)


class FalconMamba(Causal):
    """As mamba, with norms on B, C and the time step."""

    name, kind = "falcon_mamba", "mamba"

    def config(self) -> FalconMambaConfig:
        return FalconMambaConfig(**TOKENS, hidden_size=64, num_hidden_layers=2, state_size=16, time_step_rank=4, intermediate_size=128)


class Mamba2(Causal):
    """State spaces by head, two groups share B and C."""

    name = kind = "mamba2"

    def config(self) -> Mamba2Config:
        return Mamba2Config(
            **TOKENS, hidden_size=64, num_hidden_layers=2, state_size=16, num_heads=8, head_dim=16, n_groups=2, chunk_size=32,
            tie_word_embeddings=True,
        )  # fmt: skip


class FalconH1(Causal):
    """Mamba 2 and attention side by side, multipliers for everything."""

    name = kind = "falcon-h1"

    def config(self) -> FalconH1Config:
        return FalconH1Config(
            **SMALL, head_dim=16, mamba_d_ssm=96, mamba_n_heads=6, mamba_d_head=16, mamba_n_groups=2, mamba_d_state=16,
            mamba_chunk_size=32, mamba_norm_before_gate=False, mamba_rms_norm=True, lm_head_multiplier=0.5, embedding_multiplier=2.0,
            mlp_multipliers=[0.8, 1.5], key_multiplier=0.75, attention_out_multiplier=1.25, attention_in_multiplier=0.9,
            ssm_multipliers=[0.5, 0.75, 1.25, 1.5, 0.8], ssm_in_multiplier=1.1, ssm_out_multiplier=0.7,
        )  # fmt: skip


_NEMOTRON: dict[str, Any] = {
    **{key: value for key, value in SMALL.items() if key != "num_hidden_layers"}, "head_dim": 16, "ssm_state_size": 16,
    "mamba_num_heads": 8, "mamba_head_dim": 16, "n_groups": 2, "chunk_size": 32,
}  # fmt: skip


class NemotronH(Causal):
    """Layers of Mamba 2, of attention without positions and of MLPs with squared ReLU."""

    name = kind = "nemotron_h"

    def config(self) -> NemotronHConfig:
        return NemotronHConfig(**_NEMOTRON, layers_block_type=["mamba", "mlp", "attention", "mlp", "mamba"])

    def save(self, folder: Path) -> None:
        super().save(folder)
        # In published checkpoints' words, which know nothing of experts; by the type's right name the converter would ask transformers,
        # whose config always has experts.
        edit(
            folder, layers_block_type=None, hybrid_override_pattern="M-*-M", num_hidden_layers=5, num_experts_per_tok=None,
            n_routed_experts=None, n_group=None, topk_group=None, model_type="nemotron_h_by_file", rms_norm_eps=1e-5,
        )  # fmt: skip


class NemotronHMoe(Causal):
    """Layers of Mamba 2, of attention without positions and of experts with squared ReLU."""

    name = kind = "nemotron_h_moe"

    def config(self) -> NemotronHConfig:
        return NemotronHConfig(
            **_NEMOTRON, layers_block_type=["mamba", "moe", "attention", "moe", "mamba"], n_routed_experts=6, num_experts_per_tok=2,
            moe_intermediate_size=32, moe_shared_expert_intermediate_size=48, routed_scaling_factor=2.5, norm_topk_prob=True,
        )  # fmt: skip

    def fill(self) -> None:
        weights.fill(self.model, self.seed)
        fill_corrections(self.model)

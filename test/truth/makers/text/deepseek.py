from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from transformers import DeepseekV2Config, DeepseekV3Config, Glm4MoeLiteConfig, Mistral4Config, Mistral4ForCausalLM

from .. import weights
from .causal import SMALL, YARN, Causal, edit
from .routed import fill_corrections

_LATENT: dict[str, Any] = {
    **SMALL, "num_hidden_layers": 3, "num_key_value_heads": 4, "kv_lora_rank": 32, "qk_rope_head_dim": 16, "qk_nope_head_dim": 32,
    "v_head_dim": 24, "first_k_dense_replace": 1, "moe_intermediate_size": 32,
}  # fmt: skip


class DeepseekV2(Causal):
    """Latent attention, YaRN, a softmax over sixteen experts of which the best groups' are used, two shared ones."""

    name, kind = "deepseek_v2", "deepseek2"

    def config(self) -> DeepseekV2Config:
        return DeepseekV2Config(
            **_LATENT, q_lora_rank=24, n_routed_experts=16, num_experts_per_tok=3, n_shared_experts=2, n_group=4, topk_group=2,
            topk_method="group_limited_greedy", routed_scaling_factor=4.0, norm_topk_prob=False,
            rope_parameters={**YARN, "mscale": 0.707, "mscale_all_dim": 0.707},
        )  # fmt: skip


class DeepseekV2Lite(Causal):
    """As V2 without a low rank for Q and without groups; llama.cpp knows such a model by its 27 layers.

    Through so many layers rounding grows: with larger weights the makers' own code in F32 differs by 1.3e-4 from itself in F64.
    """

    name, kind = "deepseek_v2_lite", "deepseek2"

    def config(self) -> DeepseekV2Config:
        options = {**_LATENT, "num_hidden_layers": 27, "hidden_size": 32, "intermediate_size": 48, "num_attention_heads": 2,
                   "num_key_value_heads": 2}  # fmt: skip
        return DeepseekV2Config(
            **options, q_lora_rank=None, n_routed_experts=6, num_experts_per_tok=2, n_shared_experts=2, n_group=1, topk_group=1,
            topk_method="greedy", routed_scaling_factor=1.0, norm_topk_prob=False,
            rope_parameters={**YARN, "mscale": 0.707, "mscale_all_dim": 0.707},
        )  # fmt: skip

    def fill(self) -> None:
        weights.fill(self.model, self.seed, gain=0.5)


class DeepseekV3(Causal):
    """Sigmoid scores with a correction, the two best of each group choose the groups, weights normalised and scaled."""

    name, kind = "deepseek_v3", "deepseek2"

    groups: ClassVar[dict[str, int]] = {"n_group": 4, "topk_group": 2}
    rope: ClassVar[dict[str, Any]] = {**YARN, "mscale": 1.0, "mscale_all_dim": 1.0}

    def config(self) -> DeepseekV3Config:
        return DeepseekV3Config(
            **_LATENT, **self.groups, q_lora_rank=24, n_routed_experts=16, num_experts_per_tok=3, n_shared_experts=1,
            routed_scaling_factor=2.5, norm_topk_prob=True, rope_parameters=self.rope,
        )  # fmt: skip

    def fill(self) -> None:
        weights.fill(self.model, self.seed)
        fill_corrections(self.model)

    def save(self, folder: Path) -> None:
        super().save(folder)
        edit(folder, scoring_func="sigmoid")  # which published checkpoints have


class KimiK2(DeepseekV3):
    """As V3 without groups, YaRN's bounds of both sides are one rotation."""

    name = "kimi_k2"
    groups: ClassVar[dict[str, int]] = {"n_group": 1, "topk_group": 1}
    rope: ClassVar[dict[str, Any]] = {**DeepseekV3.rope, "beta_fast": 1.0, "beta_slow": 1.0}


class Glm4MoeLite(Causal):
    """As V3 without groups and without YaRN."""

    name, kind = "glm4_moe_lite", "deepseek2"

    def config(self) -> Glm4MoeLiteConfig:
        options = {key: value for key, value in _LATENT.items() if key != "first_k_dense_replace"}
        return Glm4MoeLiteConfig(
            **options, q_lora_rank=24, n_routed_experts=8, num_experts_per_tok=3, n_shared_experts=1, routed_scaling_factor=1.8,
            mlp_layer_types=["dense", "sparse", "sparse"], rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        )  # fmt: skip

    def fill(self) -> None:
        weights.fill(self.model, self.seed)
        fill_corrections(self.model)

    def save(self, folder: Path) -> None:
        super().save(folder)
        # llama.cpp knows the published model by its layers and its vocabulary; a small one has to say it.
        edit(folder, scoring_func="sigmoid", first_k_dense_replace=1)


class Mistral4(Causal):
    """Latent attention, YaRN, a softmax over eight experts, a shared one.

    Without the growing temperature of attention, which the converter forgets (the makers' grows every 8,192 tokens).
    """

    name = kind = "mistral4"

    def config(self) -> Mistral4Config:
        return Mistral4Config(
            **{**_LATENT, "first_k_dense_replace": 0}, q_lora_rank=24, n_routed_experts=8, num_experts_per_tok=3, n_shared_experts=1,
            rope_parameters={**YARN, "mscale": 1.0, "mscale_all_dim": 1.0, "llama_4_scaling_beta": 0.0},
        )  # fmt: skip

    def build(self) -> Mistral4ForCausalLM:
        return Mistral4ForCausalLM._from_config(self.config(), attn_implementation="eager")

    def save(self, folder: Path) -> None:
        super().save(folder)
        edit(folder, architectures=["Mistral3ForConditionalGeneration"])  # of which published checkpoints are parts

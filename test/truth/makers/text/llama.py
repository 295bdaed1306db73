from __future__ import annotations

from transformers import LlamaConfig

from .causal import SMALL, YARN, Causal


class Llama(Causal):
    """With RoPE scaling of Llama 3's kind, crossed by 256 tokens."""

    name = kind = "llama"

    def config(self) -> LlamaConfig:
        rope = {
            "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 64,
        }  # fmt: skip
        return LlamaConfig(**SMALL, rope_parameters=rope)


class LlamaLinear(Causal):
    """With RoPE scaled linearly, biases in attention and in the MLP, and tied embeddings."""

    name, kind = "llama_linear", "llama"

    def config(self) -> LlamaConfig:
        rope = {"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0}
        return LlamaConfig(**SMALL, rope_parameters=rope, attention_bias=True, mlp_bias=True, tie_word_embeddings=True)


class LlamaYarn(Causal):
    """With RoPE scaled by YaRN between bounds that are not the usual ones, heads wider than the hidden size has room for."""

    name, kind = "llama_yarn", "llama"

    def config(self) -> LlamaConfig:
        return LlamaConfig(**SMALL, rope_parameters={**YARN, "beta_fast": 8.0, "beta_slow": 2.0}, head_dim=32)

from __future__ import annotations

from pathlib import Path

from transformers import BloomConfig, FalconConfig, GPT2Config, GPTNeoXConfig, MptConfig

from .causal import SMALL, TOKENS, Causal, edit


class Gpt2(Causal):
    """Learnt positions, LayerNorm, tanh GELU."""

    name = kind = "gpt2"

    def config(self) -> GPT2Config:
        return GPT2Config(**TOKENS, n_positions=512, n_embd=64, n_layer=2, n_head=4)

    def save(self, folder: Path) -> None:
        super().save(folder)
        edit(folder, n_ctx=512)  # which published checkpoints have


class GptNeoX(Causal):
    """Attention and MLP side by side, a quarter of each head rotates, exact GELU."""

    name = kind = "gptneox"

    def config(self) -> GPTNeoXConfig:
        options = {key: value for key, value in SMALL.items() if key != "num_key_value_heads"}
        return GPTNeoXConfig(**options, rope_parameters={"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.25})

    def save(self, folder: Path) -> None:
        super().save(folder)
        # Published checkpoints' word, which transformers forgets: by this type the converter reads the file alone.
        edit(folder, rotary_pct=0.25, model_type="gpt_neox_by_file")


class Bloom(Causal):
    """ALiBi, a norm on the embeddings."""

    name = kind = "bloom"

    def config(self) -> BloomConfig:
        return BloomConfig(**TOKENS, hidden_size=64, n_layer=2, n_head=4)

    def save(self, folder: Path) -> None:
        super().save(folder)
        edit(folder, seq_length=512)  # which published checkpoints have


class Mpt(Causal):
    """ALiBi, LayerNorm without biases."""

    name = kind = "mpt"

    def config(self) -> MptConfig:
        return MptConfig(**TOKENS, d_model=64, n_layers=2, n_heads=4, max_seq_len=512, expansion_ratio=4)

    def save(self, folder: Path) -> None:
        super().save(folder)
        edit(folder, architectures=["MPTForCausalLM"])  # published checkpoints' remote code spells it so


class Falcon(Causal):
    """Attention and MLP side by side, one head of K and V for all."""

    name = kind = "falcon"

    def config(self) -> FalconConfig:
        return FalconConfig(**TOKENS, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, multi_query=True, parallel_attn=True)

    def save(self, folder: Path) -> None:
        super().save(folder)
        edit(folder, num_kv_heads=1)  # what multi_query means

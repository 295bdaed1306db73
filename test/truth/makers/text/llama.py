from __future__ import annotations

from transformers import LlamaConfig, LlamaForCausalLM

from .. import vocabulary
from ..family import Family


class Llama(Family):
    """With RoPE scaling of Llama 3's kind, crossed by 256 tokens."""

    name = kind = "llama"

    def build(self) -> LlamaForCausalLM:
        return LlamaForCausalLM(
            LlamaConfig(
                vocab_size=vocabulary.SIZE, hidden_size=64, intermediate_size=96, num_hidden_layers=2,
                num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=512,
                rope_parameters={
                    "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
                    "high_freq_factor": 4.0, "original_max_position_embeddings": 64,
                },
                bos_token_id=vocabulary.BOS, eos_token_id=vocabulary.EOS,
            )
        )  # fmt: skip

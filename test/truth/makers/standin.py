"""A text model for towers whose own text model is not compared: the engine wants one of the same width beside a projector."""

from __future__ import annotations

from pathlib import Path

from transformers import LlamaConfig, LlamaForCausalLM

from . import vocabulary, weights
from .converter import convert


def write(folder: Path, out: Path, width: int, ftype: str) -> None:
    config = LlamaConfig(
        vocab_size=vocabulary.SIZE, hidden_size=width, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=4096, bos_token_id=vocabulary.BOS, eos_token_id=vocabulary.EOS,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    weights.fill(model)
    model.save_pretrained(folder)
    convert(folder, out, mmproj=False, ftype=ftype)

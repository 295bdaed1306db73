"""What the text families share."""

from __future__ import annotations

import json
from abc import abstractmethod
from pathlib import Path
from typing import Any

from transformers import AutoModelForCausalLM, PretrainedConfig

from .. import vocabulary
from ..family import Family

TOKENS: dict[str, Any] = {
    "vocab_size": vocabulary.SIZE, "bos_token_id": vocabulary.BOS, "eos_token_id": vocabulary.EOS, "pad_token_id": vocabulary.UNKNOWN,
}  # fmt: skip

SMALL: dict[str, Any] = {
    **TOKENS, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "max_position_embeddings": 512,
}  # fmt: skip

WINDOW = 64  # of sliding attention: crossed long before the last of 256 tokens

YARN: dict[str, Any] = {
    "rope_type": "yarn", "rope_theta": 10000.0, "factor": 8.0, "original_max_position_embeddings": 64, "beta_fast": 32.0, "beta_slow": 1.0,
}  # fmt: skip


class Causal(Family):
    """A family whose class transformers finds by its config; attention is the makers' own formula, not a fused kernel."""

    @abstractmethod
    def config(self) -> PretrainedConfig:
        """The tiny model's config."""

    def build(self) -> Any:
        return AutoModelForCausalLM.from_config(self.config(), attn_implementation="eager")


def edit(folder: Path, file: str = "config.json", **changes: Any) -> None:
    """Changes what transformers wrote to what published checkpoints have; a key whose value is None vanishes."""
    path = folder / file
    found = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({key: value for key, value in {**found, **changes}.items() if value is not None}))


def write_tokens(folder: Path) -> None:
    """A tokenizer.json for converters that count its tokens."""
    edit(folder, "tokenizer.json", model={"vocab": {token: i for i, token in enumerate(vocabulary.TOKENS)}}, added_tokens=[])

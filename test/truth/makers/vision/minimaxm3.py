from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import MiniMaxM3SparseForConditionalGeneration, MiniMaxM3VLConfig, MiniMaxM3VLImageProcessor

from .. import vocabulary
from ..family import VisionFamily
from .qwen import QwenVision

_SPARSE = {
    "sparse_num_index_heads": 2, "sparse_index_dim": 64, "sparse_block_size": 128, "sparse_topk_blocks": 16, "sparse_local_block": 1,
    "sparse_attention_freq": [0, 1],
}  # fmt: skip


class MiniMaxM3(QwenVision):
    """Positions in three dimensions that turn 78 of a head's 80 values, a projector before the 2 x 2 merge and one behind it.

    The makers' limits are 4 to 576 tokens. Heads have 80 values, which the converter insists on. Few enough tokens for the text model to
    look at all of them.
    """

    name = kind = "minimax_m3"
    before, after = "]<]start of image[>[", "]<]end of image[>["
    native = (224, 168)
    limits = (8, 576)

    def build(self) -> MiniMaxM3SparseForConditionalGeneration:
        config = MiniMaxM3VLConfig(
            text_config={
                "vocab_size": vocabulary.SIZE, "hidden_size": 64, "intermediate_size": 32, "dense_intermediate_size": 96,
                "shared_intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
                "head_dim": 64, "rotary_dim": 32, "num_local_experts": 4, "num_experts_per_tok": 2, "max_position_embeddings": 4096,
                "bos_token_id": vocabulary.BOS, "eos_token_id": vocabulary.EOS, "moe_layer_freq": [0, 1],
                "sparse_attention_config": _SPARSE,
                "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5},
            },
            vision_config={
                "hidden_size": 160, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 2, "patch_size": 14,
                "image_size": 2016,
            },
            image_token_index=vocabulary.IMAGE, video_token_index=vocabulary.UNKNOWN, projector_hidden_size=64,
            tie_word_embeddings=False,
        )  # fmt: skip
        return MiniMaxM3SparseForConditionalGeneration(config)

    def build_processor(self) -> Any:
        area = (2 * self.patch_size) ** 2
        return MiniMaxM3VLImageProcessor(size={"shortest_edge": self.limits[0] * area, "longest_edge": self.limits[1] * area})

    def save(self, folder: Path) -> None:
        super().save(folder)
        file = folder / "config.json"
        config = json.loads(file.read_text())
        # As in the published checkpoint.
        text = {**config["text_config"], "sparse_attention_config": _SPARSE, "moe_layer_freq": [0, 1], "n_shared_experts": 1}
        text = {**text, "scoring_func": "sigmoid", "rope_theta": 10000.0}
        names = {"model_type": "minimax_m3"}
        file.write_text(json.dumps({**config, **names, "text_config": text}))

    def logits(self, tokens: list[int], image: Image.Image | None = None) -> torch.Tensor:
        return VisionFamily.logits(self, tokens, image)

from __future__ import annotations

import json
from pathlib import Path

import torch
from PIL import Image
from transformers import Exaone4_5_Config, Exaone4_5_ForConditionalGeneration

from .. import vocabulary
from ..family import VisionFamily
from .qwen import QwenVision, text_config


class Exaone45(QwenVision):
    """Qwen2.5-VL's tower with fewer heads for keys than for queries; the text model has one position a token.

    Without windows in the text model: llama.cpp looks for them in the model of 64 layers only.
    The limits are in the file: published checkpoints have them as min_pixels and max_pixels.
    """

    name = kind = "exaone4_5"
    before, after = "<vision>", "</vision>"
    native = (224, 168)
    limits = (16, 500)

    def build(self) -> Exaone4_5_ForConditionalGeneration:
        rope = {"rope_type": "default", "rope_theta": 10000.0}
        config = Exaone4_5_Config(
            text_config=text_config(
                rope, model_type="exaone4", head_dim=16, sliding_window=None, layer_types=["full_attention", "full_attention"],
            ),
            vision_config={
                "depth": 4, "hidden_size": 64, "out_hidden_size": 64, "intermediate_size": 96, "num_heads": 4, "num_key_value_heads": 2,
                "patch_size": 14, "window_size": 112, "fullatt_block_indexes": [1, 3],
            },
            image_token_id=vocabulary.IMAGE, video_token_id=vocabulary.UNKNOWN, tie_word_embeddings=False,
        )  # fmt: skip
        return Exaone4_5_ForConditionalGeneration(config)

    def save(self, folder: Path) -> None:
        super().save(folder)
        file = folder / "preprocessor_config.json"
        config = json.loads(file.read_text())
        size = config["size"]
        file.write_text(json.dumps({**config, "min_pixels": size["shortest_edge"], "max_pixels": size["longest_edge"]}))

    def logits(self, tokens: list[int], image: Image.Image | None = None) -> torch.Tensor:
        return VisionFamily.logits(self, tokens, image)

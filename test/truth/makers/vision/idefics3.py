from __future__ import annotations

from typing import Any

import torch
from PIL import Image
from transformers import (
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3ImageProcessorPil,
    SmolVLMConfig,
    SmolVLMForConditionalGeneration,
    SmolVLMImageProcessorPil,
)

from .. import vocabulary
from ..family import VisionFamily

_CONFIG: dict[str, Any] = {
    "text_config": {
        "model_type": "llama", "vocab_size": vocabulary.SIZE, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 8192,
        "pad_token_id": vocabulary.UNKNOWN, "bos_token_id": vocabulary.BOS, "eos_token_id": vocabulary.EOS,
        "architectures": ["VLlama3ForCausalLM"],  # as the published checkpoints say
    },
    "vision_config": {
        "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4, "image_size": 112, "patch_size": 14,
    },
    "image_token_id": vocabulary.IMAGE, "scale_factor": 2, "pad_token_id": vocabulary.UNKNOWN,
}  # fmt: skip


class Idefics3(VisionFamily):
    """Tiles between tokens that name their row and column, then the whole picture; pixels are shuffled into wider tokens.

    The makers' processor with Pillow, as it was published: torchvision's rounds its weights to 16 bits, and three resizes one
    after another make 2e-3 of that.
    """

    name = kind = "idefics3"
    special = {"~": "<fake_token_around_image>", "^": "<global-img>", "`": "\n\n"}
    native = (448, 336)

    def build(self) -> Any:
        return Idefics3ForConditionalGeneration(Idefics3Config(**_CONFIG))

    def build_processor(self) -> Any:
        return Idefics3ImageProcessorPil(size={"longest_edge": 4 * 112}, max_image_size={"longest_edge": 112})

    @torch.inference_mode()
    def features(self, image: Image.Image) -> torch.Tensor:
        return torch.cat(self.model.get_image_features(**self.pixels(image), return_dict=True).pooler_output)

    def image_tokens(self, image: Image.Image) -> list[int]:
        made = self.processor(images=[image], return_row_col_info=True, return_tensors="pt")
        rows, cols = int(made["rows"][0][0]), int(made["cols"][0][0])
        count = len(self.features(image)) // (rows * cols + 1)
        tokens: list[int] = []
        for row in range(1, rows + 1):
            for col in range(1, cols + 1):
                tokens += [*vocabulary.encode(f"~<row_{row}_col_{col}>"), *[vocabulary.IMAGE] * count]
            # After the last row two newlines follow each other, and are one token in the makers' vocabulary.
            tokens += vocabulary.encode("\n" if row < rows else "`")
        return [*tokens, *vocabulary.encode("~^"), *[vocabulary.IMAGE] * count, *vocabulary.encode("~")]


class SmolVLM(Idefics3):
    """As Idefics3, in the makers' own class for it."""

    name = "idefics3-smolvlm"

    def build(self) -> Any:
        return SmolVLMForConditionalGeneration(SmolVLMConfig(**_CONFIG))

    def build_processor(self) -> Any:
        return SmolVLMImageProcessorPil(size={"longest_edge": 5 * 112}, max_image_size={"longest_edge": 112})
